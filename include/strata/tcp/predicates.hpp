// SPDX-License-Identifier: MIT
// What the send loop asks before each segment. A predicate that says no stops the loop, is what info().limit says, and is counted. RFC 9293 §3.7.4, §3.8.6,
// RFC 5681 §3.1, RFC 3042. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// RFC 5681 §3.1: what is outstanding stays within cwnd; one segment may always be. Linux: tcp_cwnd_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::fits_cwnd(const connection& c, u32 length) {
  const u32 outstanding = pipe(c), cwnd = c.congestion.cwnd();
  if (outstanding == 0 || outstanding + length <= cwnd) return true;
  // RFC 3042: the first two duplicate ACKs each let one new segment out.
  return !c.in_recovery && !c.in_loss && c.duplicate_acks < duplicate_threshold && outstanding + length <= cwnd + c.duplicate_acks * u32{c.mss};
}

/// RFC 9293 §3.8.6.2.1: a window smaller than a segment is used for the last bytes, or if it is half of the largest seen. Linux: tcp_snd_wnd_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::fits_window(const connection& c, u32 usable) {
  return usable >= c.mss || c.snd_end - c.snd_nxt <= usable || usable >= c.snd_wnd_max / 2;
}

/// RFC 9293 §3.7.4: less than a segment, in however many chunks, waits for `more`, or while the coalescing policy says so. Linux: tcp_nagle_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::may_leave(const connection& c, u32 length) {
  if (length >= c.mss || c.snd_end - c.snd_nxt >= c.mss || c.fin_queued) return true;
  if (c.more) return false;
  return c.no_delay || typename C::coalescing{}.may_send(c.snd_nxt != c.snd_una, c.small_unacked);
}

}  // namespace strata::inline STRATA_ABI::tcp
