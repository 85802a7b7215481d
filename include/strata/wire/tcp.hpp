// SPDX-License-Identifier: MIT
// The TCP header, RFC 9293 §3.1; ECE and CWR are RFC 3168 §6.1.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |          source port          |       destination port        |
//   |                        sequence number                        |
//   |                    acknowledgment number                      |
//   | offset| rsrvd |C E U A P R S F|            window             |
//   |           checksum            |        urgent pointer         |
//   |                    options, padded to 32 bits                 |
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::wire {

struct tcp {
  static constexpr u8 protocol = 6;
  static constexpr std::size_t header_size = 20;       ///< bytes, without options
  static constexpr std::size_t max_header_size = 60;   ///< bytes, with 40 of options
  static constexpr std::size_t checksum_offset = 16;
  struct flag {  // a struct of its own, since the header has a field `ack` too
    static constexpr u8 fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128;
  };

  u16 source = 0;
  u16 destination = 0;
  u32 seq = 0;
  u32 ack = 0;
  u8 header_length = header_size;  ///< bytes with options: 20..60, a multiple of 4
  u8 flags = 0;                    ///< bits of `flag`, as in the header
  u16 window = 0;                  ///< as it stands in the header, without the scale
  u16 checksum = 0;
  u16 urgent = 0;

  /// Any of the bits `f` is set.
  [[nodiscard]] constexpr bool has(u8 f) const { return (flags & f) != 0; }

  /// The header at the start of `bytes`, which is the payload of one IP packet without link padding.
  /// Nothing if it is shorter than its header, or the data offset is below 5 words. Options are bytes.subspan(20, header_length - 20), data is
  /// bytes.subspan(header_length). The reserved bits are ignored (RFC 9293 §3.1). Does not look at the checksum: see checksum_is_valid().
  [[nodiscard]] static constexpr std::optional<tcp> parse(std::span<const std::byte> bytes) {
    tcp h;
    if (!read(bytes, h)) return {};
    return h;
  }
  /// The same into `h`, for the hot path: see ipv4::read.
  [[nodiscard]] STRATA_SHORTER_INLINE static constexpr bool read(std::span<const std::byte> bytes, tcp& h) {
    if (bytes.size() < header_size) return false;
    const std::byte* const p = bytes.data();
    const u32 ports = load_be<u32>(p);
    const u32 control = load_be<u32>(p + 12);
    const u32 last = load_be<u32>(p + 16);
    const u32 length = control >> 28 << 2;
    if (length < header_size || length > bytes.size()) return false;
    h.source = static_cast<u16>(ports >> 16), h.destination = static_cast<u16>(ports);
    h.seq = load_be<u32>(p + 4), h.ack = load_be<u32>(p + 8);
    h.header_length = static_cast<u8>(length), h.flags = static_cast<u8>(control >> 16), h.window = static_cast<u16>(control);
    h.checksum = static_cast<u16>(last >> 16), h.urgent = static_cast<u16>(last);
    return true;
  }

  /// Writes the 20 bytes in front of the options. header_length must be what the options need, a multiple of 4 from 20 to 60.
  constexpr void emit(std::byte* at) const {
    STRATA_EXPECTS(header_length % 4 == 0 && header_length >= header_size && header_length <= max_header_size);
    store_be<u32>(at, static_cast<u32>(source) << 16 | destination);
    store_be<u32>(at + 4, seq);
    store_be<u32>(at + 8, ack);
    store_be<u32>(at + 12, static_cast<u32>(header_length) << 26 | static_cast<u32>(flags) << 16 | window);
    store_be<u32>(at + 16, static_cast<u32>(checksum) << 16 | urgent);
  }

  /// The sum of what emit() writes, with the checksum counted as it stands: for senders that add it to the sums of options and data.
  [[nodiscard]] constexpr u32 word_sum() const {
    return u32{source} + destination + (seq >> 16) + (seq & 0xffff) + (ack >> 16) + (ack & 0xffff) + (static_cast<u32>(header_length) << 10 | flags) + window +
           checksum + urgent;
  }
  friend constexpr bool operator==(const tcp&, const tcp&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
