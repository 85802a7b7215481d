// SPDX-License-Identifier: MIT
// What lies between the NIC's bytes and an IP packet: a header of constant size, or none.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/address.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::link {

/// What a frame carries.
enum class kind : u8 { none, ipv4, ipv6, arp };

/// What was in front of the payload. `to_us`: unicast to our address, broadcast, or a link without addresses.
struct received {
  kind carries = kind::none;
  bool is_broadcast = false;  ///< broadcast or multicast of the link
};

/// header_size: bytes in front of the IP packet; no more than a path's image has room for (core/path.hpp: header_image).
template <class T> concept states_its_header_size = requires {
  { T::header_size } -> std::convertible_to<std::size_t>;
};
/// has_addresses: whether neighbours must be resolved.
template <class T> concept says_whether_it_has_addresses = requires {
  { T::has_addresses } -> std::convertible_to<bool>;
};
/// emit(at, to, from, kind): writes header_size bytes.
template <class T> concept emits_a_header = requires(const T l, std::byte* at, const mac_address& mac, kind k) {
  { l.emit(at, mac, mac, k) } -> std::same_as<void>;
};
/// parse(p, ours): takes the header off a received packet; nothing if the frame is not for us or carries what we do not know (counted).
template <class T> concept parses_a_header = requires(T l, packet& p, const mac_address& ours) {
  { l.parse(p, ours) } -> std::same_as<std::optional<received>>;
};
template <class T> concept framing = states_its_header_size<T> && says_whether_it_has_addresses<T> && emits_a_header<T> && parses_a_header<T> && requires { typename T::options; };

}  // namespace strata::inline STRATA_ABI::link
