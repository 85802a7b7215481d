// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::fair>;
extern template void strata::stack<strata::sim::fair>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::fair>::advance_timers();
extern template void strata::stack<strata::sim::fair>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_fair(const beginning& b) { return make<fair>(b); }
