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

}  // namespace strata::inline STRATA_ABI::tcp
