// SPDX-License-Identifier: MIT
// What time does to an entry, and the questions that are asked about it. Included by arp.hpp.
#pragma once
#include <strata/neighbour/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

template <config C, arp_options O> void arp_cache<C, O>::expire(interface_below<address> auto&& below, entry& e, moment now) {
  switch (e.now_in) {
    case state::reachable:  // images are built again through resolve(), which starts the confirmation
      e.now_in = state::stale;
      below.changed();
      break;
    case state::delay:
      e.now_in = state::probe;
      e.probes = 0;
      ask(below, e, now);
      break;
    case state::incomplete:
    case state::probe:
      if (e.probes < (e.now_in == state::probe ? most_probes : multicast_probes)) {
        ask(below, e, now);
        break;
      }
      ++counters_.res_failed;
      if (e.now_in == state::probe) below.changed();
      e.now_in = state::failed;
      arm(e, now + hold_down);
      give_up(below, e);
      break;
    case state::permanent:
    case state::stale:
    case state::none: break;
    case state::failed:
      unlink(e);
      e.next = std::exchange(free_, name_of(e));
  }
}
/// RFC 4861 §7.2.2: nobody answered, so who waits is told.
template <config C, arp_options O> void arp_cache<C, O>::give_up(interface_below<address> auto&& below, entry& e) {
  while (packet p = next_waiting(e)) below.failed(std::move(p));
}

/// Who is known is asked himself (RFC 1122 §2.3.2.1 (2)), and everybody only when he does not answer.  Linux: arp_solicit.
template <config C, arp_options O> void arp_cache<C, O>::ask(interface_below<address> auto&& below, entry& e, moment now) {
  const bool knows = e.now_in == state::probe && (O.broadcast_probes == 0 || e.probes < unicast_probes);
  ++e.probes;
  arm(e, now + retransmit);
  const ipv4_address target = e.ip.v4();
  if (say(below, wire::arp::request, knows ? e.mac : mac_address::broadcast(), below.source_for(e.ip).v4(), mac_address{}, target)) ++counters_.requests_sent;
}
template <config C, arp_options O> void arp_cache<C, O>::reply(interface_below<address> auto&& below, const wire::arp& to) {
  if (say(below, wire::arp::reply, to.sender_mac, to.target, to.sender_mac, to.sender)) ++counters_.replies_sent;
}
template <config C, arp_options O>
bool arp_cache<C, O>::say(interface_below<address> auto&& below, u16 operation, const mac_address& to, ipv4_address sender, const mac_address& target_mac, ipv4_address target) {
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    return false;
  }
  const wire::arp message{operation, below.mac(), sender, target_mac, target};
  message.emit(p.room().data());
  p.extend(wire::arp::header_size);
  return below.transmit_arp(std::move(p), to) == sent::sent;
}

}  // namespace strata::inline STRATA_ABI::neighbour
