// SPDX-License-Identifier: MIT
// The Internet checksum: the one's complement of the one's complement sum of 16-bit words (RFC 1071), with a copy, and its update (RFC 1624).
//
// A *sum* is uncomplemented, in network order as a number, and at most ffff when it comes from here: it is 0 for zero bytes only, since end-around
// carries never lead back to zero. So sums are plain numbers that a caller adds in a u32 (65,000 of them fit) and folds once.
// Instruction sets are chosen at compile time, by STRATA_ISA; all that exist in a build can be called by name in `checksum_by`.
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/checksum_portable.hpp>

#include <type_traits>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && (!defined(__arm__) || defined(__ARM_FEATURE_UNALIGNED))
#define STRATA_CHECKSUM_WIDE 1
#include <strata/core/checksum_wide.hpp>
#else
#define STRATA_CHECKSUM_WIDE 0
#endif

namespace strata::inline STRATA_ABI {

/// The sum of `bytes` as if they began at an even offset: at most ffff, and 0 only if all are zero.
[[nodiscard]] STRATA_OUT_OF_LINE constexpr u32 ones_sum(std::span<const std::byte> bytes) {
  if (std::is_constant_evaluated()) return checksum_by::portable(bytes);
#if STRATA_CHECKSUM_WIDE
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  return checksum_by::avx512(bytes);
#elif defined(__AVX2__)
  return checksum_by::avx2(bytes);
#else
  return checksum_by::wide(bytes);
#endif
#else
  return checksum_by::portable(bytes);
#endif
}

/// What the checksum field must hold when `bytes` has zero there.
[[nodiscard]] constexpr u16 checksum(std::span<const std::byte> bytes) { return static_cast<u16>(~fold(ones_sum(bytes))); }

/// Copies `n` bytes between places that do not overlap and returns their sum.
/// A segment takes one pass (1460 B: 20 to 26 ns against 33 for two, AMD EPYC of family 26). More takes two: memcpy is better at copying than a loop that
/// also adds, and the second finds its bytes in the caches. It reads the source again and not the copy, whose stores may be still under way in pieces of
/// another size.
STRATA_ALWAYS_INLINE constexpr u32 copy_and_sum(std::byte* to, const std::byte* from, std::size_t n) {
#if STRATA_CHECKSUM_WIDE && defined(__AVX2__)
  if (!std::is_constant_evaluated() && n - 32 <= 2048 - 32) [[likely]] return checksum_by::avx2_copied(to, {from, n});
#endif
  copy_bytes(to, from, n);
  return ones_sum({from, n});
}

/// The checksum after one 16-bit word that it covers changed: RFC 1624 §3, equation 3.
[[nodiscard]] constexpr u16 checksum_update(u16 old_checksum, u16 old_word, u16 new_word) {
  const u32 sum = static_cast<u32>(static_cast<u16>(~old_checksum)) + static_cast<u16>(~old_word) + new_word;
  return static_cast<u16>(~fold(sum));
}

/// The sum of the pseudo-header of UDP and TCP: RFC 9293 §3.1, RFC 8200 §8.1. `length` counts transport header and data.
template <class Address> [[nodiscard]] constexpr u32 pseudo_header_sum(const Address& source, const Address& destination, u8 protocol, u32 length) {
  return source.word_sum() + destination.word_sum() + protocol + (length >> 16) + (length & 0xffff);
}

/// Whether bytes that include their checksum are as they were sent. `pseudo_sum` is zero where there is no pseudo-header.
[[nodiscard]] constexpr bool checksum_is_valid(std::span<const std::byte> bytes, u32 pseudo_sum = 0) {
  return fold(ones_sum(bytes) + pseudo_sum) == 0xffff;
}

}  // namespace strata::inline STRATA_ABI
