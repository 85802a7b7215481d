// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::server>;
extern template void strata::stack<strata::sim::server>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::server>::advance_timers();
extern template void strata::stack<strata::sim::server>::end();

std::unique_ptr<strata::sim::host> strata::sim::make_server(const beginning& b) { return make<server>(b); }
