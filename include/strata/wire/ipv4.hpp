// SPDX-License-Identifier: MIT
// The IPv4 header, RFC 791 §3.1; the type of service is RFC 2474 (DSCP) and RFC 3168 §5 (ECN).
//
//   |version|  ihl  |   dscp    |ecn|          total length         |
//   |        identification         |0|D|M|    fragment offset      |
//   |  time to live |   protocol    |        header checksum        |
//   |                         source address                        |
//   |                       destination address                     |
//   |                    options, padded to 32 bits                 |
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/bytes.hpp>
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::wire {

/// What is wrong with a packet that ipv4::parse() refuses; named by the counter of Linux that a reader would look for.
enum class ipv4_fault : u8 {
  none,
  header,     ///< shorter than its header, another version, a header below 20 bytes, a total length below the header (InHdrErrors)
  truncated,  ///< the total length is more than came (InTruncatedPkts)
  checksum    ///< the header's checksum is wrong (InCsumErrors)
};

struct ipv4 {
  static constexpr std::size_t header_size = 20;      ///< bytes, without options
  static constexpr std::size_t max_header_size = 60;  ///< bytes, with options
  static constexpr std::size_t checksum_offset = 10;
  static constexpr std::size_t total_length_offset = 2;
  static constexpr u32 router_alert = 0x9404'0000;    ///< the option of RFC 2113, all of it

  u8 header_length = header_size;  ///< bytes with options: 20..60, a multiple of 4
  u8 type_of_service = 0;          ///< DSCP in the upper six bits, ECN in the lower two
  u16 total_length = 0;            ///< bytes, with the header
  u16 id = 0;
  u16 fragment_offset = 0;         ///< bytes, a multiple of 8
  bool dont_fragment = false;
  bool more_fragments = false;
  u8 ttl = 64;                     ///< RFC 1700 recommends 64
  u8 protocol = 0;
  ipv4_address source{};
  ipv4_address destination{};

  [[nodiscard]] constexpr u8 dscp() const { return type_of_service >> 2; }
  [[nodiscard]] constexpr u8 ecn() const { return type_of_service & 3; }
  [[nodiscard]] constexpr bool is_fragment() const { return more_fragments || fragment_offset != 0; }
  /// Bytes behind the header.
  [[nodiscard]] constexpr u16 payload_length() const { return static_cast<u16>(total_length - header_length); }
  /// Whether the last byte of the whole datagram can lie where this fragment says: beyond 65535 there is none (RFC 791 §3.1).
  [[nodiscard]] constexpr bool fits_a_datagram() const { return u32{header_length} + fragment_offset + payload_length() <= 0xffff; }
  /// The payload; `bytes` is what was parsed. Link padding is cut off.
  [[nodiscard]] constexpr std::span<const std::byte> payload(std::span<const std::byte> bytes) const {
    return bytes.subspan(header_length, payload_length());
  }

  /// The header at the start of `bytes`, which is the payload of a frame and may end in link padding.
  /// Nothing if a check of RFC 1122 §3.2.1 fails: see why_not(). Options are passed over; the reserved flag is ignored.
  [[nodiscard]] static constexpr std::optional<ipv4> parse(std::span<const std::byte> bytes) {
    ipv4 h;
    if (!read(bytes, h)) return {};
    return h;
  }
  /// The same into `h`: on the hot path the fields stay in registers, where an optional would carry them through memory.
  [[nodiscard]] STRATA_ALWAYS_INLINE static constexpr bool read(std::span<const std::byte> bytes, ipv4& h) { return read(bytes, h, bytes.size()); }
  /// The same of a packet of `came` bytes, of which `bytes` are the first.
  [[nodiscard]] STRATA_ALWAYS_INLINE static constexpr bool read(std::span<const std::byte> bytes, ipv4& h, std::size_t came) {
    if (bytes.size() < header_size) return false;
    const std::byte* const p = bytes.data();
    const u32 word[5] = {load_be<u32>(p), load_be<u32>(p + 4), load_be<u32>(p + 8), load_be<u32>(p + 12), load_be<u32>(p + 16)};
    h = from(word);
    if (word[0] >> 28 != 4 || h.header_length < header_size || h.header_length > h.total_length || h.total_length > came) return false;
    if (came != bytes.size() && h.header_length > bytes.size()) return false;
    if constexpr (sizeof(std::size_t) < 8) return checksum_is_valid(bytes.first(h.header_length));  // where a 64-bit sum is more code than a call
    u64 sum = sum_of(word);
    if (h.header_length > header_size) sum += ones_sum(bytes.subspan(header_size, h.header_length - header_size));
    return fold(sum) == 0xffff;
  }
  /// The same for what nearly every packet begins with, the header of a whole datagram without options: of that the compiler then knows length and offset.
  /// False says nothing: read() looks at the others.
  [[nodiscard]] STRATA_ALWAYS_INLINE static constexpr bool read_plain(std::span<const std::byte> bytes, ipv4& h, std::size_t came) {
    if (bytes.size() < header_size) return false;
    const std::byte* const p = bytes.data();
    const u64 ends = load_be<u64>(p + 12);  // in one: of two words side by side a compiler makes a vector, and takes it apart again
    const u32 word[5] = {load_be<u32>(p), load_be<u32>(p + 4), load_be<u32>(p + 8), static_cast<u32>(ends >> 32), static_cast<u32>(ends)};
    if (word[0] >> 24 != (4u << 4 | header_size / 4) || (word[1] & (mf | offset_mask)) != 0) [[unlikely]] return false;
    h = from(word);
    h.header_length = header_size, h.fragment_offset = 0, h.more_fragments = false;
    if (h.total_length < header_size || h.total_length > came || fold(sum_of(word)) != 0xffff) [[unlikely]] return false;
    return true;
  }

  /// Why parse() says nothing; `none` if it does not. For counters, off the fast path.
  [[nodiscard]] [[gnu::cold]] static constexpr ipv4_fault why_not(std::span<const std::byte> bytes) {
    const auto h = parse_quoted(bytes);
    if (!h || h->header_length > h->total_length) return ipv4_fault::header;
    if (h->total_length > bytes.size()) return ipv4_fault::truncated;
    return checksum_is_valid(bytes.first(h->header_length)) ? ipv4_fault::none : ipv4_fault::checksum;
  }

  /// The header of a datagram that an ICMP error quotes (RFC 792): only its front is there, and routers may have changed lengths and checksum on the
  /// way, so neither is looked at. Nothing if version or header length are wrong, or the header is not whole.
  [[nodiscard]] static constexpr std::optional<ipv4> parse_quoted(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const std::byte* const p = bytes.data();
    const u32 word[5] = {load_be<u32>(p), load_be<u32>(p + 4), load_be<u32>(p + 8), load_be<u32>(p + 12), load_be<u32>(p + 16)};
    const ipv4 h = from(word);
    if (word[0] >> 28 != 4 || h.header_length < header_size || h.header_length > bytes.size()) return {};
    return h;
  }

  /// Writes the 20 bytes of a header and its checksum, which is right if options, if any, are all zero (end of options): header_length counts them.
  /// Linux: ip_send_check.
  constexpr void emit(std::byte* at) const {
    STRATA_EXPECTS(header_length % 4 == 0 && header_length >= header_size && header_length <= max_header_size && fragment_offset % 8 == 0);
    store_be<u32>(at, first_word());
    store_be<u32>(at + 4, second_word());
    store_be<u32>(at + 8, u32{ttl} << 24 | static_cast<u32>(protocol) << 16 | checksum());
    store_be<u32>(at + 12, source.value);
    store_be<u32>(at + 16, destination.value);
  }

  /// Writes the header of an atomic datagram (RFC 6864 §4.1) without options, its length and checksum zero; the sum of its words, for who adds those two.
  static constexpr u32 emit_atomic(std::byte* at, u8 protocol, ipv4_address source, ipv4_address destination, u8 type_of_service, u8 ttl) {
    const u32 first = 0x4500'0000 | static_cast<u32>(type_of_service) << 16;
    store_be<u32>(at, first);
    store_be<u32>(at + 4, df);
    store_be<u32>(at + 8, static_cast<u32>(ttl) << 24 | static_cast<u32>(protocol) << 16);
    store_be<u32>(at + 12, source.value);
    store_be<u32>(at + 16, destination.value);
    return (first >> 16) + df + (static_cast<u32>(ttl) << 8 | protocol) + source.word_sum() + destination.word_sum();
  }

  /// The sum of all words but the checksum, uncomplemented, for header images: what varies is added to it. At most nine times ffff.
  [[nodiscard]] constexpr u32 word_sum() const {
    return (first_word() >> 16) + total_length + id + (second_word() & 0xffff) + (static_cast<u32>(ttl) << 8 | protocol) + source.word_sum() +
           destination.word_sum();
  }
  [[nodiscard]] constexpr u16 checksum() const { return static_cast<u16>(~fold(word_sum())); }

  friend constexpr bool operator==(const ipv4&, const ipv4&) = default;

 private:
  static constexpr u32 df = 0x4000, mf = 0x2000, offset_mask = 0x1fff;

  /// 32-bit words add up to the same checksum as 16-bit words, since 2^16 is 1 in one's complement (RFC 1071 §2 (C)).
  [[nodiscard]] static constexpr u64 sum_of(const u32 (&word)[5]) { return u64{word[0]} + word[1] + word[2] + word[3] + word[4]; }

  [[nodiscard]] constexpr u32 first_word() const { return 4u << 28 | static_cast<u32>(header_length) << 22 | static_cast<u32>(type_of_service) << 16 | total_length; }
  [[nodiscard]] constexpr u32 second_word() const {
    return static_cast<u32>(id) << 16 | (dont_fragment ? df : 0) | (more_fragments ? mf : 0) | static_cast<u32>(fragment_offset) >> 3;
  }
  [[nodiscard]] STRATA_ALWAYS_INLINE static constexpr ipv4 from(const u32 (&word)[5]) {
    ipv4 h;
    h.header_length = static_cast<u8>((word[0] >> 24 & 0xf) << 2);
    h.type_of_service = static_cast<u8>(word[0] >> 16);
    h.total_length = static_cast<u16>(word[0]);
    h.id = static_cast<u16>(word[1] >> 16);
    h.fragment_offset = static_cast<u16>(word[1] << 3);
    h.dont_fragment = (word[1] & df) != 0;
    h.more_fragments = (word[1] & mf) != 0;
    h.ttl = static_cast<u8>(word[2] >> 24);
    h.protocol = static_cast<u8>(word[2] >> 16);
    h.source = {word[3]};
    h.destination = {word[4]};
    return h;
  }
};

}  // namespace strata::inline STRATA_ABI::wire
