// SPDX-License-Identifier: MIT
// UDP: RFC 768, RFC 1122 §4.1, RFC 8200 §8.1.
#include "datagram_steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script::datagrams {

using kind = icmp_error_kind;
using counts = udp::counters;

// RFC 768: one datagram is one message, of any length from zero.
TEST_CASE("A datagram arrives as it was sent") {
  static constexpr step script[] = {
      bind(7), in("1000>7 (100)"), told(), unread(1), read(100, 1000), unread(0), read(0, 0).fails(udp::receive_error::would_block), in("1000>7 (0)"),
      told(), read(0, 1000), counted(&counts::in_datagrams, 2),
  };
  play(script);
}
TEST_CASE("A datagram leaves as it was written") {
  static constexpr step script[] = {
      bind(7), send_to(100, 1000), out("7>1000 (100)"), send_to(0, 1000), out("7>1000 (0)"), send_to(1, 65535), out("7>65535 (1)"),
      counted(&counts::out_datagrams, 3),
  };
  play(script);
}
TEST_CASE("Datagrams keep their order and their senders") {
  static constexpr step script[] = {
      bind(7), in("1000>7 (1)"), in("1001>7 (2)"), in("1002>7 (3)"), read(1, 1000), read(2, 1001), in("1003>7 (4)"), read(3, 1002), read(4, 1003),
  };
  play(script);
}

// RFC 1122 §4.1.3.1: port unreachable, but never for a broadcast (RFC 1122 §3.2.2).
TEST_CASE("A datagram to a port that nobody has is refused") {
  static constexpr step script[] = {
      bind(7), in("1000>8 (10)"), refused(), counted(&counts::no_ports, 1), untold(), broadcast(), in("1000>8 (10)"), counted(&counts::no_ports, 2),
  };
  play(script);
}
TEST_CASE("After close() the port refuses, and may be bound again") {
  static constexpr step script[] = {
      bind(7), in("1000>7 (5)"), told(), close(), in("1000>7 (5)"), refused(), send_to(1, 1).fails(udp::send_error::stale),
      close().fails(udp::call_error::stale), bind(7), unread(0), in("1000>7 (5)"), told(),
  };
  play(script);
}

// RFC 1122 §4.1.3.4 (MUST): checked if there is one. RFC 8200 §8.1: over IPv6 there must be one.
TEST_CASE("A wrong checksum drops the datagram in silence") {
  static constexpr step script[] = {
      bind(7), corrupt(), in("1000>7 (100)"), untold(), counted(&counts::in_csum_errors, 1), corrupt(), in("1000>8 (100)"), in("1000>7 (100)"),
      told(),
  };
  play(script);
}
TEST_CASE("No checksum is taken over IPv4 and dropped over IPv6") {
  static constexpr step v4[] = {bind(7), without_checksum(), in("1000>7 (100)"), told(), read(100, 1000)};
  static constexpr step v6[] = {bind(7), without_checksum(), in("1000>7 (100)"), untold(), counted(&counts::in_csum_errors, 1)};
  play(v4, over::v4), play(v6, over::v6);
}

// RFC 768: the length counts header and data.
TEST_CASE("A length field that lies is dropped and counted") {
  static constexpr step script[] = {
      bind(7), length_field(7), in("1000>7 (10)"), length_field(19), in("1000>7 (10)"), length_field(1), in("1000>7 (10)"),
      counted(&counts::in_errors, 3), untold(),
  };
  play(script);
}
TEST_CASE("Link padding behind a datagram is cut off") {
  static constexpr step script[] = {bind(7), padding(20), in("1000>7 (5)"), told(), read(5, 1000)};
  play(script);
}
TEST_CASE("What does not fit the reader's room is lost, and said to be") {
  static constexpr step script[] = {bind(7), in("1000>7 (100)"), in("1000>7 (3)"), room(10), read(10, 1000), read(3, 1000)};
  play(script);
}

// Ports: RFC 6056 §3.3.1.
TEST_CASE("Port zero is a free one of the range that the limits state") {
  static constexpr step script[] = {bind(0), send_to(10, 1000), out("0>1000 (10)"), in("1000>0 (20)"), told(), read(20, 1000)};
  play(script);
}
TEST_CASE("A port is bound once, at any address or at one") {
  static constexpr step script[] = {
      bind(7), bind(7).of(1).fails(udp::bind_error::in_use), bind(7, ours).of(1).fails(udp::bind_error::in_use), bind(8, ours).of(1),
      bind(8).of(2).fails(udp::bind_error::in_use), in("1000>8 (1)"), told().of(1), untold(),
  };
  play(script);
}
TEST_CASE("Sockets are as many as the limit says") {
  static constexpr step script[] = {
      bind(1), bind(2).of(1), bind(3).of(2), bind(4).of(3), bind(5).of(4).fails(udp::bind_error::no_slot), close().of(1), bind(5).of(4),
  };
  play(script);
}

// A connected socket hears its peer only.
TEST_CASE("A connected socket takes datagrams of its peer and of nobody else") {
  static constexpr step script[] = {
      bind(7), send(1).fails(udp::send_error::not_connected), connect(1000), in("1000>7 (10)"), told(), in("1001>7 (10)"), refused(), untold(),
      send(20), out("7>1000 (20)"), send_to(5, 1001), out("7>1001 (5)"),
  };
  play(script);
}
TEST_CASE("connect() to nowhere says so") {
  static constexpr step script[] = {
      bind(7), connect(0).fails(udp::connect_error::bad_address), unroutable(true), connect(1000).fails(udp::connect_error::no_route),
      send_to(1, 1000).fails(udp::send_error::no_route), unroutable(false), send_to(1, 1000), out("7>1000 (1)"),
      send_to(1, 0).fails(udp::send_error::bad_address),
  };
  play(script);
}

// RFC 1122 §4.1.3.3: errors reach the application.
TEST_CASE("An ICMP error is told to the connected socket that it is about") {
  static constexpr step script[] = {
      bind(7), connect(1000), send(1), out("7>1000 (1)"), icmp(kind::port_unreachable, 7, 1000), error(kind::port_unreachable), send(2),
      out("7>1000 (2)"), icmp(kind::host_unreachable, 7, 1000), error(kind::host_unreachable), untold(),
  };
  play(script);
}
TEST_CASE("An ICMP error about somebody else's datagram is told to nobody") {
  static constexpr step script[] = {
      bind(7), bind(8).of(1), connect(1000).of(1), icmp(kind::port_unreachable, 7, 1000), icmp(kind::port_unreachable, 8, 1001),
      icmp(kind::port_unreachable, 9, 1000), icmp(kind::port_unreachable, 8, 1000), error(kind::port_unreachable).of(1),
  };
  play(script);
}

// RFC 1122 §4.1.3: nothing is fragmented; the size is known before.
TEST_CASE("A datagram over the path's MTU is too big, and one that fits exactly is sent") {
  static constexpr step script[] = {
      bind(7), send_to(1472, 1000), out("7>1000 (1472)"), send_to(1473, 1000).fails(udp::send_error::too_big), path_mtu(9000),
      send_to(3000, 1001).fails(udp::send_error::too_big),
  };
  play(script);
}
TEST_CASE("A smaller path MTU is heard by a connected socket") {
  static constexpr step script[] = {
      bind(7), connect(1000), send(1472), out("7>1000 (1472)"), icmp(kind::packet_too_big, 7, 1000, 1400), error(kind::packet_too_big),
      send(1373).fails(udp::send_error::too_big), send(1372), out("7>1000 (1372)"),
  };
  play(script);
}

// In place.
TEST_CASE("A datagram may be written in place") {
  static constexpr step script[] = {
      bind(7), reserve(1000), commit(700, 1000), out("7>1000 (700)"), reserve(10), commit(11, 1000).fails(udp::send_error::too_big),
      commit(1, 1000).fails(udp::send_error::stale), reserve(1472), reserve(3000).fails(udp::send_error::too_big),
  };
  play(script);
}

// Limits.
TEST_CASE("A socket keeps as many datagrams as the limit says and drops the rest") {
  static constexpr step script[] = {
      bind(7), in("1000>7 (1)"), in("1000>7 (2)"), in("1000>7 (3)"), in("1000>7 (4)"), unread(3), counted(&counts::rcvbuf_errors, 1), read(1, 1000),
      in("1000>7 (5)"), read(2, 1000), read(3, 1000), read(5, 1000),
  };
  play(script);
}
TEST_CASE("With the pool at its reserve datagrams are dropped, and sending would block") {
  static constexpr step script[] = {
      bind(7), chunks(0), in("1000>7 (1)"), counted(&counts::mem_errors, 1), send_to(1, 1000).fails(udp::send_error::would_block),
      reserve(1).fails(udp::send_error::would_block), counted(&counts::sndbuf_errors, 2), chunks(all), send_to(1, 1000), out("7>1000 (1)"),
  };
  play(script);
}
TEST_CASE("A full ring is told to the sender") {
  static constexpr step script[] = {
      bind(7), ring_full(1), send_to(1, 1000).fails(udp::send_error::would_block), send_to(1, 1000), out("7>1000 (1)"),
      counted(&counts::out_datagrams, 1),
  };
  play(script);
}
TEST_CASE("A broadcast is taken by a socket of any address") {
  static constexpr step script[] = {bind(7), broadcast(), in("1000>7 (10)"), told(), read(10, 1000)};
  play(script);
}

}  // namespace strata::script::datagrams
