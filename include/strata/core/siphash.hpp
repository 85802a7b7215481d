// SPDX-License-Identifier: MIT
// SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash under every table that a peer can choose keys for, under initial sequence numbers
// (RFC 6528 §3) and ports (RFC 6056 §3.3). Without the key nobody can make two inputs collide on purpose.
#pragma once
#include <strata/core/types.hpp>

#include <bit>
#include <concepts>

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

  constexpr explicit sip_state(const siphash_key& key)
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

/// HalfSipHash, the same construction in words of 32 bits with half of the key.
struct half_sip_state {
  u32 v0, v1, v2, v3;

  constexpr explicit half_sip_state(u64 key)
      : v0(static_cast<u32>(key)), v1(static_cast<u32>(key >> 32)), v2(static_cast<u32>(key) ^ 0x6c796765), v3(static_cast<u32>(key >> 32) ^ 0x74656462) {}
  constexpr void round() {
    v0 += v1, v1 = std::rotl(v1, 5) ^ v0, v0 = std::rotl(v0, 16);
    v2 += v3, v3 = std::rotl(v3, 8) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 7) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 13) ^ v2, v2 = std::rotl(v2, 16);
  }
};

}  // namespace detail

/// The hash of `bytes`. For input of variable length; tables with fixed keys use the forms below.
[[nodiscard]] constexpr u64 siphash(const siphash_key& key, std::span<const std::byte> bytes) {
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
[[nodiscard]] constexpr u64 siphash(const siphash_key& key, u64 a) {
  detail::sip_state s{key};
  s.compress(a), s.compress(u64{8} << 56);
  return s.finish();
}
[[nodiscard]] constexpr u64 siphash(const siphash_key& key, u64 a, u64 b) {
  detail::sip_state s{key};
  s.compress(a), s.compress(b), s.compress(u64{16} << 56);
  return s.finish();
}
[[nodiscard]] constexpr u64 siphash(const siphash_key& key, u64 a, u64 b, u64 c) {
  detail::sip_state s{key};
  s.compress(a), s.compress(b), s.compress(c), s.compress(u64{24} << 56);
  return s.finish();
}

/// SipHash-1-3 of two or three numbers: for tables only, where nobody sees the hash itself (Linux: hsiphash, Rust's and Python's hash tables).
[[nodiscard]] constexpr u64 siphash_1_3(const siphash_key& key, u64 a, u64 b) {
  detail::sip_state s{key};
  s.compress_once(a), s.compress_once(b), s.compress_once(u64{16} << 56);
  return s.finish_short();
}
[[nodiscard]] constexpr u64 siphash_1_3(const siphash_key& key, u64 a, u64 b, u64 c) {
  detail::sip_state s{key};
  s.compress_once(a), s.compress_once(b), s.compress_once(c), s.compress_once(u64{24} << 56);
  return s.finish_short();
}

/// HalfSipHash-c-d of numbers of 32 bits: that of their little-endian bytes. Its key has 64 bits, so it is for tables only.
template <u32 C, u32 D, std::same_as<u32>... Word> [[nodiscard]] constexpr u32 half_siphash(u64 key, Word... words) {
  detail::half_sip_state s{key};
  for (const u32 word : {words..., static_cast<u32>(4 * sizeof...(words)) << 24}) {
    s.v3 ^= word;
    for (u32 i = 0; i < C; ++i) s.round();
    s.v0 ^= word;
  }
  s.v2 ^= 0xff;
  for (u32 i = 0; i < D; ++i) s.round();
  return s.v1 ^ s.v3;
}

/// The hash of two or three numbers for tables whose keys a peer may choose: SipHash-1-3, or HalfSipHash-1-3 where a register holds 32 bits; there it
/// takes a quarter of the instructions.
[[nodiscard]] constexpr u64 table_hash(const siphash_key& key, u64 a, u64 b) {
  if constexpr (sizeof(std::size_t) >= 8) return siphash_1_3(key, a, b);
  else return half_siphash<1, 3>(key.k0, static_cast<u32>(a), static_cast<u32>(a >> 32), static_cast<u32>(b), static_cast<u32>(b >> 32));
}
[[nodiscard]] constexpr u64 table_hash(const siphash_key& key, u64 a, u64 b, u64 c) {
  if constexpr (sizeof(std::size_t) >= 8) return siphash_1_3(key, a, b, c);
  else return half_siphash<1, 3>(key.k0, static_cast<u32>(a), static_cast<u32>(a >> 32), static_cast<u32>(b), static_cast<u32>(b >> 32), static_cast<u32>(c), static_cast<u32>(c >> 32));
}

}  // namespace strata::inline STRATA_ABI
