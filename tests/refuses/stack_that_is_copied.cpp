// SPDX-License-Identifier: MIT
// A stack stays where it is: handles and timers name it.
// expect: deleted
#include <strata/strata.hpp>

struct mine : strata::presets::server {};
using net = strata::stack<mine>;

void second(net& first) {
#ifdef FIXED
  net& same = first;
#else
  net same = first;
#endif
  (void)same;
}
