// SPDX-License-Identifier: MIT
// What a stack is started with. One interface: its fields lie flat. Several: `.interfaces = {{.nic = a, ...}, {.nic = b, ...}}`, in their order.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/stack/interfaces.hpp>

namespace strata::inline STRATA_ABI {

/// The first thing that is wrong with options, in the order in which they are looked at.
enum class bad_option : u8 {
  none,
  memory,      ///< the region holds fewer chunks than one batch can receive and one frame can be sent with, or is not the one that the driver was opened over
  entropy,     ///< a keyed source without a key
  mac,         ///< a group address
  mtu,         ///< smaller than IP allows (RFC 791: 68, RFC 8200: 1280), larger than the driver's, or a frame does not fit in a chunk
  address,     ///< unspecified, multicast or broadcast
  prefix,      ///< longer than an address
  gateway,     ///< not on this link, or our own address
  link,        ///< an id or a priority that a tag cannot hold
  claim,       ///< the driver has no room for one more address to bring in
  started      ///< a second start of a stack whose Config says `destroyed = false`: it needs shut_down() first, whose code other firmware does without
};

namespace detail {

template <class C, class I> [[nodiscard]] constexpr bad_option check_interface(const I& i, region memory, u32 link_header) {
  using address = typename C::family::address;
  if constexpr (requires { { i.nic.holds(memory, 1u) } -> std::same_as<bool>; })
    if (!i.nic.holds(memory, C::limits.chunk_size)) return bad_option::memory;
  if (i.mac.is_group()) return bad_option::mac;
  if constexpr (requires { { i.link.is_valid() } -> std::same_as<bool>; })
    if (!i.link.is_valid()) return bad_option::link;
  const u32 least = i.address.address.is_v4() ? 68 : 1280;
  const u32 most = i.nic.mtu();
  const u32 mtu = i.mtu == 0 ? most : i.mtu;
  if (mtu < least || mtu > most || mtu + link_header > C::limits.chunk_size) return bad_option::mtu;
  if (!i.address.address.is_unicast()) return bad_option::address;
  if (i.address.prefix > (i.address.address.is_v4() ? 32u : address::bits)) return bad_option::prefix;
  if (!i.gateway.is_unspecified() && (!i.address.contains(i.gateway) || i.gateway == i.address.address)) return bad_option::gateway;
  return bad_option::none;
}

template <class C, class Interfaces> struct options_of;

template <class C, class I> struct options_of<C, interfaces<I>> {
  using parts = typename I::template of<C>;
  typename parts::driver nic;
  [[no_unique_address]] typename parts::framing::options link{};
  region memory{};                             ///< the stack's chunks; must outlive it
  [[no_unique_address]] typename C::entropy entropy{};
  mac_address mac{};                           ///< zero: the driver's
  subnet<typename C::family::address> address{};
  typename C::family::address gateway{};       ///< unspecified: no default route
  u16 mtu = 0;                                 ///< bytes of IP packet; zero: the driver's
  time_point<typename C::tick> now{};          ///< the stack's first time

  void each(auto&& f) { f(std::integral_constant<std::size_t, 0>{}, *this); }
  [[nodiscard]] constexpr bad_option first_bad_interface(u32 header) const { return check_interface<C>(*this, memory, header); }
};
template <class C, class... I> struct options_of<C, interfaces<I...>> {
  region memory{};
  [[no_unique_address]] typename C::entropy entropy{};
  time_point<typename C::tick> now{};
  typename bind_interfaces<C, strata::interfaces<I...>>::options interfaces;

  void each(auto&& f) { interfaces.each(f); }
  [[nodiscard]] constexpr bad_option first_bad_interface(u32 header) const {
    bad_option bad = bad_option::none;
    (void)interfaces.any([&](auto, const auto& i) { return (bad = check_interface<C>(i, memory, header)) != bad_option::none; });
    return bad;
  }
};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI
