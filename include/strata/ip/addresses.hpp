// SPDX-License-Identifier: MIT
// What both versions of IP know of our addresses and of the ways to others: the base of v4 and v6.
#pragma once
#include <strata/ip/output.hpp>
#include <strata/ip/rules.hpp>

namespace strata::inline STRATA_ABI::ip {

template <config C, class Header> class addresses {
 public:
  using address = typename C::family::address;

  /// Our address on `link` and the network that is connected there. The caller moves the generation.
  [[nodiscard]] expected<void, route_error> configure(u8 link, const subnet<address>& ours) { return out_.routes.configure(link, ours); }
  /// What lies in `to` is reached through `gateway` on `link`; configure() comes first. The caller moves the generation.
  [[nodiscard]] expected<void, route_error> add_route(const subnet<address>& to, const address& gateway, u8 link) { return out_.routes.add(to, gateway, link); }
  /// Takes back what add_route() was told; false: there is no such route. The caller moves the generation.
  [[nodiscard]] bool remove_route(const subnet<address>& to, const address& gateway, u8 link) { return out_.routes.remove(to, gateway, link); }
  static constexpr bool has_rules = ip::has_rules<typename C::routing::template of<address, C::limits.routes>>;
  /// Rules before the table, if it has them: ip/rules.hpp. The caller moves the generation.
  [[nodiscard]] expected<void, route_error> add_rule(const auto& rule) requires(has_rules) { return out_.routes.add_rule(rule); }
  [[nodiscard]] bool remove_rule(const auto& rule) requires(has_rules) { return out_.routes.remove_rule(rule); }
  /// Forgets addresses and routes of `link`. The caller moves the generation.
  void withdraw(u8 link) { out_.routes.withdraw(link); }
  /// Forgets one address on `link`, and the routes through its network; false: it is not ours there. The caller moves the generation.
  [[nodiscard]] bool withdraw(const address& ours, u8 link) { return out_.routes.withdraw(ours, link); }
  [[nodiscard]] address address_on(u8 link) const { return out_.routes.address_on(link); }
  /// Whether neighbours on `link` are told that `a` is ours there.  Linux: arp_ignore 0.
  [[nodiscard]] bool is_ours_on(const address& a, u8 link) const { return !a.is_loopback() && (C::strong_host ? out_.routes.of_local(a, link) != nullptr : out_.routes.is_ours(a)); }
  /// Whether `a` is somebody whom another link than `link` leads to.
  [[nodiscard]] bool is_beyond(const address& a, u8 link) const {
    const auto* const way = out_.routes.is_group(a) || out_.routes.is_ours(a) ? nullptr : out_.routes.best(a);
    return way != nullptr && way->link != link;
  }
  /// Our address in whose name a neighbour on `link` is asked: that of its network.
  [[nodiscard]] address source_for(const address& a, u8 link) const { return out_.routes.source_for(a, link); }
  [[nodiscard]] bool is_ours(const address& a) const { return out_.routes.is_ours(a); }
  /// Multicast, or a broadcast address of all or of one of our networks.
  [[nodiscard]] bool is_group(const address& a) const { return out_.routes.is_group(a); }

 protected:
  /// What the interface to ourselves may bring: RFC 1122 §3.2.1.3 (g), RFC 4291 §2.5.3.
  [[nodiscard]] bool is_one_of_us(const address& a) const { return a.is_loopback() || out_.routes.is_ours(a); }

  output<C, Header> out_{};
};

}  // namespace strata::inline STRATA_ABI::ip
