// SPDX-License-Identifier: MIT
// What ip/ reads of a Config, what it asks of the links below, and what it answers upward.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/path.hpp>
#include <strata/core/time.hpp>


namespace strata::inline STRATA_ABI::ip {

template <class C> using path_of = strata::path<typename C::family::address, C::header_image::template bytes<typename C::family::address>>;

template <class C> concept config = requires {
  typename C::tick;
  typename C::family::address;
  { C::header_image::template bytes<typename C::family::address> } -> std::convertible_to<u32>;
  { C::limits.routes } -> std::convertible_to<u32>;
};

/// The links, as ip sees them. `link` is an interface's index.
template <class B, class Address> concept links = requires(B below, Address a, packet p, u8 link, mac_address mac, std::byte* at) {
  { below.take() } -> std::same_as<packet>;                                       // a chunk with headroom for every header, or nothing
  { below.generation() } -> std::same_as<u32>;                                    // never zero; changes with routes, neighbours, links
  { below.changed() } -> std::same_as<void>;                                      // next generation
  { below.mtu(link) } -> std::same_as<u16>;
  { below.link_header_size(link) } -> std::same_as<u32>;
  { below.emit_link_header(link, at, mac, true) } -> std::same_as<void>;          // true: IPv4, false: IPv6
  { below.resolve(link, a) } -> std::same_as<std::optional<resolved_neighbour>>; // on a link without addresses: always
  { below.post(std::move(p)) } -> std::same_as<sent>;                             // a whole frame, p->link says where
  { below.hold(std::move(p), a) } -> std::same_as<sent>;                          // an IP packet without link header, for next hop a
  { below.random() } -> std::same_as<u64>;
};

/// What a packet turned out to be: a datagram for a transport, an error for one, or nothing (answered or dropped here; counted).
template <class Address> struct finding {
  enum class what : u8 { nothing, datagram, error };
  what is = what::nothing;
  datagram_info<Address> info{};     ///< of a datagram; the packet is pulled to its payload
  network_error<Address> error{};    ///< of an error
};

}  // namespace strata::inline STRATA_ABI::ip
