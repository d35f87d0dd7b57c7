#pragma once

#include <compare>
#include <cstdint>

namespace trunkline {

// A span of time, microseconds, signed.
class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration Micros(int64_t us) { return Duration(us); }
  static constexpr Duration Millis(int64_t ms) { return Duration(ms * 1000); }
  constexpr int64_t us() const { return us_; }
  // Whole milliseconds, rounded towards zero.
  constexpr int64_t ms() const { return us_ / 1000; }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const {
    return Duration(us_ + other.us_);
  }
  constexpr Duration operator-(Duration other) const {
    return Duration(us_ - other.us_);
  }
  constexpr Duration operator/(int64_t divisor) const {
    return Duration(us_ / divisor);
  }

 private:
  explicit constexpr Duration(int64_t us) : us_(us) {}
  int64_t us_ = 0;
};

// A point on the shim's monotonic clock, microseconds since its epoch.
class Instant {
 public:
  constexpr Instant() = default;
  // Clocks beyond 146,000 years count as that, so that adding a duration never
  // overflows.
  static constexpr Instant Micros(uint64_t us) {
    constexpr uint64_t kLatest = uint64_t{1} << 62;
    return Instant(static_cast<int64_t>(us < kLatest ? us : kLatest));
  }
  // Later than every instant that happens: "no deadline".
  static constexpr Instant Never() { return Instant(INT64_MAX); }
  constexpr int64_t us() const { return us_; }
  constexpr bool is_never() const { return us_ == INT64_MAX; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const {
    return Instant(us_ + d.us());
  }
  constexpr Instant operator-(Duration d) const {
    return Instant(us_ - d.us());
  }
  constexpr Duration operator-(Instant other) const {
    return Duration::Micros(us_ - other.us_);
  }

 private:
  explicit constexpr Instant(int64_t us) : us_(us) {}
  int64_t us_ = 0;
};

}  // namespace trunkline
