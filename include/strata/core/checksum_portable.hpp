// SPDX-License-Identifier: MIT
// The arithmetic of the Internet checksum (RFC 1071) and its plainest sum, which checksum.hpp and the vectors of checksum_wide.hpp both stand on.
#pragma once
#include <strata/core/types.hpp>

#include <bit>

namespace strata::inline STRATA_ABI {

/// The 16-bit end-around fold; 0 only for 0. A number and itself with its halves exchanged add up to both halves' sum in the upper half, and the carry that
/// belongs there comes from the lower one.
[[nodiscard]] constexpr u16 fold(u32 sum) { return static_cast<u16>((sum + std::rotl(sum, 16)) >> 16); }
[[nodiscard]] constexpr u16 fold(u64 sum) { return fold(static_cast<u32>((sum + std::rotl(sum, 32)) >> 32)); }

/// What the sum of a piece becomes when the piece starts at an odd offset: RFC 1071 §2 (B), its bytes change places.
[[nodiscard]] constexpr u32 swap_odd(u32 sum) { return std::rotl(fold(sum), 8); }
/// The sum of bytes of which the first `offset` have `sum` and the rest has `piece`. Each call adds at most ffff.
[[nodiscard]] constexpr u32 append_sum(u32 sum, u32 piece, std::size_t offset) { return sum + ((offset & 1) != 0 ? swap_odd(piece) : fold(piece)); }

namespace checksum_by {

/// Two bytes at a time, in any order of bytes and in constant expressions. Also the choice where a word may not lie at any address (Cortex-M0).
[[nodiscard]] constexpr u32 portable(std::span<const std::byte> bytes) {
  constexpr std::size_t block = 0x10000;  // a u32 holds that many ffff
  u32 sum = 0;
  std::size_t i = 0;
  while (i + 1 < bytes.size()) {
    const std::size_t end = bytes.size() - i > block ? i + block : bytes.size() & ~std::size_t{1};
    for (; i < end; i += 2) sum += static_cast<u32>(bytes[i]) << 8 | static_cast<u32>(bytes[i + 1]);
    sum = fold(sum);
  }
  if (i < bytes.size()) sum += static_cast<u32>(bytes[i]) << 8;  // RFC 1071 §4.1: as if a zero byte followed
  return fold(sum);
}

}  // namespace checksum_by
}  // namespace strata::inline STRATA_ABI
