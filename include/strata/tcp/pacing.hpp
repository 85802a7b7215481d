// SPDX-License-Identifier: MIT
// Pacing: segments leave spread over the round-trip time, and not as a burst at every ACK. A timer of the connection says when the next one may go; none is
// started where pacing::none is chosen. Linux: tcp_update_pacing_rate, tcp_update_skb_after_send, tcp_pacing_check.
//
//   rate = cwnd / srtt x 200 % in slow start, 120 % later; what the congestion controller says instead, if it says; at most option::pacing_rate
#pragma once
#include <strata/core/time.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::tcp {

namespace pacing {
/// Whatever the windows let out leaves at once.
struct none { static constexpr bool is_paced = false; };
/// By the rate of the congestion window.
struct rate {
  static constexpr bool is_paced = true;
  static constexpr u32 slow_start_percent = 200;  ///< Linux: tcp_pacing_ss_ratio
  static constexpr u32 avoidance_percent = 120;   ///< Linux: tcp_pacing_ca_ratio
  static constexpr u32 free_segments = 10;        ///< of a connection: an initial window leaves at once, as in Linux
};
}  // namespace pacing

template <class T> concept pacing_policy = requires {
  { T::is_paced } -> std::convertible_to<bool>;
};
/// Optional: a congestion controller that knows the rate itself, bytes per second; zero: not yet.
template <class T> concept states_its_rate = requires(const T cc) {
  { cc.pacing_rate() } -> std::same_as<u64>;
};

/// What a paced connection keeps. When the next segment may leave is the deadline of its pacing timer, while that is armed.
template <class Tick> struct pace {
  static constexpr u64 second = Tick::per_second;
  static constexpr duration<Tick> most_credit = duration<Tick>::ms(1);  ///< a late turn may catch up on so much. Linux: a burst is 1 ms (sk_pacing_shift)

  u64 most = 0;                 ///< option::pacing_rate: bytes per second; zero: as much as the window gives
  duration<Tick> credit{};      ///< how late the timer fired
  u8 free = 0;                  ///< segments that left before pacing began

  /// Bytes per second of a window over a round-trip time; zero: nothing is known yet, and nothing waits.
  [[nodiscard]] static constexpr u64 rate_of(u32 cwnd, u32 percent, duration<Tick> srtt) {
    return srtt.count == 0 ? 0 : static_cast<u64>(cwnd) * percent * second / 100 / static_cast<u64>(srtt.count);
  }
  [[nodiscard]] constexpr u64 limited(u64 rate) const { return most != 0 && (rate == 0 || most < rate) ? most : rate; }
  /// How long `bytes` take at `rate`, ticks, rounded up.
  [[nodiscard]] static constexpr duration<Tick> span_of(u32 bytes, u64 rate) {
    const u64 ticks = (bytes * second + rate - 1) / rate;
    constexpr u64 longest = static_cast<u64>(duration<Tick>::seconds(60).count);
    return {static_cast<typename Tick::rep>(smaller_of(ticks, longest))};
  }
};

}  // namespace strata::inline STRATA_ABI::tcp
