// SPDX-License-Identifier: MIT
// Two hours do not fit half the circle of 32-bit microseconds.
// expect: the_constant_is_beyond_the_horizon_of_this_tick
#include <strata/core/time.hpp>

#ifdef FIXED
using tick = strata::milliseconds32;
#else
using tick = strata::microseconds32;
#endif
constexpr auto keepalive = strata::duration<tick>::seconds(7200);
static_assert(keepalive.count > 0);
