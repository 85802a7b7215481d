// SPDX-License-Identifier: MIT
// Each place that counts: what an operator reads in nstat must be so, and behaviour does not show it.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("An active open and its segments are counted") {
  static constexpr step script[] = {
      counted(&tcp::counters::active_opens, 0), connect(), out("S 0:0(0)"), counted(&tcp::counters::active_opens, 1), counted(&tcp::counters::out_segments, 1),
      counted(&tcp::counters::in_segments, 0), in("S. 0:0(0) ack 1"), out(". 1:1(0) ack 1"), counted(&tcp::counters::in_segments, 1), counted(&tcp::counters::out_segments, 2),
      write(100), out("P. 1:101(100)"), counted(&tcp::counters::out_segments, 3), in(". ack 101"), counted(&tcp::counters::in_segments, 2),
      counted(&tcp::counters::passive_opens, 0), counted(&tcp::counters::active_opens, 1), counted(&tcp::counters::attempt_fails, 0),
  };
  play(script);
}
TEST_CASE("A passive open is counted when the handshake is complete") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), counted(&tcp::counters::passive_opens, 0), counted(&tcp::counters::out_segments, 1), in(". 1:1(0) ack 1"),
      counted(&tcp::counters::passive_opens, 1), counted(&tcp::counters::in_segments, 2), counted(&tcp::counters::out_segments, 1), counted(&tcp::counters::active_opens, 0),
  };
  play(script);
}
TEST_CASE("A SYN to a closed port counts, and so does its reset") {
  static constexpr step script[] = {in("S 0:0(0)"), out("R. 0:0(0) ack 1"), counted(&tcp::counters::no_listener, 1), counted(&tcp::counters::out_resets, 1)};
  play(script);
}
TEST_CASE("An abort counts, and so does its reset") {
  static constexpr step script[] = {
      established_active(), counted(&tcp::counters::aborted, 0), counted(&tcp::counters::out_resets, 0), abort(), out("R. 1:1(0) ack 1"), counted(&tcp::counters::aborted, 1),
      counted(&tcp::counters::out_resets, 1), closed(close_reason::aborted),
  };
  play(script);
}

// Linux: TCPAttemptFails, for each way in which a connection ends before it stands.
TEST_CASE("A refused open is an attempt that failed") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("R. 0:0(0) ack 1"), counted(&tcp::counters::attempt_fails, 1), closed(close_reason::refused)};
  play(script);
}
TEST_CASE("An open that ICMP ends is an attempt that failed") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), icmp(icmp_error_kind::port_unreachable, 0), counted(&tcp::counters::attempt_fails, 1), closed(close_reason::refused),
  };
  play(script);
}
TEST_CASE("A half-open connection that is reset is an attempt that failed") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("R 1:1(0)"), counted(&tcp::counters::attempt_fails, 1), counted(&tcp::counters::challenge_acks, 0), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("A half-open connection that is opened anew is an attempt that failed") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 1:1(0) ack 1"), counted(&tcp::counters::attempt_fails, 1), in_use(0, 0, 0),
  };
  play(script);
}

// RFC 9293 §3.10.7.4 (fifth), RFC 5961 §5.2, RFC 9293 §3.10.7.3.
TEST_CASE("An ACK of what was never sent is counted") {
  static constexpr step script[] = {established_active(), in(". ack 2"), out(". 1:1(0) ack 1"), counted(&tcp::counters::bad_ack, 1), counted(&tcp::counters::challenge_acks, 1)};
  play(script);
}
TEST_CASE("An ACK older than the largest window is counted") {
  static constexpr step script[] = {established_active(), in(". ack 4294897297"), out(". 1:1(0) ack 1"), counted(&tcp::counters::bad_ack, 1)};
  play(script);
}
TEST_CASE("An ACK of another SYN is counted") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 5"), out("R 5:5(0)"), counted(&tcp::counters::bad_ack, 1), counted(&tcp::counters::out_resets, 1)};
  play(script);
}

}  // namespace strata::script
