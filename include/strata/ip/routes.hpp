// SPDX-License-Identifier: MIT
// Our addresses and the way to everybody else's: connected networks and gateways, the longest prefix first (RFC 1122 §3.3.1, RFC 1812 §5.2.4.3).
// A host has a handful of them, so a look-up is a walk over a short array; its result is kept in each transport's path. A router with many takes ip/trie.hpp.
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/expected.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::ip {

enum class route_error : u8 {
  none,
  full,              ///< limits::routes are in use
  bad_prefix,        ///< longer than an address, or the address is not a unicast one
  bad_gateway,       ///< not on a connected network of that link
  bad_link           ///< there is no such interface, or no network layer for that address
};

/// One row. A connected network has `local`, our address on it, and no gateway.
template <class Address> struct route {
  subnet<Address> to{};
  Address gateway{};
  Address local{};  ///< the source of what leaves by this route
  u8 link = 0;
  bool is_connected = false;

  /// Whether it leads to exactly that network; which of its addresses names it does not count.
  [[nodiscard]] bool is_to(const subnet<Address>& other) const { return to.prefix == other.prefix && to.contains(other.address); }
};

/// Takes out the first rows that are meant, `most` of them; whether there was one.
template <class Row> bool erase_rows(Row* rows, u32& count, u32 most, auto&& is_meant) {
  u32 kept = 0, gone = 0;
  for (u32 i = 0; i < count; ++i) {
    if (gone < most && is_meant(rows[i])) ++gone;
    else rows[kept++] = rows[i];
  }
  count = kept;
  return gone != 0;
}

template <class Address, u32 Capacity> class route_table {
 public:
  /// Our address on `link`, and with it the network that is connected there. The same address again replaces its prefix.
  [[nodiscard]] expected<void, route_error> configure(u8 link, const subnet<Address>& ours) {
    if (!is_sound(ours) || !ours.address.is_unicast()) return route_error::bad_prefix;
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected && rows_[i].link == link && rows_[i].local == ours.address) {
        rows_[i].to = ours;
        return {};
      }
    return append({ours, {}, ours.address, link, true});
  }
  /// What lies in `to` is reached through `gateway`, a neighbour on `link`. A prefix of zero bits is the default route.
  [[nodiscard]] expected<void, route_error> add(const subnet<Address>& to, const Address& gateway, u8 link) {
    const auto r = through(to, gateway, link);
    if (!r) return r.error();
    return append(*r);
  }
  /// The row that add() appends, or why there is none.
  [[nodiscard]] expected<route<Address>, route_error> through(const subnet<Address>& to, const Address& gateway, u8 link) const {
    if (!is_sound(to)) return route_error::bad_prefix;
    for (u32 i = 0; i < count_; ++i) {
      const route<Address>& near = rows_[i];
      if (!near.is_connected || near.link != link || !near.to.contains(gateway) || gateway == near.local) continue;
      return route<Address>{to, gateway, near.local, link, false};
    }
    return route_error::bad_gateway;
  }
  /// Takes back what add() was told; of equal rows the oldest. False: there is no such row.
  [[nodiscard]] bool remove(const subnet<Address>& to, const Address& gateway, u8 link) {
    return erase([&](const route<Address>& r) { return !r.is_connected && r.link == link && r.gateway == gateway && r.is_to(to); }, 1);
  }
  /// Forgets every row of `link`.
  void withdraw(u8 link) {
    (void)erase([&](const route<Address>& r) { return r.link == link; }, Capacity);
  }
  /// Forgets our address on `link`, its network, and what is reached through that. False: it is not ours there.
  bool withdraw(const Address& local, u8 link) {
    return erase([&](const route<Address>& r) { return r.link == link && r.local == local; }, Capacity);
  }

  /// The row with the longest prefix that holds `a`; the older of two equal ones; null if there is none.
  [[nodiscard]] const route<Address>* best(const Address& a) const {
    const route<Address>* found = nullptr;
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].to.contains(a) && (found == nullptr || rows_[i].to.prefix > found->to.prefix)) found = &rows_[i];
    return found;
  }
  /// The connected row of one of our addresses; null if it is not ours.
  [[nodiscard]] const route<Address>* of_local(const Address& a) const {
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected && rows_[i].local == a) return &rows_[i];
    return nullptr;
  }
  [[nodiscard]] const route<Address>* of_local(const Address& a, u8 link) const {
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected && rows_[i].local == a && rows_[i].link == link) return &rows_[i];
    return nullptr;
  }
  [[nodiscard]] bool is_ours(const Address& a) const { return of_local(a) != nullptr; }
  /// The first connected row: where broadcasts go when nobody said more.
  [[nodiscard]] const route<Address>* first() const {
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected) return &rows_[i];
    return nullptr;
  }
  /// Our first address on `link`; unspecified if there is none.
  [[nodiscard]] Address address_on(u8 link) const {
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected && rows_[i].link == link) return rows_[i].local;
    return {};
  }
  /// Our address on `link` in the network of `a`, a neighbour there; unspecified if there is none.  Linux: inet_select_addr.
  [[nodiscard]] Address source_for(const Address& a, u8 link) const {
    for (u32 i = 0; i < count_; ++i)
      if (rows_[i].is_connected && rows_[i].link == link && rows_[i].to.contains(a)) return rows_[i].local;
    return {};
  }
  /// All ones behind the prefix of a connected network (RFC 1122 §3.2.1.3 (d)). A network of one or two addresses has none (RFC 3021).
  [[nodiscard]] bool is_subnet_broadcast(const Address& a) const {
    if (!a.is_v4()) return false;
    for (u32 i = 0; i < count_; ++i) {
      const route<Address>& r = rows_[i];
      if (!r.is_connected || !r.local.is_v4() || r.to.prefix > 30) continue;
      const u32 host = 0xffffffff >> r.to.prefix;
      if (r.to.contains(a) && (a.v4().value & host) == host) return true;
    }
    return false;
  }
  /// To more than one: multicast, limited broadcast or the broadcast address of a connected network.
  [[nodiscard]] bool is_group(const Address& a) const { return a.is_multicast() || a.is_broadcast() || is_subnet_broadcast(a); }

  [[nodiscard]] u32 size() const { return count_; }
  [[nodiscard]] const route<Address>& at(u32 i) const { return rows_[i]; }

 private:
  [[nodiscard]] static constexpr bool is_sound(const subnet<Address>& s) { return s.prefix <= (s.address.is_v4() ? 32u : Address::bits); }
  [[nodiscard]] expected<void, route_error> append(const route<Address>& r) {
    if (count_ == Capacity) return route_error::full;
    rows_[count_++] = r;
    return {};
  }
  bool erase(auto&& is_meant, u32 most) { return erase_rows(rows_, count_, most, is_meant); }

  route<Address> rows_[Capacity]{};
  u32 count_ = 0;
};

/// What ip asks of a table of routes, which a Config names as `routing`.
template <class T, class Address> concept routing_table = requires(T t, const T c, const subnet<Address>& to, const Address& a, u8 link) {
  { t.configure(link, to) } -> std::same_as<expected<void, route_error>>;
  { t.add(to, a, link) } -> std::same_as<expected<void, route_error>>;
  { t.remove(to, a, link) } -> std::same_as<bool>;
  { t.withdraw(link) } -> std::same_as<void>;
  { t.withdraw(a, link) } -> std::same_as<bool>;
  { c.best(a) } -> std::same_as<const route<Address>*>;
  { c.of_local(a) } -> std::same_as<const route<Address>*>;
  { c.of_local(a, link) } -> std::same_as<const route<Address>*>;
  { c.first() } -> std::same_as<const route<Address>*>;
  { c.address_on(link) } -> std::same_as<Address>;
  { c.source_for(a, link) } -> std::same_as<Address>;
  { c.is_ours(a) } -> std::same_as<bool>;
  { c.is_group(a) } -> std::same_as<bool>;
  { c.is_subnet_broadcast(a) } -> std::same_as<bool>;
};

/// A walk over `limits.routes` rows: the smallest, and the fastest for a handful.
struct linear {
  template <class Address, u32 Capacity> using of = route_table<Address, Capacity>;
};

}  // namespace strata::inline STRATA_ABI::ip
