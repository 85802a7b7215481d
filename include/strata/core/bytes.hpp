// SPDX-License-Identifier: MIT
// Big-endian loads and stores at any alignment, usable in constant expressions. Bounds are the caller's: codecs check a length once, at the boundary.
#pragma once
#include <strata/core/types.hpp>

#include <bit>
#include <type_traits>

namespace strata::inline STRATA_ABI {

/// Whether a word may lie at any address. Cortex-M0 faults, and a memcpy of four bytes is a call there: bytes are put together by shifts.
#if defined(__arm__) && !defined(__ARM_FEATURE_UNALIGNED)
inline constexpr bool words_lie_anywhere = false;
#else
inline constexpr bool words_lie_anywhere = true;
#endif

namespace detail {
// Out of line: each of them is ten instructions, and a codec has several.
[[gnu::noinline]] constexpr u32 load_be_bytes(const std::byte* p) {
  return static_cast<u32>(p[0]) << 24 | static_cast<u32>(p[1]) << 16 | static_cast<u32>(p[2]) << 8 | static_cast<u32>(p[3]);
}
[[gnu::noinline]] constexpr void store_be_bytes(std::byte* p, u32 v) {
  p[0] = static_cast<std::byte>(v >> 24), p[1] = static_cast<std::byte>(v >> 16), p[2] = static_cast<std::byte>(v >> 8), p[3] = static_cast<std::byte>(v);
}
}  // namespace detail

/// The unsigned integer of sizeof(T) bytes at `p`, most significant byte first.
template <class T> [[nodiscard]] constexpr T load_be(const std::byte* p) {
  if constexpr (!words_lie_anywhere) {
    if constexpr (sizeof(T) == 2) return static_cast<T>(static_cast<u32>(p[0]) << 8 | static_cast<u32>(p[1]));
    if constexpr (sizeof(T) == 4) return detail::load_be_bytes(p);
    if constexpr (sizeof(T) == 8) return static_cast<T>(detail::load_be_bytes(p)) << 32 | detail::load_be_bytes(p + 4);
  }
  if (!std::is_constant_evaluated()) {
    T v;
    __builtin_memcpy(&v, p, sizeof v);
    if constexpr (sizeof(T) == 1 || std::endian::native == std::endian::big) return v;
    else if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
    else if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
    else return __builtin_bswap64(v);
  }
  T v = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) v = static_cast<T>(static_cast<T>(v << (sizeof(T) > 1 ? 8 : 0)) | static_cast<T>(p[i]));
  return v;
}

/// Writes `v` at `p`, most significant byte first.
template <class T> constexpr void store_be(std::byte* p, T v) {
  if constexpr (!words_lie_anywhere) {
    if constexpr (sizeof(T) == 2) return p[0] = static_cast<std::byte>(v >> 8), p[1] = static_cast<std::byte>(v), void();
    if constexpr (sizeof(T) == 4) return detail::store_be_bytes(p, v);
    if constexpr (sizeof(T) == 8) return detail::store_be_bytes(p, static_cast<u32>(v >> 32)), detail::store_be_bytes(p + 4, static_cast<u32>(v));
  }
  if (!std::is_constant_evaluated()) {
    if constexpr (std::endian::native == std::endian::little) {
      if constexpr (sizeof(T) == 2) v = __builtin_bswap16(v);
      else if constexpr (sizeof(T) == 4) v = __builtin_bswap32(v);
      else if constexpr (sizeof(T) == 8) v = __builtin_bswap64(v);
    }
    __builtin_memcpy(p, &v, sizeof v);
    return;
  }
  for (std::size_t i = 0; i < sizeof(T); ++i) p[i] = static_cast<std::byte>(v >> (8 * (sizeof(T) - 1 - i)));
}

#ifdef STRATA_COUNT_COPIES
inline void (*on_copy)(const std::byte* from, std::size_t n) = nullptr;  ///< sees every copy of payload, in a build that counts them
#endif

/// Copies `N` bytes of a header between places that do not overlap, in moves of up to 16 bytes. On a path that a compiler takes for seldom it would make
/// a loop of bytes (`rep movsb`) of one memcpy, whose start alone costs more.
template <std::size_t N> STRATA_ALWAYS_INLINE inline void copy_header(std::byte* to, const std::byte* from) {
  __builtin_memcpy(to, from, N < 16 ? N : 16);
  if constexpr (N > 16) copy_header<N - 16>(to + 16, from + 16);
}

/// Zeros `N` bytes in the same moves: there it would be `rep stosd`.
template <std::size_t N> STRATA_ALWAYS_INLINE inline void clear_words(std::byte* p) {
  __builtin_memset(p, 0, N < 16 ? N : 16);
  if constexpr (N > 16) clear_words<N - 16>(p + 16);
}

/// Copies `n` bytes between places that do not overlap. Every copy of payload is one of these, or tells on_copy itself what it
/// copies (checksum_wide.hpp).
constexpr void copy_bytes(std::byte* to, const std::byte* from, std::size_t n) {
  if (!std::is_constant_evaluated()) {
#ifdef STRATA_COUNT_COPIES
    if (on_copy != nullptr) on_copy(from, n);
#endif
    if (n != 0) __builtin_memcpy(to, from, n);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

/// copy_bytes() of what is often a short message: from 32 to 128 bytes without a call, which takes longer than their moves. Some bytes are moved twice.
STRATA_ALWAYS_INLINE inline void copy_message(std::byte* to, const std::byte* from, std::size_t n) {
#if defined(__AVX2__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__) && !defined(STRATA_COUNT_COPIES)
  if (n - 32 <= 128 - 32) [[likely]] {
    const auto move = [&](std::size_t at) STRATA_INLINE_LAMBDA {
      typedef u64 block __attribute__((vector_size(32)));
      block b;
      __builtin_memcpy(&b, from + at, sizeof b), __builtin_memcpy(to + at, &b, sizeof b);
    };
    move(0), move(n - 32);
    if (n > 64) [[unlikely]] move(32), move(n - 64);
    return;
  }
#endif
  copy_bytes(to, from, n);
}

}  // namespace strata::inline STRATA_ABI
