// SPDX-License-Identifier: MIT
// The interfaces of a Config, in order: `template <class C> using interfaces = strata::interfaces<strata::interface<lan>, strata::interface<wan>>`.
#pragma once
#include <strata/ip/config.hpp>
#include <strata/neighbour/claims.hpp>
#include <strata/stack/interface.hpp>

namespace strata::inline STRATA_ABI {

template <class... I> struct interfaces {};

namespace detail {
/// The unspecified address of the same family: with a prefix of zero bits, everything.
template <class Address> constexpr Address any_like(const Address& a) {
  if constexpr (Address::bits == 128)
    if (a.is_v4()) return ipv4_address{}.v6();
  return {};
}

/// 224.0.0.1, in the same form.
template <class Address> constexpr Address all_systems_like(const Address&) {
  if constexpr (Address::bits == 128) return ipv4_address{0xe0000001}.v6();
  else return {0xe0000001};
}

template <class C, class Interfaces> struct bind_interfaces;
template <class C, class... I> struct bind_interfaces<C, interfaces<I...>> {
  static constexpr std::size_t count = sizeof...(I);
  static constexpr u8 all_links = static_cast<u8>((1u << count) - 1);
  static_assert(count > 0, "a stack has at least one interface");
  using type = layers<typename I::template of<C>...>;
  using options = layers<typename I::template of<C>::options...>;
  /// The first interface to ourselves; no_link where there is none.
  static constexpr u8 loopback_link = [] {
    u8 found = ip::no_link, i = 0;
    ((found = found == ip::no_link && nic::comes_back<typename I::template of<C>::driver> ? i : found, ++i), ...);
    return found;
  }();
  static constexpr std::size_t link_header = max_of(I::template of<C>::framing::header_size...);
  static constexpr std::size_t transmit_headroom = max_of(I::template of<C>::transmit_headroom...);
  static constexpr bool may_fill_in_checksum = (I::template of<C>::may_fill_in_checksum || ...);
  static constexpr bool claims = (I::template of<C>::claims || ...);
  static constexpr bool owns_ports = (I::template of<C>::owns_ports || ...);
  static constexpr bool has_static_neighbours = (neighbour::has_static_entries<typename I::template of<C>::cache> || ...);
  static constexpr bool claims_own_addresses = (neighbour::claims_addresses<typename I::template of<C>::cache> || ...);
  static constexpr bool answers_for_others = (neighbour::answers_for_others<typename I::template of<C>::cache> || ...);
  static constexpr bool hands_up_trains = bool{C::long_datagrams} || (I::template of<C>::hands_up_trains || ...);
  static constexpr u8 checksum_marks = (0 | ... | I::template of<C>::checksum_marks);
  static constexpr std::size_t ring_bytes = (0 + ... + I::template of<C>::driver::ring_bytes);
};
}  // namespace detail

}  // namespace strata::inline STRATA_ABI
