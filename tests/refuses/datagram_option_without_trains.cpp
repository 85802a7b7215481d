// SPDX-License-Identifier: MIT
// Where no driver hands up trains and nothing is joined, no socket can ask for several datagrams in one view.
// expect: gro
// expect g++: no matching function for call
// expect clang: no matching member function for call to 'set'
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifdef FIXED
  static constexpr bool gro = true;
#else
  static constexpr bool gro = false;
#endif
};
using net = strata::stack<mine>;

bool together(net::datagram_socket s) { return s.set(strata::udp::option::gro{true}).has_value(); }
