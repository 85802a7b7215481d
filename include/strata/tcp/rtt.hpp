// SPDX-License-Identifier: MIT
// The retransmission timeout: RFC 6298.
#pragma once
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Smoothed round-trip time and its variation, in ticks; srtt is kept times eight, rttvar times four, so that shifts are exact.
template <class Tick> class rtt_estimator {
 public:
  using duration = strata::duration<Tick>;
  using rep = typename Tick::rep;

  // Not RFC 6298 (2.4), which says one second: 200 ms is Linux's TCP_RTO_MIN, and what peers expect.
  static constexpr duration least = duration::ms(200);
  static constexpr duration most = duration::seconds(120);   // RFC 6298 (2.5): at least 60 s
  static constexpr duration initial = duration::seconds(1);  // RFC 6298 (2.1)
  static constexpr duration fallback = duration::seconds(3); // RFC 6298 (5.7)

  /// A SYN had to be sent again, so the timeout that began with one second may be too short for this path. RFC 6298 (5.7).
  constexpr void fall_back() { if (srtt8_ == 0) rttvar4_ = 1; }
  /// One measurement of a segment that was sent once (Karn) or carried a timestamp. RFC 6298 (2.2), (2.3).
  STRATA_ALWAYS_INLINE constexpr void sample(duration rtt) {
    const rep r = rtt.count;
    if (srtt8_ == 0) [[unlikely]] {
      srtt8_ = r == 0 ? rep{1} : static_cast<rep>(r * 8);  // an eighth of a tick: there is a sample, and it adds nothing
      rttvar4_ = static_cast<rep>(r * 2);
      return;
    }
    const rep srtt = static_cast<rep>(srtt8_ / 8);
    const rep difference = srtt > r ? static_cast<rep>(srtt - r) : static_cast<rep>(r - srtt);
    rttvar4_ = static_cast<rep>(rttvar4_ - rttvar4_ / 4 + difference);
    srtt8_ = static_cast<rep>(srtt8_ - srtt8_ / 8 + r);
  }
  /// The timeout before back-off. RFC 6298 (2.3): srtt + max(G, 4 rttvar), clamped.
  [[nodiscard]] constexpr duration rto() const {
    if (srtt8_ == 0) [[unlikely]] return rttvar4_ == 0 ? initial : fallback;
    const rep variation = rttvar4_ == 0 ? 1 : rttvar4_;
    // The minimum is a minimum of the variation term, as in Linux: an RTO never undercuts srtt + 200 ms.
    const rep sum = static_cast<rep>(srtt8_ / 8 + larger_of(variation, least.count));
    return {smaller_of(sum, most.count)};
  }
  [[nodiscard]] constexpr duration srtt() const { return {static_cast<rep>(srtt8_ / 8)}; }
  [[nodiscard]] constexpr duration rttvar() const { return {static_cast<rep>(rttvar4_ / 4)}; }
  [[nodiscard]] constexpr bool has_sample() const { return srtt8_ != 0; }

 private:
  rep srtt8_ = 0;
  rep rttvar4_ = 0;
};

}  // namespace strata::inline STRATA_ABI::tcp
