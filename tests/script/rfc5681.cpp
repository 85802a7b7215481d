// SPDX-License-Identifier: MIT
// Congestion control: RFC 5681, with the initial window of RFC 6928 and limited transmit of RFC 3042.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define TEN_SEGMENTS_PUSHED                                                                                                                   \
  out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), \
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("P. 13141:14601(1460)")
#define TEN_SEGMENTS                                                                                                                          \
  out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), \
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)")

// RFC 6928 §2 (5681-1, 5681-2, 5681-3, MUST-19).
TEST_CASE("The initial window is ten segments") {
  static constexpr step script[] = {
      established_active(100), is(field::cwnd, 14600), write(20000), TEN_SEGMENTS, is(tcp::limited_by::congestion_window), is(field::unsent, 5400),
  };
  play(script);
}
// 5681-2.
TEST_CASE("The initial window of large segments is fewer of them") {
  static constexpr step script[] = {
      path_mtu(1960), connect(), out("S 0:0(0) <mss 1920,ws 1>"), in("S. 0:0(0) ack 1 <mss 1920,ws 0>"), out(". ack 1"), is(field::cwnd, 14600),
  };
  play(script, with::no_timestamps);
}

// RFC 5681 §3.1, equation (2): at most one segment for each ACK, however much it covers (5681-7, MUST-19).
TEST_CASE("Slow start opens by one segment for each ACK") {
  static constexpr step script[] = {
      established_active(100), write(40000), TEN_SEGMENTS,
      at(200), in(". ack 1461"), is(field::cwnd, 16060), out("14601:16061(1460)"), out("16061:17521(1460)"),
      in(". ack 4381"), is(field::cwnd, 17520), out("17521:18981(1460)"), out("18981:20441(1460)"), out("20441:21901(1460)"),
  };
  play(script);
}
// 5681-7.
TEST_CASE("Slow start opens by no more than what an ACK covers") {
  static constexpr step script[] = {established_active(100), write(14600), TEN_SEGMENTS_PUSHED, at(200), in(". ack 101"), is(field::cwnd, 14700)};
  play(script);
}

// RFC 5681 §3.1: a window that is not used is no evidence (RFC 7661 §4.1).
TEST_CASE("The window does not grow while the application does not fill it") {
  static constexpr step script[] = {established_active(100), write(1460), out("P. 1:1461(1460)"), at(200), in(". ack 1461"), is(field::cwnd, 14600)};
  play(script);
}

// RFC 5681 §3.1: one segment for each window (5681-8, 5681-9, MUST-19).
TEST_CASE("Congestion avoidance opens by one segment for each window of acknowledged bytes") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(400), out("1:1461(1460)"), is(field::ssthresh, 2920), at(500), in(". ack 5841"), is(field::cwnd, 2920), write(20000), out("5841:7301(1460)"),
      out("7301:8761(1460)"), at(600), in(". ack 7301"), is(field::cwnd, 2920), out("8761:10221(1460)"), in(". ack 8761"), is(field::cwnd, 4380),
      out("10221:11681(1460)"), out("11681:13141(1460)"), at(700), in(". ack 10221"), out("13141:14601(1460)"), in(". ack 11681"),
      out("14601:16061(1460)"), is(field::cwnd, 4380), in(". ack 13141"), is(field::cwnd, 5840), out("16061:17521(1460)"), out("17521:18981(1460)"),
  };
  play(script);
}

// RFC 5681 §3.2 with RFC 3042: two duplicates let one new segment out each, the third finds the loss.
// 5681-6, 5681-15, 5681-16, 5681-17, 5681-18, 5681-19, 5681-20, 5681-21.
TEST_CASE("Three duplicate ACKs resend the first segment and halve the window") {
  static constexpr step script[] = {
      established_active(100), write(29200), TEN_SEGMENTS, at(200), in(". ack 1"), out("14601:16061(1460)"), in(". ack 1"), out("16061:17521(1460)"),
      is(field::cwnd, 14600), in(". ack 1"), out("1:1461(1460)"), is(field::ssthresh, 7300), is(field::cwnd, 11680), is(field::in_recovery, 1),
      counted(&tcp::counters::fast_retransmits, 1), in(". ack 1"), in(". ack 1"), in(". ack 1"), is(field::cwnd, 16060), in(". ack 1"), in(". ack 1"),
      is(field::cwnd, 18980), out("17521:18981(1460)"), at(300), in(". ack 18981"), is(field::cwnd, 2920), is(field::in_recovery, 0),
      out("18981:20441(1460)"), out("20441:21901(1460)"),
  };
  play(script);
}

// RFC 5681 §2: what is no duplicate.
TEST_CASE("ACKs with data, another window, or with nothing outstanding are no duplicates") {
  static constexpr step script[] = {
      established_active(100), in(". ack 1"), in(". ack 1"), in(". ack 1"), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"),
      in("P. 1:2(1) ack 1"), in("P. 2:3(1) ack 1"), in("P. 3:4(1) ack 1"), in(". ack 1 win 60000"), in(". ack 1 win 50000"), in(". ack 1 win 40000"),
      counted(&tcp::counters::fast_retransmits, 0), at(140), out(". ack 4"), in(". ack 1"), in(". ack 1"),
      counted(&tcp::counters::fast_retransmits, 0), in(". ack 1"), out("1:1461(1460)"), counted(&tcp::counters::fast_retransmits, 1),
  };
  play(script);
}

// RFC 5681 §3.2: the three must follow each other.
TEST_CASE("An ACK of new data starts the count of duplicates again") {
  static constexpr step script[] = {
      established_active(100), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1461"), in(". ack 1461"), in(". ack 1461"), counted(&tcp::counters::fast_retransmits, 0),
      in(". ack 1461"), out("1461:2921(1460)"),
  };
  play(script);
}

// RFC 5681 §4.1: after a pause of an RTO the window starts again (5681-23).
TEST_CASE("After an idle timeout the window is the initial one again") {
  static constexpr step script[] = {
      established_active(100), write(14600), TEN_SEGMENTS_PUSHED, at(200), in(". ack 14601"), is(field::cwnd, 16060),
      at(650), write(1460), out("P. 14601:16061(1460)"), is(field::cwnd, 14600),
  };
  play(script);
}
TEST_CASE("A shorter pause leaves the window as it is") {
  static constexpr step script[] = {
      established_active(100), write(14600), TEN_SEGMENTS_PUSHED, at(200), in(". ack 14601"), is(field::cwnd, 16060),
      at(350), write(1460), out("P. 14601:16061(1460)"), is(field::cwnd, 16060),
  };
  play(script);
}

// RFC 5681 §3.1: without congestion control by the network's word, the peer's window still rules (5681-1).
TEST_CASE("The smaller of both windows rules") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 4000"), out(". ack 1"), write(10000), out("1:1461(1460)"), out("1461:2921(1460)"),
      is(tcp::limited_by::receive_window), at(100), in(". ack 2921 win 10000"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("7301:8761(1460)"), is(tcp::limited_by::coalescing), at(200), in(". ack 8761"), out("P. 8761:10001(1240)"),
  };
  play(script);
}

// RFC 5681 §4.2: an ACK for each out-of-order segment, at once, and one when the hole is filled (5681-13, 5681-14, MAY-13).
TEST_CASE("Each segment out of order is answered by a duplicate ACK at once") {
  static constexpr step script[] = {
      established_active(), in("1461:2921(1460)"), out(". ack 1"), in("2921:4381(1460)"), out(". ack 1"), in("4381:5841(1460)"), out(". ack 1"),
      in("1:1461(1460)"), out(". ack 5841"), expect(bit::readable), read(5840), at(1000),
  };
  play(script);
}
// 5681-14.
TEST_CASE("A segment that fills part of a hole is acknowledged at once") {
  static constexpr step script[] = {
      established_active(), in("2921:4381(1460)"), out(". ack 1"), in("1:1461(1460)"), out(". ack 1461"), in("1461:2921(1460)"), out(". ack 4381"),
      read(4380), at(1000),
  };
  play(script);
}

// RFC 5681 §4.2: in one poll, one duplicate for each still (5681-13, 5681-26).
TEST_CASE("Segments out of order that come together are answered one by one") {
  static constexpr step script[] = {
      established_active(), together(3), in("1461:2921(1460)"), in("2921:4381(1460)"), in("4381:5841(1460)"), out(". ack 1"), out(". ack 1"),
      out(". ack 1"),
  };
  play(script);
}

// RFC 5681 §3.1; 5681-3, 5681-5: neither SYN-ACK nor its ACK opens the window, and ssthresh is out of the way.
TEST_CASE("The handshake leaves the first window as it is, and ssthresh as high as it gets") {
  static constexpr step active[] = {connect(), out("S 0:0(0)"), at(100), in("S. 0:0(0) ack 1"), out(". ack 1"), is(field::cwnd, 14600), is(field::ssthresh, 0x7fff'ffff)};
  static constexpr step passive[] = {established_passive(100), is(field::cwnd, 14600), is(field::ssthresh, 0x7fff'ffff)};
  static constexpr step crossed[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::connected), is(field::cwnd, 14600), is(field::ssthresh, 0x7fff'ffff),
  };
  play(active), play(passive), play(crossed);
}
// RFC 5681 §4.3; 5681-27.
TEST_CASE("The loss of what fast recovery sent again lowers window and ssthresh a second time") {
  static constexpr step script[] = {
      established_active(100), write(14600), TEN_SEGMENTS_PUSHED, at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), is(field::ssthresh, 7300),
      at(500), out("1:1461(1460)"), is(field::cwnd, 1460), is(field::ssthresh, 3650),
  };
  play(script);
}
// RFC 5681 §3.1; 5681-10: what is in flight counts, not the window, which may be larger.
TEST_CASE("ssthresh is half of what is in flight though the window is larger, and two segments at least") {
  static constexpr step half[] = {
      established_active(100), write(7300), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("P. 5841:7301(1460)"),
      is(field::cwnd, 14600), at(400), out("1:1461(1460)"), is(field::ssthresh, 3650),
  };
  static constexpr step least[] = {established_active(100), write(100), out("P. 1:101(100)"), at(400), out("P. 1:101(100)"), is(field::ssthresh, 2920), is(field::cwnd, 1460)};
  play(half), play(least);
}
// RFC 5681 §3.2 (1); 5681-16: the peer's window rules over limited transmit as over all else.
TEST_CASE("A duplicate ACK lets nothing new out beyond the peer's window") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(100), in("S. 0:0(0) ack 1 win 14600"), out(". ack 1"), write(20000), TEN_SEGMENTS, at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"),
      out("1:1461(1460)"), is(field::unsent, 5400),
  };
  play(script);
}
// RFC 5681 §3.1: slow start ends where ssthresh was.
TEST_CASE("Slow start turns into congestion avoidance at ssthresh") {
  static constexpr step script[] = {
      established_active(100), write(14600), TEN_SEGMENTS_PUSHED, at(400), out("1:1461(1460)"), is(field::ssthresh, 7300), at(500), in(". ack 14601"), is(field::cwnd, 2920),
      write(30000), out("14601:16061(1460)"), out("16061:17521(1460)"), at(600), in(". ack 16061"), is(field::cwnd, 4380), out("17521:18981(1460)"), out("18981:20441(1460)"),
      in(". ack 17521"), is(field::cwnd, 5840), out("20441:21901(1460)"), out("21901:23361(1460)"), at(700), in(". ack 18981"), is(field::cwnd, 7300),
      out("23361:24821(1460)"), out("24821:26281(1460)"), in(". ack 20441"), is(field::cwnd, 7300), out("26281:27741(1460)"), in(". ack 21901"), out("27741:29201(1460)"),
      at(800), in(". ack 23361"), out("29201:30661(1460)"), in(". ack 24821"), is(field::cwnd, 7300), out("30661:32121(1460)"), in(". ack 26281"), is(field::cwnd, 8760),
      out("32121:33581(1460)"), out("33581:35041(1460)"),
  };
  play(script);
}
// RFC 5681 §4.1; 5681-23: not when the last thing was sent lately, and never upwards.
TEST_CASE("After a pause a window below the initial one stays as it is") {
  static constexpr step script[] = {
      established_active(100), write(1460), out("P. 1:1461(1460)"), at(400), out("P. 1:1461(1460)"), at(500), in(". ack 1461"), is(field::cwnd, 2920), at(60000), write(1460),
      out("P. 1461:2921(1460)"), is(field::cwnd, 2920),
  };
  play(script);
}

}  // namespace strata::script
