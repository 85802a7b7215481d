// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::ms32>;
extern template void strata::stack<strata::sim::ms32>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::ms32>::advance_timers();
extern template void strata::stack<strata::sim::ms32>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_ms32(const beginning& b) { return make<ms32>(b); }
