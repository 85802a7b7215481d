// SPDX-License-Identifier: MIT
// Window scale, timestamps, PAWS: RFC 7323. Numbers of timestamps are milliseconds since the script began, on both sides.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 7323 §2.2: both or none (7323-1, 7323-6).
TEST_CASE("Windows are scaled when both SYNs had the option") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0) <mss 1460,ws 1>"), in("S. 0:0(0) ack 1 win 1000 <mss 1460,ws 7>"), out(". ack 1"), is(field::send_window, 1000),
      is(field::send_window_scale, 7), is(field::receive_window_scale, 1), in(". ack 1 win 128000"), is(field::send_window, 128000),
  };
  play(script);
}
// 7323-1.
TEST_CASE("Without the option in SYN-ACK no window is scaled") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1460>"), out(". ack 1 win 58400"), is(field::send_window_scale, 0),
      is(field::receive_window_scale, 0), in(". ack 1 win 65535"), is(field::send_window, 65535),
  };
  play(script, with::no_timestamps);
}
// 7323-1, 7323-2.
TEST_CASE("SYN-ACK has the option only if SYN had it") {
  static constexpr step without[] = {
      listen(), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". ack 1"), expect(bit::accepted),
      is(field::receive_window_scale, 0),
  };
  static constexpr step both[] = {
      listen(), in("S 0:0(0) <mss 1460,ws 9>"), out("S. 0:0(0) ack 1 <mss 1460,ws 1>"), in(". ack 1 win 512000"), expect(bit::accepted),
      is(field::send_window, 512000),
  };
  play(without), play(both);
}
// RFC 7323 §2.3: at most 14 (7323-5, REC-1).
TEST_CASE("A scale above 14 is taken as 14") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1460,ws 15>"), out(". ack 1"), is(field::send_window_scale, 14),
      in(". ack 1 win 16384000"), is(field::send_window, 16384000),
  };
  play(script);
}
// RFC 7323 §2.2: in SYN segments the field is never scaled (7323-4).
TEST_CASE("The window of SYN and SYN-ACK is not scaled") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0) win 58400"), in("S. 0:0(0) ack 1 win 1460 <mss 1460,ws 5>"), out(". ack 1 win 58400"), is(field::send_window, 1460),
  };
  static constexpr step passive[] = {
      listen(), in("S 0:0(0) win 10 <mss 1460,ws 5>"), out("S. 0:0(0) ack 1 win 58400"), in(". ack 1 win 3200"), expect(bit::accepted),
      is(field::send_window, 3200),
  };
  play(script, with::no_timestamps), play(passive, with::no_timestamps);
}

// RFC 9293 §3.8.6.2.1, RFC 7323 §2.3: what a plain ACK promised in units of the scale, a SYN-ACK that is sent again promises too. Without the scale there are no units.
TEST_CASE("A SYN-ACK that is sent again does not shrink the window") {
  static constexpr step script[] = {
      path_mtu(1900), listen(), in("S 0:0(0) <mss 1460,ws 7>"), out("S. 0:0(0) ack 1 win 65534 <mss 1860,ws 1>"), in(". 70000:70000(0) ack 1 win 64000"),
      out(". 1:1(0) ack 1 win 65534"), in("S 0:0(0) <mss 1460,ws 7>"), out("S. 0:0(0) ack 1 win 65534"), at(1000), out("S. 0:0(0) ack 1 win 65534"),
  };
  static constexpr step without[] = {
      path_mtu(1900), listen(), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1 win 65535 <mss 1860>"), in(". 70000:70000(0) ack 1 win 64000"),
      out(". 1:1(0) ack 1 win 65535"), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1 win 65535"),
  };
  static constexpr step simultaneous[] = {
      path_mtu(1900), connect(), out("S 0:0(0) win 65535"), in("S 0:0(0) <mss 1860,ws 7>"), out("S. 0:0(0) ack 1 win 65520"), in(". 70000:70000(0) ack 1 win 64000"),
      out(". 1:1(0) ack 1 win 65520"), at(1000), out("S. 0:0(0) ack 1 win 65520"),
  };
  play(script, with::no_timestamps), play(without, with::no_timestamps), play(simultaneous, with::no_timestamps);
}

// RFC 7323 §3.2: SYN offers them, every segment has them once SYN-ACK did (7323-9, 7323-10, 7323-15).
TEST_CASE("Timestamps are in every segment when both SYNs had them") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0) <mss 1460,ws 1,ts 0 0>"), at(10), in("S. 0:0(0) ack 1 <mss 1460,ws 0,ts 100 0>"), out(". ack 1 <ts 10 100>"),
      is(field::has_timestamps, 1), write(10), out("P. 1:11(10) <ts 10 100>"), at(20), in("P. 1:11(10) ack 11 <ts 105 10>"),
      at(60), out(". ack 11 <ts 60 105>"), shutdown(), out("F. 11:11(0) <ts 60 105>"), abort(), out("R. 12:12(0) <ts 60 105>"),
      closed(close_reason::aborted),
  };
  play(script);
}
// 7323-9.
TEST_CASE("Timestamps are in no segment when SYN-ACK had none") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1 <nots>"), is(field::has_timestamps, 0), write(1460),
      out("P. 1:1461(1460) <nots>"), in(". ack 1461"), is(field::mss, 1460),
  };
  static constexpr step passive[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1 <mss 1460,ws 1,nots>"), in(". ack 1"), expect(bit::accepted), write(1), out("P. 1:2(1) <nots>"),
  };
  play(script, with::no_timestamps), play(passive, with::no_timestamps);
}
// 7323-15.
TEST_CASE("SYN-ACK echoes the timestamp of SYN, and the first data that of the last ACK") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 100 0>"), out("S. 0:0(0) ack 1 <mss 1460,ts 0 100>"),
      at(300), in("S 0:0(0) <mss 1460,ts 400 0>"), out("S. 0:0(0) ack 1 <mss 1460,ts 300 400>"),
      at(350), in(". ack 1 <ts 450 300>"), expect(bit::accepted), write(1), out("P. 1:2(1) <ts 350 450>"),
  };
  play(script);
}

// RFC 7323 §4.3: with delayed ACKs the earliest unacknowledged segment's timestamp is echoed (7323-18).
TEST_CASE("A delayed ACK echoes the timestamp of the first segment that it covers") {
  static constexpr step script[] = {
      established_passive(), at(100), in("1:1461(1460) <ts 100 0>"), at(110), in("1461:2921(1460) <ts 110 0>"), out(". ack 2921 <ts 110 100>"),
  };
  play(script);
}
// RFC 7323 §4.3, (B): out of order the timestamp of the last segment in order is echoed (7323-18).
TEST_CASE("A segment behind a hole does not move what is echoed, the one that fills it does") {
  static constexpr step script[] = {
      established_passive(), at(100), in("1:1461(1460) <ts 100 0>"), in("1461:2921(1460) <ts 101 0>"), out(". ack 2921 <ts 100 100>"),
      at(200), in("4381:5841(1460) <ts 200 0>"), out(". ack 2921 <ts 200 100>"), at(300), in("2921:4381(1460) <ts 300 0>"),
      out(". ack 5841 <ts 300 300>"),
  };
  play(script);
}

// RFC 7323 §5.3, R1 (7323-20).
TEST_CASE("A segment with an older timestamp is dropped and answered") {
  static constexpr step script[] = {
      established_passive(), at(100), in("P. 1:11(10) <ts 100 0>"), at(140), out(". ack 11 <ts 140 100>"), in("P. 11:21(10) <ts 99 0>"),
      out(". ack 11 <ts 140 100>"), counted(&tcp::counters::paws_rejected, 1), is(field::unread, 10), in("P. 11:21(10) <ts 100 0>"),
      is(field::unread, 20), at(180), out(". ack 21"),
  };
  play(script);
}
// RFC 7323 §5.3, R1: a reset is looked at all the same (7323-19).
TEST_CASE("A reset with an older timestamp, or none, counts") {
  static constexpr step old[] = {established_passive(), at(100), in(". 1:1(0) <ts 100 0>"), in("R 1:1(0) <ts 5 0>"), closed(close_reason::reset)};
  static constexpr step none[] = {established_passive(), in("R 1:1(0)"), closed(close_reason::reset)};
  play(old), play(none, with::timestamps);
}
// RFC 7323 §3.2 (SHOULD) (7323-11, 7323-12).
TEST_CASE("A segment that lacks the agreed timestamps is dropped in silence") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:11(10) <nots>"), never(bit::readable), counted(&tcp::counters::paws_rejected, 1), in("P. 1:11(10)"),
      at(40), out(". ack 11"),
  };
  static constexpr step half_open[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1 <nots>"), in_use(0, 1, 0), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script, with::timestamps), play(half_open, with::timestamps);
}
// RFC 7323 §5.5: after 24 idle days the peer's clock may have gone half round (7323-26).
TEST_CASE("After 24 idle days an older timestamp is taken and becomes the recent one") {
  static constexpr step script[] = {
      established_passive(), in(". 1:1(0) <ts 1000 0>"), at(2073600001), in("P. 1:11(10) <ts 500 0>"), is(field::unread, 10),
      at(2073600041), out(". ack 11 <ts 2073600041 500>"), in("P. 11:21(10) <ts 499 0>"), out(". ack 11 <ts 2073600041 500>"),
  };
  play(script);
}
// RFC 7323 §3.2: in a segment without ACK the echo must be zero; here in a SYN (7323-14).
TEST_CASE("SYN echoes zero") {
  static constexpr step script[] = {connect(), out("S 0:0(0) <mss 1460,ws 1,ts 0 0>"), at(1000), out("S 0:0(0) <mss 1460,ws 1,ts 1000 0>")};
  play(script);
}
TEST_CASE("SYNs that cross agree on timestamps too") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0) <mss 1460,ws 2,ts 77 0>"), out("S. 0:0(0) ack 1 <mss 1460,ws 1,ts 0 77>"),
      in("S. 0:0(0) ack 1 win 4000 <mss 1460,ws 2,ts 78 0>"), out(". ack 1 <ts 0 78>"), expect(bit::connected), is(field::send_window, 4000),
  };
  play(script);
}

// RFC 6691 §2: options come off what the peer may be sent.
TEST_CASE("The MSS option does not count options, segments do") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1460>"), out(". ack 1"), is(field::mss, 1460)};
  play(script);
}

}  // namespace strata::script
