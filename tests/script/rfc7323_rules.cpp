// SPDX-License-Identifier: MIT
// The rules of RFC 7323 that its first scripts leave out: what was not agreed on, retraction, measurement, PAWS in each place. Its neighbour: rfc7323.cpp.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 7323 §3.2; 7323-13.
TEST_CASE("Timestamps that were not agreed on are ignored, and their segment is taken") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:11(10) <hex 0101080affffffff00000000>"), in("P. 11:21(10) <hex 0101080a0000000500000000>"), read(20), at(40), out(". ack 21 <nots>"),
      in("P. 21:31(10) <hex 0101080a0000000100000000>"), read(10), at(80), out(". ack 31 <nots>"), is(field::has_timestamps, 0),
  };
  play(script, with::no_timestamps);
}
// RFC 7323 §3.2; 7323-11, 7323-12: again and again.
TEST_CASE("Segments that lack timestamps end nothing, however many there are") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:11(10) <nots>"), in("F. 1:1(0) <nots>"), in(". 1:1(0) ack 1 <nots>"), in(". 1:1(0) ack 100 <nots>"), in("U. 1:11(10) <nots>"),
      in("P. 200000:200010(10) <nots>"), is(tcp::state::established), counted(&tcp::counters::paws_rejected, 6), in("P. 1:11(10) ack 1"), read(10), at(40), out(". ack 11"),
  };
  play(script, with::timestamps);
}
// RFC 7323 §2.2; 7323-3.
TEST_CASE("Window scale in a segment that is no SYN means nothing, agreed on or not") {
  static constexpr step without[] = {
      listen(), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1 win 1000 <hex 01030307>"), expect(bit::accepted), is(field::send_window, 1000),
      is(field::send_window_scale, 0),
  };
  static constexpr step with_it[] = {
      listen(), in("S 0:0(0) <mss 1460,ws 2>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1 win 4000 <hex 01030307>"), expect(bit::accepted), is(field::send_window, 4000),
      is(field::send_window_scale, 2),
  };
  play(without, with::no_timestamps), play(with_it, with::no_timestamps);
}
// RFC 7323 §2.3; 7323-6: every segment of ours but SYN, each of the peer's.
TEST_CASE("Windows are shifted right on departure and left on arrival") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) win 1000 <mss 1460,ws 3>"), out("S. 0:0(0) ack 1 win 58400 <mss 1460,ws 1>"), in("P. 1:101(100) ack 1 win 8000"), expect(bit::accepted),
      is(field::send_window, 8000), write(10), out("P. 1:11(10) win 58300"), in(". ack 11 win 80000"), is(field::send_window, 80000),
  };
  play(script, with::no_timestamps);
}
// RFC 7323 §2.4; 7323-7: rounding by the scale looks like a retraction and is none.
TEST_CASE("A window that shrinks by less than its scale is handled as any that shrinks") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 2048 <mss 1000,ws 10>"), out(". ack 1"), write(2048), out(". 1:1001(1000)"), out(". 1001:2001(1000)"),
      in(". ack 1001 win 0"), at(200), out(". 1001:2001(1000)"), in(". ack 2001 win 2048"), out("P. 2001:2049(48)"),
  };
  play(script, with::no_timestamps);
}
// RFC 7323 §2.4; 7323-8: a segment that was in a window once is taken, though the application has not read since.
TEST_CASE("What lies left of the edge that was offered once is taken") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1 win 58400"), in(". 1:1(0) ack 1"), expect(bit::accepted), in("P. 1:101(100)"), at(40), out(". ack 101"),
      in("P. 58301:58401(100)"), out(". ack 101"), is(field::receive_chunks, 2), counted(&tcp::counters::out_of_order, 1), in("P. 58401:58402(1)"), out(". ack 101"),
      is(field::receive_chunks, 2), counted(&tcp::counters::out_of_window, 1),
  };
  play(script, with::no_timestamps);
}
// RFC 7323 §4.1; 7323-16.
TEST_CASE("An echo in an ACK of nothing new measures nothing") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(100), in("S. 0:0(0) ack 1 <mss 1460,ws 0,ts 100 0>"), out(". ack 1"), is(field::srtt_ms, 100), at(900), in(". ack 1 <ts 900 100>"),
      in("P. 1:11(10) ack 1 <ts 900 100>"), is(field::srtt_ms, 100), in("P. 21:31(10) ack 1 <ts 900 100>"), out(". ack 11"),
      is(field::srtt_ms, 100),
  };
  play(script);
}
// RFC 7323 §4.2; 7323-17: one measurement in a flight, though each ACK has an echo.
TEST_CASE("Many echoes of one flight move srtt once") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"), at(360), in(". ack 1461"),
      is(field::srtt_ms, 120), in(". ack 2921"), in(". ack 4381"), in(". ack 5841"), is(field::srtt_ms, 120),
  };
  play(script, with::timestamps);
}
// RFC 7323 §5.3; 7323-20: in each state that has a control block.
TEST_CASE("An older timestamp is answered and dropped in every state") {
  static constexpr step half_open[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 500 0>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1 <ts 499 0>"), out(". 1:1(0) ack 1"), in_use(0, 1, 0),
      counted(&tcp::counters::paws_rejected, 1),
  };
  static constexpr step fin_wait[] = {
      established_passive(), at(100), in(". 1:1(0) <ts 100 0>"), shutdown(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2 <ts 99 0>"), out(". 2:2(0) ack 1"), is(tcp::state::fin_wait_1),
  };
  static constexpr step close_wait[] = {
      established_passive(), at(100), in("F. 1:1(0) <ts 100 0>"), out(". ack 2"), in(". 2:2(0) ack 1 <ts 50 0>"), out(". ack 2"), is(tcp::state::close_wait),
  };
  static constexpr step syn[] = {established_passive(), at(100), in(". 1:1(0) <ts 100 0>"), in("S 7000:7000(0) <mss 1460,ws 0,ts 50 0>"), out(". ack 1"), is(tcp::state::established)};
  play(half_open), play(fin_wait), play(close_wait), play(syn);
}
// RFC 7323 §5.3 R2; 7323-21.
TEST_CASE("A newer timestamp helps no segment that lies outside the window, and is not remembered") {
  static constexpr step script[] = {
      established_passive(), at(100), in("P. 200001:200011(10) <ts 5000 0>"), out(". ack 1 <ts 100 0>"), is(field::unread, 0), in("P. 1:11(10) <ts 100 0>"), read(10),
      at(140), out(". ack 11 <ts 140 100>"),
  };
  play(script);
}
// RFC 7323 §5.3 R3, R4, R5; 7323-22, 7323-23.
TEST_CASE("The timestamp of a segment in order is remembered, that of one behind a hole is not, and both are taken") {
  static constexpr step script[] = {
      established_passive(), at(100), in("P. 1:11(10) <ts 100 0>"), at(140), out(". ack 11 <ts 140 100>"), in("P. 21:31(10) <ts 900 0>"), out(". ack 11 <ts 140 100>"),
      in("P. 11:21(10) <ts 150 0>"), out(". ack 31 <ts 140 150>"), is(field::unread, 30), read(30),
  };
  play(script);
}
// RFC 7323 §5.3: comparison is in the circle of 2^32.
TEST_CASE("A timestamp half the circle ahead is older, one tick less is newer") {
  static constexpr step script[] = {
      established_passive(), in(". 1:1(0) <ts 1000 0>"), in("P. 1:11(10) <ts 2147484649 0>"), out(". ack 1"), counted(&tcp::counters::paws_rejected, 1),
      in("P. 1:11(10) <ts 2147484647 0>"), is(field::unread, 10), at(40), out(". ack 11"),
  };
  play(script);
}
// RFC 7323 §5.5; 7323-26: not a day sooner.
TEST_CASE("After 23 idle days an older timestamp is still refused") {
  static constexpr step script[] = {
      established_passive(), in(". 1:1(0) <ts 1000 0>"), at(1987200000), in("P. 1:11(10) <ts 500 0>"), out(". ack 1"), is(field::unread, 0),
      counted(&tcp::counters::paws_rejected, 1),
  };
  play(script);
}
// RFC 7323 §5.4; 7323-24: the player compares each timestamp of ours with the script's time.
TEST_CASE("Timestamps tell milliseconds, also after hours of silence") {
  static constexpr step script[] = {
      established_active(), at(1), in("P. 1:11(10)"), at(41), out(". ack 11 <ts 41 1>"), at(3600000), write(1), out("P. 1:2(1) <ts 3600000 1>"), in(". ack 2"),
      at(36000000), write(1), out("P. 2:3(1) <ts 36000000 3600000>"), in(". ack 3"),
  };
  play(script);
}

}  // namespace strata::script
