// SPDX-License-Identifier: MIT
// Inside of a token bucket there is no queue: what may not leave yet has no place to wait.
// expect: inside of tbf is a queue: qdisc::direct keeps nothing
#include <strata/strata.hpp>

#ifdef FIXED
using queue = strata::qdisc::tbf<strata::qdisc::fifo>;
#else
using queue = strata::qdisc::tbf<strata::qdisc::direct>;
#endif
static_assert(sizeof(queue::of<strata::presets::server>) > 0);
