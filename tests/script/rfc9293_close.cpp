// SPDX-License-Identifier: MIT
// How connections end: RFC 9293 §3.6, §3.10.4, §3.10.7.4 (eighth).
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.6, figure 12: the side that closes first waits in TIME-WAIT (MUST-13).
TEST_CASE("A normal close ends in TIME-WAIT on the side that began it") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0) ack 1"), is(tcp::state::fin_wait_1), in(". 1:1(0) ack 2"), is(tcp::state::fin_wait_2),
      at(100), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), expect(bit::peer_closed), closed(close_reason::orderly), stale(), in_use(0, 0, 1),
      at(60099), in_use(0, 0, 1), at(60100), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("The other side ends when its FIN is acknowledged") {
  static constexpr step script[] = {
      established_passive(), in("F. 1:1(0) ack 1"), out(". 1:1(0) ack 2"), expect(bit::peer_closed), is(tcp::state::close_wait), never(bit::closed),
      write(100), out("P. 1:101(100) ack 2"), close(), out("F. 101:101(0) ack 2"), in(". 2:2(0) ack 101"), never(bit::closed), in(". 2:2(0) ack 102"),
      closed(close_reason::orderly), in_use(0, 0, 0),
  };
  play(script);
}

// RFC 9293 §3.6, figure 13.
TEST_CASE("FINs that cross lead through CLOSING to TIME-WAIT") {
  static constexpr step script[] = {
      established_active(), close(), out("F. 1:1(0) ack 1"), in("F. 1:1(0) ack 1"), out(". 2:2(0) ack 2"), is(tcp::state::closing),
      never(bit::closed), in(". 2:2(0) ack 2"), closed(close_reason::orderly), in_use(0, 0, 1),
  };
  play(script);
}
TEST_CASE("FIN that acknowledges ours leads from FIN-WAIT-1 to TIME-WAIT at once") {
  static constexpr step script[] = {
      established_active(), close(), out("F. 1:1(0) ack 1"), in("F. 1:1(0) ack 2"), out(". 2:2(0) ack 2"), closed(close_reason::orderly),
      in_use(0, 0, 1),
  };
  play(script);
}

// RFC 9293 §3.6: half-close, both ways (1122-3).
TEST_CASE("After our FIN data of the peer is still received") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), shutdown(), out("F. 11:11(0)"), in(". 1:1(0) ack 12"),
      write(1).fails(tcp::send_error::closed), in("1:1461(1460)"), in("P. 1461:2921(1460)"), out(". 12:12(0) ack 2921"), expect(bit::readable),
      read(2920), at(50), in("FP. 2921:2931(10)"), out(". ack 2932"), read(10), expect(bit::peer_closed), closed(close_reason::orderly),
  };
  play(script);
}
// 1122-3.
TEST_CASE("After the peer's FIN data of ours is still sent") {
  static constexpr step script[] = {
      established_active(), in("FP. 1:101(100)"), out(". ack 102"), never(bit::peer_closed), read(100), expect(bit::peer_closed), write(2920),
      out("1:1461(1460) ack 102"), out("P. 1461:2921(1460) ack 102"), at(100), in(". ack 2921"), shutdown(), out("F. 2921:2921(0)"),
      is(tcp::state::last_ack), in(". ack 2922"), closed(close_reason::orderly),
  };
  play(script);
}

// RFC 9293 §3.10.4: FIN comes after everything that was queued.
TEST_CASE("FIN waits for what was written before it") {
  static constexpr step script[] = {
      established_active(), write(20000), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"),
      out("13141:14601(1460)"), close(), at(50), in(". ack 14601"), out("14601:16061(1460)"), out("16061:17521(1460)"), out("17521:18981(1460)"),
      out("FP. 18981:20001(1020)"), at(100), in("F. 1:1(0) ack 20002"), out(". 20002:20002(0) ack 2"), closed(close_reason::orderly),
  };
  play(script);
}
TEST_CASE("FIN goes with the last small segment, whatever Nagle says") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(10), is(tcp::limited_by::coalescing), shutdown(), out("FP. 11:21(10)"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth: FIN needs room in the window as data does.
TEST_CASE("FIN does not go beyond the peer's window") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 1000"), out(". ack 1"), write(1000), out("P. 1:1001(1000)"), shutdown(),
      at(20), in(". ack 1001 win 1"), out("F. 1001:1001(0)"), in(". ack 1002 win 0"), is(tcp::state::fin_wait_2),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: a FIN that comes before its data waits for it.
TEST_CASE("A FIN out of order counts when the hole is filled") {
  static constexpr step script[] = {
      established_active(), in("F. 101:201(100)"), out(". ack 1"), never(bit::peer_closed), is(tcp::state::established), in("1:101(100)"),
      out(". ack 202"), is(tcp::state::close_wait), read(200), expect(bit::peer_closed),
  };
  play(script);
}
TEST_CASE("A bare FIN out of order counts when the hole is filled") {
  static constexpr step script[] = {
      established_active(), in("F. 101:101(0)"), out(". ack 1"), in("P. 1:101(100)"), out(". ack 102"), read(100), expect(bit::peer_closed),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, eighth.
TEST_CASE("A FIN that comes again is acknowledged again and told once") {
  static constexpr step script[] = {
      established_active(), in("F. 1:1(0)"), out(". ack 2"), expect(bit::peer_closed), at(200), in("F. 1:1(0)"), out(". ack 2"),
      never(bit::peer_closed), at(400), in("FP. 1:1(0)"), out(". ack 2"), is(tcp::state::close_wait),
  };
  play(script);
}
TEST_CASE("Data behind the peer's FIN is ignored") {
  static constexpr step script[] = {
      established_active(), in("F. 1:1(0)"), out(". ack 2"), in("P. 2:12(10)"), never(bit::readable), is(field::unread, 0),
  };
  play(script);
}

// RFC 9293 §3.6.1 (SHOULD), RFC 2525 §2.17: what was not read is lost, and the peer must know (MAY-1, SHLD-3).
TEST_CASE("close() with unread data resets the connection") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), expect(bit::readable), close(), out("R. 1:1(0) ack 101"), closed(close_reason::aborted),
      in_use(0, 0, 0), in("P. 101:201(100) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}

// RFC 9293 §3.6.1 (SHOULD): nobody will read it (MAY-1, SHLD-3).
TEST_CASE("Data after close() resets the connection") {
  static constexpr step script[] = {
      established_active(), close(), out("F. 1:1(0) ack 1"), in(". 1:1(0) ack 2"), in("P. 1:101(100)"), out("R. 2:2(0) ack 1"),
      closed(close_reason::aborted), counted(&tcp::counters::data_after_close, 1),
  };
  play(script);
}
TEST_CASE("Data that was received before close() and comes again resets nothing") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), read(100), close(), out("F. 1:1(0) ack 101"), in("P. 1:101(100)"), out(". 2:2(0) ack 101"),
      is(tcp::state::fin_wait_1), in("FP. 1:101(100) ack 2"), out(". 2:2(0) ack 102"), closed(close_reason::orderly),
  };
  play(script);
}

// RFC 9293 §3.10.5.
TEST_CASE("abort() sends a reset and nothing else") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(10), abort(), out("R. 11:11(0) ack 1"), closed(close_reason::aborted), stale(),
      in_use(0, 0, 0), abort().fails(tcp::call_error::stale),
  };
  play(script);
}
TEST_CASE("abort() in CLOSE-WAIT and in FIN-WAIT-2 sends a reset") {
  static constexpr step wait[] = {
      established_active(), in("F. 1:1(0)"), out(". ack 2"), abort(), out("R. 1:1(0) ack 2"), closed(close_reason::aborted), in_use(0, 0, 0),
  };
  static constexpr step fin[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in(". ack 2"), abort(), out("R. 2:2(0) ack 1"), closed(close_reason::aborted),
      in_use(0, 0, 0),
  };
  play(wait), play(fin);
}

// FIN-WAIT-2 after close() has an end. Linux: tcp_fin_timeout.
TEST_CASE("A peer that never sends FIN is given up a minute after close()") {
  static constexpr step script[] = {
      established_active(), close(), out("F. 1:1(0)"), at(10), in(". ack 2"), at(60009), never(bit::closed),
      at(60010), closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("The minute begins with close() when our side was shut down long before") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in(". ack 2"), at(600000), is(tcp::state::fin_wait_2), close(),
      at(659999), never(bit::closed), at(660000), closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("After shutdown() alone FIN-WAIT-2 has no end") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in(". ack 2"), at(4000000), is(tcp::state::fin_wait_2), in("P. 1:11(10)"),
      at(4000040), out(". 2:2(0) ack 11"), read(10),
  };
  play(script);
}

// RFC 9293 §3.10.4: a second CLOSE is an error of the caller's; here it is nothing.
TEST_CASE("shutdown() and close() twice are nothing") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), shutdown(), close(), close(), in("F. 1:1(0) ack 2"), out(". ack 2"),
      closed(close_reason::orderly), close().fails(tcp::call_error::stale),
  };
  play(script);
}

// TIME-WAIT waits in a record only when the application has read everything.
TEST_CASE("What was not read yet stays readable after both FINs") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in("FP. 1:101(100) ack 2"), out(". 2:2(0) ack 102"), is(tcp::state::time_wait),
      never(bit::closed), at(5000), in("FP. 1:101(100) ack 2"), out(". 2:2(0) ack 102"), in("R 102:102(0)"), is(tcp::state::time_wait), read(100),
      expect(bit::peer_closed), closed(close_reason::orderly), in_use(0, 0, 1),
  };
  play(script);
}
TEST_CASE("Reading to the end tells end_of_stream, before it would_block") {
  static constexpr step script[] = {
      established_active(), read(1).fails(tcp::receive_error::would_block), in("FP. 1:101(100)"), out(". ack 102"), read(99), read(1),
      read(1).fails(tcp::receive_error::end_of_stream), expect(bit::peer_closed),
  };
  play(script);
}

}  // namespace strata::script
