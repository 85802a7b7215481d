// SPDX-License-Identifier: MIT
// Big-endian loads and stores at any alignment, usable in constant expressions. Bounds are the caller's: codecs check a length once, at the boundary.
#pragma once
#include <strata/core/types.hpp>

#include <bit>
#include <type_traits>

namespace strata::inline STRATA_ABI {

/// The unsigned integer of sizeof(T) bytes at `p`, most significant byte first.
template <class T> [[nodiscard]] constexpr T load_be(const std::byte* p) {
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

/// Copies `n` bytes between places that do not overlap.
constexpr void copy_bytes(std::byte* to, const std::byte* from, std::size_t n) {
  if (!std::is_constant_evaluated()) {
    if (n != 0) __builtin_memcpy(to, from, n);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

}  // namespace strata::inline STRATA_ABI
