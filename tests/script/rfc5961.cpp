// SPDX-License-Identifier: MIT
// Segments that an attacker could have made: RFC 9293 §3.10.7.4 (first to fifth), RFC 5961.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 5961 §3.2; RFC 9293 §3.10.7.4, second.
TEST_CASE("A reset with exactly the next number ends the connection") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), in("R 1:1(0)"), closed(close_reason::reset), stale(), in_use(0, 0, 0),
      counted(&tcp::counters::established_resets, 1),
  };
  play(script);
}
TEST_CASE("A reset elsewhere in the window is answered by a challenge ACK") {
  static constexpr step script[] = {
      established_active(), in("R 2:2(0)"), out(". 1:1(0) ack 1"), is(tcp::state::established), counted(&tcp::counters::challenge_acks, 1),
      in("R 1:1(0)"), closed(close_reason::reset),
  };
  play(script);
}
TEST_CASE("A reset outside the window is dropped in silence") {
  static constexpr step script[] = {established_active(), in("R 0:0(0)"), in("R 200000:200000(0)"), is(tcp::state::established)};
  play(script);
}
// RFC 5961 §3.2 with RFC 9293 §3.10.7.4: text in a reset does not matter (SHLD-2).
TEST_CASE("A reset may carry text") {
  static constexpr step script[] = {established_active(), in("R. 1:21(20)"), closed(close_reason::reset)};
  play(script);
}
TEST_CASE("A reset with unread data leaves it readable until closed was told") {
  static constexpr step script[] = {
      established_active(), together(2), in("P. 1:101(100)"), in("R 101:101(0)"), expect(bit::readable), closed(close_reason::reset),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, second, in each state.
TEST_CASE("A reset ends CLOSE-WAIT and FIN-WAIT with the reason, CLOSING and LAST-ACK orderly") {
  static constexpr step close_wait[] = {established_active(), in("F. 1:1(0)"), out(". ack 2"), in("R 2:2(0)"), closed(close_reason::reset)};
  static constexpr step fin_wait_1[] = {established_active(), shutdown(), out("F. 1:1(0)"), in("R 1:1(0)"), closed(close_reason::reset)};
  static constexpr step fin_wait_2[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in(". ack 2"), in("R 1:1(0)"), closed(close_reason::reset),
  };
  static constexpr step closing[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in("F. 1:1(0) ack 1"), out(". 2:2(0) ack 2"), in("R 2:2(0)"), closed(close_reason::orderly),
  };
  static constexpr step last_ack[] = {
      established_active(), in("F. 1:1(0)"), out(". ack 2"), close(), out("F. 1:1(0)"), in("R 2:2(0)"), closed(close_reason::orderly),
  };
  play(close_wait), play(fin_wait_1), play(fin_wait_2), play(closing), play(last_ack);
}

// RFC 5961 §4.2; RFC 9293 §3.10.7.4, fourth.
TEST_CASE("A SYN on an open connection is answered by a challenge ACK, wherever it lies") {
  static constexpr step script[] = {
      established_active(), in("S 1:1(0)"), out(". 1:1(0) ack 1"), at(1000), in("S. 5000:5000(0) ack 1"), out(". 1:1(0) ack 1"),
      is(tcp::state::established), counted(&tcp::counters::challenge_acks, 2),
  };
  play(script);
}
// RFC 9293 §3.5.1, figure 9: the peer forgot us, and its SYN finds that out.
TEST_CASE("A peer that begins anew is told by ACK, and its reset ends the old connection") {
  static constexpr step script[] = {
      established_passive(), at(100), in("S 500000:500000(0)"), out(". 1:1(0) ack 1"), in("R 1:1(0)"), closed(close_reason::reset), next_life(500000),
      at(1100), in("S 0:0(0)"), out("S. 0:0(0) ack 1"),
  };
  play(script);
}

// RFC 5961 §7, §10: the answers are few, and no counter is shared with other connections.
TEST_CASE("Challenge ACKs are limited, each connection for itself") {
  static constexpr step script[] = {
      established_active(), established_active().peer_is(1), in("R 2:2(0)"), out(". ack 1"), in("R 2:2(0)"), in("S 1:1(0)"),
      at(499), in("R 3:3(0)"), counted(&tcp::counters::challenge_limited, 3), in("R 2:2(0)").peer_is(1), out(". ack 1").peer_is(1),
      at(500), in("R 2:2(0)"), out(". ack 1"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth; RFC 5961 §5.2 (MAY-12).
TEST_CASE("An ACK of what was never sent is answered and dropped with its data") {
  static constexpr step script[] = {
      established_active(), in("P. 1:11(10) ack 2"), out(". 1:1(0) ack 1"), never(bit::readable), is(field::unread, 0), in("P. 1:11(10) ack 100"),
      counted(&tcp::counters::bad_ack, 2),
  };
  play(script);
}
// MAY-12.
TEST_CASE("An ACK older than the largest window is answered and dropped with its data") {
  static constexpr step script[] = {
      established_active(), in("P. 1:11(10) ack 4294901000"), out(". 1:1(0) ack 1"), never(bit::readable), in("P. 1:11(10) ack 1"),
      expect(bit::readable), at(40), out(". ack 11"),
  };
  play(script);
}
TEST_CASE("The largest window says how old an ACK may be, where it is larger than a window without a scale") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1460,ws 7>"), out(". ack 1"), expect(bit::connected), in(". ack 1 win 128000"),
      in("P. 1:11(10) ack 4294839297"), expect(bit::readable), at(40), out(". ack 11"), in("P. 11:21(10) ack 4294839296"), out(". 1:1(0) ack 11"),
      counted(&tcp::counters::bad_ack, 1),
  };
  play(script);
}
TEST_CASE("An ACK that is merely old is ignored, and its data is taken") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), in(". ack 101"), in("P. 1:11(10) ack 50"), expect(bit::readable), read(10),
      at(40), out(". ack 11"),
  };
  play(script);
}
// RFC 9293 §3.10.7.4: SND.UNA =< SEG.ACK =< SND.NXT, or the window is not taken.
TEST_CASE("The window of an old ACK is not taken") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), in(". ack 101 win 5000"), is(field::send_window, 5000), in("P. 1:11(10) ack 50 win 9"),
      is(field::send_window, 5000), at(40), out(". ack 11"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, first: table 6.
TEST_CASE("A segment outside the window is answered by an ACK and dropped") {
  static constexpr step script[] = {
      established_active(), in("P. 200001:200011(10)"), out(". 1:1(0) ack 1"), at(1000), in(". 200001:200001(0)"), out(". 1:1(0) ack 1"),
      never(bit::readable), in(". 0:0(0)"), out(". 1:1(0) ack 1"), counted(&tcp::counters::out_of_window, 3),
  };
  play(script);
}
// Both sides may have filled the other's window and lost a part: then all that they say lies there.
TEST_CASE("An ACK at the right edge of the window counts, and nothing else there does") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), in(". 58402:58402(0) ack 11"), out(". 11:11(0) ack 1"), is(field::send_chunks, 1),
      in("R 58401:58401(0)"), in("F. 58401:58401(0) ack 11"), out(". 11:11(0) ack 1"), in(". 58401:58402(1) ack 11"), out(". 11:11(0) ack 1"),
      is(field::send_chunks, 1), counted(&tcp::counters::out_of_window, 4), in(". 58401:58401(0) ack 11 win 777"), is(field::send_chunks, 0), is(field::send_window, 777),
      counted(&tcp::counters::out_of_window, 4),
  };
  play(script, with::no_timestamps, policy::only_v4);
}
// Two sides that each find the other's ACKs not acceptable would answer each other for ever.
TEST_CASE("Empty segments outside the window are answered eight times in half a second, and those with data always") {
#define STRAY in(". 0:0(0) ack 1"), out(". 1:1(0) ack 1")
  static constexpr step script[] = {
      established_active(), at(100), STRAY, at(200), STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, in(". 0:0(0) ack 1"), in("S 99999:99999(0)"),
      counted(&tcp::counters::challenge_limited, 2), in(". 0:1(1) ack 1"), out(". 1:1(0) ack 1"), in("F. 0:0(0) ack 1"), out(". 1:1(0) ack 1"),
      at(599), in(". 0:0(0) ack 1"), at(600), STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, in(". 0:0(0) ack 1"),
      counted(&tcp::counters::challenge_limited, 4),
  };
#undef STRAY
  play(script);
}
// RFC 9293 §3.8.4, RFC 1122 §4.2.3.6: a keep-alive is a segment of which everything is old (1122-4).
TEST_CASE("Keep-alive probes are answered, with a byte and without") {
  static constexpr step script[] = {
      established_active(), at(100), in(". 0:0(0)"), out(". 1:1(0) ack 1"), at(200), in(". 0:1(1)"), out(". 1:1(0) ack 1"), never(bit::readable),
  };
  play(script);
}
// RFC 9293 §3.10.7.4, fifth.
TEST_CASE("A segment without ACK is dropped in silence") {
  static constexpr step script[] = {established_active(), in("P 1:11(10)"), in("F 1:1(0)"), never(bit::readable), is(tcp::state::established)};
  play(script);
}
// RFC 9293 §3.1 (MUST): a wrong checksum, a header that is none.
TEST_CASE("Broken segments are dropped and counted") {
  static constexpr step script[] = {
      established_active(), corrupt(), in("P. 1:11(10)"), counted(&tcp::counters::in_checksum_errors, 1), cut_to(19), in("P. 1:11(10)"), cut_to(1),
      in("P. 1:11(10)"), counted(&tcp::counters::in_errors, 2), cut_to(25), in("P. 1:11(10)"), never(bit::readable), in("P. 1:11(10)"), read(10),
      at(40), out(". ack 11"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.10.7.4, sixth; RFC 6093 §6: in line (MUST-30).
TEST_CASE("Urgent data is delivered in line") {
  static constexpr step script[] = {established_active(), in("UP. 1:11(10)"), expect(bit::readable), read(10), at(40), out(". ack 11")};
  play(script);
}

}  // namespace strata::script
