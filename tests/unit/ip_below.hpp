// SPDX-License-Identifier: MIT
// Two links that record what ip hands down: 0 has Ethernet headers and 1500 bytes, 1 has none and 1280. For the tests of ip.
#pragma once
#include <strata/core/entropy.hpp>
#include <strata/ip/archetype.hpp>

#include "layer_below.hpp"

namespace strata::layer_test {

template <class Address> struct two_links {
  struct frame {
    bytes what;
    u8 link;
    Address next_hop{};  // of one that was held
  };
  pool_of<16> pool{};
  entropy::seeded random_words{3};
  std::vector<frame> posted{};
  std::vector<frame> held{};
  std::vector<trace::step> steps{};
  u32 now_at = 1;
  bool is_resolved = true;
  mac_address their_mac{{2, 0, 0, 0, 0, 0x0b}};
  std::vector<Address> asked{};
  sent answer = sent::sent;

  buffer::pool& chunks() { return pool.chunks; }
  packet take() { return pool.chunks.take(pool.headroom); }
  u32 generation() { return now_at; }
  void changed() { ++now_at; }
  u16 mtu(u8 link) { return link == 0 ? 1500 : 1280; }
  u32 link_header_size(u8 link) { return link == 0 ? 14 : 0; }
  void emit_link_header(u8 link, std::byte* at, const mac_address& to, bool is_v4) {
    if (link != 0) return;
    const u8 type[2] = {static_cast<u8>(is_v4 ? 0x08 : 0x86), static_cast<u8>(is_v4 ? 0x00 : 0xdd)};
    const mac_address ours{{2, 0, 0, 0, 0, 1}};
    __builtin_memcpy(at, to.bytes, 6), __builtin_memcpy(at + 6, ours.bytes, 6), __builtin_memcpy(at + 12, type, 2);
  }
  std::optional<resolved_neighbour> resolve(u8, const Address& a) {
    asked.push_back(a);
    if (!is_resolved) return {};
    return resolved_neighbour{their_mac, 5};
  }
  sent post(packet p) {
    posted.push_back({copy_of(p), p->link, {}});
    return answer;
  }
  sent hold(packet p, const Address& next_hop) {
    held.push_back({copy_of(p), p->link, next_hop});
    return sent::queued;
  }
  u64 random() { return random_words.next(); }
  void observe(const trace::record& r) { steps.push_back(r.what); }

  std::vector<frame> taken() { return std::exchange(posted, {}); }
};

}  // namespace strata::layer_test
