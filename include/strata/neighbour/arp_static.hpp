// SPDX-License-Identifier: MIT
// Neighbours that the application knows of. Included by arp.hpp.
#pragma once
#include <strata/neighbour/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

template <config C, arp_options O>
neighbour_error arp_cache<C, O>::add(interface_below<address> auto&& below, const address& a, const mac_address& mac) requires(O.static_entries) {
  if (!a.is_v4() || !a.is_unicast() || a.is_loopback() || below.is_ours(a) || mac.is_group() || mac.is_zero()) return neighbour_error::bad_address;
  entry* e = find(a);
  if (e == nullptr) e = create(below, a, true);
  if (e == nullptr) return neighbour_error::full;
  e->mac = mac;
  e->now_in = state::permanent;
  below.changed();  // images may hold another
  send_waiting(below, *e);
  return neighbour_error::none;
}

template <config C, arp_options O> bool arp_cache<C, O>::remove(interface_below<address> auto&& below, const address& a) requires(O.static_entries) {
  entry* e = find(a);
  if (e == nullptr) return false;
  drop_waiting(*e);
  unlink(*e);
  e->next = std::exchange(free_, name_of(*e));
  below.changed();
  return true;
}

}  // namespace strata::inline STRATA_ABI::neighbour
