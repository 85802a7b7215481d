// SPDX-License-Identifier: MIT
// Flags that come together, or a second time, and timers that end together.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.10.7.3, second: the RST is looked at before the SYN.
TEST_CASE("A reset with a SYN ends SYN-SENT as a reset does, and nothing of its SYN is taken") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("SR. 0:0(0) ack 1"), closed(close_reason::refused), in_use(0, 0, 0), never(bit::connected), at(60'000)};
  play(script);
}
// RFC 9293 §3.10.7.4, eighth: it remains in CLOSE-WAIT. What is acceptable and not new is acknowledged.
TEST_CASE("A FIN behind the FIN is acknowledged in CLOSE-WAIT and in LAST-ACK, and counts for nothing") {
  static constexpr step wait[] = {established_active(), in("F. 1:1(0)"), out(". 1:1(0) ack 2"), expect(bit::peer_closed), in("F. 2:2(0)"), out(". 1:1(0) ack 2"), is(tcp::state::close_wait)};
  static constexpr step last[] = {established_active(), in("F. 1:1(0)"), out(". 1:1(0) ack 2"), close(), out("F. 1:1(0) ack 2"), in("F. 2:2(0) ack 1"), out(". 2:2(0) ack 2"), is(tcp::state::last_ack)};
  play(wait), play(last);
}
// RFC 9293 §3.8.6.2.1: the override timeout counts from when the small window was told, not from the last probe of the closed one.
TEST_CASE("The probes of a closed window end with it: what a small window holds back waits for its own time") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1460), at(200), out(". 0:0(0)"), in(". ack 1 win 0"), at(600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(700), in(". ack 1 win 500"), is(tcp::limited_by::receive_window), at(899), at(900), out("1:501(500)"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.9.1.4: what option::linger gave is over when the retransmission is due.
TEST_CASE("Nothing follows the reset of a close that lingered until the retransmission was due") {
  static constexpr step script[] = {
      established_active(0), linger(200), write(10), out("P. 1:11(10)"), close(), out("F. 11:11(0)"), at(200), out("R. 12:12(0) ack 1"), closed(close_reason::timed_out), in_use(0, 0, 0), at(60'000),
  };
  play(script);
}
// RFC 9293 §3.6.1: what was reset takes nothing, in order or beyond a hole.
TEST_CASE("Data beyond a hole after close() resets the connection, and is not acknowledged") {
  static constexpr step script[] = {
      established_active(), close(), out("F. 1:1(0) ack 1"), in(". 1:1(0) ack 2"), in("P. 51:101(50)"), out("R. 2:2(0) ack 1"), closed(close_reason::aborted), in_use(0, 0, 0), at(60'000),
  };
  play(script);
}
// RFC 4861 §7.3.1, RFC 1122 §2.3.2.1: forward progress says that the neighbour is there; what repeats itself may have been sent before it went.
TEST_CASE("An ACK of new data confirms the way to the peer, a duplicate and data do not") {
  static constexpr step script[] = {
      established_active(), is(field::confirmed, 1), write(10), out("P. 1:11(10)"), is(field::confirmed, 1), in(". ack 1"), in("P. 1:11(10) ack 1"), is(field::confirmed, 1),
      in(". 11:11(0) ack 11"), is(field::confirmed, 2), in(". 11:11(0) ack 11"), is(field::confirmed, 2),
  };
  play(script);
}
// RFC 9293 §3.10.7.3: what comes with the SYN is looked at as in ESTABLISHED, be it one byte.
TEST_CASE("One byte with the SYN-ACK is data as any other") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("S. 0:1(1) ack 1"), out(". 1:1(0) ack 2"), is(field::unread, 1), read(1)};
  play(script);
}
// Chunks go from one direction to the other, the last freed first.
TEST_CASE("A chunk whose segment was acknowledged in part is as new for what is received") {
  static constexpr step script[] = {
      established_active(), write(1000), out("P. 1:1001(1000)"), in(". ack 501"), in(". ack 1001"), in("P. 1:101(100) ack 1001"), in("P. 101:201(100) ack 1001"), is(field::unread, 200), read(100), read(100), is(field::unread, 0),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A reset that finds no chunk is counted") {
  static constexpr step script[] = {listen(), last_chunks(1), in("P. 5:15(10) ack 3"), counted(&tcp::counters::no_chunk, 1), last_chunks(4), in("P. 5:15(10) ack 3")};
  play(script);
}
// RFC 7323 §5.3. In TIME-WAIT as in any other state: only what is older is told of as old.
TEST_CASE("TIME-WAIT counts an old timestamp as one, and nothing else") {
  static constexpr step script[] = {
      established_passive(), close(), out("F. 1:1(0)"), at(10), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), closed(close_reason::orderly), in_use(0, 0, 1), at(20), in("P. 2:12(10) ack 2"),
      out(". 2:2(0) ack 2"), counted(&tcp::counters::paws_rejected, 0), in("P. 2:12(10) ack 2 <ts 1 0>"), out(". 2:2(0) ack 2"), counted(&tcp::counters::paws_rejected, 1),
  };
  static constexpr step without[] = {
      established_passive(), close(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), closed(close_reason::orderly), in("P. 2:12(10) ack 2"), out(". 2:2(0) ack 2"),
      counted(&tcp::counters::paws_rejected, 0),
  };
  play(script, with::timestamps), play(without, with::no_timestamps);
}
TEST_CASE("A timer of the application that was cancelled is not told, and can be set again") {
  static constexpr step script[] = {
      established_active(), timer(100), at(50), cancel_timer(), at(200), never(bit::timer), cancel_timer(), timer(10), at(209), never(bit::timer), at(210), expect(bit::timer),
      abort(), out("R. 1:1(0)"), closed(close_reason::aborted), cancel_timer().fails(tcp::call_error::stale),
  };
  play(script);
}
// RFC 9293 §3.8.5; the pointer counts from the SYN, whose number is the segment's.
TEST_CASE("Urgent data may come with the SYN-ACK") {
  static constexpr step urgent[] = {connect(), out("S 0:0(0)"), in("SU. 0:10(10) ack 1 urg 5"), out(". 1:1(0) ack 11"), expect(bit::error), is(field::urgent, 4), read(4), is(field::urgent, 0)};
  static constexpr step plain[] = {connect(), out("S 0:0(0)"), in("S. 0:10(10) ack 1"), out(". 1:1(0) ack 11"), never(bit::error), is(field::urgent, 0)};
  play(urgent), play(plain);
}
TEST_CASE("A FIN that the ring or the pool had no place for leaves as soon as there is one") {
  static constexpr step ring[] = {established_active(), ring_full(1), shutdown(), at(1), out("F. 1:1(0)"), is(tcp::state::fin_wait_1)};
  static constexpr step pool[] = {established_active(), last_chunks(0), shutdown(), chunks(all), out("F. 1:1(0)"), is(tcp::state::fin_wait_1)};
  play(ring), play(pool);
}

}  // namespace strata::script
