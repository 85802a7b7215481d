// SPDX-License-Identifier: MIT
// When an ACK leaves by itself. Out-of-order segments and filled holes are acknowledged at once in any case (RFC 5681 §4.2).
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Every second full segment, a lone one after 40 ms (RFC 9293 §3.8.6.3 allows 500; 40 is Linux's TCP_DELACK_MIN).
struct delayed_acks {
  static constexpr u32 full_segments = 2;
  static constexpr u32 delay_ms = 40;
};
/// Every batch of segments, at once.
struct immediate_acks {
  static constexpr u32 full_segments = 1;
  static constexpr u32 delay_ms = 0;
};
/// Every Nth full segment, a lone one after 40 ms: fewer ACKs than RFC 5681 §4.2 asks for, where the way back is dear and the sender is known to bear it.
template <u32 N> struct every_nth_ack {
  static_assert(N > 0, "every_nth_ack<N>: N is a number of full segments, at least 1");
  static constexpr u32 full_segments = N;
  static constexpr u32 delay_ms = 40;
};
/// Delayed ones that adapt as Linux's do (tcp_event_data_recv, tcp_in_quickack_mode): at once while a connection begins or begins again after an idle time,
/// so that the peer's window opens fast, up to the first answer of ours that can carry an ACK; then a lone one waits for as long as the peer's segments lie
/// apart, between `delay_ms` and `most_delay_ms`.
struct adaptive_acks {
  static constexpr u32 full_segments = 2;
  static constexpr u32 delay_ms = 40;
  static constexpr u32 most_delay_ms = 200;  // Linux: TCP_DELACK_MAX
  static constexpr u32 quick_acks = 16;      // Linux: TCP_MAX_QUICKACKS
};

}  // namespace strata::inline STRATA_ABI::tcp
