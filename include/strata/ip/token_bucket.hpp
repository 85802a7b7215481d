// SPDX-License-Identifier: MIT
// So many a second, and so many at once. Linux: __ratelimit, xt_limit.
#pragma once
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::ip {

/// A bucket of `Burst` tokens that gets `PerSecond` of them a second. All zero is the full bucket.
template <class Tick, u32 PerSecond, u32 Burst> class token_bucket {
  static_assert(PerSecond > 0 && PerSecond <= 1000 && 1000 % PerSecond == 0, "a token is a whole number of milliseconds");

 public:
  /// Takes one; false if there is none.
  [[nodiscard]] constexpr bool take(time_point<Tick> now) {
    constexpr u32 ms_each = 1000 / PerSecond;
    if (now.is_before(since_)) since_ = now;  // idle for longer than the tick can tell
    const u32 came = now.since(since_).in_ms() / ms_each;
    if (came >= taken_) {
      taken_ = 0;
      since_ = now;
    } else if (came != 0) {
      taken_ -= came;
      since_ = since_ + duration<Tick>::from_ms(came * ms_each);
    }
    if (taken_ == Burst) return false;
    ++taken_;
    return true;
  }

 private:
  time_point<Tick> since_{};
  u32 taken_ = 0;
};

}  // namespace strata::inline STRATA_ABI::ip
