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

/// Over one of these: a small segment also waits while the last one sent is still in the qdisc or the NIC; what is written meanwhile joins it, and the
/// completion lets it go. No driver wakes a loop for a completion: each turn looks for it, and a timer of a millisecond makes one. Linux: tcp_should_autocork.
template <class Policy> struct autocork_over : Policy {
  static constexpr bool waits_for_completion = true;
};
using autocork = autocork_over<minshall>;  // what Linux does by default

}  // namespace strata::inline STRATA_ABI::tcp
