// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

using net = strata::stack<strata::sim::unlimited>;
extern template void net::input_batch(net::raised&);
extern template void net::advance_timers();
extern template void net::end();

std::unique_ptr<strata::sim::host> strata::sim::make_unlimited(const beginning& b) { return make<unlimited>(b); }
