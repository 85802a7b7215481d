// SPDX-License-Identifier: MIT
// Whose a datagram is, and which port is free. Included by layer.hpp.
#pragma once
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::udp {

/// The socket that a datagram is for: a connected one before one that is bound to the address, and that before one for any address.
template <config C> std::optional<u32> layer<C>::lookup(const endpoint& here, const endpoint& there) const {
  std::optional<u32> best;
  u32 best_score = 0;
  (void)ports_.find(hash(here.port), [&](u32 i) {
    const socket& s = anchored(sockets_[i]);
    const bool is_bound = !s.local.address.is_unspecified(), is_connected = s.remote.port != 0;
    const u32 score = 1 + (is_bound ? 1u : 0u) + (is_connected ? 2u : 0u);
    if (s.local.port != here.port || (is_bound && s.local.address != here.address) || (is_connected && s.remote != there)) return false;
    if (score > best_score) best = i, best_score = score;
    return false;
  });
  return best;
}
template <config C> bool layer<C>::is_taken(u16 port, const address& at) const {
  return ports_.find(hash(port), [&](u32 i) {
    const endpoint& other = anchored(sockets_[i].local);
    return other.port == port && (other.address == at || at.is_unspecified() || other.address.is_unspecified());
  }).has_value();
}
/// As many ports are looked at as can be taken, and one more, which then must be free.
template <config C> template <class B> std::optional<u16> layer<C>::free_port(B&& below, const address& at_address) const {
  constexpr u32 range = last_ephemeral - first_ephemeral + 1u;
  constexpr u32 tries = socket_limit + 1 < range && !owns_some_ports<B> ? socket_limit + 1 : range;
  u32 at = (static_cast<u32>(below.random()) & 0xffff) * range >> 16;  // no division: some processors have none
  for (u32 i = 0; i < tries; ++i) {
    const u16 port = static_cast<u16>(first_ephemeral + at);
    if (may_choose_port(below, port) && !is_taken(port, at_address)) return port;
    if (++at == range) at = 0;
  }
  return {};
}

}  // namespace strata::inline STRATA_ABI::udp
