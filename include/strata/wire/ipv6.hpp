// SPDX-License-Identifier: MIT
// The IPv6 base header, RFC 8200 §3; the traffic class is RFC 2474 (DSCP) and RFC 3168 §5 (ECN).
//
//   |version| traffic class |              flow label               |
//   |         payload length        |  next header  |   hop limit   |
//   |                 source address, 16 bytes                      |
//   |               destination address, 16 bytes                   |
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::wire {

struct ipv6 {
  static constexpr std::size_t header_size = 40;

  u8 traffic_class = 0;     ///< DSCP in the upper six bits, ECN in the lower two
  u32 flow_label = 0;       ///< 20 bits
  u16 payload_length = 0;   ///< bytes behind this header, with extension headers
  u8 next_header = 0;
  u8 hop_limit = 64;
  ipv6_address source{};
  ipv6_address destination{};

  [[nodiscard]] constexpr u8 dscp() const { return traffic_class >> 2; }
  [[nodiscard]] constexpr u8 ecn() const { return traffic_class & 3; }
  /// The payload; `bytes` is what was parsed. Link padding is cut off.
  [[nodiscard]] constexpr std::span<const std::byte> payload(std::span<const std::byte> bytes) const { return bytes.subspan(header_size, payload_length); }

  /// The header at the start of `bytes`, which is the payload of a frame and may end in link padding.
  /// Nothing if it is shorter, of another version, or states more payload than came. Jumbograms (RFC 2675) are not spoken.
  [[nodiscard]] static constexpr std::optional<ipv6> parse(std::span<const std::byte> bytes) { return parse(bytes, bytes.size()); }
  /// The same of a packet of `came` bytes, of which `bytes` are the first.
  [[nodiscard]] static constexpr std::optional<ipv6> parse(std::span<const std::byte> bytes, std::size_t came) {
    if (bytes.size() < header_size) return {};
    const std::byte* const p = bytes.data();
    const u64 head = load_be<u64>(p);
    const u16 length = static_cast<u16>(head >> 16);
    if (head >> 60 != 6 || length > came - header_size) return {};
    return ipv6{static_cast<u8>(head >> 52), static_cast<u32>(head >> 32) & 0xfffff, length, static_cast<u8>(head >> 8), static_cast<u8>(head),
                {load_be<u64>(p + 8), load_be<u64>(p + 16)}, {load_be<u64>(p + 24), load_be<u64>(p + 32)}};
  }
  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    STRATA_EXPECTS(flow_label <= 0xfffff);
    store_be<u64>(at, u64{6} << 60 | static_cast<u64>(traffic_class) << 52 | static_cast<u64>(flow_label) << 32 | static_cast<u64>(payload_length) << 16 |
                          static_cast<u64>(next_header) << 8 | hop_limit);
    store_be<u64>(at + 8, source.high);
    store_be<u64>(at + 16, source.low);
    store_be<u64>(at + 24, destination.high);
    store_be<u64>(at + 32, destination.low);
  }
  friend constexpr bool operator==(const ipv6&, const ipv6&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
