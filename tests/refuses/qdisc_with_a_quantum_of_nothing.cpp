// SPDX-License-Identifier: MIT
// Flows whose turn is worth no byte: nobody would ever have enough for a frame.
// expect: a quantum below 256 bytes lets drr go round more often than a frame is worth
#include <strata/strata.hpp>

#ifdef FIXED
using queue = strata::qdisc::drr;
#else
using queue = strata::qdisc::drr_of<strata::qdisc::drr_options{.quantum = 0}>;
#endif
static_assert(sizeof(queue::of<strata::presets::server>) > 0);
