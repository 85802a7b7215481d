// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::embedded>;
extern template void strata::stack<strata::sim::embedded>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::embedded>::advance_timers();
extern template void strata::stack<strata::sim::embedded>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_embedded(const beginning& b) { return make<embedded>(b); }
