// SPDX-License-Identifier: MIT
// Ethernet II: destination, source, type; 14 bytes in front of the packet (RFC 894, RFC 2464). Linux: eth_header, eth_type_trans.
#pragma once
#include <strata/link/framing.hpp>

#include <strata/wire/ethernet.hpp>

namespace strata::inline STRATA_ABI::link {

class ethernet {
 public:
  static constexpr std::size_t header_size = wire::ethernet::header_size;
  static constexpr bool has_addresses = true;
  struct options {};
  /// Frames that were dropped here, by reason.
  struct counters {
    u32 rx_length_errors = 0;       ///< shorter than a header
    u32 rx_otherhost_dropped = 0;   ///< to another station: the NIC is promiscuous or a switch floods
    u32 rx_nohandler = 0;           ///< a type that nobody here reads, or IEEE 802.3 with a length there
  };

  constexpr ethernet() = default;
  constexpr explicit ethernet(const options&) {}

  /// Writes 14 bytes at `at`.  Linux: eth_header.
  void emit(std::byte* at, const mac_address& to, const mac_address& from, kind carries) const {
    wire::ethernet{to, from, type_of(carries)}.emit(at);
  }

  /// Takes the header off. Nothing, counted, if the frame is too short, not for `ours`, or of an unknown type.  Linux: eth_type_trans.
  [[nodiscard]] std::optional<received> parse(packet& p, const mac_address& ours) { return parse_behind(p, ours, 0); }
  /// The same, with so many bytes of tags between the addresses and the type, which whoever put them there has read (link/vlan.hpp).
  [[nodiscard]] STRATA_ALWAYS_INLINE std::optional<received> parse_behind(packet& p, const mac_address& ours, std::size_t tags) {
    if (p.size() < header_size + tags) [[unlikely]] {
      ++counters_.rx_length_errors;
      return {};
    }
    const std::byte* const at = p.bytes().data();
    const bool is_broadcast = (at[0] & std::byte{1}) != std::byte{};
    if (!is_broadcast) [[likely]] {
      if (!is_same(at, reinterpret_cast<const std::byte*>(ours.bytes))) [[unlikely]] {
        ++counters_.rx_otherhost_dropped;
        return {};
      }
    }
    const kind carries = kind_of(load_be<u16>(at + 12 + tags));
    if (carries == kind::none) [[unlikely]] {
      ++counters_.rx_nohandler;
      return {};
    }
    p.pull(header_size + tags);
    return received{carries, is_broadcast};
  }

  [[nodiscard]] constexpr const counters& counted() const { return counters_; }

  /// The EtherType of a kind; zero for `none`.
  [[nodiscard]] static constexpr u16 type_of(kind k) {
    switch (k) {
      case kind::ipv4: return wire::ethertype::ipv4;
      case kind::arp: return wire::ethertype::arp;
      case kind::ipv6: return wire::ethertype::ipv6;
      case kind::none: break;
    }
    return 0;
  }
  [[nodiscard]] static constexpr kind kind_of(u16 type) {
    if (type == wire::ethertype::ipv4) [[likely]] return kind::ipv4;  // the usual one first: what a switch asks first is not said
    switch (type) {
      case wire::ethertype::arp: return kind::arp;
      case wire::ethertype::ipv6: return kind::ipv6;
      default: return kind::none;
    }
  }

 private:
  /// Word by word: six bytes copied through memory cost more than the rest of parse().
  [[nodiscard]] static bool is_same(const std::byte* a, const std::byte* b) { return load_be<u32>(a) == load_be<u32>(b) && load_be<u16>(a + 4) == load_be<u16>(b + 4); }

  counters counters_{};
};
static_assert(framing<ethernet>);

}  // namespace strata::inline STRATA_ABI::link
