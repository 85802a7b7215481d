// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::robin>;
extern template void strata::stack<strata::sim::robin>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::robin>::advance_timers();
extern template void strata::stack<strata::sim::robin>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_robin(const beginning& b) { return make<robin>(b); }
