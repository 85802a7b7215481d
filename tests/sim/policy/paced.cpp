// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::paced>;
extern template void strata::stack<strata::sim::paced>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::paced>::advance_timers();
extern template void strata::stack<strata::sim::paced>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_paced(const beginning& b) { return make<paced>(b); }
