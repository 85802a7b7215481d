// SPDX-License-Identifier: MIT
#include "../scarce_config.hpp"

using net = strata::stack<strata::sim::scarce>;
extern template void strata::stack<strata::sim::scarce>::input_batch(net::raised&);
extern template void strata::stack<strata::sim::scarce>::advance_timers();
extern template void strata::stack<strata::sim::scarce>::end();

strata::sim::refusals& strata::sim::refused_inserts() {
  static refusals one;
  return one;
}

std::unique_ptr<strata::sim::host> strata::sim::make_scarce(const beginning& b) { return make<scarce>(b); }
