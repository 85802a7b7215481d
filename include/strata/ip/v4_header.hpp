// SPDX-License-Identifier: MIT
// The IPv4 header of what we send, as the way down writes it.
#pragma once
#include <strata/core/path.hpp>
#include <strata/ip/config.hpp>
#include <strata/wire/ipv4.hpp>

namespace strata::inline STRATA_ABI::ip {

/// What output<> needs to know of IPv4. `Address` is the Config's, which may be the wide one. `NearGroups`: what is sent to a group stays on its link, unless the
/// sender says how far it may go (RFC 1112 §6.1).
template <class Address, bool NearGroups = false> struct v4_header {
  static constexpr std::size_t size = wire::ipv4::header_size;
  static constexpr bool is_v4 = true;

  [[nodiscard]] static constexpr Address widen(ipv4_address a) {
    if constexpr (Address::bits == 32) return a;
    else return a.v6();
  }
  /// Writes a header without length and checksum; the sum of its words.
  [[nodiscard]] static u32 build(std::byte* at, const auto& way, u8 protocol) {
    return wire::ipv4::emit_atomic(at, protocol, way.local.v4(), way.remote.v4(), way.traffic_class, ttl_of(way));
  }
  [[nodiscard]] static u8 ttl_of(const auto& way) {
    if constexpr (NearGroups) {
      if (way.hop_limit == 0 && way.remote.is_multicast()) return 1;
    }
    return way.hop_limit != 0 ? way.hop_limit : default_hop_limit;
  }
  /// Linux: ip_send_check.
  static void patch(std::byte* at, std::size_t total, u32 sum) {
    store_be<u16>(at + wire::ipv4::total_length_offset, static_cast<u16>(total));
    store_be<u16>(at + wire::ipv4::checksum_offset, static_cast<u16>(~fold(sum + static_cast<u32>(total))));
  }
  /// RFC 1112 §6.4: the low 23 bits of a group; everybody for a broadcast.
  [[nodiscard]] static constexpr mac_address group_mac(const Address& to) {
    if (!to.is_multicast()) return mac_address::broadcast();
    const u32 a = to.v4().value;
    return {{0x01, 0x00, 0x5e, static_cast<u8>(a >> 16 & 0x7f), static_cast<u8>(a >> 8), static_cast<u8>(a)}};
  }
};

/// A Config whose sockets cannot say how far a datagram may go, and that joins no group, has no code for it.
template <config C> inline constexpr bool near_groups = C::limits.groups != 0 || !requires { requires !bool{C::datagram_options}; };
template <config C> using v4_header_of = v4_header<typename C::family::address, near_groups<C>>;

}  // namespace strata::inline STRATA_ABI::ip
