// SPDX-License-Identifier: MIT
// exclusion::locked for threads of an operating system, which may be more than there are cores.
#pragma once
#include <strata/core/lock.hpp>

#include <sched.h>

namespace strata::inline STRATA_ABI::posix {

/// Tries for as long as a short call takes, then gives the core to others.
struct yielding {
  static void wait(u32 rounds) {
    if (rounds < 64) exclusion::spinning::wait(rounds);
    else (void)::sched_yield();
  }
};
/// `using exclusion = strata::posix::locked;` in a Config.
using locked = exclusion::locked_of<exclusion::calling_thread, yielding>;

}  // namespace strata::inline STRATA_ABI::posix
