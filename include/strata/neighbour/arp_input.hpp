// SPDX-License-Identifier: MIT
// ARP messages: who is answered, and what is learned. Included by arp.hpp.
#pragma once
#include <strata/neighbour/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

template <config C, arp_options O> void arp_cache<C, O>::on_arp(interface_below<address> auto&& below, packet& p, moment now) {
  below.observe({.what = trace::step::arp, .bytes = static_cast<u32>(p.size()), .chunk = p->home->name(p.d())});
  const auto m = wire::arp::parse(p.bytes());
  if (!m) {
    ++counters_.malformed;
    return;
  }
  p.reset();  // its chunk may be the last, and the answer needs one
  if (m->sender_mac.is_group() || m->sender_mac.is_zero()) {
    ++counters_.refused;
    return;
  }
  if constexpr (O.conflict_detection != 0) look_for_conflict(below, *m, now);
  const bool for_us = below.is_ours(as_address(m->target));
  const bool is_request = m->operation == wire::arp::request;
  if (m->is_probe()) {  // RFC 5227 §1.1: its sender has no address yet
    if (for_us && is_request) reply(below, *m);
    return;
  }
  const address sender = as_address(m->sender);
  if (below.is_ours(sender)) {
    if (m->sender_mac != below.mac()) ++counters_.conflicts;
    return;
  }
  if (!m->sender.is_unicast() || m->sender.is_loopback()) {
    ++counters_.refused;
    return;
  }
  const bool is_for_us = for_us || is_beyond(below, *m);
  entry* e = find(sender);
  if (for_us) ++(is_request ? counters_.requests_received : counters_.replies_received);
  if (e != nullptr) {
    learn(below, *e, *m, for_us && !is_request, now);
  } else if (is_for_us && is_request) {
    e = create(below, sender, false);
    if (e != nullptr) {
      e->mac = m->sender_mac, e->now_in = state::stale;  // RFC 4861 §7.2.3
      if constexpr (O.locktime_ms != 0) e->told = now;
    }
  }
  if (is_for_us && is_request) reply(below, *m);
}
/// Whether somebody asks for one whom this router reaches by another link, and is answered in his stead. Who says that an address is his own asks for nobody.
/// Linux: arp_fwd_proxy.
template <config C, arp_options O> bool arp_cache<C, O>::is_beyond(interface_below<address> auto&& below, const wire::arp& m) {
  if constexpr (O.proxies) {
    if (m.operation != wire::arp::request || m.is_announcement() || !m.target.is_unicast() || !below.is_beyond(as_address(m.target))) return false;
    ++counters_.proxied;
    return true;
  } else {
    return (void)below, (void)m, false;
  }
}

/// Somebody said where `e` is. If he answers a request of ours it is there (RFC 4861 §7.2.5), else the news is only taken over (§7.2.3).  Linux: neigh_update.
template <config C, arp_options O>
void arp_cache<C, O>::learn(interface_below<address> auto&& below, entry& e, const wire::arp& m, bool is_reply_to_us, moment now) {
  if constexpr (O.static_entries) {
    if (e.now_in == state::permanent) return;
  }
  const bool was_usable = is_usable(e.now_in);
  const bool is_other = e.mac != m.sender_mac;
  if constexpr (O.locktime_ms != 0) {  // of several answers the first: who comes behind it answers for others, or lies
    if (was_usable && is_other && !m.is_announcement() && !now.reached(e.told + interval::from_ms(O.locktime_ms))) {
      ++counters_.locked;
      return;
    }
    e.told = now;
  }
  const bool solicited = is_reply_to_us && (e.now_in == state::incomplete || e.now_in == state::probe);
  e.mac = m.sender_mac;
  if (solicited) {
    reachable_ = draw_reachable(below.random());  // RFC 4861 §6.3.4 wants a new one every few hours; this is oftener
    e.now_in = state::reachable;
    arm(e, now + reachable_);
  } else if (!was_usable || is_other) {
    e.now_in = state::stale;
  }
  if (was_usable && is_other) below.changed();
  if (!e.waiting.empty()) {
    if (e.now_in == state::stale) {
      e.now_in = state::delay;
      e.probes = 0;
      arm(e, now + first_probe);
    }
    send_waiting(below, e);
  }
}

template <config C, arp_options O> void arp_cache<C, O>::send_waiting(interface_below<address> auto&& below, entry& e) {
  const mac_address mac = e.mac;
  while (packet p = next_waiting(e)) {
    const sent r = below.transmit_ip(std::move(p), mac);
    if (r == sent::full || r == sent::dropped) ++counters_.unres_discards;
  }
}
template <config C, arp_options O> packet arp_cache<C, O>::next_waiting(entry& e) {
  if (e.waiting.empty()) return {};
  packet p = e.waiting.pop(*chunks_);
  p.become(buffer::owner::application);
  return p;
}

}  // namespace strata::inline STRATA_ABI::neighbour
