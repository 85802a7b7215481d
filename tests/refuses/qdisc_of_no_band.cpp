// SPDX-License-Identifier: MIT
// Priorities without a band.
// expect: prio of no band keeps nothing
#include <strata/strata.hpp>

#ifdef FIXED
using queue = strata::qdisc::prio<strata::qdisc::fifo>;
#else
using queue = strata::qdisc::prio<>;
#endif
static_assert(sizeof(queue::of<strata::presets::server>) > 0);
