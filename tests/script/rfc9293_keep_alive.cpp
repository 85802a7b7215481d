// SPDX-License-Identifier: MIT
// Keep-alives: RFC 9293 §3.8.4.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.8.4; MUST-25: off by default.
TEST_CASE("An idle connection is not probed unless the application asks for it") {
  static constexpr step script[] = {established_active(), at(4'000'000), is(tcp::state::established), counted(&tcp::counters::keep_alive_probes, 0)};
  play(script);
}
// RFC 9293 §3.8.4; MAY-5, MUST-24, MUST-26, SHLD-12: it can be turned on for a connection, and a probe leaves only after an interval without a segment.
TEST_CASE("A peer that says nothing is probed with a number before the window") {
  static constexpr step script[] = {
      established_active(), keep_alive(60, 10, 3), at(59'999), at(60'000), out(". 0:0(0) ack 1"), in(". 1:1(0) ack 1"),
      at(119'999), at(120'000), out(". 0:0(0) ack 1"), in(". 1:1(0) ack 1"), is(tcp::state::established), counted(&tcp::counters::keep_alive_probes, 2),
  };
  play(script);
}
// RFC 9293 §3.8.4; MUST-26: data and ACKs of the peer begin the interval again.
TEST_CASE("Any segment of the peer puts the probe off") {
  static constexpr step script[] = {
      established_active(), keep_alive(60, 10, 3), at(50'000), in("P. 1:11(10)"), read(10), at(50'040), out(". ack 11"), at(109'999), at(110'000), out(". 0:0(0) ack 11"),
      in(". 11:11(0) ack 1"),
  };
  play(script);
}
// RFC 9293 §3.8.4; MUST-29: that one probe is not answered proves nothing.
TEST_CASE("Only as many probes in a row as the application said end the connection") {
  static constexpr step script[] = {
      established_active(), keep_alive(60, 10, 3), at(60'000), out(". 0:0(0) ack 1"), at(70'000), out(". 0:0(0) ack 1"), at(75'000), in(". 1:1(0) ack 1"),
      at(135'000), out(". 0:0(0) ack 1"), at(145'000), out(". 0:0(0) ack 1"), at(155'000), out(". 0:0(0) ack 1"), is(tcp::state::established),
      at(165'000), out("R. 1:1(0) ack 1"), closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("A probe that is answered by a reset ends the connection as reset") {
  static constexpr step script[] = {established_active(), keep_alive(60, 10, 3), at(60'000), out(". 0:0(0) ack 1"), in("R 1:1(0)"), closed(close_reason::reset)};
  play(script);
}
// RFC 9293 §3.8.4: while data waits for its ACK the retransmission timer finds out.
TEST_CASE("No probe leaves while data is outstanding") {
  static constexpr step script[] = {
      established_active(), keep_alive(2, 1, 3), write(10), out("P. 1:11(10)"), at(200), out("P. 1:11(10)"), at(600), out("P. 1:11(10)"), at(1400), out("P. 1:11(10)"),
      at(2'500), in(". ack 11"), at(4'499), at(4'500), out(". 10:10(0) ack 1"), in(". ack 11"), counted(&tcp::counters::keep_alive_probes, 1),
  };
  play(script);
}
// RFC 9293 §3.8.4; MUST-27: the interval is the application's.
TEST_CASE("Keep-alives are asked for before the handshake and begin after it") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), keep_alive(60, 10, 3), at(500), in("S. 0:0(0) ack 1"), out(". ack 1"), at(60'499), at(60'500), out(". 0:0(0) ack 1"), in(". ack 1"),
  };
  play(script);
}
// RFC 9293 §3.8.4; MUST-24.
TEST_CASE("Keep-alives end when they are turned off, and when the connection does") {
  static constexpr step off[] = {established_active(), keep_alive(60, 10, 3), at(60'000), out(". 0:0(0) ack 1"), no_keep_alive(), at(600'000), is(tcp::state::established)};
  static constexpr step over[] = {
      established_active(), keep_alive(20, 10, 3), in("F. 1:1(0)"), out(". ack 2"), close(), out("F. 1:1(0)"), in(". ack 2"), closed(close_reason::orderly), at(600'000),
  };
  play(off), play(over);
}
// RFC 9293 §3.8.4; MUST-27, MUST-28.
TEST_CASE("Whoever states nothing gets an interval of two hours") {
  constexpr tcp::option::keep_alive usual{};
  static_assert(usual.idle_s >= 7200);
  static constexpr step script[] = {
      established_active(), keep_alive(usual.idle_s, usual.interval_s, usual.probes), at(7'199'999), at(7'200'000), out(". 0:0(0) ack 1"), in(". 1:1(0) ack 1"),
      is(tcp::state::established),
  };
  static constexpr step shorter[] = {established_active(), keep_alive(7, 3, 2), at(7'000), out(". 0:0(0) ack 1"), at(10'000), out(". 0:0(0) ack 1"), at(13'000), out("R. 1:1(0)"), closed(close_reason::timed_out)};
  play(script), play(shorter);
}
// What ICMP said of data that has arrived since is not why a peer that fell silent later is given up.
TEST_CASE("A keep-alive that nobody answers ends as timed out, whatever ICMP said before the silence") {
  static constexpr step script[] = {
      established_active(), keep_alive(7, 3, 2), write(100), out("P. 1:101(100)"), icmp(icmp_error_kind::net_unreachable, 1), in(". ack 101"),
      at(7'000), out(". 100:100(0) ack 1"), at(10'000), out(". 100:100(0) ack 1"), at(13'000), out("R. 101:101(0)"), closed(close_reason::timed_out),
  };
  static constexpr step one_probe[] = {
      established_active(), keep_alive(7, 3, 1), write(100), out("P. 1:101(100)"), icmp(icmp_error_kind::net_unreachable, 1), in(". ack 101"),
      at(7'000), out(". 100:100(0) ack 1"), at(10'000), out("R. 101:101(0)"), closed(close_reason::timed_out),
  };
  play(script), play(one_probe);
}
// A half-closed connection may idle as well.
TEST_CASE("A peer is probed in FIN-WAIT-2 and in CLOSE-WAIT") {
  static constexpr step fin_wait[] = {
      established_active(), keep_alive(60, 10, 3), shutdown(), out("F. 1:1(0)"), in(". ack 2"), at(60'000), out(". 1:1(0) ack 1"), in(". ack 2"), is(tcp::state::fin_wait_2),
  };
  static constexpr step close_wait[] = {
      established_active(), keep_alive(60, 10, 3), in("F. 1:1(0)"), out(". ack 2"), at(60'000), out(". 0:0(0) ack 2"), in(". 2:2(0) ack 1"), is(tcp::state::close_wait),
  };
  play(fin_wait), play(close_wait);
}
TEST_CASE("Keep-alives without a time or without a probe are refused") {
  static constexpr step script[] = {
      established_active(), keep_alive(0, 10, 3).fails(tcp::call_error::bad_options), keep_alive(60, 0, 3).fails(tcp::call_error::bad_options),
      keep_alive(60, 10, 0).fails(tcp::call_error::bad_options), at(600'000), is(tcp::state::established),
  };
  play(script);
}

}  // namespace strata::script
