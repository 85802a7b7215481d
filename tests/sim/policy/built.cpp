// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::built>;
extern template void strata::stack<strata::sim::built>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::built>::advance_timers();
extern template void strata::stack<strata::sim::built>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_built(const beginning& b) { return make<built>(b); }
