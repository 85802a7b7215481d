// SPDX-License-Identifier: MIT
// The calls of groups: who may, then the network layer; what the driver is to bring in; and the way up of copies of what we send to them.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

/// change() for a socket that is there, if who acts may.
template <stack_config C>
auto stack<C>::for_socket(connection_id id, auto&& change) -> expected<void, multicast::call_error> requires(has_groups && wiring::has_datagrams) {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<multicast::call_error>(permission::call::set_option, id); no != multicast::call_error::none) return no;
  if (!datagrams().is_live(id)) return multicast::call_error::stale;
  return change();
}
template <stack_config C>
auto stack<C>::join_of_socket(connection_id id, const membership& m) -> expected<void, multicast::call_error> requires(has_groups && wiring::has_datagrams) {
  return for_socket(id, [&] { return joined(id, m); });
}
template <stack_config C>
auto stack<C>::leave_of_socket(connection_id id, const membership& m) -> expected<void, multicast::call_error> requires(has_groups && wiring::has_datagrams) {
  return for_socket(id, [&] { return left(id, m); });
}
template <stack_config C>
auto stack<C>::listen_to_of_socket(connection_id id, const source_filter& f) -> expected<void, multicast::call_error> requires(has_groups && wiring::has_datagrams) {
  return for_socket(id, [&] { return filtered(id, f); });
}

template <stack_config C> auto stack<C>::joined(connection_id owner, const membership& m) -> expected<void, multicast::call_error> requires(has_groups) {
  return change_group(m.group, m.link, [&](auto& ip) { return ip.join(links{*this}, owner, m, now_); });
}
template <stack_config C> auto stack<C>::left(connection_id owner, const membership& m) -> expected<void, multicast::call_error> requires(has_groups) {
  return change_group(m.group, m.link, [&](auto& ip) { return ip.leave(links{*this}, owner, m, now_); });
}
template <stack_config C> auto stack<C>::filtered(connection_id owner, const source_filter& f) -> expected<void, multicast::call_error> requires(has_groups) {
  return change_group(f.group, f.link, [&](auto& ip) { return ip.listen(links{*this}, owner, f, now_); });
}

/// change(network) and what follows from it for the driver of `link`: it brings in a group as long as somebody is in it, and what all systems are asked.
template <stack_config C>
auto stack<C>::change_group(const address& group, u8 link, auto&& change) -> expected<void, multicast::call_error> requires(has_groups) {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = stopped<multicast::call_error>(); no != multicast::call_error::none) return no;
  if (link >= bound::count) return multicast::call_error::bad_link;
  auto said = multicast::call_error::bad_group;
  network_of(group, [&](auto& ip) {
    if constexpr (requires { ip.is_joined(link, group); }) {
      if (!group.is_v4() || !group.is_multicast()) return;
      const bool was_in = ip.is_joined(link, group);
      bool is_brought = true;
      interfaces_.at(link, [&](auto& i) { is_brought = was_in || (i.claim(detail::all_systems_like(group)) && i.claim(group)); });
      said = is_brought ? change(ip) : multicast::call_error::full;
      if (!ip.is_joined(link, group)) no_longer(group, link);
    }
  });
  if (said != multicast::call_error::none) return said;
  return {};
}

/// Nobody is in a group any more. What all systems are asked still comes in.
template <stack_config C> void stack<C>::no_longer(const address& group, u8 link) requires(has_groups) {
  if (group != detail::all_systems_like(group)) interfaces_.at(link, [&](auto& i) { i.disclaim(group); });
}
/// A socket ended: so do its memberships.
template <stack_config C> void stack<C>::leave_all(connection_id owner) requires(has_groups) {
  networks_.each([&](auto, auto& ip) {
    if constexpr (requires { ip.leave_one(links{*this}, owner, now_); }) {
      while (const auto gone = ip.leave_one(links{*this}, owner, now_))
        if (!ip.is_joined(gone->link, gone->group)) no_longer(gone->group, gone->link);
    }
  });
}

/// A copy of what we sent to a group, on its way up.
template <stack_config C> bool stack<C>::next_copy(raised& r) {
  if constexpr (has_groups) {
    return networks_.any([&](auto, auto& ip) {
      if constexpr (requires { ip.groups(); }) {
        packet p = ip.groups().copies.next(pool_);
        if (!p) return false;
        observe(trace::step::receive, p);
        const ip::finding<address> found = ip.on_copy(links{*this}, p, now_);
        if (found.is == ip::finding<address>::what::datagram) deliver(found.info, p, r);
        if constexpr (requires { ip.on_fragment(links{*this}, p, found, now_); }) {
          if (found.is == ip::finding<address>::what::fragment) complete(ip, p, found, r);
        }
        if constexpr (requires { ip.on_control(links{*this}, p, found, now_); }) {
          if (found.is == ip::finding<address>::what::control) control(ip, p, found);
        }
        return true;
      } else {
        return false;
      }
    });
  } else {
    return (void)r, false;
  }
}
/// f(copies) for each of the network layers that has groups, until one says yes.
template <stack_config C> bool stack<C>::any_copies(auto& ips, auto&& f) requires(has_groups) {
  return ips.any([&](auto, auto& ip) {
    if constexpr (requires { ip.groups(); }) return f(ip.groups().copies);
    else return false;
  });
}

}  // namespace strata::inline STRATA_ABI
