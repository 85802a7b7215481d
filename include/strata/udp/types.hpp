// SPDX-License-Identifier: MIT
// What the calls of UDP take and answer, and what UDP says to the stack.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/core/expected.hpp>
#include <strata/core/multicast.hpp>
#include <strata/core/path.hpp>
#include <strata/core/permission.hpp>

namespace strata::inline STRATA_ABI::udp {

enum class bind_error : u8 {
  none,
  in_use,         ///< the port is bound for this address, or for any
  no_slot,        ///< all sockets are in use: raise limits.datagram_sockets
  no_port,        ///< no free port was met
  bad_address,    ///< not a unicast address
  not_permitted,
  bad_options
};
enum class connect_error : u8 { none, stale, no_route, bad_address, not_permitted, bad_options };
enum class send_error : u8 {
  none,
  stale,
  would_block,    ///< no chunk is free, or the NIC's ring is full, or more fragments than limits.neighbour_queue would wait for a neighbour that is being asked
  too_big,        ///< more than the path's MTU or a chunk holds; with `long_datagrams` of the Config: more than 65,507 bytes, or over IPv6 more than the MTU
  no_route,       ///< no route, or the next hop does not answer
  not_connected,  ///< send() without connect()
  bad_address,    ///< unspecified address or port zero
  dropped,        ///< lost in our own queue; counted there
  not_permitted,
  bad_options
};
enum class receive_error : u8 { none, stale, would_block, not_permitted };
enum class call_error : u8 { none, stale, not_permitted, bad_options };

/// How long the datagrams are that one send_to() makes of its bytes; the last one takes what is left. Linux: UDP_SEGMENT.
struct segment_size { u16 bytes = 0; };

/// Options of a socket: s.set(udp::option::gro{true}), s.get<udp::option::gro>().
namespace option {
/// Datagrams of one peer and size that came behind one header are one view, and segment_size says how long each is; exists where a driver hands up trains, or the
/// Config's `gro` is true. Linux: UDP_GRO.
struct gro { bool value = false; };
/// DSCP (RFC 2474 §3) of what the socket sends, 0 to 63; beyond: bad_options. Linux: IP_TOS, IPV6_TCLASS.
struct dscp { u8 value = 0; };
/// Time to live of what the socket sends; zero: 64, and 1 for what goes to a group of IPv4. Linux: IP_TTL, IP_MULTICAST_TTL, IPV6_UNICAST_HOPS.
struct hop_limit { u8 value = 0; };
/// A datagram over the path's MTU is refused as too_big and not sent in fragments; exists where the Config has long_datagrams. What fits always says that it must
/// not be fragmented on its way. Linux: IP_MTU_DISCOVER with IP_PMTUDISC_DO.
struct dont_fragment { bool value = false; };
/// Whether what the socket sends to a group is heard by sockets of this stack that want it, itself among them, on the link that it leaves by: in the next turn;
/// exists where limits.groups is not zero. Linux: IP_MULTICAST_LOOP.
struct multicast_loop { multicast::loop value = multicast::loop::on; };
}  // namespace option

/// What bind() takes.
template <class Address, class Identity = permission::no_identity> struct bind_options {
  u16 port = 0;       ///< zero: a free one
  Address address{};  ///< unspecified: any of ours
  [[no_unique_address]] Identity identity{};  ///< who asks, if the permission policy tells people apart
};

/// A datagram came for a socket, or an error about what a connected one sent. One for each; receive() until it would block, or leave the rest for its own event.
struct socket_event {
  using is_datagram_event = socket_event;  ///< this transport has the calls of a datagram socket
  connection_id id{};
  bool is_error = false;
  icmp_error_kind error = icmp_error_kind::host_unreachable;  ///< if it is one
  u16 more = 0;           ///< datagrams that came with it, behind one header: each has an event
};

/// What receive() copied. `Joined`: it may be several datagrams.
template <class Address, bool Joined = false> struct received {
  std::size_t bytes = 0;
  endpoint<Address> from{};
  bool truncated = false;  ///< the datagram was longer than the room, and its end is lost
};

template <class Address> struct received<Address, true> : received<Address> {
  u16 segment_size = 0;    ///< of a socket with option::gro: bytes of each datagram but the last; zero: it is one
};

/// The oldest unread datagram, in the chunk that it came in. Valid until consume(), receive() or close() on its socket. `Joined`: it may be several datagrams.
template <class Address, bool Joined = false> struct datagram_view {
  std::span<const std::byte> bytes{};
  endpoint<Address> from{};
};
template <class Address> struct datagram_view<Address, true> : datagram_view<Address> {
  u16 segment_size = 0;         ///< of a socket with option::gro: bytes of each datagram but the last, and `spans` are all of them, `bytes` those in the first chunk; zero: it is one
  buffer::train_spans spans{};
};

/// What the IP header of a received datagram said beside its addresses. Linux: IP_RECVTOS, IP_RECVTTL, IPV6_RECVTCLASS, IPV6_RECVHOPLIMIT.
struct ip_fields {
  u8 dscp = 0;       ///< RFC 2474 §3
  u8 ecn = 0;        ///< RFC 3168 §5: 0 not ECT, 1 ECT(1), 2 ECT(0), 3 CE; of one in fragments: of all of them together (§5.3)
  u8 hop_limit = 0;  ///< IPv4 calls it time to live; of one in fragments: of the first
  friend constexpr bool operator==(const ip_fields&, const ip_fields&) = default;
};

/// A chunk to write a datagram to, sent by commit(). Dropping it cancels.
class reservation {
 public:
  reservation() = default;
  reservation(packet chunk, std::size_t bytes) : chunk_(std::move(chunk)), bytes_(bytes) {}
  [[nodiscard]] std::span<std::byte> room() const { return chunk_ ? chunk_.room().first(bytes_) : std::span<std::byte>{}; }
  [[nodiscard]] packet release() { return std::move(chunk_); }  ///< for the layer

 private:
  packet chunk_;
  std::size_t bytes_ = 0;
};

/// How what waits behind one header is read: descriptor::done of its head. For the layer.
namespace joined_is { inline constexpr u16 apart = 0, whole = 1, growing = 2; }

/// Named as in /proc/net/snmp (Udp:).
struct counters {
  u32 in_datagrams = 0;
  u32 no_ports = 0;
  u32 in_errors = 0;       ///< shorter than they say
  u32 in_csum_errors = 0;
  u32 rcvbuf_errors = 0;   ///< the socket's queue was full
  u32 mem_errors = 0;      ///< the pool was down to the receive path's share
  u32 in_gathered = 0;     ///< of a train, copied to be one view: they lay in two chunks
  u32 out_datagrams = 0;
  u32 sndbuf_errors = 0;   ///< no chunk
};

}  // namespace strata::inline STRATA_ABI::udp
