// SPDX-License-Identifier: MIT
// TIME-WAIT: RFC 9293 §3.6.1, §3.10.7.4, RFC 1337, RFC 6191.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define IN_TIME_WAIT established_passive(), close(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), closed(close_reason::orderly), in_use(0, 0, 1)

// RFC 9293 §3.10.7.4, eighth: 2 MSL begin again (MUST-13).
TEST_CASE("A FIN that comes again in TIME-WAIT is acknowledged and restarts the wait") {
  static constexpr step script[] = {
      IN_TIME_WAIT, at(30000), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), at(89999), in_use(0, 0, 1),
      at(90000), in_use(0, 0, 0), in("F. 1:1(0) ack 2"), out("R 2:2(0)"),
  };
  play(script);
}

// RFC 1337 §3, F1 (1337-1).
TEST_CASE("A reset does not end TIME-WAIT") {
  static constexpr step script[] = {IN_TIME_WAIT, in("R 2:2(0)"), in("R. 2:2(0) ack 2"), in_use(0, 0, 1), at(60000), in_use(0, 0, 0)};
  play(script);
}

// RFC 9293 §3.10.7.4, first.
TEST_CASE("Old data in TIME-WAIT gets the last ACK again, a plain ACK nothing") {
  static constexpr step script[] = {
      IN_TIME_WAIT, at(100), in("P. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), in(". 2:2(0) ack 2"), in("P. 2:12(10) ack 2"), out(". 2:2(0) ack 2"),
      at(60000), in_use(0, 0, 0),
  };
  play(script);
}

// RFC 6191 §2, RFC 9293 §3.10.7.4 (MAY): a SYN with a higher number, or a later timestamp (MAY-2, 6191-5).
TEST_CASE("A SYN above the old numbers begins a new connection in TIME-WAIT") {
  static constexpr step script[] = {
      IN_TIME_WAIT, at(1000), next_life(100000), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), counted(&tcp::counters::time_wait_reused, 1),
      in_use(0, 1, 0), in(". 1:1(0) ack 1"), expect(bit::accepted), in("P. 1:11(10)"), read(10),
      at(1040), out(". ack 11"),
  };
  play(script);
}
// RFC 6191 §2: the timestamp decides where both have one (SHLD-4, 6191-1).
TEST_CASE("A SYN below the old numbers begins a new connection if its timestamp is later") {
  static constexpr step script[] = {IN_TIME_WAIT, at(1000), next_life(0xfff0'0000), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  play(script, with::timestamps);
}
// 6191-5.
TEST_CASE("A SYN below the old numbers begins nothing without timestamps") {
  static constexpr step script[] = {IN_TIME_WAIT, at(1000), next_life(0xfff0'0000), in("S 0:0(0)"), out(". 2:2(0)"), in_use(0, 0, 1)};
  play(script, with::no_timestamps);
}
// 6191-6.
TEST_CASE("A SYN with an older timestamp begins nothing in TIME-WAIT") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 500 0>"), out("S. 0:0(0) ack 1"), in(". ack 1 <ts 600 0>"), expect(bit::accepted), close(),
      out("F. 1:1(0)"), in("F. 1:1(0) ack 2 <ts 700 0>"), out(". 2:2(0) ack 2"), closed(close_reason::orderly), next_life(100000),
      in("S 0:0(0) <mss 1460,ts 650 0>"), out(". 2:2(0)"), in_use(0, 0, 1), in("S 0:0(0) <mss 1460,ts 701 0>"), out("S. 0:0(0) ack 1"),
      in_use(0, 1, 0),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: the new initial number lies above all that was sent before, though the old connection was faster than its clock (MAY-2).
TEST_CASE("The numbers of a new life in TIME-WAIT lie above those of the old one") {
  static constexpr step script[] = {
      established_passive(), write(14600), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"),
      out("P. 13141:14601(1460)"), in(". ack 14601"), close(), out("F. 14601:14601(0)"), in("F. 1:1(0) ack 14602"), out(". 14602:14602(0) ack 2"),
      closed(close_reason::orderly), next_life(100000), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), above_old_life(14602),
  };
  play(script);
}

// The oldest makes room: limits.time_wait is two here.
TEST_CASE("The oldest record makes room for a new one") {
  static constexpr step script[] = {
      IN_TIME_WAIT, established_passive().peer_is(1), close().peer_is(1), out("F. 1:1(0)").peer_is(1), in("F. 1:1(0) ack 2").peer_is(1),
      out(". 2:2(0) ack 2").peer_is(1), closed(close_reason::orderly).peer_is(1), in_use(0, 0, 2), established_passive().peer_is(2),
      close().peer_is(2), out("F. 1:1(0)").peer_is(2), in("F. 1:1(0) ack 2").peer_is(2), out(". 2:2(0) ack 2").peer_is(2),
      closed(close_reason::orderly).peer_is(2), in_use(0, 0, 2), counted(&tcp::counters::time_wait_recycled, 1), in("F. 1:1(0) ack 2"),
      out("R 2:2(0)"), in("F. 1:1(0) ack 2").peer_is(1), out(". 2:2(0) ack 2").peer_is(1),
  };
  play(script);
}
// RFC 6056 §3: a pair that waits is not taken again by us.
TEST_CASE("connect() from a pair in TIME-WAIT says that it is in use") {
  static constexpr step script[] = {IN_TIME_WAIT, connect().fails(tcp::connect_error::in_use), at(60000), connect(), out("S 0:0(0)")};
  play(script);
}
// RFC 9293 §3.8.6: what was promised stays promised; a smaller window would take it back.
TEST_CASE("An ACK of TIME-WAIT offers the window that the connection offered last") {
  static constexpr step script[] = {
      established_active(), in("P. 1:1001(1000)"), shutdown(), out("F. 1:1(0) ack 1001 win 57400"), read(1000), in("F. 1001:1001(0) ack 2"), out(". 2:2(0) ack 1002 win 57400"), closed(close_reason::orderly), at(30000),
      in("F. 1001:1001(0) ack 2"), out(". 2:2(0) ack 1002 win 57400"),
  };
  play(script, with::no_timestamps);
}

}  // namespace strata::script
