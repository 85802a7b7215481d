// SPDX-License-Identifier: MIT
// TIME-WAIT, keepalive and the longest backoff do not fit 32-bit nanoseconds.
// expect: the_constant_is_beyond_the_horizon_of_this_tick
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifdef FIXED
  using tick = strata::microseconds32;
#else
  using tick = strata::tick<strata::u32, 1'000'000'000>;
#endif
};
strata::stack<mine>* somewhere;
bool turn() { return somewhere->poll({1}, strata::budget{8}, strata::ignore_rest{}); }
