// The line on the map that a train follows, in metres. It knows nothing of trips or times.
#pragma once

#include <vector>

namespace subway {

/// Metres east and north of City Hall.
struct Point {
  double x = 0;
  double y = 0;
};

[[nodiscard]] Point from_degrees(double latitude, double longitude);
[[nodiscard]] double distance(Point a, Point b);

class Track {
 public:
  /// Requires: at least one point.
  explicit Track(std::vector<Point> points);

  struct Place {
    Point at;
    Point heading;  ///< of length 1; 0 where the track has no length
  };
  /// The place that many metres along the track; its ends beyond them.
  [[nodiscard]] Place at(double metres) const;

  /// How far along the track its place nearest to `point` is, counting only from `metres_min` on.
  [[nodiscard]] double nearest(Point point, double metres_min) const;

 private:
  std::vector<Point> points_;
  std::vector<double> metres_;  // of each point
};

}  // namespace subway
