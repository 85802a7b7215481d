// SPDX-License-Identifier: MIT
// What a transport knows of the way to a peer (Linux: dst_entry), and what the network says of a datagram that came up. Data only: ip/ fills it,
// transports keep it, neither includes the other.
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/multicast.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI {

namespace header_image {
/// The connection holds link and IP header ready to copy: the fast choice. The link's may have so many bytes.
template <u32 LinkHeader> struct cached_behind { template <class Address> static constexpr u32 bytes = LinkHeader + (Address::bits == 32 ? 20 : 40); };
/// Ethernet with one tag, at most.
struct cached : cached_behind<18> {};
/// Headers are built for each packet: the small choice.
struct built { template <class Address> static constexpr u32 bytes = 0; };
}  // namespace header_image

namespace detail {
struct no_loop {};
template <bool Groups> using loop_of = std::conditional_t<Groups, multicast::loop, no_loop>;
struct no_flag {};
template <bool Groups> using flag_of = std::conditional_t<Groups, bool, no_flag>;
}  // namespace detail

/// The way to one peer. A transport sets `remote` (and `local`, if bound) and asks `route`; the rest is ip's.
/// `image` holds the link header and the IP header of the next packet with length and checksum zero; it is valid while `generation` equals the
/// stack's (zero never does), so one compare says that route, neighbour and link are what they were.
/// `Groups`: it may lead to a group that we are in, or to all.
template <class Address, u32 ImageBytes, bool Groups = false> struct path {
  Address local{};
  Address remote{};
  Address next_hop{};
  u32 generation = 0;
  u32 image_sum = 0;     ///< sum of the constant words of the IP header, uncomplemented
  u16 mtu = 0;           ///< bytes of IP packet
  u16 neighbour = 0;     ///< the cache's own name for next_hop, for confirm(); zero: none
  u8 link = 0;           ///< which interface
  u8 image_length = 0;   ///< bytes
  u8 traffic_class = 0;  ///< DSCP (RFC 2474 §3) times four; a transport that changes it or `hop_limit` sets `generation` to zero
  u8 hop_limit = 0;      ///< zero: 64. IPv4 calls it time to live
  [[no_unique_address]] detail::loop_of<Groups> loop{};
  [[no_unique_address]] detail::flag_of<Groups> is_to_many{};  ///< to a group or a broadcast address: we may hear it ourselves
  [[no_unique_address]] struct image_type {
    std::byte bytes[ImageBytes];
  } image{};
};
template <class Address, bool Groups> struct path<Address, 0, Groups> {
  Address local{};
  Address remote{};
  Address next_hop{};
  u32 generation = 0;
  u16 mtu = 0;
  u16 neighbour = 0;
  u8 link = 0;
  u8 traffic_class = 0;
  u8 hop_limit = 0;
  [[no_unique_address]] detail::loop_of<Groups> loop{};
  [[no_unique_address]] detail::flag_of<Groups> is_to_many{};  ///< to a group or a broadcast address: we may hear it ourselves
};

/// A layer below whose NIC brings in only what comes to some of our ports (owns_port): a transport that chooses one for an application chooses of these.
template <class Below> concept owns_some_ports = requires(Below below, u16 port) {
  { below.owns_port(port) } -> std::same_as<bool>;
};
template <class Below> STRATA_ALWAYS_INLINE constexpr bool may_choose_port([[maybe_unused]] Below& below, [[maybe_unused]] u16 port) {
  if constexpr (owns_some_ports<Below&>) return below.owns_port(port);
  else return true;
}

inline constexpr u8 default_hop_limit = 64;  ///< RFC 1700; RFC 8200 leaves it to the node

/// A next hop's link address that may be used now. `name` is the neighbour cache's own, for confirm(); zero: nothing to confirm.
struct resolved_neighbour {
  mac_address mac{};
  u16 name = 0;
};

/// What the network layer found out about a datagram, beside its payload.
template <class Address> struct datagram_info {
  Address local{};
  Address remote{};
  u8 protocol = 0;
  u8 link = 0;
  u8 ecn = 0;                ///< the two bits of RFC 3168 §5
  bool is_broadcast = false; ///< to a broadcast or multicast address, of the link or of IP
};

enum class icmp_error_kind : u8 { net_unreachable, host_unreachable, protocol_unreachable, port_unreachable, packet_too_big, time_exceeded, parameter_problem, prohibited, reassembly_time_exceeded, redirect };

/// An error about something that we sent: from ICMP, or from a neighbour that failed. Input of the next turn, never a call from inside a call down.
template <class Address> struct network_error {
  Address local{};
  Address remote{};
  u8 protocol = 0;
  icmp_error_kind kind{};  // zero: a stack keeps a table of these, and all zero is the initial state
  bool is_local = false;   ///< our own neighbour cache says so, not a router
  u16 mtu = 0;             ///< with packet_too_big; bytes of IP packet
  std::byte quoted[8]{};   ///< the first eight bytes of our transport header (RFC 792)
};

}  // namespace strata::inline STRATA_ABI
