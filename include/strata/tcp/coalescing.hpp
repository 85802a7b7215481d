// SPDX-License-Identifier: MIT
// May a segment shorter than the MSS leave while others are unacknowledged? A full one, and the last before FIN, always may.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Nagle (RFC 9293 §3.7.4): a small segment waits while anything is unacknowledged. option::no_delay turns it off for a connection.
struct nagle {
  static constexpr bool has_no_delay = true;
  [[nodiscard]] constexpr bool may_send(bool anything_unacknowledged, bool /*a_small_one_unacknowledged*/) const { return !anything_unacknowledged; }
};
/// Minshall's variant, which Linux uses: it waits only while an earlier small segment is unacknowledged. Linux: tcp_minshall_check.
struct minshall {
  static constexpr bool has_no_delay = true;
  [[nodiscard]] constexpr bool may_send(bool, bool a_small_one_unacknowledged) const { return !a_small_one_unacknowledged; }
};
/// Everything leaves at once.
struct none {
  static constexpr bool has_no_delay = false;
  [[nodiscard]] constexpr bool may_send(bool, bool) const { return true; }
};

}  // namespace strata::inline STRATA_ABI::tcp
