// SPDX-License-Identifier: MIT
// A Config with the names that raw/ reads and no other, and a network with the calls that it asks for. The layer is compiled over both.
#pragma once
#include <strata/raw/config.hpp>

namespace strata::inline STRATA_ABI::raw {

template <class Family> struct archetype_of {
  using tick = milliseconds32;
  using family = Family;
  using header_image = strata::header_image::built;
  static constexpr strata::limits limits{.datagrams = 2, .raw_sockets = 2};
};
using archetype = archetype_of<only_v4>;

template <class C> struct network_archetype {
  using path = path_of_config<C>;
  buffer::pool& own;
  packet take() { return {}; }
  bool route(path&) { return false; }
  sent send(path&, packet, u8) { return sent::dropped; }
  sent send_whole(path&, packet) { return sent::dropped; }
  u32 network_header_size(const path&) { return 0; }
  buffer::pool& chunks() { return own; }
  void observe(const trace::record&) {}
};
static_assert(config<archetype> && network<network_archetype<archetype>, ipv4_address, path_of_config<archetype>>);

}  // namespace strata::inline STRATA_ABI::raw
