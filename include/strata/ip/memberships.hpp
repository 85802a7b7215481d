// SPDX-License-Identifier: MIT
// Who wants to hear which group, and from whom: the reception state of sockets, and what follows from it for an interface (RFC 3376 §3).
// The state of an interface is not kept: a source is wanted there if one member wants it, which is what the rules of §3.2 come to.
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/multicast.hpp>

namespace strata::inline STRATA_ABI::ip {

using multicast::filter_mode;

/// One member of a group: a socket, or the stack itself, whose name is zero.
template <u32 Sources> struct group_member {
  connection_id owner{};
  ipv4_address group{};
  u8 link = 0;
  bool is_used = false;
  filter_mode mode = filter_mode::include;
  u16 count = 0;
  ipv4_address sources[Sources]{};

  [[nodiscard]] bool lists(ipv4_address a) const {
    for (u32 i = 0; i < count; ++i)
      if (sources[i] == a) return true;
    return false;
  }
  [[nodiscard]] bool wants(ipv4_address source) const { return lists(source) == (mode == filter_mode::include); }
  /// False: there is no room.
  [[nodiscard]] bool add(ipv4_address a) {
    if (lists(a)) return true;
    if (count == Sources) return false;
    sources[count++] = a;
    return true;
  }
  void remove(ipv4_address a) {
    for (u32 i = 0; i < count; ++i)
      if (sources[i] == a) {
        sources[i] = sources[--count];
        return;
      }
  }
};

template <u32 Members, u32 Sources> class memberships {
 public:
  using member = group_member<Sources>;
  static constexpr u32 none = ~u32{0};
  /// What a member was before it changed: the state of its interface then, of which only this is not there any more.
  struct before {
    u32 index = none;
    member was{};
  };

  [[nodiscard]] const member& at(u32 i) const { return all_[i]; }
  /// The member of that name, or none.
  [[nodiscard]] u32 find(connection_id owner, u8 link, ipv4_address group) const {
    for (u32 i = 0; i < Members; ++i)
      if (is_of(all_[i], link, group) && all_[i].owner == owner) return i;
    return none;
  }
  [[nodiscard]] u32 free_place() const {
    for (u32 i = 0; i < Members; ++i)
      if (!all_[i].is_used) return i;
    return none;
  }
  /// The next membership of `owner`, or none.
  [[nodiscard]] u32 any_of(connection_id owner) const {
    for (u32 i = 0; i < Members; ++i)
      if (all_[i].is_used && all_[i].owner == owner) return i;
    return none;
  }
  /// `m` takes the place of what stands there, which is the result.
  [[nodiscard]] before put(u32 index, const member& m) {
    const before b{index, all_[index]};
    all_[index] = m;
    return b;
  }
  void forget(u8 link) {
    for (member& m : all_)
      if (m.link == link) m.is_used = false;
  }

  // ---- the state of an interface: as it is, or as it was ----
  [[nodiscard]] bool is_joined(u8 link, ipv4_address group, const before* then = nullptr) const {
    return any(link, group, then, [](const member&) { return true; });
  }
  [[nodiscard]] filter_mode mode_of(u8 link, ipv4_address group, const before* then = nullptr) const {
    return any(link, group, then, [](const member& m) { return m.mode == filter_mode::exclude; }) ? filter_mode::exclude : filter_mode::include;
  }
  [[nodiscard]] bool wants(u8 link, ipv4_address group, ipv4_address source, const before* then = nullptr) const {
    return any(link, group, then, [&](const member& m) { return m.wants(source); });
  }
  /// f(source) for each that a member lists, now or `then`, once.
  void each_listed(u8 link, ipv4_address group, const before* then, auto&& f) const {
    const u32 last = then != nullptr ? Members : Members - 1;
    const auto list = [&](u32 i) -> const member& { return i == Members ? then->was : all_[i]; };
    for (u32 i = 0; i <= last; ++i) {
      const member& m = list(i);
      for (u32 n = 0; is_of(m, link, group) && n < m.count; ++n) {
        bool is_new = true;
        for (u32 j = 0; is_new && j < i; ++j) is_new = !is_of(list(j), link, group) || !list(j).lists(m.sources[n]);
        if (is_new) f(m.sources[n]);
      }
    }
  }
  /// f(source) for each in the list of the interface's state.
  void each_source(u8 link, ipv4_address group, auto&& f) const {
    const bool is_wanted = mode_of(link, group) == filter_mode::include;
    each_listed(link, group, nullptr, [&](ipv4_address a) {
      if (wants(link, group, a) == is_wanted) f(a);
    });
  }

 private:
  [[nodiscard]] static bool is_of(const member& m, u8 link, ipv4_address group) { return m.is_used && m.link == link && m.group == group; }
  [[nodiscard]] bool any(u8 link, ipv4_address group, const before* then, auto&& is) const {
    for (u32 i = 0; i < Members; ++i) {
      const member& m = then != nullptr && then->index == i ? then->was : all_[i];
      if (is_of(m, link, group) && is(m)) return true;
    }
    return false;
  }

  member all_[Members]{};
};

}  // namespace strata::inline STRATA_ABI::ip
