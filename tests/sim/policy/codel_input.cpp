// SPDX-License-Identifier: MIT
// The way up and the timers: with its host and the calls it would take too long to compile as one unit.
#include "../configs.hpp"

using net = strata::stack<strata::sim::codel>;
template void strata::stack<strata::sim::codel>::input_batch(net::raised&);
template void strata::stack<strata::sim::codel>::advance_timers();
template void strata::stack<strata::sim::codel>::end();
