// SPDX-License-Identifier: MIT
// Configs with the names that ip/ reads and no other, and links with the calls that it asks for. Both versions are compiled over them.
#pragma once
#include <strata/ip/hooks.hpp>
#include <strata/ip/routes.hpp>

namespace strata::inline STRATA_ABI::ip {

template <class Family, class Image = header_image::cached, u32 Fragments = 0, u32 Groups = 0> struct archetype_of {
  using tick = milliseconds32;
  using family = Family;
  using header_image = Image;
  using routing = linear;
  using hooks = ip::hooks<>;
  static constexpr bool forwards = false;
  static constexpr bool strong_host = false;
  struct numbers {
    u32 routes, fragments, path_mtus, receive_reserve, groups, group_sources;
  };
  static constexpr numbers limits{4, Fragments, 2, 1, Groups, 4};
};
using archetype = archetype_of<only_v4>;

template <class Address> struct links_archetype {
  buffer::pool& own;
  buffer::pool& chunks() { return own; }
  packet take() { return {}; }
  u32 generation() { return 1; }
  void changed() {}
  u16 mtu(u8) { return 1500; }
  u32 link_header_size(u8) { return 0; }
  void emit_link_header(u8, std::byte*, const mac_address&, bool) {}
  std::optional<resolved_neighbour> resolve(u8, const Address&) { return {}; }
  sent post(packet) { return sent::dropped; }
  sent hold(packet, const Address&) { return sent::dropped; }
  u64 random() { return 0; }
  void observe(const trace::record&) {}
};
static_assert(config<archetype> && links<links_archetype<ipv4_address>, ipv4_address>);

}  // namespace strata::inline STRATA_ABI::ip
