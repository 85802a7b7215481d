// SPDX-License-Identifier: MIT
// Slow start, congestion avoidance, fast recovery: RFC 5681 with the partial ACKs of RFC 6582 and the initial window of RFC 6928.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// The window arithmetic only; when to call what is the sender's business (tcp/congestion.hpp). Bytes throughout.
class newreno {
 public:
  [[nodiscard]] constexpr u32 cwnd() const { return cwnd_; }
  [[nodiscard]] constexpr u32 ssthresh() const { return ssthresh_; }

  constexpr void start(u32 mss) {
    cwnd_ = initial_window(mss);
    ssthresh_ = unlimited;  // RFC 5681 §3.1: arbitrarily high
    acked_ = 0;
  }
  STRATA_ALWAYS_INLINE constexpr void on_ack(u32 acked, u32 in_flight, u32 mss) {
    // A window that the application does not fill is no evidence that the path could carry more (RFC 7661 §4.1, Linux: tcp_is_cwnd_limited).
    if (in_flight + mss < cwnd_ && in_flight < cwnd_ / 2) [[likely]] return;
    if (cwnd_ < ssthresh_) {
      grow(smaller_of(acked, mss));  // RFC 5681 §3.1 (2): at most one SMSS per ACK
      return;
    }
    acked_ += acked;  // RFC 5681 §3.1: one SMSS per window of acknowledged bytes, counted as RFC 3465 §2.1 does
    if (acked_ >= cwnd_) {
      acked_ -= cwnd_;
      grow(mss);
    }
  }
  constexpr void on_recovery(u32 flight, u32 mss) {  // RFC 5681 §3.2 (2), (3)
    ssthresh_ = half(flight, mss);
    cwnd_ = ssthresh_ + 3 * mss;
  }
  constexpr void on_duplicate(u32 mss) { grow(mss); }                   // RFC 5681 §3.2 (4)
  constexpr void on_partial(u32 acked, u32 mss) {                       // RFC 6582 §3.2 (3): deflate, and one SMSS back
    cwnd_ = excess_of(cwnd_, acked);
    if (acked >= mss || cwnd_ < mss) grow(mss);
  }
  constexpr void on_recovered(u32 flight, u32 mss) {                    // RFC 6582 §3.2 (3): no burst
    const u32 next = larger_of(flight, mss) + mss;
    cwnd_ = smaller_of(next, ssthresh_);
  }
  constexpr void on_timeout(u32 flight, u32 mss) {                      // RFC 5681 §3.1 (4): the loss window
    ssthresh_ = half(flight, mss);
    cwnd_ = mss;
    acked_ = 0;
  }
  constexpr void on_idle(u32 mss) {                                     // RFC 5681 §4.1: the restart window; a segment, if those may be longer now
    const u32 most = smaller_of(cwnd_, initial_window(mss));
    cwnd_ = larger_of(most, mss);
  }

  /// RFC 6928 §2: ten segments, and never more than 14600 bytes unless two segments are.
  [[nodiscard]] static constexpr u32 initial_window(u32 mss) {
    const u32 cap = larger_of(2 * mss, 14600);
    return smaller_of(10 * mss, cap);
  }

 private:
  static constexpr u32 unlimited = 0x7fff'ffff;
  [[nodiscard]] static constexpr u32 half(u32 flight, u32 mss) { return larger_of(flight / 2, 2 * mss); }  // RFC 5681 equation (4)
  constexpr void grow(u32 n) { cwnd_ += smaller_of(n, unlimited - cwnd_); }

  u32 cwnd_ = 0;
  u32 ssthresh_ = 0;
  u32 acked_ = 0;  // bytes acknowledged towards the next increase in congestion avoidance
};

/// No congestion control: for a link that is one's own, and for measurements of the rest.
struct unlimited {
  [[nodiscard]] constexpr u32 cwnd() const { return 0x7fff'ffff; }
  [[nodiscard]] constexpr u32 ssthresh() const { return 0x7fff'ffff; }
  constexpr void start(u32) {}
  constexpr void on_ack(u32, u32, u32) {}
  constexpr void on_recovery(u32, u32) {}
  constexpr void on_duplicate(u32) {}
  constexpr void on_partial(u32, u32) {}
  constexpr void on_recovered(u32, u32) {}
  constexpr void on_timeout(u32, u32) {}
  constexpr void on_idle(u32) {}
};

}  // namespace strata::inline STRATA_ABI::tcp
