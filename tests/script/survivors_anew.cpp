// SPDX-License-Identifier: MIT
// What begins again where something was before: slots, records, handles, numbers; a stack that was stopped.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("A stack that was stopped begins anew: all slots are free, nothing is due, and nobody is known") {
  static constexpr step script[] = {
      // One of each: half-open, in flight with something unread, in TIME-WAIT, and one that met a full ring and has the next turn.
      listen(), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1),
      established_active(), write(1000), out("P. 1:1001(1000)"), in("P. 1:101(100)"),
      connect().peer_is(2), out("S 0:0(0)").peer_is(2), in("S. 0:0(0) ack 1").peer_is(2), out(". ack 1").peer_is(2), expect(bit::connected).peer_is(2), close().peer_is(2), out("F. 1:1(0)").peer_is(2),
      in("F. 1:1(0) ack 2").peer_is(2), out(". 2:2(0) ack 2").peer_is(2), closed(close_reason::orderly).peer_is(2),
      connect().peer_is(3), out("S 0:0(0)").peer_is(3), in("S. 0:0(0) ack 1").peer_is(3), out(". ack 1").peer_is(3), expect(bit::connected).peer_is(3), ring_full(1), write(10).peer_is(3),
      in_use(2, 1, 1), abandon(), in_use(0, 0, 0), no_deadline(), stale(), stale().peer_is(3),
      in(". 101:101(0) ack 1001"), out("R 1001:1001(0)"), in(". 1:1(0) ack 1").peer_is(1), out("R 1:1(0)").peer_is(1), in("F. 1:1(0) ack 2").peer_is(2), out("R 2:2(0)").peer_is(2),
      connect().peer_is(4), out("S 0:0(0)").peer_is(4), connect().peer_is(5), out("S 0:0(0)").peer_is(5), connect().peer_is(6), out("S 0:0(0)").peer_is(6), stale(), stale().peer_is(3),
      listen(), in("S 0:0(0)").peer_is(7), out("S. 0:0(0) ack 1").peer_is(7), in(". 1:1(0) ack 1").peer_is(7), expect(bit::accepted).peer_is(7), in_use(4, 0, 0),
      write(10).peer_is(7), out("P. 1:11(10)").peer_is(7), in(". ack 11").peer_is(7),
  };
  play(script);
}
TEST_CASE("A handle stays stale when its slot has another connection") {
  static constexpr step script[] = {
      established_active(), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), stale(), connect().peer_is(1), out("S 0:0(0)").peer_is(1), stale(), in_use(1, 0, 0),
      in("R. 0:0(0) ack 1").peer_is(1), closed(close_reason::refused).peer_is(1), connect().peer_is(2), out("S 0:0(0)").peer_is(2), stale(), stale().peer_is(1),
  };
  play(script);
}
// Header prediction looks at what waits ahead, also where nothing else says that a segment is late: what came too early had an old ACK, and its window no say.
TEST_CASE("A segment that fills a hole joins what came before it, whatever that acknowledged") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), in(". ack 11"), in("P. 11:21(10) ack 1"), out(". ack 1"), in("P. 1:11(10) ack 11"), out(". ack 21"), read(20),
  };
  play(script);
}
// RFC 9293 §3.10.7.4, second, comes before fifth: the ACK of a reset completes nothing.
TEST_CASE("A reset that acknowledges our SYN opens no connection") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("R. 5:5(0) ack 1"), out(". 1:1(0) ack 1"), in_use(0, 1, 0), never(bit::accepted), in("R. 1:1(0) ack 1"),
      in_use(0, 0, 0), never(bit::accepted),
  };
  play(script);
}
// RFC 9293 §3.6: what cannot be remembered for 2 MSL any longer is forgotten oldest first.
TEST_CASE("With more in TIME-WAIT than there are records the oldest goes, each time") {
#define IN_TIME_WAIT(n)                                                                                                                                       \
  connect().peer_is(n), out("S 0:0(0)").peer_is(n), in("S. 0:0(0) ack 1").peer_is(n), out(". ack 1").peer_is(n), expect(bit::connected).peer_is(n), close().peer_is(n), \
      out("F. 1:1(0)").peer_is(n), in("F. 1:1(0) ack 2").peer_is(n), out(". 2:2(0) ack 2").peer_is(n), closed(close_reason::orderly).peer_is(n)
  static constexpr step script[] = {
      IN_TIME_WAIT(0), at(10), IN_TIME_WAIT(1), at(20), IN_TIME_WAIT(2), at(30), IN_TIME_WAIT(3), in_use(0, 0, 2), counted(&tcp::counters::time_wait_recycled, 2),
      in("F. 1:1(0) ack 2"), out("R 2:2(0)"), in("F. 1:1(0) ack 2").peer_is(1), out("R 2:2(0)").peer_is(1), at(40), IN_TIME_WAIT(4), counted(&tcp::counters::time_wait_recycled, 3), counted(&tcp::counters::time_waits, 5),
      in("F. 1:1(0) ack 2").peer_is(2), out("R 2:2(0)").peer_is(2), in("F. 1:1(0) ack 2").peer_is(3), out(". 2:2(0) ack 2").peer_is(3), at(60'040), in_use(0, 0, 0), no_deadline(),
      // And those whose time is over are used again.
      IN_TIME_WAIT(5), at(60'050), IN_TIME_WAIT(6), in_use(0, 0, 2), counted(&tcp::counters::time_wait_recycled, 3), in("F. 1:1(0) ack 2").peer_is(5), out(". 2:2(0) ack 2").peer_is(5),
      at(120'050), in_use(0, 0, 0), no_deadline(),
  };
#undef IN_TIME_WAIT
  play(script);
}
// RFC 9293 §3.10.7.4, fourth: it was opened passively, so back to LISTEN; the next SYN is as the first.
TEST_CASE("A SYN inside the window of a half-open connection ends it") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <mss 1460,nots>"), out("S. 0:0(0) ack 1"), in("S 100:100(0) <mss 1460,nots>"), in_use(0, 0, 0), no_deadline(), counted(&tcp::counters::attempt_fails, 1),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("Half-open connections that end make room for as many") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), in("S 0:0(0)").peer_is(2), out("S. 0:0(0) ack 1").peer_is(2),
      in("R 1:1(0)"), in("R 1:1(0)").peer_is(1), in_use(0, 1, 0), in("S 0:0(0)").peer_is(3), out("S. 0:0(0) ack 1").peer_is(3), in("S 0:0(0)").peer_is(4), out("S. 0:0(0) ack 1").peer_is(4),
      in_use(0, 3, 0), in("S 0:0(0)").peer_is(5), counted(&tcp::counters::syn_slots_full, 1), in(". 1:1(0) ack 1").peer_is(3), expect(bit::accepted).peer_is(3),
      in(". 1:1(0) ack 1").peer_is(2), expect(bit::accepted).peer_is(2), in_use(2, 1, 0),
  };
  play(script);
}
// RFC 9293 §3.10.4: who was not told of yet is reset, as the half-open are forgotten.
TEST_CASE("A listener that closes before it is told of a connection resets it") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), together(2), in(". 1:1(0) ack 1"), close_listener(), out("R. 1:1(0)"), in_use(0, 0, 0), never(bit::accepted),
      in(". 1:1(0) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}
TEST_CASE("An ICMP error is told to the connection that it is about, of several") {
  static constexpr step script[] = {
      established_active(), established_active().peer_is(1), established_active().peer_is(2), write(10).peer_is(1), out("P. 1:11(10)").peer_is(1),
      icmp(icmp_error_kind::port_unreachable, 1).peer_is(1), expect(bit::error).peer_is(1), never(bit::error), never(bit::error).peer_is(2),
  };
  play(script);
}
TEST_CASE("A hop limit goes with every segment of its connection") {
  static constexpr step script[] = {
      established_active(), hop_limit(3), write(10), out("P. 1:11(10)"), in("P. 1:11(10) ack 11"), at(40), out(". ack 11"), hop_limit(255), shutdown(), out("F. 11:11(0)"),
      hop_limit(1), abort(), out("R. 12:12(0)"), closed(close_reason::aborted),
  };
  play(script);
}

}  // namespace strata::script
