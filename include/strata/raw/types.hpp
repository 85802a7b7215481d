// SPDX-License-Identifier: MIT
// What the calls of raw sockets take and answer, and what their layer says to the stack.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/core/expected.hpp>
#include <strata/core/multicast.hpp>
#include <strata/core/path.hpp>
#include <strata/core/permission.hpp>

namespace strata::inline STRATA_ABI::raw {

enum class open_error : u8 {
  none,
  no_slot,        ///< all sockets are in use: raise limits.raw_sockets
  bad_protocol,   ///< 255, which IANA keeps free
  bad_address,    ///< not a unicast address
  not_permitted,
  bad_options
};
enum class connect_error : u8 { none, stale, no_route, bad_address, not_permitted, bad_options };
enum class send_error : u8 {
  none,
  stale,
  would_block,    ///< no chunk is free, or the NIC's ring is full, or more fragments than limits.neighbour_queue would wait for a neighbour that is being asked
  too_big,        ///< more than the path's MTU or a chunk holds; with `long_datagrams` of the Config: more than 65,515 bytes, or over IPv6 more than the MTU
  no_route,       ///< no route, or the next hop does not answer
  not_connected,  ///< send() without connect()
  bad_address,    ///< unspecified
  bad_header,     ///< with header_included: no whole IPv4 header, or of another protocol than the socket's, or to another address than `to`
  dropped,        ///< lost in our own queue; counted there
  not_permitted,
  bad_options
};
enum class receive_error : u8 { none, stale, would_block, not_permitted };
enum class call_error : u8 { none, stale, not_permitted, bad_options };

/// Options of a socket: s.set(raw::option::hop_limit{3}), s.get<raw::option::hop_limit>().
namespace option {
/// DSCP (RFC 2474 §3) of what the socket sends, 0 to 63; beyond: bad_options. Linux: IP_TOS, IPV6_TCLASS.
struct dscp { u8 value = 0; };
/// Time to live of what the socket sends; zero: 64, and 1 for what goes to a group of IPv4. Linux: IP_TTL, IP_MULTICAST_TTL, IPV6_UNICAST_HOPS.
struct hop_limit { u8 value = 0; };
/// What is over the path's MTU is refused as too_big and not sent in fragments; exists where the Config has long_datagrams. Linux: IP_MTU_DISCOVER with IP_PMTUDISC_DO.
struct dont_fragment { bool value = false; };
/// Whether what the socket sends to a group is heard by sockets of this stack that want it, itself among them, on the link that it leaves by: in the next turn;
/// exists where limits.groups is not zero. Linux: IP_MULTICAST_LOOP.
struct multicast_loop { multicast::loop value = multicast::loop::on; };
/// What is sent begins with an IPv4 header, options and all, which leaves as it is, but for its length and checksum; where sender or identification are zero they
/// are filled in. Nothing is cut: what is longer than the link's MTU is too_big. Options dscp and hop_limit say nothing of it. Exists where a Config has IPv4.
/// Linux: IP_HDRINCL, which lets protocol and destination be others than the permission policy was asked about.
struct header_included { bool value = false; };
/// Types of ICMP that the socket does not hear, a bit for each; those from 32 on it always hears. Of a socket of another protocol: bad_options. Linux: ICMP_FILTER.
struct icmp_filter { u32 types = 0; };
}  // namespace option

/// What open_raw() takes.
template <class Address, class Identity = permission::no_identity> struct open_options {
  u8 protocol = 0;    ///< of IP: 1 for ICMP, 89 for OSPF; 6 and 17 bring what TCP and UDP receive, too
  Address address{};  ///< only what comes to it, and the sender of what leaves; unspecified: any of ours
  [[no_unique_address]] Identity identity{};  ///< who asks, if the permission policy tells people apart
};

/// Packets came for a socket since its last event, or an error about what a connected one sent.
struct socket_event {
  using is_raw_event = socket_event;  ///< this transport has the calls of a raw socket
  connection_id id{};
  bool is_error = false;
  icmp_error_kind error = icmp_error_kind::host_unreachable;  ///< if it is one
  u16 mtu = 0;                                                ///< with packet_too_big; bytes of IP packet
};

/// What receive() copied.
template <class Address> struct received {
  std::size_t bytes = 0;
  Address from{};
  Address to{};
  u8 link = 0;             ///< which interface it came by
  bool truncated = false;  ///< the payload was longer than the room, and its end is lost
};

/// The oldest unread packet, in a chunk of the socket's own. Valid until consume(), receive() or close() on its socket. `InParts`: it may lie in several chunks.
template <class Address, bool InParts = false> struct packet_view {
  std::span<const std::byte> header{};  ///< of IP, with its options
  std::span<const std::byte> bytes{};   ///< behind it
  Address from{};
  Address to{};
  u8 link = 0;
};
template <class Address> struct packet_view<Address, true> : packet_view<Address> {
  buffer::train_spans spans{};  ///< all bytes behind the header; `bytes` are those in the first chunk
};

/// Named as in /proc/net/snmp, where that has the name.
struct counters {
  u32 in_packets = 0;      ///< copied to a socket
  u32 rcvbuf_errors = 0;   ///< the socket's queue was full
  u32 mem_errors = 0;      ///< the pool was down to the receive path's share, or a chunk of ours is shorter than one that was lent
  u32 out_packets = 0;
  u32 sndbuf_errors = 0;   ///< no chunk
};

}  // namespace strata::inline STRATA_ABI::raw
