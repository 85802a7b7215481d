// SPDX-License-Identifier: MIT
// A stack of datagrams only has no listeners.
// expect: has_streams
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifndef FIXED
  template <class C> using transports = strata::layers<typename C::template udp<C>>;
#endif
};
bool serve(strata::stack<mine>& n) { return n.listen({.port = 7}).has_value(); }
