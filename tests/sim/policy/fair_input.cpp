// SPDX-License-Identifier: MIT
// The way up and the timers: with its host and the calls it would take too long to compile as one unit.
#include "../configs.hpp"

using net = strata::stack<strata::sim::fair>;
template void strata::stack<strata::sim::fair>::input_batch(net::raised&);
template void strata::stack<strata::sim::fair>::advance_timers();
template void strata::stack<strata::sim::fair>::end();
