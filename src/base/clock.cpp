#include "base/clock.h"

#include <chrono>

namespace stoa {
namespace {

template <typename C>
std::int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(C::now().time_since_epoch()).count();
}

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_wall_ns() const override { return nanoseconds<std::chrono::system_clock>(); }
  [[nodiscard]] std::int64_t now_steady_ns() const override { return nanoseconds<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace stoa
