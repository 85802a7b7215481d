// SPDX-License-Identifier: MIT
// A Config with the names that neighbour/ reads and no other, and an interface with the calls that it asks for. Caches are compiled over both.
#pragma once
#include <strata/core/limits.hpp>
#include <strata/neighbour/cache.hpp>

namespace strata::inline STRATA_ABI::neighbour {

struct archetype {
  using tick = milliseconds32;
  using family = only_v4;
  static constexpr strata::limits limits{.neighbours = 2, .neighbour_queue = 2};
};

struct interface_archetype {
  packet take() { return {}; }
  sent transmit_arp(packet, const mac_address&) { return sent::dropped; }
  sent transmit_ip(packet, const mac_address&) { return sent::dropped; }
  mac_address mac() { return {}; }
  bool is_ours(ipv4_address) { return false; }
  ipv4_address source_for(ipv4_address) { return {}; }
  void changed() {}
  void failed(packet) {}
  void observe(const trace::record&) {}
  u64 random() { return 0; }
};
static_assert(interface_below<interface_archetype, ipv4_address>);

}  // namespace strata::inline STRATA_ABI::neighbour
