// SPDX-License-Identifier: MIT
// What the tests of raw sockets that write the header share: such packets, and a host with a peer that sees what leaves.
#pragma once
#include "raw_world.hpp"

namespace strata::raw_header_test {

using namespace strata::test;
using octets = std::vector<std::byte>;

inline constexpr ipv4_address near_by = "10.0.0.9"_ip, group = "239.1.2.3"_ip;

/// A header of 20 bytes and options, and `text` behind it; what the stack fills in is zero.
struct written {
  u8 protocol = 253;
  ipv4_address to = near_by, from{};
  u8 ttl = 7, tos = 0x28, version_and_length = 0x45;
  u16 id = 0, fragment = 0, total = 0, sum = 0;
  octets options{};
  const char* text = "payload";

  [[nodiscard]] octets bytes() const {
    octets b(20);
    b[0] = std::byte{version_and_length}, b[1] = std::byte{tos}, b[8] = std::byte{ttl}, b[9] = std::byte{protocol};
    store_be<u16>(b.data() + 2, total), store_be<u16>(b.data() + 4, id), store_be<u16>(b.data() + 6, fragment), store_be<u16>(b.data() + 10, sum);
    store_be<u32>(b.data() + 12, from.value), store_be<u32>(b.data() + 16, to.value);
    b.insert(b.end(), options.begin(), options.end());
    const auto t = bytes_of(text);
    b.insert(b.end(), t.begin(), t.end());
    return b;
  }
};

/// One stack, 10.0.0.1, and a peer that sees what leaves.
template <class C = with_raws> struct host {
  nic::wire cable{};
  octets memory = octets(std::size_t{C::limits.chunks} * 2048);
  stack<C> a{};
  bare_peer peer{cable};

  explicit host(u16 mtu = 0) {
    REQUIRE(a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net, .mtu = mtu}) == bad_option::none);
    REQUIRE(a.add_neighbour(0, near_by, "02:00:00:00:00:09"_mac));
  }
  auto opened(u8 protocol = 253) {
    const auto s = *a.open_raw({.protocol = protocol});
    REQUIRE(s.set(raw::option::header_included{true}));
    return s;
  }
  /// IPv4 packets that left since the last time.
  std::vector<octets> left() {
    (void)a.poll({1'000'000}, budget{64}, ignore_rest{});
    std::vector<octets> all;
    for (const auto& f : peer.receive())
      if (f[12] == std::byte{8} && f[13] == std::byte{0}) all.emplace_back(f.begin() + 14, f.end());
    return all;
  }
};
template <class C = with_raws> auto made(u16 mtu = 0) { return std::make_unique<host<C>>(mtu); }

}  // namespace strata::raw_header_test
