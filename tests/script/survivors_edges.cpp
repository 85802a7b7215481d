// SPDX-License-Identifier: MIT
// What is cut off is forgotten, what came twice is counted, and an error for one is no error for another.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("Data ahead that came twice is counted as such") {
  static constexpr step script[] = {
      established_active(), in("P. 1001:1501(500)"), out(". ack 1"), counted(&tcp::counters::duplicate_data, 0), in("P. 1001:1501(500)"), out(". ack 1"),
      counted(&tcp::counters::duplicate_data, 1), in("P. 1101:1301(200)"), out(". ack 1"), counted(&tcp::counters::duplicate_data, 2), is(field::receive_chunks, 1),
  };
  play(script);
}
TEST_CASE("A connection that sends again what was lost says that its congestion window holds it back") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      is(tcp::limited_by::application), at(400), out(". 1:1461(1460)"), at(500), in(". ack 1461"), out(". 1461:2921(1460)"), out(". 2921:4381(1460)"),
      is(tcp::limited_by::congestion_window), at(600), in(". ack 5841"), is(tcp::limited_by::application),
  };
  play(script);
}
TEST_CASE("Who could reserve nothing is told when he can") {
  static constexpr step script[] = {
      established_active(), write(1), out("P. 1:2(1)"), chunks(0), reserve(10).fails(tcp::send_error::would_block), never(bit::writable), chunks(all), in(". ack 2"), at(1),
      expect(bit::writable), reserve(10), commit(10), out("P. 2:12(10)"),
  };
  play(script);
}
// RFC 5927 §4: a half-open connection has nothing to be told; that of the same slot number is another one.
TEST_CASE("An ICMP error about a half-open connection does nothing to an open one") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), listen(), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), icmp(icmp_error_kind::port_unreachable, 0).peer_is(1), never(bit::error),
      in_use(1, 1, 0), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  play(script);
}

TEST_CASE("A reset for which the ring has no room was not sent") {
  static constexpr step script[] = {ring_full(1), in(". 1:1(0) ack 5"), counted(&tcp::counters::out_resets, 0), counted(&tcp::counters::out_segments, 0), counted(&tcp::counters::ring_full, 1)};
  play(script);
}
// RFC 9293 §3.9.1.1: the user timeout counts from when the FIN left, and not from the last data.
TEST_CASE("A FIN after a long silence has its whole user timeout") {
  static constexpr step script[] = {
      established_active(), user_timeout(1000), at(5000), shutdown(), out("F. 1:1(0)"), at(5200), out("F. 1:1(0)"), at(5600), out("F. 1:1(0)"), at(5999), is(tcp::state::fin_wait_1), at(6000),
      closed(close_reason::timed_out),
  };
  play(script);
}
TEST_CASE("A connection that ended before its listener was told of it holds no place in the backlog") {
  static constexpr step script[] = {
      listen(1), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), together(2), in(". 1:1(0) ack 1"), in("R 1:1(0)"), in_use(0, 0, 0), never(bit::accepted),
      in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), in(". 1:1(0) ack 1").peer_is(1), expect(bit::accepted).peer_is(1), counted(&tcp::counters::listen_overflows, 0),
  };
  play(script);
}
// RFC 9293 §3.10.7.4 (first): the number of the SYN itself is before the window.
TEST_CASE("An ACK with the number of the SYN does not open a half-open connection") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 0:0(0) ack 1"), out(". 1:1(0) ack 1"), counted(&tcp::counters::out_of_window, 1), in_use(0, 1, 0), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script);
}
// RFC 6298 §3, Karn: which of the two SYN-ACKs was answered nobody knows.
TEST_CASE("A SYN that came twice measures nothing") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(500), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(510), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::srtt_ms, 0), is(field::rto_ms, 1000),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("What has ended, and what idles, leaves no timer behind") {
  static constexpr step half_open[] = {
      listen(), no_deadline(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(100), in("R 1:1(0)"), in_use(0, 0, 0), no_deadline(),
  };
  static constexpr step accepted[] = {established_passive(), no_deadline(), in("P. 1:11(10)"), at(40), out(". ack 11"), no_deadline(), write(10), out("P. 1:11(10)"), in(". ack 11"), at(2000), no_deadline()};
  static constexpr step refused[] = {connect(), out("S 0:0(0)"), in("R. 0:0(0) ack 1"), closed(close_reason::refused), no_deadline()};
  static constexpr step over[] = {
      established_active(), close(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2"), out(". ack 2"), closed(close_reason::orderly), in_use(0, 0, 1), at(60'000), in_use(0, 0, 0), no_deadline(),
  };
  static constexpr step aborted[] = {established_active(), write(10), out("P. 1:11(10)"), abort(), out("R. 11:11(0)"), closed(close_reason::aborted), no_deadline()};
  play(half_open), play(accepted), play(refused), play(over), play(aborted);
}

}  // namespace strata::script
