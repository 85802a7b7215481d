// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::low_latency>;
extern template void strata::stack<strata::sim::low_latency>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::low_latency>::advance_timers();
extern template void strata::stack<strata::sim::low_latency>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_low_latency(const beginning& b) { return make<low_latency>(b); }
