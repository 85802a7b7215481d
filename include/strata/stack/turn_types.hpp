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
  u64 polls = 0, frames = 0, events = 0;
  u64 time_ran_back = 0;        ///< a poll or advance with an earlier time than the last: clamped
  u64 busy_polls = 0;           ///< poll inside a handler
  u64 errors_dropped = 0;       ///< network errors beyond limits.errors
  u64 not_permitted = 0;
  u64 no_network = 0;           ///< frames of a family that this Config does not have
  u64 unknown_protocol = 0;     ///< answered with protocol unreachable (RFC 1122 §3.2.2.1)
};

}  // namespace strata::inline STRATA_ABI
