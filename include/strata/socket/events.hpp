// SPDX-License-Identifier: MIT
// What poll tells a handler. Templates over the stack at namespace scope; an application names them net::readable and so on.
//
// Every stream that connect() returned or `accepted` delivered ends with exactly one `closed`; nothing follows it. `connected` comes at most once and
// before it. Events of one stream that one segment caused come in the order of this file.
#pragma once
#include <strata/core/events.hpp>
#include <strata/core/path.hpp>
#include <strata/socket/datagram_socket.hpp>
#include <strata/socket/listener.hpp>
#include <strata/socket/raw_socket.hpp>
#include <strata/socket/stream.hpp>

namespace strata::inline STRATA_ABI::event {

/// A peer completed the handshake with one of our listeners.
template <class Net> struct accepted {
  socket::stream<Net> stream;
  socket::listener<Net> listener;
};
/// The handshake that connect() began is complete.
template <class Net> struct connected { socket::stream<Net> stream; };
/// An edge: bytes arrived since the last one. At most once per stream and poll. peek() shows all that is unread.
template <class Net> struct readable { socket::stream<Net> stream; };
/// After a short send: there is room again.
template <class Net> struct writable { socket::stream<Net> stream; };
/// The last byte before the peer's FIN was consumed.
template <class Net> struct peer_closed { socket::stream<Net> stream; };
/// The timer that the application set with set_timer() has expired.
template <class Net> struct timer { socket::stream<Net> stream; };
/// The end of a stream; the handle answers `stale` from now on, but for data() during this handler.
template <class Net> struct closed {
  socket::stream<Net> stream;
  close_reason why = close_reason::none;
};
/// A datagram arrived for a socket: one event each. Receive it now, or leave it in the socket's queue.
template <class Net> struct datagram { socket::datagram_socket<Net> socket; };

/// An edge: packets came for a raw socket since the last one. receive() until it would block.
template <class Net> struct raw_packet { socket::raw_socket<Net> socket; };
/// The network, or a neighbour, said that something that a connected raw socket sent did not arrive.
template <class Net> struct raw_error {
  socket::raw_socket<Net> socket;
  icmp_error_kind reason = icmp_error_kind::host_unreachable;
  u16 mtu = 0;  ///< with packet_too_big; bytes of IP packet
};

enum class error_kind : u8 {
  network,   ///< the network, or a neighbour, said that something of this stream or socket did not arrive
  link_down,        ///< an interface went down; neither stream nor socket is set
  address_conflict  ///< somebody has an address that we want or had on this link: claim_of() tells which; neither stream nor socket is set
};
/// What ends nothing.
template <class Net> struct error {
  socket::stream<Net> stream{};
  socket::datagram_socket<Net> socket{};
  error_kind kind = error_kind::network;
  icmp_error_kind reason = icmp_error_kind::host_unreachable;  ///< of a socket's error
  u8 link = 0;  ///< with link_down and address_conflict: which interface
};

}  // namespace strata::inline STRATA_ABI::event
