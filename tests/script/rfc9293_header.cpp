// SPDX-License-Identifier: MIT
// The header itself, and segments whose header is no sound one: RFC 9293 §3.1, §3.2, §3.8.5, §3.9.2.3.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.1, §3.2; MUST-2, MUST-4, MUST-65, MUST-68, MUST-69. The player looks at each segment that leaves: checksum, lengths, zero padding, no MSS but in a SYN.
TEST_CASE("Every segment of a life has its checksum, whole options and zeros behind them") {
  static constexpr step active[] = {
      connect(), out("S 0:0(0) <mss 1460,ws 1>"), in("S. 0:0(0) ack 1"), out(". ack 1"), write(1461), out(". 1:1461(1460)"), in("P. 1:100(99)"),
      shutdown(), out("FP. 1461:1462(1) ack 100"), at(200), out(". 1:1461(1460)"), abort(), out("R. 1463:1463(0)"), closed(close_reason::aborted),
  };
  static constexpr step passive[] = {
      in(". 1:1(0) ack 5"), out("R 5:5(0)"), listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1 <mss 1460,ws 1>"), in("R 2:2(0)"), out(". 1:1(0) ack 1"),
      in(". 1:1(0) ack 1"), expect(bit::accepted), close(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), closed(close_reason::orderly),
      in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"),
  };
  play(active), play(passive);
}
// RFC 9293 §3.1; MUST-3.
TEST_CASE("A wrong checksum makes nothing of any segment") {
  static constexpr step closed_port[] = {corrupt(), in("S 0:0(0)"), corrupt(), in(". 1:1(0) ack 1"), counted(&tcp::counters::in_checksum_errors, 2)};
  static constexpr step listening[] = {listen(), corrupt(), in("S 0:0(0)"), in_use(0, 0, 0), counted(&tcp::counters::in_checksum_errors, 1)};
  static constexpr step open[] = {
      established_active(), corrupt(), in("R 1:1(0)"), corrupt(), in("F. 1:1(0)"), corrupt(), in(". 1:1461(1460)"), is(tcp::state::established), is(field::unread, 0),
      counted(&tcp::counters::in_checksum_errors, 3),
  };
  play(closed_port), play(listening), play(open);
}
// RFC 9293 §3.1: the offset is five words at least, and lies in the segment.
TEST_CASE("A header length below five words or beyond the segment is dropped and counted") {
  static constexpr step script[] = {
      established_active(), header_words(4), in("P. 1:11(10)"), header_words(0 + 15), in("P. 1:11(10)"), counted(&tcp::counters::in_errors, 2), never(bit::readable),
      in("P. 1:11(10)"), read(10), at(40), out(". ack 11"),
  };
  static constexpr step syn[] = {listen(), header_words(3), in("S 0:0(0)"), header_words(15), in("S 0:0(0)"), in_use(0, 0, 0), counted(&tcp::counters::in_errors, 2)};
  play(script, with::no_timestamps), play(syn);
}
// RFC 9293 §3.1: reserved bits are ignored.
TEST_CASE("Reserved bits mean nothing") {
  static constexpr step script[] = {
      listen(), reserved_bits(15), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), reserved_bits(5), in(". 1:1(0) ack 1"), expect(bit::accepted), reserved_bits(10),
      in("P. 1:11(10)"), read(10), at(40), out(". ack 11"), reserved_bits(1), in("R 11:11(0)"), closed(close_reason::reset),
  };
  play(script);
}
// RFC 3168 §6.1.1: a host that does not speak of ECN answers a SYN that asks for it with neither bit.
TEST_CASE("A SYN that asks for ECN is answered by a plain SYN-ACK, and the bits mean nothing later") {
  static constexpr step script[] = {
      listen(), in("SEW 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), in("EWP. 1:11(10)"), read(10), write(10),
      out("P. 1:11(10) ack 11"), in("E. ack 11"), is(field::cwnd, 14600),
  };
  play(script);
}
// RFC 9293 §3.1, §3.8.6; MUST-1: 65535 and not -1.
TEST_CASE("A window of more than half the field is large and not negative") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0) win 58400"), in("S. 0:0(0) ack 1 win 65535 <mss 1460>"), out(". ack 1 win 58400"), is(field::send_window, 65535), write(1461),
      out(". 1:1461(1460)"), in(". ack 1461 win 32768"), is(field::send_window, 32768), out("P. 1461:1462(1)"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.8.6; REC-1: with the largest scale a window needs 30 bits.
TEST_CASE("Windows are kept in 32 bits") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1460,ws 14>"), out(". ack 1"), in(". ack 1 win 1073725440"), is(field::send_window, 1073725440),
      write(10), out("P. 1:11(10)"),
  };
  play(script);
}
// RFC 9293 §3.9.2.3, RFC 1122 §4.2.3.10; MUST-57: of all segments.
TEST_CASE("What comes by broadcast or to a group is dropped in silence") {
  static constexpr step script[] = {
      broadcast(), in("S 0:0(0)"), broadcast(), in(". 1:1(0) ack 5"), listen(), broadcast(), in("S 0:0(0)"), in_use(0, 0, 0),
      counted(&tcp::counters::in_broadcast, 3), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), broadcast(), in(". 1:1(0) ack 1"), in_use(0, 1, 0), in(". 1:1(0) ack 1"),
      expect(bit::accepted), broadcast(), in("R 1:1(0)"), broadcast(), in("P. 1:11(10)"), is(tcp::state::established), is(field::unread, 0),
  };
  play(script);
}
// RFC 9293 §3.10.7.1: what is neither SYN nor ACK nor RST has no place in a connection either.
TEST_CASE("A segment without any flag is dropped in silence by an open connection") {
  static constexpr step script[] = {established_active(), in("- 1:11(10)"), in("- 1:1(0)"), in("P 1:11(10)"), never(bit::readable), is(tcp::state::established)};
  play(script);
}
TEST_CASE("A segment that is all flags is a reset where a connection is, and nothing where none is") {
  static constexpr step open[] = {established_active(), in("SFRPU. 1:1(0)"), closed(close_reason::reset)};
  static constexpr step nobody[] = {in("SFRPU. 1:1(0) ack 1"), listen(), in("SFRPU. 1:1(0) ack 1"), in("SFRPU 1:1(0)"), counted(&tcp::counters::unfit_for_listener, 0), in_use(0, 0, 0)};
  play(open), play(nobody);
}
// RFC 9293 §3.10.7.2: SYN with FIN is what no sound peer sends. Linux drops it too.
TEST_CASE("A SYN with FIN opens nothing") {
  static constexpr step script[] = {listen(), in("SF 0:0(0)"), counted(&tcp::counters::unfit_for_listener, 1), in_use(0, 0, 0)};
  play(script);
}

}  // namespace strata::script
