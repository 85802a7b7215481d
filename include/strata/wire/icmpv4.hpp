// SPDX-License-Identifier: MIT
// ICMP for IPv4, RFC 792: echo, destination unreachable (with the MTU of RFC 1191 §4), time exceeded, parameter problem.
//
//   type (1) | code (1) | checksum (2) | four bytes that depend on the type | data, or the datagram that an error is about
#pragma once
#include <strata/core/path.hpp>
#include <strata/wire/ipv4.hpp>

namespace strata::inline STRATA_ABI::wire {

struct icmpv4 {
  static constexpr u8 protocol = 1;
  static constexpr std::size_t header_size = 8;
  static constexpr std::size_t checksum_offset = 2;
  struct type_of {
    static constexpr u8 echo_reply = 0, unreachable = 3, source_quench = 4, redirect = 5, echo_request = 8, time_exceeded = 11, parameter_problem = 12;
  };
  struct code_of {  // with type 3
    static constexpr u8 net = 0, host = 1, protocol = 2, port = 3, fragmentation_needed = 4, source_route_failed = 5, net_unknown = 6, host_unknown = 7,
                        host_isolated = 8, net_prohibited = 9, host_prohibited = 10, net_tos = 11, host_tos = 12, filtered = 13, precedence = 14,
                        precedence_cutoff = 15;
  };

  u8 type = 0;
  u8 code = 0;
  u16 checksum = 0;
  u32 rest = 0;  ///< the second four bytes

  [[nodiscard]] constexpr bool is_echo_request() const { return type == type_of::echo_request && code == 0; }
  [[nodiscard]] constexpr bool is_echo_reply() const { return type == type_of::echo_reply && code == 0; }
  [[nodiscard]] constexpr u16 id() const { return static_cast<u16>(rest >> 16); }    ///< of an echo
  [[nodiscard]] constexpr u16 sequence() const { return static_cast<u16>(rest); }    ///< of an echo
  /// Bytes of IP packet that fit, as a router said with fragmentation_needed; zero from one that predates RFC 1191.
  [[nodiscard]] constexpr u16 next_hop_mtu() const { return static_cast<u16>(rest); }
  [[nodiscard]] constexpr u8 pointer() const { return static_cast<u8>(rest >> 24); }  ///< of a parameter problem: the offending byte
  /// An error quotes a datagram, and nobody answers an error with an error (RFC 1122 §3.2.2).
  [[nodiscard]] constexpr bool is_error() const {
    return type == type_of::unreachable || type == type_of::source_quench || type == type_of::redirect || type == type_of::time_exceeded ||
           type == type_of::parameter_problem;
  }

  /// What an error means to a transport (RFC 1122 §3.2.2.1, §4.2.3.9). Nothing for what transports must not hear of: source quench (RFC 6633 §3),
  /// redirects, echoes, unknown codes.
  [[nodiscard]] constexpr std::optional<icmp_error_kind> kind() const {
    if (type == type_of::time_exceeded && code <= 1) return icmp_error_kind::time_exceeded;
    if (type == type_of::parameter_problem && code <= 2) return icmp_error_kind::parameter_problem;
    if (type != type_of::unreachable) return {};
    using enum icmp_error_kind;
    constexpr icmp_error_kind of_code[] = {net_unreachable,  host_unreachable, protocol_unreachable, port_unreachable, packet_too_big,   host_unreachable,
                                           net_unreachable,  host_unreachable, host_unreachable,     prohibited,       prohibited,       net_unreachable,
                                           host_unreachable, prohibited,       prohibited,           prohibited};
    if (code > code_of::precedence_cutoff) return {};
    return of_code[code];
  }

  /// The message at the start of `bytes`, which is the payload of one IP packet without link padding. Nothing if it is shorter than 8 bytes.
  /// Does not look at the checksum, which covers all of `bytes`: see strata::checksum_is_valid().
  [[nodiscard]] static constexpr std::optional<icmpv4> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const u32 head = load_be<u32>(bytes.data());
    return icmpv4{static_cast<u8>(head >> 24), static_cast<u8>(head >> 16), static_cast<u16>(head), load_be<u32>(bytes.data() + 4)};
  }

  /// The datagram that an error is about: its header, and the first bytes of its transport, of which RFC 792 promises eight.
  struct quoted_datagram {
    ipv4 header{};
    std::span<const std::byte> transport{};  ///< at least 8 bytes
  };
  /// The datagram that the error in `bytes` quotes. Nothing if header or eight bytes are not whole, or it is a fragment without transport header.
  [[nodiscard]] static constexpr std::optional<quoted_datagram> quoted(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const auto inner = bytes.subspan(header_size);
    const auto header = ipv4::parse_quoted(inner);
    if (!header || header->fragment_offset != 0 || inner.size() < header->header_length + 8u) return {};
    return quoted_datagram{*header, inner.subspan(header->header_length)};
  }

  /// The sum of what emit() writes.
  [[nodiscard]] constexpr u32 word_sum() const { return (static_cast<u32>(type) << 8 | code) + checksum + (rest >> 16) + (rest & 0xffff); }
  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    store_be<u32>(at, static_cast<u32>(type) << 24 | static_cast<u32>(code) << 16 | checksum);
    store_be<u32>(at + 4, rest);
  }
  friend constexpr bool operator==(const icmpv4&, const icmpv4&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
