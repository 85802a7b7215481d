// SPDX-License-Identifier: MIT
// Whose connection it is: RFC 9293 §3.9.1.1 (OPEN), §3.10.1.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.9.1.1; MUST-43.
TEST_CASE("listen() at one of our addresses hears that one only") {
  static constexpr step script[] = {
      listen().on_address(2), in("S 0:0(0)"), out("R. 0:0(0) ack 1"), in("S 0:0(0)").on_address(2).peer_is(1), out("S. 0:0(0) ack 1").on_address(2).peer_is(1),
      in(". 1:1(0) ack 1").on_address(2).peer_is(1), expect(bit::accepted).peer_is(1),
  };
  play(script);
}
TEST_CASE("listen() at any address hears each, and the connection keeps the one that was asked") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)").on_address(2), out("S. 0:0(0) ack 1").on_address(2), in(". 1:1(0) ack 1").on_address(2), expect(bit::accepted), write(10),
      out("P. 1:11(10)").on_address(2), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1),
  };
  play(script);
}
TEST_CASE("The more special of two listeners gets the connection") {
  static constexpr step script[] = {
      listen(), listen(1).on_address(2), in("S 0:0(0)").on_address(2), out("S. 0:0(0) ack 1").on_address(2), in("S 0:0(0)").on_address(2).peer_is(1),
      counted(&tcp::counters::listen_overflows, 1), in("S 0:0(0)").peer_is(2), out("S. 0:0(0) ack 1").peer_is(2),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-43.
TEST_CASE("connect() from one of our addresses uses it for every segment") {
  static constexpr step script[] = {
      connect().on_address(2), out("S 0:0(0)").on_address(2), at(1000), out("S 0:0(0)").on_address(2), in("S. 0:0(0) ack 1").on_address(2), out(". ack 1").on_address(2),
      expect(bit::connected), write(10), out("P. 1:11(10)").on_address(2), abort(), out("R. 11:11(0)").on_address(2), closed(close_reason::aborted),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-44, MUST-45: the internet layer selects before the first SYN, and the connection keeps what it selected.
TEST_CASE("connect() without an address asks the internet layer once") {
  static constexpr step script[] = {
      ip_selects(2), connect(), out("S 0:0(0)").on_address(2), ip_selects(1), at(1000), out("S 0:0(0)").on_address(2), in("S. 0:0(0) ack 1").on_address(2),
      out(". ack 1").on_address(2), write(10), out("P. 1:11(10)").on_address(2), connect().peer_is(1), out("S 0:0(0)").peer_is(1),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-45: a SYN-ACK, too, leaves from where the SYN went.
TEST_CASE("What answers a segment leaves from the address that it was sent to") {
  static constexpr step script[] = {
      in(". 1:1(0) ack 7").on_address(2), out("R 7:7(0)").on_address(2), listen(), in("S 0:0(0)").on_address(2), out("S. 0:0(0) ack 1").on_address(2),
      at(1000), out("S. 0:0(0) ack 1").on_address(2), in("R 2:2(0)").on_address(2), out(". 1:1(0) ack 1").on_address(2),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-46.
TEST_CASE("connect() to nobody, everybody or a group is refused") {
  static constexpr step script[] = {
      connect_to(nowhere::unspecified).fails(tcp::connect_error::bad_address), connect_to(nowhere::everybody).fails(tcp::connect_error::bad_address),
      connect_to(nowhere::group).fails(tcp::connect_error::bad_address), connect_to(nowhere::no_port).fails(tcp::connect_error::bad_address), in_use(0, 0, 0),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-41.
TEST_CASE("listen() leaves connections of the same port and other listeners alone") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), listen(), listen().fails(tcp::listen_error::in_use), listen().on_address(2), in(". ack 11"),
      is(tcp::state::established), in("P. 1:11(10)"), read(10), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), at(40), out(". ack 11"),
  };
  play(script);
}
// RFC 9293 §3.9.1.1; MUST-42.
TEST_CASE("A port may be listened on while one of its connections is in SYN-SENT or SYN-RECEIVED") {
  static constexpr step sent[] = {
      connect(), out("S 0:0(0)"), listen(), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  static constexpr step received[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), is(tcp::state::syn_received), listen(), in("S 0:0(0)").peer_is(1),
      out("S. 0:0(0) ack 1").peer_is(1), in(". 1:1(0) ack 1"), expect(bit::connected),
  };
  static constexpr step half_open[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), listen().on_address(2), in("S 0:0(0)").on_address(2).peer_is(1),
      out("S. 0:0(0) ack 1").on_address(2).peer_is(1), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(sent), play(received), play(half_open);
}
// RFC 9293 §3.10.1: the connection exists already.
TEST_CASE("connect() from a pair that is half open says that it is in use") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), connect().fails(tcp::connect_error::in_use), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script);
}
// RFC 9293 §3.3.1: a connection is named by both its ends.
TEST_CASE("The same ports at two of our addresses are two connections") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1").on_address(2), out("R 1:1(0)").on_address(2), is(tcp::state::syn_sent), in("S. 0:0(0) ack 1"), out(". ack 1"),
      in("R 1:1(0)").on_address(2), is(tcp::state::established),
  };
  play(script);
}

}  // namespace strata::script
