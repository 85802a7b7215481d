// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::unlimited>;
extern template void strata::stack<strata::sim::unlimited>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::unlimited>::advance_timers();
extern template void strata::stack<strata::sim::unlimited>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_unlimited(const beginning& b) { return make<unlimited>(b); }
