// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::writing>;
extern template void strata::stack<strata::sim::writing>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::writing>::advance_timers();
extern template void strata::stack<strata::sim::writing>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_writing(const beginning& b) { return make<writing>(b); }
