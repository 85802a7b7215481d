// SPDX-License-Identifier: MIT
// Flows are to be spread over the queues of a driver that has one.
// expect: this Config's queue_selection wants a driver with several queues
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifndef FIXED
  using queue_selection = strata::qdisc::by_flow;
#endif
};
static_assert(sizeof(strata::stack<mine>) > 0);
