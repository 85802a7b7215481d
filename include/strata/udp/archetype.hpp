// SPDX-License-Identifier: MIT
// A Config with the names that udp/ reads and no other, and a network with the calls that it asks for. The layer is compiled over both.
#pragma once
#include <strata/udp/config.hpp>

namespace strata::inline STRATA_ABI::udp {

template <class Family, class Image = header_image::cached> struct archetype_of {
  using tick = milliseconds32;
  using family = Family;
  using header_image = Image;
  static constexpr strata::limits limits{.datagram_sockets = 2, .datagrams = 2};
};
using archetype = archetype_of<only_v4>;

template <class C> struct network_archetype {
  using address = typename C::family::address;
  using path = path_of_config<C>;
  buffer::pool& own;
  packet take() { return {}; }
  u32 headroom() { return 0; }
  bool route(path&) { return false; }
  sent send(path&, packet, u8) { return sent::dropped; }
  u32 network_header_size(const path&) { return 0; }
  void refuse(const datagram_info<address>&, packet&, icmp_error_kind) {}
  u64 random() { return 0; }
  buffer::pool& chunks() { return own; }
  void observe(const trace::record&) {}
};
static_assert(config<archetype> && network<network_archetype<archetype>, ipv4_address, path_of_config<archetype>>);

}  // namespace strata::inline STRATA_ABI::udp
