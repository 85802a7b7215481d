// SPDX-License-Identifier: MIT
// Failures: retransmissions that go on too long, and windows that stay closed or shrink. RFC 9293 §3.8.3, §3.8.6, §3.8.6.1; RFC 6429.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.8.3, §3.9.1.8; MUST-20, MUST-47, SHLD-9, SHLD-10: R1 is three retransmissions of the same segment.
TEST_CASE("The third retransmission of a segment is told, once, and the connection goes on") {
  static constexpr step script[] = {
      established_active(100), write(1), out("P. 1:2(1)"), at(400), out("P. 1:2(1)"), at(1000), out("P. 1:2(1)"), never(bit::error), at(2200), out("P. 1:2(1)"),
      expect(bit::error), at(4600), out("P. 1:2(1)"), never(bit::error), in(". ack 2"), is(tcp::state::established), never(bit::closed),
  };
  play(script);
}
TEST_CASE("An ACK of new data begins the count of retransmissions anew") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), at(400), out("P. 1:11(10)"), at(1000), out("P. 1:11(10)"),
      at(1100), in(". ack 11"), out("P. 11:21(10)"), at(2300), out("P. 11:21(10)"), at(4700), out("P. 11:21(10)"), never(bit::error), at(9500), out("P. 11:21(10)"),
      expect(bit::error),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.8.3; MUST-22: SYNs are handled alike.
TEST_CASE("The third retransmission of a SYN is told too, and the end as its own cause") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(3000), out("S 0:0(0)"), never(bit::error), at(7000), out("S 0:0(0)"), expect(bit::error),
      at(15000), out("S 0:0(0)"), never(bit::error), user_timeout(16000), at(16000), closed(close_reason::timed_out),
  };
  play(script);
}
// RFC 9293 §3.8.3; MUST-21, SHLD-11: R2 is the application's to set, and more than a hundred seconds otherwise.
TEST_CASE("The user timeout may be longer than the time that nobody set, and be taken back") {
  static constexpr step shorter[] = {
      established_active(0), user_timeout(300), write(1), out("P. 1:2(1)"), at(200), out("P. 1:2(1)"), user_timeout(0), at(600), out("P. 1:2(1)"), at(1400), out("P. 1:2(1)"),
      at(3000), out("P. 1:2(1)"), never(bit::closed),
  };
  static constexpr step each[] = {
      established_active(0), established_active(0).peer_is(1), user_timeout(300), write(1), out("P. 1:2(1)"), write(1).peer_is(1), out("P. 1:2(1)").peer_is(1),
      at(200), out("P. 1:2(1)"), out("P. 1:2(1)").peer_is(1), at(300), closed(close_reason::timed_out), at(600), out("P. 1:2(1)").peer_is(1), never(bit::closed).peer_is(1),
  };
  play(shorter), play(each);
}
// RFC 9293 §3.8.6; SHLD-15, SHLD-16, MUST-34, MAY-7: what was sent is sent again, in the window and beyond it; new data is not.
TEST_CASE("After the window shrank below what is in flight nothing new leaves, and what was sent leaves again") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"), at(200), in(". ack 1461 win 500"),
      write(1460), is(tcp::limited_by::receive_window), at(500), out("1461:2921(1460)"), at(600), in(". ack 2921 win 100"), out("P. 2921:4381(1460)"),
      at(700), in(". ack 4381 win 1460"), out("P. 4381:5841(1460)"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.8.6; SHLD-17, MUST-35, MUST-37: it shrank to nothing with data in flight; each retransmission is a probe, and whoever answers is alive.
TEST_CASE("A window that shrinks to zero over data in flight is probed by it for as long as the peer answers") {
  static constexpr step script[] = {
      established_active(0), write(1460), out("P. 1:1461(1460)"), in(". ack 1 win 0"),
#define AGAIN(ms) at(ms), out("P. 1:1461(1460)"), in(". ack 1 win 0")
      AGAIN(200), AGAIN(600), AGAIN(1400), AGAIN(3000), AGAIN(6200), AGAIN(12600), AGAIN(25400), AGAIN(51000), AGAIN(102200), AGAIN(204600), AGAIN(324600), AGAIN(444600),
      AGAIN(564600), AGAIN(684600), AGAIN(804600), AGAIN(924600), AGAIN(1044600), AGAIN(1164600), at(1284600), out("P. 1:1461(1460)"), in(". ack 1461 win 1460"),
      is(tcp::state::established), never(bit::closed), write(10), out("P. 1461:1471(10)"),
  };
  play(script);
}
// RFC 9293 §3.8.6.1; MUST-36, SHLD-29, SHLD-30: the first probe after a timeout of retransmission, whatever that is now, then twice as late each time.
TEST_CASE("The first probe of a closed window leaves after the retransmission timeout") {
  static constexpr step script[] = {
      established_active(400), is(field::rto_ms, 1200), at(500), in(". ack 1 win 0"), write(10), at(1699), at(1700), out(". 0:0(0) ack 1"), in(". ack 1 win 0"),
      at(4100), out(". 0:0(0) ack 1"), in(". ack 1 win 0"), at(8900), out(". 0:0(0) ack 1"),
  };
  play(script);
}
// RFC 9293 §3.8.6.1; MUST-37: an answered probe counts as progress for the application's limit as well.
TEST_CASE("The user timeout does not end a connection whose probes are answered") {
  static constexpr step script[] = {
      established_active(0), user_timeout(1000), in(". ack 1 win 0"), write(10), at(200), out(". 0:0(0)"), in(". ack 1 win 0"), at(600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(1400), out(". 0:0(0)"), in(". ack 1 win 0"), at(3000), out(". 0:0(0)"), in(". ack 1 win 0"), at(6200), out(". 0:0(0)"), in(". ack 1 win 10"), out("P. 1:11(10)"),
  };
  play(script);
}
// RFC 6429 §3; 6429-1, 6429-2: TCP does not give up by itself; the application, or whoever is short of memory, may.
TEST_CASE("A connection whose window stays closed may be aborted") {
  static constexpr step script[] = {
      established_active(0), in(". ack 1 win 0"), write(10), at(200), out(". 0:0(0)"), in(". ack 1 win 0"), is(field::send_chunks, 1), abort(), out("R. 1:1(0) ack 1"),
      closed(close_reason::aborted), in_use(0, 0, 0), at(60000), in(". ack 1 win 0"), out("R 1:1(0)"),
  };
  play(script);
}
// RFC 9293 §3.10.8.
TEST_CASE("After a timeout nothing of the connection is left") {
  static constexpr step script[] = {
      established_active(0), user_timeout(250), write(3000), out("1:1461(1460)"), out("1461:2921(1460)"), in("P. 1:11(10)"), expect(bit::readable), at(40), out(". ack 11"),
      at(200), out("1:1461(1460)"), at(250), closed(close_reason::timed_out), stale(), in_use(0, 0, 0), in("P. 11:21(10) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}

}  // namespace strata::script
