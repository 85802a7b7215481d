// SPDX-License-Identifier: MIT
// A tag of a virtual LAN, IEEE 802.1Q §9.6: behind the type field that announces it (0x8100; 0x88a8 outside of another tag, §9.5), two bytes of control
// information, and the type of what follows.
//
//   |pcp |d|          id           |              type             |        pcp: priority, 3 bits; d: may be dropped before others
#pragma once
#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::wire {

struct vlan {
  static constexpr std::size_t header_size = 4;
  static constexpr u16 priority_only = 0;   ///< an id that says: no VLAN, only a priority
  static constexpr u16 last_id = 0x0ffe;    ///< 0xfff is reserved

  u8 priority = 0;             ///< 0..7; IEEE 802.1Q Annex I: 1 is below 0
  bool may_be_dropped = false; ///< DEI
  u16 id = 0;                  ///< 12 bits
  u16 type = 0;                ///< of what follows

  /// The tag at the start of `bytes`, which follow the type field that announces it. Nothing if they are fewer.
  [[nodiscard]] static constexpr std::optional<vlan> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return {};
    const u16 control = load_be<u16>(bytes.data());
    return vlan{static_cast<u8>(control >> 13), (control & 0x1000) != 0, static_cast<u16>(control & 0x0fff), load_be<u16>(bytes.data() + 2)};
  }
  /// Writes header_size bytes.
  constexpr void emit(std::byte* at) const {
    store_be<u16>(at, static_cast<u16>(priority << 13 | (may_be_dropped ? 0x1000 : 0) | (id & 0x0fff)));
    store_be<u16>(at + 2, type);
  }
  friend constexpr bool operator==(const vlan&, const vlan&) = default;
};

}  // namespace strata::inline STRATA_ABI::wire
