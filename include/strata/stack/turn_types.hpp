// SPDX-License-Identifier: MIT
// How much a poll may do, and what the stack counts.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

/// How much one poll may do, so that a loop with other duties gets its turn: received frames. Timers and events have bounds of their own.
struct budget {
  u32 frames = 64;
};

/// What the stack itself counted; layers have counters of their own.
struct stack_counters {
  tally polls = 0, frames = 0, events = 0;
  tally time_ran_back = 0;        ///< a poll or advance with an earlier time than the last: clamped
  tally busy_polls = 0;           ///< poll inside a handler
  tally errors_dropped = 0;       ///< network errors beyond limits.errors
  tally not_permitted = 0;
  tally no_network = 0;           ///< frames of a family that this Config does not have
  tally unknown_protocol = 0;     ///< answered with protocol unreachable (RFC 1122 §3.2.2.1); or a train for a transport that takes none, dropped
};

}  // namespace strata::inline STRATA_ABI
