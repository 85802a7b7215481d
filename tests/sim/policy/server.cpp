// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::server>;
extern template void net::input_batch(net::raised&);
extern template void net::advance_timers();
extern template void net::end();

std::unique_ptr<strata::sim::host> strata::sim::make_server(const beginning& b) { return make<server>(b); }
