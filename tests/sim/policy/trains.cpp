// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::trains>;
extern template void strata::stack<strata::sim::trains>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::trains>::advance_timers();
extern template void strata::stack<strata::sim::trains>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_trains(const beginning& b) { return make<trains>(b); }
