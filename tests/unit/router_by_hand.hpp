// SPDX-License-Identifier: MIT
// A router between a LAN and a point-to-point link, with frames by hand at both ends of it.
#pragma once
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>

#include <two_stacks.hpp>

#include "layer_below.hpp"

namespace strata::routing_test {

using namespace strata::test;
using layer_test::plain_sum;

struct lan {
  using nic = strata::nic::wire_pair;
  using link = strata::link::ethernet;
  using neighbour = strata::neighbour::arp;
  using qdisc = strata::qdisc::direct;
};
struct point_to_point {
  using nic = strata::nic::wire_pair::lending;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using qdisc = strata::qdisc::direct;
};
struct router : presets::testing {
  static constexpr bool forwards = true;
  template <class C> using interfaces = strata::interfaces<strata::interface<lan>, strata::interface<point_to_point>>;
};

/// Frames by hand on the near side of the router, whose first question is where 10.0.0.1 is.
template <class R> struct by_hand {
  using net = stack<R>;
  nic::wire near_cable{}, far_cable{};
  alignas(64) std::byte memory[512 * 2048]{};
  net between{};
  bare_peer near{near_cable}, far{far_cable};
  u32 ms = 1000;

  by_hand() {
    (void)between.start({.memory = memory,
                         .entropy = {2},
                         .interfaces = {{.nic = {near_cable, 0}, .mac = "02:00:00:00:00:fe"_mac, .address = "10.0.0.254/24"_net}, {.nic = {far_cable, 0}, .address = "10.9.0.254/24"_net, .mtu = 600}}});
    turn();
    std::vector<std::byte> arp(42);  // a reply that tells the router who 10.0.0.1 is, behind a request of ours
    const u8 head[] = {0x02, 0, 0, 0, 0, 0xfe, 0x02, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 254};
    __builtin_memcpy(arp.data(), head, sizeof head);
    near.send(arp);
    turn();
    (void)near.receive();
  }
  ~by_hand() {
    turn();
    (void)near.receive(), (void)far.receive();
    turn();
    CHECK(between.chunks_in_use() == 0);
  }
  void turn() { (void)between.poll({u64{ms++} * 1'000'000}, budget{64}, ignore_rest{}); }

  struct packet_of {
    u8 ttl = 64, protocol = 17;
    u16 id = 7, fragment = 0;
    u32 from = 0x0a000001, to = 0x0a090001;
    std::size_t payload = 100;
    std::vector<u8> options{};
    u16 to_port = 9;
    bool to_all = false;  ///< an Ethernet broadcast
  };
  static std::vector<std::byte> ip(const packet_of& o) {
    const std::size_t header = 20 + o.options.size();
    std::vector<std::byte> b(header + o.payload);
    b[0] = static_cast<std::byte>(0x40 + header / 4);
    store_be<u16>(&b[2], static_cast<u16>(b.size())), store_be<u16>(&b[4], o.id), store_be<u16>(&b[6], o.fragment);
    b[8] = static_cast<std::byte>(o.ttl), b[9] = static_cast<std::byte>(o.protocol);
    store_be<u32>(&b[12], o.from), store_be<u32>(&b[16], o.to);
    for (std::size_t i = 0; i < o.options.size(); ++i) b[20 + i] = static_cast<std::byte>(o.options[i]);
    store_be<u16>(&b[10], static_cast<u16>(~plain_sum(std::span(b).first(header))));
    for (std::size_t i = 0; i < o.payload; ++i) b[header + i] = static_cast<std::byte>(i);
    if (o.payload >= 8) store_be<u16>(&b[header], 1234), store_be<u16>(&b[header + 2], o.to_port), store_be<u16>(&b[header + 4], static_cast<u16>(o.payload)), store_be<u16>(&b[header + 6], 0);
    return b;
  }
  void send(const packet_of& o) { send(ip(o), o.to_all); }
  void send(std::span<const std::byte> packet, bool to_all = false) {
    std::vector<std::byte> frame(14);
    const u8 head[] = {0x02, 0, 0, 0, 0, 0xfe, 0x02, 0, 0, 0, 0, 1, 8, 0};
    __builtin_memcpy(frame.data(), head, 14);
    if (to_all)
      for (std::size_t i = 0; i < 6; ++i) frame[i] = std::byte{0xff};
    frame.insert(frame.end(), packet.begin(), packet.end());
    near.send(frame);
    turn();
  }
  /// The one ICMP message that came back: type, code, and the rest of its header.
  struct told {
    u8 type = 0xff, code = 0xff;
    u32 rest = 0, from = 0, quoted_to = 0;
  };
  told answer() {
    told t;
    for (const auto& f : near.receive()) {
      if (f.size() < 14 + 28 + 28 || load_be<u16>(&f[12]) != 0x0800 || f[14 + 9] != std::byte{1}) continue;
      REQUIRE(t.type == 0xff);  // there is one
      const auto icmp = std::span(f).subspan(34);
      CHECK(plain_sum(icmp) == 0xffff);
      CHECK(load_be<u32>(&f[14 + 16]) == 0x0a000001);
      t = {static_cast<u8>(icmp[0]), static_cast<u8>(icmp[1]), load_be<u32>(&icmp[4]), load_be<u32>(&f[14 + 12]), load_be<u32>(&icmp[8 + 16])};
    }
    return t;
  }
  [[nodiscard]] const ip::counters& count() const { return between.network().counted(); }
};

}  // namespace strata::routing_test
