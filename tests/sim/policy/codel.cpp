// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::codel>;
extern template void strata::stack<strata::sim::codel>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::codel>::advance_timers();
extern template void strata::stack<strata::sim::codel>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_codel(const beginning& b) { return make<codel>(b); }
