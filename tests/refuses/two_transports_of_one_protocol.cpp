// SPDX-License-Identifier: MIT
// A third transport that says it is UDP.
// expect: two transports of this Config have the same protocol number
#include <strata/strata.hpp>

template <class C> struct mimic : strata::udp::layer<C> {
#ifdef FIXED
  static constexpr strata::u8 protocol = 253;  // RFC 3692
#endif
};
struct mine : strata::presets::server {
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>, mimic<C>>;
};
std::size_t memory(strata::stack<mine>& n) { return n.chunks_in_use(); }
