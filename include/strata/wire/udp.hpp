// SPDX-License-Identifier: MIT
// The UDP header, RFC 768: source port, destination port, length, checksum; two bytes each.
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::wire {

struct udp {
  static constexpr u8 protocol = 17;
  static constexpr std::size_t header_size = 8;
  static constexpr std::size_t checksum_offset = 6;

  u16 source = 0;       ///< zero: the sender does not want an answer
  u16 destination = 0;
  u16 length = 0;       ///< bytes, with the header
  u16 checksum = 0;     ///< zero: the sender made none

  /// The datagram at the start of `bytes`, which is the payload of one IP packet and may end in link padding.
  /// Nothing if it is shorter than a header, or `length` lies outside [8, bytes.size()] (RFC 768).
  /// Does not look at the checksum: see checksum_is_valid().
  [[nodiscard]] static constexpr std::optional<udp> parse(std::span<const std::byte> bytes) { return parse(bytes, bytes.size()); }
  /// The same of `came` bytes, of which `bytes` are the first.
  [[nodiscard]] static constexpr std::optional<udp> parse(std::span<const std::byte> bytes, std::size_t came) {
    if (bytes.size() < header_size) return {};
    const u64 h = load_be<u64>(bytes.data());
    const u16 length = static_cast<u16>(h >> 16);
    if (length < header_size || length > came) return {};
    return udp{static_cast<u16>(h >> 48), static_cast<u16>(h >> 32), length, static_cast<u16>(h)};
  }

  /// Whether the checksum of `bytes`, which parse() accepted, is right. Over IPv4 zero says that the sender made none (RFC 768); over IPv6 that is an
  /// error (RFC 8200 §8.1). `pseudo_sum` counts `length` as it stands in the header.
  [[nodiscard]] constexpr bool checksum_is_valid(std::span<const std::byte> bytes, u32 pseudo_sum, bool zero_means_none) const {
    if (checksum == 0) return zero_means_none;
    return strata::checksum_is_valid(bytes.first(length), pseudo_sum);
  }
  /// The field for a datagram whose header (checksum zero), data and pseudo-header have this sum: zero is sent as ffff, its equal (RFC 768).
  [[nodiscard]] static constexpr u16 checksum_for(u32 sum) {
    const u16 c = static_cast<u16>(~fold(sum));
    return c != 0 ? c : u16{0xffff};
  }
  /// The sum of what emit() writes.
  [[nodiscard]] constexpr u32 word_sum() const { return u32{source} + destination + length + checksum; }

  /// The payload; `bytes` is what was parsed.
  [[nodiscard]] constexpr std::span<const std::byte> payload(std::span<const std::byte> bytes) const { return bytes.subspan(header_size, length - header_size); }

  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    store_be<u64>(at, static_cast<u64>(source) << 48 | static_cast<u64>(destination) << 32 | static_cast<u64>(length) << 16 | checksum);
  }
  friend constexpr bool operator==(const udp&, const udp&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
