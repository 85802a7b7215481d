// SPDX-License-Identifier: MIT
// An interface that records what an ARP cache gives it, and a cache on it in virtual time.
#pragma once
#include <strata/core/entropy.hpp>
#include <strata/neighbour/arp.hpp>

#include <optional>

#include "layer_below.hpp"

namespace strata::arp_test {

using namespace strata::literals;
using namespace strata::layer_test;
using neighbour::state;

constexpr mac_address our_mac = "02:00:00:00:00:01"_mac, mac_b = "02:00:00:00:00:0b"_mac, mac_c = "02:00:00:00:00:0c"_mac;
constexpr ipv4_address us{0x0a000001}, b{0x0a00000b}, c{0x0a00000c};
constexpr ipv4_address us_too{0xc0a80001};  // 192.168.0.1, a second network on the same link

struct board {
  struct frame {
    bytes what;
    mac_address to;
    bool is_arp;
  };
  pool_of<256> pool{};
  entropy::seeded random_words{7};
  std::vector<frame> out{};
  std::vector<bytes> lost{};
  int changes = 0, conflicts = 0;
  std::optional<subnet<ipv4_address>> adopted{};
  ipv4_address gateway{};
  bool has_room = true;
  trace::record last_step{};
  sent answer = sent::sent;

  packet take() { return pool.chunks.take(pool.headroom); }
  sent transmit_arp(packet p, const mac_address& to) { out.push_back({copy_of(p), to, true}); return sent::sent; }
  sent transmit_ip(packet p, const mac_address& to) {
    CHECK(p.writable());  // the link header is written in front
    out.push_back({copy_of(p), to, false});
    return answer;
  }
  mac_address mac() { return our_mac; }
  bool is_ours(ipv4_address a) { return a == us || a == us_too || (adopted && a == adopted->address); }
  ipv4_address source_for(ipv4_address a) { return a.value >> 8 == us_too.value >> 8 ? us_too : us; }
  bool adopt(const subnet<ipv4_address>& ours, ipv4_address with_gateway) {
    if (has_room) adopted = ours, gateway = with_gateway;
    return has_room;
  }
  void lose(ipv4_address a) {
    CHECK((adopted && adopted->address == a));
    adopted.reset();
  }
  void conflict() { ++conflicts; }
  bool is_beyond(ipv4_address a) { return a.value >> 8 == 0xac1000; }  // 172.16.0.0/24 lies behind us
  void changed() { ++changes; }
  void failed(packet p) { lost.push_back(copy_of(p)); }
  void observe(const trace::record& r) { last_step = r; }
  u64 random() { return random_words.next(); }

  std::vector<frame> taken() { return std::exchange(out, {}); }
};

template <class Tick, u32 Neighbours = 4> struct config {
  using tick = Tick;
  using family = only_v4;
  static constexpr strata::limits limits{.neighbours = Neighbours, .neighbour_queue = 3};
};

template <class Tick, u32 Neighbours = 4, class Arp = neighbour::arp> struct lan : board {
  using moment = time_point<Tick>;
  using interval = duration<Tick>;
  typename Arp::template of<config<Tick, Neighbours>> cache{};
  moment now{static_cast<typename Tick::rep>(typename Tick::rep{0} - interval::seconds(20).count)};  // wraps during the walk

  ~lan() { cache.clear(pool.chunks); }
  board& below() { return *this; }
  std::optional<resolved_neighbour> resolve(ipv4_address a) { return cache.resolve(below(), a, now); }
  sent hold(ipv4_address a, std::span<const std::byte> what) { return cache.hold(below(), a, pool.outgoing(what), now); }
  void in(std::span<const std::byte> message) {
    packet p = pool.incoming(message);
    cache.on_arp(below(), p, now);
  }
  void in(u16 operation, mac_address from_mac, ipv4_address from, mac_address to_mac, ipv4_address to) {
    std::byte at[28];
    wire::arp{operation, from_mac, from, to_mac, to}.emit(at);
    in(at);
  }
  void reply_from(mac_address mac, ipv4_address a) { in(2, mac, a, our_mac, us); }
  /// Lets time pass as a stack would: it sleeps until the next deadline, never longer.
  void pass(u32 ms) {
    const moment end = now + interval::from_ms(ms);
    for (auto d = cache.next_deadline(); d && end.reached(*d); d = cache.next_deadline()) {
      if (now.is_before(*d)) now = *d;
      cache.advance(below(), now);
    }
    now = end;
    cache.advance(below(), now);
  }
};

}  // namespace strata::arp_test
