// SPDX-License-Identifier: MIT
// The retransmission timer: RFC 6298. The minimum is 200 ms on top of the smoothed round-trip time, as in Linux.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 6298 (5.1), (5.4), (5.5), (5.6) (MUST-19, 6298-10, 6298-13, 6298-14, 6298-15).
TEST_CASE("The first unacknowledged segment is sent again with doubled timeouts") {
  static constexpr step script[] = {
      established_active(100), is(field::srtt_ms, 100), is(field::rto_ms, 300), write(1000), out("P. 1:1001(1000)"),
      at(400), out("P. 1:1001(1000)"), is(field::backoff, 1), at(1000), out("P. 1:1001(1000)"), is(field::backoff, 2),
      at(2200), out("P. 1:1001(1000)"), counted(&tcp::counters::timeouts, 3), is(field::retransmitted, 3),
      at(2300), in(". ack 1001"), is(field::unacked, 0), at(60000),
  };
  play(script);
}

// RFC 6298 (2.2), (2.3): srtt = 7/8 srtt + 1/8 r, rttvar = 3/4 rttvar + 1/4 |srtt - r| (MUST-18, 6298-3).
TEST_CASE("Each measurement moves srtt by an eighth and the timeout with it") {
  static constexpr step script[] = {
      established_active(100), is(field::srtt_ms, 100), write(100), out("P. 1:101(100)"),
      at(360), in(". ack 101"), is(field::srtt_ms, 120), is(field::rto_ms, 430), write(100), out("P. 101:201(100)"),
      at(790), out("P. 101:201(100)"),
  };
  play(script);
}

// RFC 6298 (2.2): RTO = R + max(G, 4 * R/2) after the first measurement (MUST-18, 6298-2).
TEST_CASE("The first measurement gives three times the round-trip time") {
  static constexpr step script[] = {
      established_active(400), is(field::srtt_ms, 400), is(field::rto_ms, 1200), write(1), out("P. 1:2(1)"),
      at(1600), out("P. 1:2(1)"),
  };
  play(script);
}
// Its headers lie where the acknowledged bytes were: their sum is no longer to be had.
TEST_CASE("What is left of a segment is sent again twice, and then with less, each time with a right checksum") {
  static constexpr step script[] = {
      established_active(100), write(1001), out("P. 1:1002(1001)"), at(200), in(". ack 102"), at(500), out("P. 102:1002(900)"), at(1100), out("P. 102:1002(900)"),
      at(1150), in(". ack 203"), at(2350), out("P. 203:1002(799)"), at(2400), in(". ack 1002"), is(field::unacked, 0),
  };
  play(script, with::no_timestamps);
}
// RFC 6298 §3: a segment of one byte is measured by the ACK of that byte.
TEST_CASE("One byte is enough for a measurement") {
  static constexpr step script[] = {established_active(400), write(1), out("P. 1:2(1)"), at(1200), in(". ack 2"), is(field::srtt_ms, 450)};
  play(script);
}
// 6298-2.
TEST_CASE("The timeout of a passive open comes from SYN-ACK and its ACK") {
  static constexpr step script[] = {
      established_passive(400), is(field::srtt_ms, 400), is(field::rto_ms, 1200), write(1), out("P. 1:2(1)"),
      at(1600), out("P. 1:2(1)"),
  };
  play(script);
}

// RFC 6298 (5.2), (5.3) (6298-9, 6298-11, 6298-12).
TEST_CASE("An ACK of new data restarts the timer, and the last one stops it") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), write(2000), out("1:1461(1460)"), out("P. 1461:2001(540)"),
      at(200), in(". ack 1461"), at(499), at(500), out("P. 1461:2001(540)"), at(510), in(". ack 2001"),
      at(30000),
  };
  play(script);
}

// RFC 6298 §3 (Karn), §5: without timestamps the ACK of a segment that was sent twice is no measurement, and the doubled timeout stays until there is one.
// MUST-18, 6298-6.
TEST_CASE("The doubled timeout stays until a segment that was sent once is acknowledged") {
  static constexpr step script[] = {
      established_active(100), write(1000), out("P. 1:1001(1000)"), at(400), out("P. 1:1001(1000)"),
      at(410), in(". ack 1001"), is(field::srtt_ms, 100), is(field::backoff, 1), at(500), write(1000), out("P. 1001:2001(1000)"),
      at(1100), out("P. 1001:2001(1000)"), is(field::backoff, 2), at(1110), in(". ack 2001"),
      at(1200), write(1000), out("P. 2001:3001(1000)"), at(1300), in(". ack 3001"), is(field::backoff, 0), is(field::rto_ms, 300),
  };
  play(script, with::no_timestamps);
}

// RFC 7323 §4.1: an echo tells which of the two was heard.
TEST_CASE("With timestamps the ACK of a segment that was sent twice is a measurement") {
  static constexpr step script[] = {
      established_active(100), write(1000), out("P. 1:1001(1000)"), at(400), out("P. 1:1001(1000)"),
      at(500), in(". ack 1001"), is(field::srtt_ms, 100), is(field::backoff, 0), write(1000), out("P. 1001:2001(1000)"),
      at(800), out("P. 1001:2001(1000)"),
  };
  play(script, with::timestamps);
}

// RFC 6298 §3, RFC 7323 §4.3: the first copy came and its ACK was lost; the answer to the second one repeats the echo of the first (6298-6).
TEST_CASE("The echo of what was sent before the retransmission measures nothing") {
  static constexpr step script[] = {
      established_active(100), write(1000), out("P. 1:1001(1000)"), at(400), out("P. 1:1001(1000)"),
      at(410), in(". ack 1001 <ts 410 100>"), is(field::srtt_ms, 100), is(field::backoff, 1), is(field::rto_ms, 600), write(1000), out("P. 1001:2001(1000)"),
      at(1010), out("P. 1001:2001(1000)"), is(field::backoff, 2),
      at(2210), out("P. 1001:2001(1000)"), is(field::backoff, 3),
      at(2310), in(". ack 2001 <ts 2310 1010>"), is(field::srtt_ms, 100), is(field::backoff, 3), write(1000), out("P. 2001:3001(1000)"),
      at(2410), in(". ack 3001 <ts 2410 2310>"), is(field::srtt_ms, 100), is(field::backoff, 0),
  };
  play(script);
}
TEST_CASE("After several timeouts the echo of the last copy is a measurement") {
  static constexpr step script[] = {
      established_active(100), write(1000), out("P. 1:1001(1000)"), at(400), out("P. 1:1001(1000)"), at(1000), out("P. 1:1001(1000)"),
      at(1180), in(". ack 1001 <ts 1180 1000>"), is(field::srtt_ms, 110), is(field::backoff, 0),
  };
  play(script);
}
TEST_CASE("While a flight is sent again, an echo from before its head was measures nothing") {
  static constexpr step script[] = {
      established_active(100), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"), at(400), out("1:1461(1460)"),
      at(1000), out("1:1461(1460)"), at(1100), in(". ack 1461 <ts 1100 400>"), is(field::srtt_ms, 100), is(field::backoff, 2),
      out("1461:2921(1460)"), out("P. 2921:4381(1460)"), at(1280), in(". ack 4381 <ts 1280 1100>"), is(field::srtt_ms, 110), is(field::backoff, 0),
  };
  play(script);
}
TEST_CASE("In fast recovery the echo of the first copy measures nothing, that of the second does") {
  static constexpr step first[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(200), in(". ack 1 <ts 200 100>"), in(". ack 1 <ts 200 100>"), in(". ack 1 <ts 200 100>"), out("1:1461(1460)"),
      at(300), in(". ack 5841 <ts 300 100>"), is(field::srtt_ms, 100),
  };
  static constexpr step second[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(200), in(". ack 1 <ts 200 100>"), in(". ack 1 <ts 200 100>"), in(". ack 1 <ts 200 100>"), out("1:1461(1460)"),
      at(380), in(". ack 5841 <ts 380 200>"), is(field::srtt_ms, 110),
  };
  play(first), play(second);
}
TEST_CASE("Of a SYN that was sent twice the echo says which was answered") {
  static constexpr step first[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(1010), in("S. 0:0(0) ack 1 <mss 1460,ts 10 0>"), out(". ack 1"),
      is(field::srtt_ms, 0), is(field::rto_ms, 3000),
  };
  static constexpr step second[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(1010), in("S. 0:0(0) ack 1 <mss 1460,ts 10 1000>"), out(". ack 1"),
      is(field::srtt_ms, 10), is(field::rto_ms, 210),
  };
  play(first), play(second);
}
TEST_CASE("Of a SYN-ACK that was sent twice the echo says which was answered") {
  static constexpr step first[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 100 0>"), out("S. 0:0(0) ack 1"), at(300), in("S 0:0(0) <mss 1460,ts 400 0>"), out("S. 0:0(0) ack 1"),
      at(350), in(". ack 1 <ts 450 0>"), expect(bit::accepted), is(field::srtt_ms, 0), is(field::rto_ms, 1000),
  };
  static constexpr step second[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 100 0>"), out("S. 0:0(0) ack 1"), at(300), in("S 0:0(0) <mss 1460,ts 400 0>"), out("S. 0:0(0) ack 1"),
      at(350), in(". ack 1 <ts 450 300>"), expect(bit::accepted), is(field::srtt_ms, 50),
  };
  static constexpr step without[] = {
      listen(), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1"), at(300), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1"),
      at(350), in(". ack 1"), expect(bit::accepted), is(field::srtt_ms, 0), is(field::rto_ms, 1000),
  };
  play(first), play(second), play(without, with::no_timestamps);
}

// RFC 6298 §3: at least one measurement in each round trip; the others are not needed (6298-7).
TEST_CASE("One segment of a flight is timed") {
  static constexpr step script[] = {
      established_active(100), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"),
      at(180), in(". ack 1461"), is(field::srtt_ms, 98), at(300), in(". ack 4381"), is(field::srtt_ms, 98),
  };
  play(script, with::no_timestamps);
}

// RFC 5681 §3.1 (4): half the flight, at least two segments; the loss window is one segment (5681-6, 5681-10, 5681-11, 5681-12).
TEST_CASE("A timeout halves ssthresh once and sends one segment") {
  static constexpr step script[] = {
      established_active(100), write(14600), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"),
      out("P. 13141:14601(1460)"), at(400), out("1:1461(1460)"), is(field::cwnd, 1460), is(field::ssthresh, 7300), is(field::in_recovery, 1),
      at(1000), out("1:1461(1460)"), is(field::cwnd, 1460), is(field::ssthresh, 7300), at(2200), out("1:1461(1460)"), is(field::ssthresh, 7300),
  };
  play(script);
}

// RFC 6298 §5 and RFC 5681 §3.1: what else was outstanding is sent again in slow start (5681-12).
TEST_CASE("After a timeout the rest of the flight follows in slow start") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(400), out("1:1461(1460)"), at(500), in(". ack 1461"), is(field::cwnd, 2920), out("1461:2921(1460)"), out("2921:4381(1460)"),
      at(600), in(". ack 4381"), is(field::cwnd, 4380), out("P. 4381:5841(1460)"), at(700), in(". ack 5841"), is(field::in_recovery, 0),
  };
  play(script);
}

// RFC 5681 §3.1: nothing new leaves in front of what was lost, even if it is small enough for the rest of the window.
TEST_CASE("New data waits until what was lost has been sent again") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"),
      at(400), out("1:1461(1460)"), write(10), write(20), at(500), in(". ack 701"), is(field::cwnd, 2160),
      at(600), in(". ack 1461"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"), is(field::cwnd, 2920),
      at(700), in(". ack 2921"), out("P. 4381:4411(30)"),
  };
  play(script);
}

// RFC 9293 §3.8.3, R2: more than a hundred seconds (MUST-20, SHLD-11, 6298-5).
TEST_CASE("After fifteen retransmissions the connection times out") {
  static constexpr step script[] = {
      established_active(0), write(1), out("P. 1:2(1)"), at(200), out("P. 1:2(1)"), at(600), out("P. 1:2(1)"),
      at(1400), out("P. 1:2(1)"), at(3000), out("P. 1:2(1)"), at(6200), out("P. 1:2(1)"),
      at(12600), out("P. 1:2(1)"), at(25400), out("P. 1:2(1)"), at(51000), out("P. 1:2(1)"),
      at(102200), out("P. 1:2(1)"), at(204600), out("P. 1:2(1)"), at(324600), out("P. 1:2(1)"),
      at(444600), out("P. 1:2(1)"), at(564600), out("P. 1:2(1)"), at(684600), out("P. 1:2(1)"),
      at(804600), out("P. 1:2(1)"), never(bit::closed), at(924610), closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}

// RFC 9293 §3.9.1.1, §3.8.3: the application's own limit (MUST-20, MUST-21).
TEST_CASE("The user timeout ends a connection whose data is not acknowledged") {
  static constexpr step script[] = {
      established_active(100), user_timeout(1000), write(1), out("P. 1:2(1)"), at(400), out("P. 1:2(1)"),
      at(1000), out("P. 1:2(1)"), at(1099), never(bit::closed), at(1100), closed(close_reason::timed_out), in(". ack 2"), out("R 2:2(0)"),
  };
  play(script);
}
TEST_CASE("The user timeout counts from the last progress") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), user_timeout(1000), write(2000), out("1:1461(1460)"), out("P. 1461:2001(540)"),
      at(400), out("1:1461(1460)"), at(900), in(". ack 1461"), out("P. 1461:2001(540)"),
      at(1500), out("P. 1461:2001(540)"), at(1899), never(bit::closed), at(1900), closed(close_reason::timed_out),
  };
  play(script, with::no_timestamps);
}
// MUST-21, MUST-22.
TEST_CASE("The user timeout ends a handshake that nobody answers") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), user_timeout(2500), at(1000), out("S 0:0(0)"), at(2500), closed(close_reason::timed_out),
  };
  play(script);
}

// FIN is part of the sequence space: RFC 9293 §3.4.
TEST_CASE("A lost FIN is sent again") {
  static constexpr step script[] = {
      established_active(100), shutdown(), out("F. 1:1(0) ack 1"), at(400), out("F. 1:1(0) ack 1"),
      at(1000), out("F. 1:1(0) ack 1"), at(1100), in(". ack 2"), is(tcp::state::fin_wait_2),
      at(60000),
  };
  play(script);
}
TEST_CASE("FIN goes again with the data that it follows, and not by itself besides") {
  static constexpr step script[] = {
      established_active(100), write(10), out("P. 1:11(10)"), shutdown(), out("F. 11:11(0)"),
      at(400), out("FP. 1:11(10)"), in("P. 1:2(1) ack 1"), at(440), out(". 12:12(0) ack 2"),
      at(500), in(". ack 12"), is(tcp::state::fin_wait_2),
  };
  play(script);
}
TEST_CASE("A FIN whose data was acknowledged goes again alone") {
  static constexpr step script[] = {
      established_active(100), write(10), out("P. 1:11(10)"), shutdown(), out("F. 11:11(0)"),
      at(200), in(". ack 11"), is(tcp::state::fin_wait_1), at(500), out("F. 11:11(0)"), at(510), in(". ack 12"), is(tcp::state::fin_wait_2),
  };
  play(script);
}

// RFC 6298 §4, (2.4); 6298-8: the variation may go to zero, the term that it stands for does not.
TEST_CASE("A path without any variation keeps a margin above its round-trip time") {
  static constexpr step script[] = {
      established_active(100), is(field::rto_ms, 300),
#define ROUND(ms, a, b) at(ms), write(100), out("P. " a ":" b "(100)"), at(ms + 100), in(". ack " b), is(field::srtt_ms, 100), is(field::rto_ms, 300)
      ROUND(200, "1", "101"), ROUND(400, "101", "201"), ROUND(600, "201", "301"), ROUND(800, "301", "401"), ROUND(1000, "401", "501"), ROUND(1200, "501", "601"),
      ROUND(1400, "601", "701"), ROUND(1600, "701", "801"), at(1800), write(1), out("P. 801:802(1)"), at(2099), at(2100), out("P. 801:802(1)"),
  };
  play(script);
}
// RFC 6298 §5; 6298-9: the application's limit may come and go, the timeout is what it is.
TEST_CASE("A user timeout that is taken back sends nothing before the retransmission timeout") {
  static constexpr step script[] = {
      established_active(400), user_timeout(500), write(10), out("P. 1:11(10)"), at(600), user_timeout(0), at(1799), at(1800), out("P. 1:11(10)"),
  };
  play(script);
}
// RFC 6298 (5.1), (5.3); 6298-9: new data in flight does not move the timer of what was sent before.
TEST_CASE("The timer of the first segment runs on while others are sent") {
  static constexpr step script[] = {
      established_active(100), no_delay(true), write(10), out("P. 1:11(10)"), at(250), write(10), out("P. 11:21(10)"), at(399), at(400), out("P. 1:11(10)"),
  };
  play(script);
}

// The header of the first resending lies where acknowledged bytes were.
TEST_CASE("A segment of which the front was acknowledged is sent again more than once") {
  static constexpr step odd[] = {
      established_active(), write(1000), out("P. 1:1001(1000)"), in(". ack 302"), at(200), out("P. 302:1001(699)"), at(599), at(600), out("P. 302:1001(699)"), in(". ack 402"), at(1399), at(1400),
      out("P. 402:1001(599)"), in(". ack 1001"),
  };
  static constexpr step most[] = {
      established_active(), write(1000), out("P. 1:1001(1000)"), in(". ack 801"), at(200), out("P. 801:1001(200)"), at(599), at(600), out("P. 801:1001(200)"), in(". ack 1001"),
  };
  play(odd, with::no_timestamps), play(most, with::no_timestamps);
}

}  // namespace strata::script
