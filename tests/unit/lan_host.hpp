// SPDX-License-Identifier: MIT
// One stack, 10.0.0.1 by the router 10.0.0.254, and a peer that sees bare ARP messages.
#pragma once
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>

namespace strata::test {

using neighbour::arp_of;
using neighbour::arp_options;
using neighbour::claim;
using end_at = endpoint<ipv4_address>;

constexpr mac_address our_mac{{2, 0, 0, 0, 0, 1}}, mac_b{{2, 0, 0, 0, 0, 9}};
constexpr ipv4_address us{0x0a000001}, us_too{0xc0a80501}, b{0x0a000009}, router{0x0a0000fe}, far{0xc6336401};

template <class C> struct lan_host {
  using net = stack<C>;
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{C::limits.chunks} * 2048);
  net a{};
  bare_peer peer{cable};
  u64 ms = 5'000'000'000;  // no clock begins at zero
  std::vector<wire::arp> arp{};
  u32 conflicts = 0, others = 0;

  lan_host() {
    (void)a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = our_mac, .address = "10.0.0.1/24"_net, .gateway = "10.0.0.254"_ip});
  }
  void pass(u32 length) {
    struct ends {
      lan_host& h;
      void operator()(const typename net::error& e) { e.kind == event::error_kind::address_conflict && e.link == 0 ? ++h.conflicts : ++h.others; }
      void operator()(const typename net::closed&) {}
      void operator()(const typename net::accepted&) {}
      void operator()(const typename net::connected&) {}
      void operator()(const typename net::readable&) {}
      void operator()(const typename net::writable&) {}
      void operator()(const typename net::peer_closed&) {}
      void operator()(const typename net::timer&) {}
      void operator()(const typename net::datagram&) {}
    };
    for (u32 i = 0; i <= length; i += 5) {
      (void)a.poll({static_cast<typename C::tick::rep>((ms + i) * (C::tick::per_second / 1'000))}, budget{64}, ends{*this});
      for (auto& f : peer.receive())
        if (const auto m = wire::arp::parse(std::span(f).subspan(14)); m && load_be<u16>(f.data() + 12) == 0x0806) arp.push_back(*m);
    }
    ms += length;
  }
  std::vector<wire::arp> taken() { return std::exchange(arp, {}); }
  void say(const wire::arp& m) {
    std::vector<std::byte> f(14 + wire::arp::header_size, std::byte{0xff});
    __builtin_memcpy(f.data() + 6, m.sender_mac.bytes, 6), store_be<u16>(f.data() + 12, 0x0806);
    m.emit(f.data() + 14);
    peer.send(f);
    pass(0);
  }
};

}  // namespace strata::test
