// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::fifo>;
extern template void strata::stack<strata::sim::fifo>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::fifo>::advance_timers();
extern template void strata::stack<strata::sim::fifo>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_fifo(const beginning& b) { return make<fifo>(b); }
