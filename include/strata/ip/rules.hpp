// SPDX-License-Identifier: MIT
// Policy routing: rules that look at more than a destination, around any table of routes.
//
//   using routing = strata::ip::ruled<8>;                              // eight rules before `linear`
//   using routing = strata::ip::ruled<8, strata::ip::trie<50'000>>;
//   net.add_rule({.from = "10.0.7.0/24"_net, .gateway = "10.0.0.253"_ip});
//
// A rule is asked when a way is made, not for each packet: a path keeps the way until something changes.  Linux: ip rule, fib_rules_lookup.
#pragma once
#include <strata/ip/routes.hpp>

namespace strata::inline STRATA_ABI::ip {

/// What comes from `from` and goes to `to` goes by `gateway` on `link`. What is not said holds for all. Networks that are connected are reached directly, whatever a
/// rule says.
template <class Address> struct routing_rule {
  subnet<Address> from{};  ///< of a socket that is not bound: unspecified for its first way, which gives it the address by which later ones are chosen; bind what a rule is for
  subnet<Address> to{};
  u8 dscp = any_dscp;      ///< RFC 2474 §3: 0 to 63, or any
  Address gateway{};       ///< a neighbour on `link`
  u8 link = 0;

  static constexpr u8 any_dscp = 0xff;
  friend constexpr bool operator==(const routing_rule&, const routing_rule&) = default;
};

template <class Table, class Address, u32 Rules> class ruled_table : public Table {
  static_assert(Rules > 0, "ruled<N> without a rule is the table itself");

 public:
  using rule_type = routing_rule<Address>;

  /// One more rule, asked behind those that are there. The caller moves the generation.
  [[nodiscard]] expected<void, route_error> add_rule(const rule_type& r) {
    for (const subnet<Address>* s : {&r.from, &r.to})
      if (s->prefix > (s->address.is_v4() ? 32u : Address::bits)) return route_error::bad_prefix;
    const Address local = Table::source_for(r.gateway, r.link);
    if (local.is_unspecified() || Table::is_ours(r.gateway)) return route_error::bad_gateway;
    if (count_ == Rules) return route_error::full;
    rows_[count_++] = {r, {r.to, r.gateway, local, r.link, false}};
    return {};
  }
  /// Takes back what add_rule() was told; of equal ones the oldest. False: there is no such rule.
  [[nodiscard]] bool remove_rule(const rule_type& r) {
    return erase([&](const row& known) { return known.rule == r; }, 1);
  }
  /// With its routes a link's rules go, and with an address those that leave in its name.
  void withdraw(u8 link) {
    Table::withdraw(link);
    (void)erase([&](const row& r) { return r.way.link == link; }, Rules);
  }
  bool withdraw(const Address& local, u8 link) {
    if (!Table::withdraw(local, link)) return false;
    (void)erase([&](const row& r) { return r.way.link == link && r.way.local == local; }, Rules);
    return true;
  }
  /// The way to `to` for who sends from `from` with this traffic class; null if there is none.
  [[nodiscard]] const route<Address>* best(const Address& to, const Address& from, u8 traffic_class) const {
    const route<Address>* const plain = Table::best(to);
    if (plain != nullptr && plain->is_connected) return plain;
    for (u32 i = 0; i < count_; ++i) {
      const rule_type& r = rows_[i].rule;
      if (r.from.contains(from) && r.to.contains(to) && (r.dscp == rule_type::any_dscp || r.dscp == traffic_class >> 2)) return &rows_[i].way;
    }
    return plain;
  }
  using Table::best;

 private:
  struct row {
    rule_type rule{};
    route<Address> way{};
  };
  bool erase(auto&& is_meant, u32 most) { return erase_rows(rows_, count_, most, is_meant); }

  row rows_[Rules]{};
  u32 count_ = 0;
};

/// At most so many rules in front of a table.
template <u32 Rules, class Inner = linear> struct ruled {
  template <class Address, u32 Capacity> using of = ruled_table<typename Inner::template of<Address, Capacity>, Address, Rules>;
};

/// A table that has them.
template <class T> concept has_rules = requires { typename T::rule_type; };

}  // namespace strata::inline STRATA_ABI::ip
