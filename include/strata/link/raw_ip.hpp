// SPDX-License-Identifier: MIT
// No link header: the frame is the IP packet, as on a tun device or any point-to-point link. There are no addresses, so nobody need be resolved.
#pragma once
#include <strata/link/framing.hpp>

namespace strata::inline STRATA_ABI::link {

class raw_ip {
 public:
  static constexpr std::size_t header_size = 0;
  static constexpr bool has_addresses = false;
  struct options {};
  struct counters {
    u32 rx_length_errors = 0;  ///< no byte at all
    u32 rx_nohandler = 0;      ///< a first byte that is of no IP version
  };

  constexpr raw_ip() = default;
  constexpr explicit raw_ip(const options&) {}

  constexpr void emit(std::byte*, const mac_address&, const mac_address&, kind) const {}

  /// What the packet is, by the version in its first four bits (RFC 791 §3.1, RFC 8200 §3). Nothing, counted, if it is neither.
  [[nodiscard]] std::optional<received> parse(packet& p, const mac_address&) {
    if (p.size() == 0) {
      ++counters_.rx_length_errors;
      return {};
    }
    switch (static_cast<u8>(p.bytes()[0]) >> 4) {
      case 4: return received{kind::ipv4, false};
      case 6: return received{kind::ipv6, false};
      default: ++counters_.rx_nohandler; return {};
    }
  }

  [[nodiscard]] constexpr const counters& counted() const { return counters_; }

 private:
  counters counters_{};
};
static_assert(framing<raw_ip>);

}  // namespace strata::inline STRATA_ABI::link
