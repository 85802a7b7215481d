// SPDX-License-Identifier: MIT
// The Ethernet II header, RFC 894 and IEEE 802.3 §3.1: destination (6), source (6), type (2).
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/bytes.hpp>

#include <type_traits>

namespace strata::inline STRATA_ABI::wire {

/// The six bytes at `p`.
[[nodiscard]] constexpr mac_address load_mac(const std::byte* p) {
  mac_address m;
  if (!std::is_constant_evaluated()) __builtin_memcpy(m.bytes, p, sizeof m.bytes);
  else for (std::size_t i = 0; i < sizeof m.bytes; ++i) m.bytes[i] = static_cast<u8>(p[i]);
  return m;
}
constexpr void store_mac(std::byte* p, const mac_address& m) {
  if (!std::is_constant_evaluated()) __builtin_memcpy(p, m.bytes, sizeof m.bytes);
  else for (std::size_t i = 0; i < sizeof m.bytes; ++i) p[i] = static_cast<std::byte>(m.bytes[i]);
}

/// Values of the type field (IEEE registry); below 1536 the field is a length and the frame is of IEEE 802.2, which we do not speak.
namespace ethertype {
inline constexpr u16 ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, service_vlan = 0x88a8, smallest = 0x0600;
}

struct ethernet {
  static constexpr std::size_t header_size = 14;
  static constexpr std::size_t min_frame_size = 60;  ///< bytes, without the frame check sequence: shorter frames are padded by who sends them

  mac_address destination{};
  mac_address source{};
  u16 type = 0;

  /// The header at the start of `bytes`, which is a frame without its check sequence. Nothing if it is shorter.
  [[nodiscard]] static constexpr std::optional<ethernet> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    return ethernet{load_mac(bytes.data()), load_mac(bytes.data() + 6), load_be<u16>(bytes.data() + 12)};
  }
  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    store_mac(at, destination);
    store_mac(at + 6, source);
    store_be<u16>(at + 12, type);
  }
  friend constexpr bool operator==(const ethernet&, const ethernet&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
