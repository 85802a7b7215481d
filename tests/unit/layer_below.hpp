// SPDX-License-Identifier: MIT
// What the tests of the middle layers share: a pool that must be empty at the end, packets from bytes, copies of what was handed down.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/address.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

#include "wire_hex.hpp"

namespace strata::layer_test {

using bytes = std::vector<std::byte>;

/// "10.0.0.1"_ip where no type says which family is wanted.
consteval ipv4_address v4(subnet_text t) { return t; }
consteval ipv6_address v6(subnet_text t) { return t; }

inline bytes copy_of(std::span<const std::byte> b) { return {b.begin(), b.end()}; }
inline bytes copy_of(const packet& p) { return copy_of(p.bytes()); }
inline bytes joined(std::span<const std::byte> a, std::span<const std::byte> b) {
  bytes all = copy_of(a);
  all.insert(all.end(), b.begin(), b.end());
  return all;
}
/// The bytes of a string literal without its end.
inline std::span<const std::byte> text(const char* s) { return std::as_bytes(std::span<const char>(s, __builtin_strlen(s))); }

/// The Internet checksum once more, byte by byte, and not by the code under test (RFC 1071 §4.1).
inline u32 plain_sum(std::span<const std::byte> b, u32 sum = 0) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    sum += static_cast<u32>(b[i]) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

template <u32 N> struct pool_of {
  static constexpr u32 chunk_size = 2048;
  static constexpr u32 headroom = 128;
  std::vector<std::byte> memory = std::vector<std::byte>(N * chunk_size);
  buffer::descriptor table[N]{};
  u32 hashes[N]{};
  buffer::pool chunks{};

  pool_of() { chunks.open(region({memory.data(), memory.size()}), table, chunk_size, hashes); }
  /// Every test ends with this: all chunks are back.
  ~pool_of() { CHECK(chunks.in_use() == 0); }

  /// A packet to be sent, with headroom.
  packet outgoing(std::span<const std::byte> b) {
    packet p = chunks.take(headroom);
    if (p) copy_bytes(p.room().data(), b.data(), b.size()), p.extend(b.size());
    return p;
  }
  /// A packet as a driver hands it up.
  packet incoming(std::span<const std::byte> b, u32 front = headroom) {
    packet p = chunks.take_receive(front);
    if (p) copy_bytes(p.room().data(), b.data(), b.size()), p.extend(b.size());
    return p;
  }
};

}  // namespace strata::layer_test
