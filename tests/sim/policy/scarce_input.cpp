// SPDX-License-Identifier: MIT
// The way up and the timers: with its host and the calls it would take too long to compile as one unit.
#include "../scarce_config.hpp"

using net = strata::stack<strata::sim::scarce>;
template void strata::stack<strata::sim::scarce>::input_batch(net::raised&);
template void strata::stack<strata::sim::scarce>::advance_timers();
template void strata::stack<strata::sim::scarce>::end();
