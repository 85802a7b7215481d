// SPDX-License-Identifier: MIT
// Every next hop has one link address, known beforehand: a point-to-point cable, a benchmark, a link whose far end is a single router.
// There is no queue, no timer, no message; ARP that comes in is ignored. Linux: NUD_PERMANENT.
#pragma once
#include <strata/neighbour/cache.hpp>

namespace strata::inline STRATA_ABI::neighbour {

struct fixed {
  template <class C> class of {
   public:
    using address = typename C::family::address;
    using moment = time_point<typename C::tick>;

    /// The link address that all frames go to from now on. Zero: broadcast, which is also the initial state. Images that hold the old one are the
    /// caller's to invalidate.
    constexpr void set(const mac_address& mac) { mac_ = mac; }

    [[nodiscard]] constexpr std::optional<resolved_neighbour> resolve(interface_below<address> auto&&, const address&, moment) const {
      return resolved_neighbour{current(), 0};
    }
    [[nodiscard]] sent hold(interface_below<address> auto&& below, const address&, packet&& p, moment) {
      return below.transmit_ip(std::move(p), current());
    }
    constexpr void on_arp(interface_below<address> auto&&, packet&, moment) {}
    constexpr void confirm(u16, moment) {}
    constexpr void advance(interface_below<address> auto&&, moment) {}
    [[nodiscard]] constexpr bool is_due(moment) const { return false; }
    [[nodiscard]] constexpr std::optional<moment> next_deadline() const { return {}; }
    constexpr void clear(buffer::pool&) {}

   private:
    [[nodiscard]] constexpr mac_address current() const { return mac_.is_zero() ? mac_address::broadcast() : mac_; }

    mac_address mac_{};
  };
};

}  // namespace strata::inline STRATA_ABI::neighbour
