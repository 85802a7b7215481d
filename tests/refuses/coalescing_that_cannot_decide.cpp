// SPDX-License-Identifier: MIT
// A coalescing policy that changes itself while it is asked.
// expect: coalescing_policy
// expect: c.may_send(b, b)
#include <strata/tcp/config.hpp>

struct moody {
#ifdef FIXED
  bool may_send(bool, bool) const { return true; }
#else
  bool may_send(bool, bool) { return true; }
#endif
};
static_assert(strata::tcp::coalescing_policy<moody>);
