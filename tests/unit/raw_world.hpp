// SPDX-License-Identifier: MIT
// What the tests of raw sockets share: Configs that list them, echo messages, and a handler that counts.
#pragma once
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace strata::test {

struct with_raws : presets::testing {
  template <class C> using transports = layers<typename C::template tcp<C>, typename C::template udp<C>, raw::layer<C>>;  // the line
};

inline constexpr ipv4_address at_a = "10.0.0.1"_ip, at_b = "10.0.0.2"_ip;

/// An ICMP message of this type, identifier and sequence number, with its checksum, and `more` bytes.
inline std::vector<std::byte> echo(u8 type, u16 sequence, std::size_t more = 4) {
  std::vector<std::byte> m(8 + more);
  for (std::size_t i = 0; i < more; ++i) m[8 + i] = static_cast<std::byte>(i * 7);
  m[0] = std::byte{type};
  store_be<u16>(m.data() + 4, 0x7777);
  store_be<u16>(m.data() + 6, sequence);
  store_be<u16>(m.data() + 2, checksum(m));
  return m;
}

/// Events of raw sockets by kind; each packet stays unread.
template <class N> struct raw_ears {
  u32 packets = 0, errors = 0;
  icmp_error_kind reason{};
  u16 mtu = 0;
  typename N::raw_socket last{};
  auto handler() {
    return on{[this](typename N::raw_packet e) { ++packets, last = e.socket; },
              [this](typename N::raw_error e) { ++errors, reason = e.reason, mtu = e.mtu, last = e.socket; }, ignore_rest{}};
  }
};

/// What the oldest packet of a socket carries; nothing if there is none.
template <class S> std::vector<std::byte> next_of(const S& s) {
  std::vector<std::byte> bytes(4096);
  const auto got = s.receive(bytes);
  bytes.resize(got ? got->bytes : 0);
  return bytes;
}

}  // namespace strata::test
