// SPDX-License-Identifier: MIT
// What ip/ reads of a Config, what it asks of the links below, and what it answers upward. Archetypes of both: ip/archetype.hpp.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/path.hpp>
#include <strata/core/time.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::ip {

template <class C> using path_of = strata::path<typename C::family::address, C::header_image::template bytes<typename C::family::address>, C::limits.groups != 0>;

template <class C> concept config = requires {
  typename C::tick;
  typename C::family::address;
  { C::header_image::template bytes<typename C::family::address> } -> std::convertible_to<u32>;
  { C::limits.routes } -> std::convertible_to<u32>;
  { C::limits.fragments } -> std::convertible_to<u32>;
  { C::limits.path_mtus } -> std::convertible_to<u32>;
  { C::limits.receive_reserve } -> std::convertible_to<u32>;
  { C::limits.groups } -> std::convertible_to<u32>;
  { C::limits.group_sources } -> std::convertible_to<u32>;
  typename C::routing;                                 // the table of routes: ip/routes.hpp, ip/trie.hpp
  typename C::hooks;                                   // ip/hooks.hpp
  { C::forwards } -> std::convertible_to<bool>;        // a router: what is not for us goes on
  { C::strong_host } -> std::convertible_to<bool>;     // RFC 1122 §3.3.4.2: an address of ours is ours on its own link only
};

/// The links, as ip sees them. `link` is an interface's index.
template <class B, class Address> concept links = requires(B below, Address a, packet p, u8 link, mac_address mac, std::byte* at) {
  { below.chunks() } -> std::same_as<buffer::pool&>;
  { below.take() } -> std::same_as<packet>;                                       // a chunk with headroom for every header, or nothing
  { below.generation() } -> std::same_as<u32>;                                    // never zero; changes with routes, neighbours, links
  { below.changed() } -> std::same_as<void>;                                      // next generation
  { below.mtu(link) } -> std::same_as<u16>;
  { below.link_header_size(link) } -> std::same_as<u32>;
  { below.emit_link_header(link, at, mac, true) } -> std::same_as<void>;          // true: IPv4, false: IPv6
  { below.resolve(link, a) } -> std::same_as<std::optional<resolved_neighbour>>; // on a link without addresses: always
  { below.post(std::move(p)) } -> std::same_as<sent>;                             // a whole frame, p->link says where
  { below.hold(std::move(p), a) } -> std::same_as<sent>;                          // an IP packet without link header, for next hop a on p->link
  { below.random() } -> std::same_as<u64>;
  { below.observe(trace::record{}) } -> std::same_as<void>;                       // nothing with the null observer
};

/// How a packet came to ip.
struct arrival {
  u8 link = 0;
  bool is_broadcast = false;  ///< to a broadcast or multicast address of the link
};

/// What a packet turned out to be: a datagram for a transport, an error for one, a fragment that the layer takes by on_fragment(), a message to ip itself that it
/// takes by on_control() once others have seen it, or nothing (answered or dropped here; counted).
template <class Address> struct finding {
  enum class what : u8 { nothing, datagram, error, fragment, control };
  what is = what::nothing;
  datagram_info<Address> info{};     ///< of a datagram or a control message; the packet is pulled to its payload
  network_error<Address> error{};    ///< of an error
};

inline constexpr u8 no_link = 0xff;
/// Which link leads to ourselves; no_link where none does.
template <class Links> constexpr u8 loopback_of_links() {
  if constexpr (requires { Links::loopback_link; }) return Links::loopback_link;
  else return no_link;
}
template <class Links> inline constexpr u8 loopback_link = loopback_of_links<std::remove_cvref_t<Links>>();
/// Whether raw sockets may see what is for ip itself; links that do not say: no.
template <class Links> inline constexpr bool are_overheard = [] {
  if constexpr (requires { std::remove_cvref_t<Links>::are_overheard; }) return bool{std::remove_cvref_t<Links>::are_overheard};
  else return false;
}();

/// Packets by what became of them; named as in /proc/net/snmp (Ip:, Ip6:) and netstat (IpExt:), where those have the name.
struct counters {
  u32 in_receives = 0;
  u32 in_hdr_errors = 0;       ///< not a whole, sound header; bad options
  u32 in_truncated_pkts = 0;   ///< states more bytes than came
  u32 in_csum_errors = 0;
  u32 in_addr_errors = 0;      ///< not to us
  u32 in_martian_src = 0;      ///< from an address that cannot be a sender's
  u32 in_source_routed = 0;    ///< asks to be forwarded, or was
  u32 in_unknown_protos = 0;
  u32 in_delivers = 0;         ///< handed to a transport or to ICMP
  u32 reasm_fails = 0;         ///< fragments that were dropped
  u32 out_requests = 0;        ///< handed to ip by transports and ICMP
  u32 out_no_routes = 0;
  u32 frag_fails = 0;          ///< over the MTU, with DF
};

}  // namespace strata::inline STRATA_ABI::ip
