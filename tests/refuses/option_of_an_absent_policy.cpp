// SPDX-License-Identifier: MIT
// Where nothing holds small segments back there is nothing to turn off.
// expect: no_delay
// expect g++: no matching function for call
// expect clang: no matching member function for call to 'set'
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifdef FIXED
  using coalescing = strata::tcp::nagle;
#else
  using coalescing = strata::tcp::none;
#endif
};
using net = strata::stack<mine>;

bool at_once(net::stream s) { return s.set(strata::tcp::option::no_delay{true}).has_value(); }
