// SPDX-License-Identifier: MIT
// Address resolution for IPv4 over Ethernet, RFC 826.
//
//   hardware type 1 (2) | protocol type 0800 (2) | 6 (1) | 4 (1) | operation (2) | sender MAC (6), IP (4) | target MAC (6), IP (4)
#pragma once
#include <strata/wire/ethernet.hpp>

namespace strata::inline STRATA_ABI::wire {

struct arp {
  static constexpr std::size_t header_size = 28;  ///< all of it
  static constexpr u16 request = 1, reply = 2;

  u16 operation = request;
  mac_address sender_mac{};
  ipv4_address sender{};
  mac_address target_mac{};  ///< zero in a request: it is what is asked for
  ipv4_address target{};

  /// Somebody looks for a duplicate of an address that it does not use yet (RFC 5227 §2.1.1): nothing to learn.
  [[nodiscard]] constexpr bool is_probe() const { return sender.is_unspecified(); }
  /// Somebody says that an address is its own (RFC 5227 §2.3), often called gratuitous.
  [[nodiscard]] constexpr bool is_announcement() const { return sender == target; }

  /// The message at the start of `bytes`, which is the payload of a frame and may end in padding. Nothing if it is shorter or speaks of other
  /// hardware, another protocol or other address lengths. The operation is not looked at: RFC 826 learns before it does.
  [[nodiscard]] static constexpr std::optional<arp> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const std::byte* const p = bytes.data();
    if (load_be<u32>(p) != types || load_be<u16>(p + 4) != lengths) return {};
    return arp{load_be<u16>(p + 6), load_mac(p + 8), {load_be<u32>(p + 14)}, load_mac(p + 18), {load_be<u32>(p + 24)}};
  }
  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    store_be<u32>(at, types);
    store_be<u32>(at + 4, u32{lengths} << 16 | operation);
    store_mac(at + 8, sender_mac);
    store_be<u32>(at + 14, sender.value);
    store_mac(at + 18, target_mac);
    store_be<u32>(at + 24, target.value);
  }
  friend constexpr bool operator==(const arp&, const arp&) = default;

 private:
  static constexpr u32 types = 0x0001'0800;  // Ethernet, IPv4
  static constexpr u16 lengths = 0x06'04;    // bytes of their addresses
};

}  // namespace strata::inline STRATA_ABI::wire
