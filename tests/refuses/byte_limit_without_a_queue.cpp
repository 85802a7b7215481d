// SPDX-License-Identifier: MIT
// What a byte limit holds back has no place to wait.
// expect: a byte limit holds frames back, and qdisc::direct has no place for them
#include <strata/strata.hpp>

struct mine : strata::presets::server {
  using byte_limit = strata::qdisc::byte_limit;
#ifdef FIXED
  using qdisc = strata::qdisc::fifo;
#endif
};
static_assert(sizeof(strata::stack<mine>) > 0);
