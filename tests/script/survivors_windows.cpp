// SPDX-License-Identifier: MIT
// Windows to the last byte: the half of the largest that decides about a small one, splits at odd places, an idle sender.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.8.6.2.1 (3): at least half of the largest window seen.
TEST_CASE("Half of the largest window is used at once, a byte less waits") {
  static constexpr step uses[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 999 <mss 1460>"), out(". ack 1"), expect(bit::connected), write(3000), out("1:1000(999)"),
      at(10), in(". ack 1000 win 499"), out("1000:1461(461)"), is(tcp::limited_by::receive_window),
  };
  static constexpr step waits[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 1000 <mss 1460>"), out(". ack 1"), expect(bit::connected), write(3000), out("1:1001(1000)"),
      at(10), in(". ack 1001 win 499"), is(tcp::limited_by::receive_window), in(". ack 1001 win 500"), out("1001:1461(460)"),
  };
  play(uses), play(waits);
}
TEST_CASE("The last bytes leave into any window that holds them, and not a byte beyond it") {
  static constexpr step fits[] = {
      established_active(), no_delay(true), write(100), out("P. 1:101(100)"), at(10), in(". ack 101 win 50"), write(50), out("P. 101:151(50)"), is(field::send_window, 50),
  };
  static constexpr step one_too_many[] = {
      established_active(), no_delay(true), write(100), out("P. 1:101(100)"), at(10), in(". ack 101 win 50"), write(51), is(tcp::limited_by::receive_window), is(field::unsent, 51),
      in(". ack 101 win 51"), out("P. 101:152(51)"),
  };
  play(fits), play(one_too_many);
}
// A chunk that is acknowledged in part and cut again where the MSS became smaller keeps its bytes.
TEST_CASE("A segment of which one byte was acknowledged is sent again without it") {
  static constexpr step script[] = {established_active(), write(100), out("P. 1:101(100)"), in(". ack 2"), at(200), out("P. 2:101(99)")};
  play(script);
}
// RFC 6298 §5.4: what is sent again begins where the ACK ends.
TEST_CASE("After a timeout the last byte of a segment is sent again when all others were acknowledged") {
  static constexpr step script[] = {
      established_active(), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(200), out("1:1461(1460)"), in(". ack 2920"), out("P. 2920:2921(1)"), in(". ack 2921"),
      is(field::unacked, 0),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("What is left of a segment after a partial ACK is cut to a smaller MSS") {
  static constexpr step script[] = {
      established_active(100), write(1460), out("P. 1:1461(1460)"), at(200), in(". ack 201"), at(210), icmp(icmp_error_kind::packet_too_big, 201, 540),
      out("201:701(500)"), out("701:1201(500)"), out("1201:1461(260)"), is(field::mss, 500), at(310), in(". ack 701"), in(". ack 1461"), is(field::unacked, 0), is(field::send_chunks, 0),
  };
  play(script, with::no_timestamps, policy::only_v4);
}
// RFC 5681 §4.1: idle is since the last data left, and FIN is no data of a new burst.
TEST_CASE("A sender that was idle for longer than its timeout begins with the restart window, one that was not goes on") {
  static constexpr step idle[] = {
      established_active(100), write(14600), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"),
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("P. 13141:14601(1460)"), at(200), in(". ack 14601"), is(field::cwnd, 16060),
      at(1000), write(1), out("P. 14601:14602(1)"), is(field::cwnd, 14600),
  };
  static constexpr step busy[] = {
      established_active(100), write(14600), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"),
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("P. 13141:14601(1460)"), at(200), in(". ack 14601"), at(350), write(1), out("P. 14601:14602(1)"),
      is(field::cwnd, 16060),
  };
  play(idle), play(busy);
}

// RFC 9293 §3.10.7.4, SND.WL1 and SND.WL2: of two segments with the same ACK the one with the higher number is the newer.
TEST_CASE("A segment that was overtaken by one with the same ACK does not move the window") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), in("P. 1:101(100) ack 101 win 5000"), is(field::send_window, 5000), in(". 101:101(0) ack 101 win 7000"),
      is(field::send_window, 7000), in("P. 51:151(100) ack 101 win 3000"), is(field::send_window, 7000), at(40), out(". ack 151"),
  };
  play(script);
}
// Linux: tcp_write_timer and its kin each have a timer; ours share one, which goes on to what is due next.
TEST_CASE("A timer of the application does not stop those of TCP") {
  static constexpr step script[] = {
      established_active(), timer(50), write(100), out("P. 1:101(100)"), at(50), expect(bit::timer), at(200), out("P. 1:101(100)"), in(". ack 101"), in("P. 1:11(10)"), timer(10),
      at(210), expect(bit::timer), at(240), out(". ack 11"),
  };
  play(script);
}
// RFC 9293 §3.10.7.4, SND.WL1: an ACK with the number of the one that completed the handshake is not older than that.
TEST_CASE("The first ACK behind the handshake moves the window") {
  static constexpr step script[] = {established_passive(), in(". ack 1 win 2000"), is(field::send_window, 2000), in(". ack 1 win 3000"), is(field::send_window, 3000)};
  play(script);
}
TEST_CASE("A segment that fills a hole is older than the one that was ahead of it, if both have the same ACK") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), in("P. 101:201(100) ack 101 win 5000"), out(". 101:101(0) ack 1"), is(field::send_window, 5000), in("P. 1:101(100) ack 101 win 9000"),
      is(field::send_window, 5000), out(". ack 201"),
  };
  play(script);
}
// The same of segments that header prediction took: numbers and ACK of the last one are remembered.
TEST_CASE("An old segment behind the usual ones does not move the window") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), in("P. 1:101(100) ack 101 win 5000"), in("P. 101:201(100) win 5000"), in("P. 51:251(200) ack 101 win 9000"),
      is(field::send_window, 5000), is(field::unread, 250), at(40), out(". ack 251"),
  };
  play(script);
}
TEST_CASE("What was cut off for the window is the tail that grows") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 1000"), out(". ack 1"), expect(bit::connected), write(1200), out(". 1:1001(1000)"), write(300), is(field::send_chunks, 2),
      in(". ack 1001"), out("P. 1001:1501(500)"),
  };
  play(script);
}
// RFC 9293 §3.10.7.4: what is there already wins; the rest lies behind it in the same chunk.
TEST_CASE("Of data ahead that overlaps other data only what is new is kept") {
  static constexpr step script[] = {
      established_active(), in("P. 101:301(200)"), out(". ack 1"), in("P. 251:351(100)"), out(". ack 1"), is(field::receive_chunks, 1), counted(&tcp::counters::copied_small, 1),
      in("P. 1:101(100)"), out(". ack 351"), read(350), is(field::receive_chunks, 0),
  };
  play(script);
}
TEST_CASE("Data that came before counts as twice there, and the FIN behind it does not") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), in("FP. 1:101(100)"), out(". ack 102"), counted(&tcp::counters::duplicate_data, 1), is(field::unread, 100), read(100), expect(bit::peer_closed),
  };
  play(script);
}

}  // namespace strata::script
