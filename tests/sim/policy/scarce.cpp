// SPDX-License-Identifier: MIT
#include "../scarce_config.hpp"

using net = strata::stack<strata::sim::scarce>;
extern template void net::input_batch(net::raised&);
extern template void net::advance_timers();
extern template void net::end();

strata::sim::refusals& strata::sim::refused_inserts() {
  static refusals one;
  return one;
}

std::unique_ptr<strata::sim::host> strata::sim::make_scarce(const beginning& b) { return make<scarce>(b); }
