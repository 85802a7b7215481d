// SPDX-License-Identifier: MIT
// Addresses, routes and neighbours while a stack runs. Each change moves the generation: every header image is built again from what is true now.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> expected<void, ip::route_error> stack<C>::add_address(u8 link, const subnet<address>& ours) {
  const auto held = exclusion_.enter();
  (void)held;
  ip::route_error said = ip::route_error::bad_link;
  if (link < bound::count) {
    network_of(ours.address, [&](auto& ip) {
      if constexpr (bound::claims_own_addresses) {
        if (!ip.is_ours_on(ours.address, link) && begin_claim(link, ours, {}, said)) return;
      }
      const auto done = ip.configure(link, ours);
      said = done ? ip::route_error::none : done.error();
      if (done) changed();
    });
  }
  if (said != ip::route_error::none) return said;
  interfaces_.at(link, [&](auto& i) {
    (void)i.claim(ours.address);
    if constexpr (neighbour::announces_addresses<decltype(i.neighbour)> && !neighbour::claims_addresses<decltype(i.neighbour)>) i.neighbour.announce(cache_below{*this, link}, ours.address);
  });
  return {};
}
template <stack_config C> bool stack<C>::remove_address(u8 link, const address& ours) {
  const auto held = exclusion_.enter();
  (void)held;
  bool is_gone = false;
  if (link >= bound::count) return is_gone;
  network_of(ours, [&](auto& ip) { is_gone = ip.withdraw(ours, link); });
  interfaces_.at(link, [&](auto& i) {
    if constexpr (neighbour::claims_addresses<decltype(i.neighbour)>) is_gone = i.neighbour.forget_claim(ours) || is_gone;
    if (is_gone) i.disclaim(ours);
  });
  if (is_gone) changed();
  return is_gone;
}

/// Whether this link finds out first whether somebody has the address; what it says then is `said`.
template <stack_config C> bool stack<C>::begin_claim(u8 link, const subnet<address>& ours, const address& gateway, ip::route_error& said) {
  bool begins = false;
  interfaces_.at(link, [&](auto& i) {
    if constexpr (neighbour::claims_addresses<decltype(i.neighbour)>) {
      begins = ours.address.is_v4();
      if (!begins) return;
      if (ours.prefix > 32 || !ours.address.is_unicast()) said = ip::route_error::bad_prefix;
      else said = i.neighbour.claim_address(cache_below{*this, link}, ours, gateway, now_) ? ip::route_error::none : ip::route_error::full;
    }
  });
  return begins;
}
/// An address, and a gateway if there is one, from now on. False: there is no room.
template <stack_config C> bool stack<C>::adopt(u8 link, const subnet<address>& ours, const address& gateway) {
  bool is_adopted = false;
  network_of(ours.address, [&](auto& ip) {
    is_adopted = ip.configure(link, ours).has_value();
    if (is_adopted && !gateway.is_unspecified()) (void)ip.add_route({detail::any_like(gateway), 0}, gateway, link);
  });
  changed();
  return is_adopted;
}
template <stack_config C> neighbour::claim stack<C>::claim_of(u8 link, const address& ours) const requires(bound::claims_own_addresses) {
  const auto held = exclusion_.enter();
  (void)held;
  neighbour::claim is = neighbour::claim::none;
  interfaces_.each([&](auto index, const auto& i) {
    if constexpr (neighbour::claims_addresses<decltype(i.neighbour)>) {
      if (index == link) is = i.neighbour.claim_of(ours);
    }
  });
  return is;
}

template <stack_config C> expected<void, ip::route_error> stack<C>::add_route(const subnet<address>& to, const address& gateway, u8 link) {
  const auto held = exclusion_.enter();
  (void)held;
  ip::route_error said = ip::route_error::bad_link;
  if (link < bound::count) {
    network_of(gateway, [&](auto& ip) {
      const auto done = ip.add_route(to, gateway, link);
      said = done ? ip::route_error::none : done.error();
    });
  }
  if (said != ip::route_error::none) return said;
  changed();
  return {};
}

template <stack_config C> bool stack<C>::remove_route(const subnet<address>& to, const address& gateway, u8 link) {
  const auto held = exclusion_.enter();
  (void)held;
  bool is_gone = false;
  network_of(gateway, [&](auto& ip) { is_gone = ip.remove_route(to, gateway, link); });
  if (is_gone) changed();
  return is_gone;
}

template <stack_config C>
expected<void, ip::route_error> stack<C>::add_rule(const ip::routing_rule<address>& rule) requires ip::has_rules<typename C::routing::template of<address, C::limits.routes>> {
  const auto held = exclusion_.enter();
  (void)held;
  ip::route_error said = ip::route_error::bad_link;
  if (rule.link < bound::count) {
    network_of(rule.gateway, [&](auto& ip) {
      const auto done = ip.add_rule(rule);
      said = done ? ip::route_error::none : done.error();
    });
  }
  if (said != ip::route_error::none) return said;
  changed();
  return {};
}
template <stack_config C> bool stack<C>::remove_rule(const ip::routing_rule<address>& rule) requires ip::has_rules<typename C::routing::template of<address, C::limits.routes>> {
  const auto held = exclusion_.enter();
  (void)held;
  bool is_gone = false;
  network_of(rule.gateway, [&](auto& ip) { is_gone = ip.remove_rule(rule); });
  if (is_gone) changed();
  return is_gone;
}

template <stack_config C>
expected<void, neighbour::neighbour_error> stack<C>::add_neighbour(u8 link, const address& a, const mac_address& mac) requires(bound::has_static_neighbours) {
  const auto held = exclusion_.enter();
  (void)held;
  neighbour::neighbour_error said = neighbour::neighbour_error::bad_link;
  if (link >= bound::count || !is_started_) return said;
  interfaces_.at(link, [&](auto& i) {
    if constexpr (std::remove_cvref_t<decltype(i)>::has_addresses && neighbour::has_static_entries<decltype(i.neighbour)>) said = i.neighbour.add(cache_below{*this, link}, a, mac);
  });
  if (said != neighbour::neighbour_error::none) return said;
  return {};
}

template <stack_config C> bool stack<C>::remove_neighbour(u8 link, const address& a) requires(bound::has_static_neighbours) {
  const auto held = exclusion_.enter();
  (void)held;
  bool is_gone = false;
  if (link >= bound::count) return is_gone;
  interfaces_.at(link, [&](auto& i) {
    if constexpr (neighbour::has_static_entries<decltype(i.neighbour)>) is_gone = i.neighbour.remove(cache_below{*this, link}, a);
  });
  return is_gone;
}

}  // namespace strata::inline STRATA_ABI
