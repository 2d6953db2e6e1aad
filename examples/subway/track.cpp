#include "track.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>

namespace subway {

Point from_degrees(double latitude, double longitude) {
  // A plane that touches the earth at City Hall: within the city it is right to a few metres.
  constexpr double metres_a_degree = 6'371'008.8 * std::numbers::pi / 180;
  constexpr double latitude_origin = 40.7128;
  constexpr double longitude_origin = -74.0060;
  static const double shrink = std::cos(latitude_origin * std::numbers::pi / 180);
  return {(longitude - longitude_origin) * metres_a_degree * shrink, (latitude - latitude_origin) * metres_a_degree};
}

double distance(Point a, Point b) { return std::hypot(b.x - a.x, b.y - a.y); }

Track::Track(std::vector<Point> points) : points_(std::move(points)), metres_(points_.size()) {
  for (std::size_t i = 1; i < points_.size(); ++i) {
    metres_[i] = metres_[i - 1] + distance(points_[i - 1], points_[i]);
  }
}

Track::Place Track::at(double metres) const {
  const auto after = std::upper_bound(metres_.begin(), metres_.end(), metres);
  if (after == metres_.begin()) return {points_.front(), {}};
  if (after == metres_.end()) return {points_.back(), {}};
  const auto next = static_cast<std::size_t>(after - metres_.begin());
  const double length = metres_[next] - metres_[next - 1];  // above 0: upper_bound skips points in the same place
  const Point from = points_[next - 1];
  const Point heading{(points_[next].x - from.x) / length, (points_[next].y - from.y) / length};
  const double beyond = metres - metres_[next - 1];
  return {{from.x + heading.x * beyond, from.y + heading.y * beyond}, heading};
}

double Track::nearest(Point point, double metres_min) const {
  const auto first = std::upper_bound(metres_.begin(), metres_.end(), metres_min);
  double best = metres_min;
  double best_square = std::numeric_limits<double>::infinity();
  for (auto next = static_cast<std::size_t>(first - metres_.begin()); next < points_.size(); ++next) {
    if (next == 0) continue;
    const Point a = points_[next - 1];
    const Point ab{points_[next].x - a.x, points_[next].y - a.y};
    const double length = metres_[next] - metres_[next - 1];
    const double square = length * length;
    const double along = square == 0 ? 0 : ((point.x - a.x) * ab.x + (point.y - a.y) * ab.y) / square;
    const double share = std::clamp(along, 0.0, 1.0);
    const double dx = point.x - (a.x + ab.x * share);
    const double dy = point.y - (a.y + ab.y * share);
    if (dx * dx + dy * dy < best_square) {
      best_square = dx * dx + dy * dy;
      best = std::max(metres_min, metres_[next - 1] + length * share);
    }
  }
  return best;
}

}  // namespace subway
