// SPDX-License-Identifier: MIT
// IGMP: queries of the three versions, and the reports of a host. RFC 3376 §4, RFC 2236 §2, RFC 1112 appendix I.
//
//   |     type      | max resp code |           checksum            |      a report of version 3:   |     0x22      |   reserved    |           checksum            |
//   |                         group address                         |                               |           reserved            |   number of group records     |
//   | resv  |S| QRV |     QQIC      |      number of sources        |      and each record:         |  record type  |  aux length   |      number of sources        |
//   |                       source addresses                        |                               |              group address, then the sources                  |
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/bytes.hpp>
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::wire {

struct igmp {
  static constexpr u8 protocol = 2;
  static constexpr std::size_t header_size = 8, query_v3_size = 12, record_size = 8, checksum_offset = 2;
  struct type_of {
    static constexpr u8 query = 0x11, report_v1 = 0x12, report_v2 = 0x16, leave = 0x17, report_v3 = 0x22;
  };
  /// RFC 3376 §4.2.12.
  struct record_of {
    static constexpr u8 is_in = 1, is_ex = 2, to_in = 3, to_ex = 4, allow = 5, block = 6;
  };
  static constexpr ipv4_address all_systems{0xe0000001}, all_routers{0xe0000002}, all_v3_routers{0xe0000016};
  /// RFC 4607 §1: 232.0.0.0/8, where a group is that of one source.
  [[nodiscard]] static constexpr bool is_source_specific(ipv4_address group) { return group.value >> 24 == 232; }

  u8 type = 0;
  u8 code = 0;
  u16 checksum = 0;
  ipv4_address group{};  ///< of a report of version 3: the number of its records

  /// The message at the start of `bytes`, which is the payload of one IP packet without link padding. Nothing if it is shorter than 8 bytes.
  /// Does not look at the checksum, which covers all of `bytes`: see strata::checksum_is_valid().
  [[nodiscard]] static constexpr std::optional<igmp> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const std::byte* const p = bytes.data();
    return igmp{load_be<u8>(p), load_be<u8>(p + 1), load_be<u16>(p + 2), {load_be<u32>(p + 4)}};
  }
  /// Writes 8 bytes.
  constexpr void emit(std::byte* at) const {
    at[0] = static_cast<std::byte>(type), at[1] = static_cast<std::byte>(code);
    store_be<u16>(at + checksum_offset, checksum);
    store_be<u32>(at + 4, group.value);
  }
  /// The time of an 8-bit code, in its units: below 128 itself, else 1mmmm << (3 + eee). RFC 3376 §4.1.1, §4.1.7.
  [[nodiscard]] static constexpr u32 time_of(u8 code) { return code < 128 ? code : ((u32{code} & 0xf) | 0x10) << ((code >> 4 & 7) + 3); }

  friend constexpr bool operator==(const igmp&, const igmp&) = default;
};

/// What a querier asks.
struct igmp_query {
  u8 version = 3;
  ipv4_address group{};      ///< unspecified: a General Query
  u32 most_tenths = 0;       ///< tenths of a second in which it wants the answer
  u8 robustness = 0;         ///< QRV; zero: not said
  u32 interval = 0;          ///< QQI, seconds; zero: not said
  u16 sources = 0;           ///< how many; they follow the first 12 bytes

  /// Versions are told apart by length and code (RFC 3376 §7.1). Nothing if it is of none, or not whole, or asks for a group that is none.
  [[nodiscard]] static constexpr std::optional<igmp_query> parse(std::span<const std::byte> bytes) {
    const auto m = igmp::parse(bytes);
    if (!m || m->type != igmp::type_of::query) return {};
    igmp_query q;
    q.group = m->group;
    q.most_tenths = igmp::time_of(m->code);
    if (bytes.size() == igmp::header_size) {
      q.version = m->code == 0 ? 1 : 2;
      if (q.version == 1) q.group = {}, q.most_tenths = 100;  // RFC 2236 §4
      else q.most_tenths = m->code;
    } else {
      if (bytes.size() < igmp::query_v3_size) return {};
      const std::byte* const p = bytes.data() + igmp::header_size;
      q.robustness = load_be<u8>(p) & 7;
      q.interval = igmp::time_of(load_be<u8>(p + 1));
      q.sources = load_be<u16>(p + 2);
      if (bytes.size() < igmp::query_v3_size + std::size_t{q.sources} * 4) return {};
      if (q.group.is_unspecified() && q.sources != 0) return {};
    }
    if (!q.group.is_unspecified() && !q.group.is_multicast()) return {};
    return q;
  }
  /// The n-th source; `bytes` is what was parsed.
  [[nodiscard]] static constexpr ipv4_address source(std::span<const std::byte> bytes, u32 n) { return {load_be<u32>(bytes.data() + igmp::query_v3_size + std::size_t{n} * 4)}; }
};

}  // namespace strata::inline STRATA_ABI::wire
