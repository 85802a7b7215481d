// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::gso>;
extern template void strata::stack<strata::sim::gso>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::gso>::advance_timers();
extern template void strata::stack<strata::sim::gso>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_gso(const beginning& b) { return make<gso>(b); }
