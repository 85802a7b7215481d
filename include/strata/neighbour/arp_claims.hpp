// SPDX-License-Identifier: MIT
// Our own addresses on the link: what is said about them by claims.hpp, or by one announcement. Included by arp.hpp.
#pragma once
#include <strata/neighbour/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

template <config C, arp_options O>
bool arp_cache<C, O>::claim_address(interface_below<address> auto&& below, const subnet<address>& ours, const address& gateway, moment now) requires(O.conflict_detection != 0) {
  (void)below;
  if (!claims_.begin(ours, gateway, now)) return false;
  note(now);
  return true;
}

/// Tells everybody that `a` is ours: a request for it, from it (RFC 5227 §2.3).  Linux: inetdev_send_gratuitous_arp.
template <config C, arp_options O> void arp_cache<C, O>::announce(interface_below<address> auto&& below, const address& a) requires(O.speaks_of_us()) {
  if (say(below, wire::arp::request, mac_address::broadcast(), a.v4(), mac_address{}, a.v4())) ++counters_.announcements;
}
template <config C, arp_options O> void arp_cache<C, O>::probe(interface_below<address> auto&& below, const address& a) requires(O.conflict_detection != 0) {
  if (say(below, wire::arp::request, mac_address::broadcast(), {}, mac_address{}, a.v4())) ++counters_.probes_sent;
}

/// Somebody else's message, of whom it is known that he is one host. Whether it says that an address of ours is his.
template <config C, arp_options O> void arp_cache<C, O>::look_for_conflict(interface_below<address> auto&& below, const wire::arp& m, moment now) requires(O.conflict_detection != 0) {
  if (m.sender_mac == below.mac()) return;
  const auto defend = [&](const address& a) { announce(below, a); };
  if (claims_.on_message(below, m, as_address(m.sender), as_address(m.target), defend, now)) {
    if (!below.is_ours(as_address(m.sender))) ++counters_.conflicts;  // of one that is not used yet, or no more; else on_arp() counts
    if (const auto next = claims_.next_deadline()) note(*next);
  }
}
template <config C, arp_options O> void arp_cache<C, O>::advance_claims(interface_below<address> auto&& below, moment now) requires(O.conflict_detection != 0) {
  claims_.advance(below, [&](const address& a) { probe(below, a); }, [&](const address& a) { announce(below, a); }, now);
  if (const auto next = claims_.next_deadline()) note(*next);
}

}  // namespace strata::inline STRATA_ABI::neighbour
