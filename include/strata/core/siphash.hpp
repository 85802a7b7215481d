// SPDX-License-Identifier: MIT
// SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash under every table that a peer can choose keys for, under initial sequence numbers
// (RFC 6528 §3) and ports (RFC 6056 §3.3). Without the key nobody can make two inputs collide on purpose.
#pragma once
#include <strata/core/types.hpp>

#include <bit>

namespace strata::inline STRATA_ABI {

/// 128 bits of key. Draw them from an entropy source; a key of zero hashes, but keeps no secret.
struct siphash_key {
  u64 k0 = 0;
  u64 k1 = 0;
};

namespace detail {

/// The state between two words. compress() takes the next eight bytes as a little-endian number.
struct sip_state {
  u64 v0, v1, v2, v3;

  constexpr explicit sip_state(siphash_key key)
      : v0(key.k0 ^ 0x736f6d6570736575), v1(key.k1 ^ 0x646f72616e646f6d), v2(key.k0 ^ 0x6c7967656e657261), v3(key.k1 ^ 0x7465646279746573) {}
  constexpr void round() {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  }
  constexpr void compress(u64 word) {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  constexpr void compress_once(u64 word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  constexpr u64 finish_short() {
    v2 ^= 0xff;
    round(), round(), round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
  constexpr u64 finish() {
    v2 ^= 0xff;
    round(), round(), round(), round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace detail

/// The hash of `bytes`. For input of variable length; tables with fixed keys use the forms below.
[[nodiscard]] constexpr u64 siphash(siphash_key key, std::span<const std::byte> bytes) {
  detail::sip_state s{key};
  const auto word = [&bytes](std::size_t at, std::size_t n) {
    u64 w = 0;
    for (std::size_t i = 0; i < n; ++i) w |= static_cast<u64>(bytes[at + i]) << (8 * i);
    return w;
  };
  const std::size_t whole = bytes.size() & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) s.compress(word(at, 8));
  s.compress(static_cast<u64>(bytes.size()) << 56 | word(whole, bytes.size() & 7));
  return s.finish();
}

/// The hash of one, two or three numbers: that of their 8, 16 or 24 little-endian bytes, on every machine.
[[nodiscard]] constexpr u64 siphash(siphash_key key, u64 a) {
  detail::sip_state s{key};
  s.compress(a), s.compress(u64{8} << 56);
  return s.finish();
}
[[nodiscard]] constexpr u64 siphash(siphash_key key, u64 a, u64 b) {
  detail::sip_state s{key};
  s.compress(a), s.compress(b), s.compress(u64{16} << 56);
  return s.finish();
}
[[nodiscard]] constexpr u64 siphash(siphash_key key, u64 a, u64 b, u64 c) {
  detail::sip_state s{key};
  s.compress(a), s.compress(b), s.compress(c), s.compress(u64{24} << 56);
  return s.finish();
}

/// SipHash-1-3 of two or three numbers: for tables only, where nobody sees the hash itself (Linux: hsiphash, Rust's and Python's hash tables).
[[nodiscard]] constexpr u64 siphash_1_3(siphash_key key, u64 a, u64 b) {
  detail::sip_state s{key};
  s.compress_once(a), s.compress_once(b), s.compress_once(u64{16} << 56);
  return s.finish_short();
}
[[nodiscard]] constexpr u64 siphash_1_3(siphash_key key, u64 a, u64 b, u64 c) {
  detail::sip_state s{key};
  s.compress_once(a), s.compress_once(b), s.compress_once(c), s.compress_once(u64{24} << 56);
  return s.finish_short();
}

}  // namespace strata::inline STRATA_ABI
