// SPDX-License-Identifier: MIT
// Addresses and routes while a stack runs. Each change moves the generation: every header image is built again from what is true now.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> expected<void, ip::route_error> stack<C>::add_address(u8 link, const subnet<address>& ours) {
  const auto held = exclusion_.enter();
  (void)held;
  ip::route_error said = ip::route_error::bad_link;
  if (link < bound::count) {
    network_of(ours.address, [&](auto& ip) {
      const auto done = ip.configure(link, ours);
      said = done ? ip::route_error::none : done.error();
    });
  }
  if (said != ip::route_error::none) return said;
  changed();
  interfaces_.at(link, [&](auto& i) { (void)i.claim(ours.address); });
  return {};
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

}  // namespace strata::inline STRATA_ABI
