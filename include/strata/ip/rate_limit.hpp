// SPDX-License-Identifier: MIT
// A hook that lets so many packets of a kind pass a second. Linux: xt_limit.
#pragma once
#include <strata/ip/filter.hpp>
#include <strata/ip/token_bucket.hpp>

namespace strata::inline STRATA_ABI::ip {

/// What `Which` matches, and `Burst` at once, passes `PerSecond` times a second, a divisor of 1000; what is beyond that is dropped. `then` of the rule does not count.
template <rule Which, u32 PerSecond, u32 Burst, u8 Points = (point::input | point::forward)> struct rate_limit {
  template <class C> class of {
   public:
    static constexpr u8 points = Points;

    [[nodiscard]] verdict on(const passing<typename C::family::address>& what, packet&, time_point<typename C::tick> now) {
      if (!matches(Which, what)) return verdict::accept;
      if (bucket_.take(now)) return ++passed_, verdict::accept;
      return ++dropped_, verdict::drop;
    }
    [[nodiscard]] tally passed() const { return passed_; }    ///< of those that matched
    [[nodiscard]] tally dropped() const { return dropped_; }

   private:
    token_bucket<typename C::tick, PerSecond, Burst> bucket_{};
    tally passed_ = 0, dropped_ = 0;
  };
};

}  // namespace strata::inline STRATA_ABI::ip
