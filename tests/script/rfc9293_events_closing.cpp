// SPDX-License-Identifier: MIT
// Every kind of segment in ESTABLISHED and in the states after it: RFC 9293 §3.10.7.4, RFC 5961. Resets in each state: rfc5961.cpp; TIME-WAIT: rfc9293_time_wait.cpp.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define FIN_WAIT_1 established_active(), write(10), out("P. 1:11(10)"), in(". ack 11"), shutdown(), out("F. 11:11(0) ack 1"), is(tcp::state::fin_wait_1)
#define FIN_WAIT_2 FIN_WAIT_1, in(". ack 12"), is(tcp::state::fin_wait_2)
#define CLOSE_WAIT established_active(), write(10), out("P. 1:11(10)"), in("F. 1:1(0) ack 11"), out(". ack 2"), expect(bit::peer_closed), is(tcp::state::close_wait)
#define CLOSING FIN_WAIT_1, in("F. 1:1(0) ack 11"), out(". 12:12(0) ack 2"), expect(bit::peer_closed), is(tcp::state::closing)
#define LAST_ACK CLOSE_WAIT, shutdown(), out("F. 11:11(0) ack 2"), is(tcp::state::last_ack)

// RFC 9293 §3.10.7.4, fourth; RFC 5961 §4.2.
TEST_CASE("A SYN in FIN-WAIT-1 is challenged") {
  static constexpr step script[] = {FIN_WAIT_1, in("S 1:1(0)"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_1), in(". ack 12"), is(tcp::state::fin_wait_2)};
  play(script);
}
TEST_CASE("A SYN in FIN-WAIT-2 is challenged") {
  static constexpr step script[] = {FIN_WAIT_2, in("S 70000:70000(0)"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_2)};
  play(script);
}
TEST_CASE("A SYN in CLOSE-WAIT is challenged") {
  static constexpr step script[] = {CLOSE_WAIT, in("S. 2:2(0)"), out(". 11:11(0) ack 2"), is(tcp::state::close_wait)};
  play(script);
}
TEST_CASE("A SYN in CLOSING is challenged") {
  static constexpr step script[] = {CLOSING, in("S 2:2(0)"), out(". 12:12(0) ack 2"), is(tcp::state::closing)};
  play(script);
}
TEST_CASE("A SYN in LAST-ACK is challenged") {
  static constexpr step script[] = {LAST_ACK, in("S 100:100(0)"), out(". 12:12(0) ack 2"), is(tcp::state::last_ack)};
  play(script);
}

// RFC 9293 §3.10.7.4, fifth; RFC 5961 §5.2.
TEST_CASE("An ACK of what was never sent is answered and its data dropped in FIN-WAIT-1 and FIN-WAIT-2") {
  static constexpr step one[] = {FIN_WAIT_1, in("P. 1:11(10) ack 13"), out(". 12:12(0) ack 1"), is(field::unread, 0), is(tcp::state::fin_wait_1)};
  static constexpr step two[] = {FIN_WAIT_2, in("F. 1:1(0) ack 13"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_2), never(bit::peer_closed)};
  play(one), play(two);
}
TEST_CASE("An ACK of what was never sent is answered in CLOSE-WAIT, CLOSING and LAST-ACK, and ends nothing") {
  static constexpr step wait[] = {CLOSE_WAIT, in(". ack 100"), out(". 11:11(0) ack 2"), is(tcp::state::close_wait)};
  static constexpr step closing[] = {CLOSING, in(". ack 13"), out(". 12:12(0) ack 2"), is(tcp::state::closing)};
  static constexpr step last[] = {LAST_ACK, in(". ack 13"), out(". 12:12(0) ack 2"), is(tcp::state::last_ack), never(bit::closed)};
  play(wait), play(closing), play(last);
}
TEST_CASE("An old ACK changes no state") {
  static constexpr step one[] = {FIN_WAIT_1, in(". ack 5"), is(tcp::state::fin_wait_1), in(". ack 11"), is(tcp::state::fin_wait_1)};
  static constexpr step two[] = {FIN_WAIT_2, in(". ack 5"), is(tcp::state::fin_wait_2)};
  static constexpr step wait[] = {CLOSE_WAIT, in(". ack 5"), is(tcp::state::close_wait)};
  static constexpr step closing[] = {CLOSING, in(". ack 5"), is(tcp::state::closing), in(". ack 11"), is(tcp::state::closing)};
  static constexpr step last[] = {LAST_ACK, in(". ack 5"), is(tcp::state::last_ack), in(". ack 11"), is(tcp::state::last_ack)};
  play(one), play(two), play(wait), play(closing), play(last);
}

// RFC 9293 §3.10.7.4, sixth and seventh.
TEST_CASE("Data in FIN-WAIT-1 is delivered, with URG and without") {
  static constexpr step script[] = {
      FIN_WAIT_1, in("P. 1:11(10)"), expect(bit::readable), in("UP. 11:21(10) urg 10"), read(20), is(tcp::state::fin_wait_1), at(40), out(". 12:12(0) ack 21"),
  };
  play(script);
}
TEST_CASE("Data in FIN-WAIT-1 may acknowledge the FIN") {
  static constexpr step script[] = {FIN_WAIT_1, in("P. 1:11(10) ack 12"), is(tcp::state::fin_wait_2), read(10), at(40), out(". 12:12(0) ack 11")};
  play(script);
}
TEST_CASE("Data in FIN-WAIT-2 is delivered out of order too, with URG and without") {
  static constexpr step script[] = {
      FIN_WAIT_2, in("UP. 11:21(10) urg 5"), out(". 12:12(0) ack 1"), in("P. 1:11(10)"), out(". 12:12(0) ack 21"), read(20), is(tcp::state::fin_wait_2),
  };
  play(script);
}
TEST_CASE("Data behind the FIN is ignored in CLOSE-WAIT, CLOSING and LAST-ACK, and URG with it") {
  static constexpr step wait[] = {CLOSE_WAIT, in("UP. 2:12(10) urg 10"), is(field::unread, 0), never(bit::readable), is(tcp::state::close_wait)};
  static constexpr step closing[] = {CLOSING, in("UP. 2:12(10) urg 10"), is(field::unread, 0), never(bit::readable), is(tcp::state::closing)};
  static constexpr step last[] = {LAST_ACK, in("UP. 2:12(10) urg 10"), is(field::unread, 0), never(bit::readable), is(tcp::state::last_ack)};
  play(wait), play(closing), play(last);
}
TEST_CASE("Old data is answered by an ACK in each state that follows") {
  static constexpr step wait[] = {CLOSE_WAIT, in("P. 0:1(1)"), out(". 11:11(0) ack 2"), is(tcp::state::close_wait)};
  static constexpr step closing[] = {CLOSING, in("P. 0:1(1)"), out(". 12:12(0) ack 2"), is(tcp::state::closing)};
  static constexpr step last[] = {LAST_ACK, in("P. 0:1(1)"), out(". 12:12(0) ack 2"), is(tcp::state::last_ack)};
  static constexpr step one[] = {FIN_WAIT_1, in("P. 0:1(1)"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_1)};
  static constexpr step two[] = {FIN_WAIT_2, in("P. 0:1(1)"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_2)};
  play(wait), play(closing), play(last), play(one), play(two);
}
TEST_CASE("What lies beyond the window is answered by an ACK in each state that follows") {
  static constexpr step wait[] = {CLOSE_WAIT, in("P. 200000:200010(10)"), out(". 11:11(0) ack 2")};
  static constexpr step closing[] = {CLOSING, in(". 200000:200000(0)"), out(". 12:12(0) ack 2")};
  static constexpr step last[] = {LAST_ACK, in("F. 200000:200000(0)"), out(". 12:12(0) ack 2")};
  static constexpr step one[] = {FIN_WAIT_1, in("F. 200000:200000(0) ack 12"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_1)};
  static constexpr step two[] = {FIN_WAIT_2, in("P. 200000:200010(10)"), out(". 12:12(0) ack 1")};
  play(wait), play(closing), play(last), play(one), play(two);
}

// RFC 9293 §3.10.7.4, eighth.
TEST_CASE("A FIN that comes again in CLOSING and LAST-ACK is acknowledged and changes nothing") {
  static constexpr step closing[] = {CLOSING, at(50), in("F. 1:1(0) ack 11"), out(". 12:12(0) ack 2"), is(tcp::state::closing)};
  static constexpr step last[] = {LAST_ACK, at(50), in("F. 1:1(0) ack 11"), out(". 12:12(0) ack 2"), is(tcp::state::last_ack)};
  play(closing), play(last);
}
TEST_CASE("A FIN in FIN-WAIT-2 with data before it leads to TIME-WAIT when all is read") {
  static constexpr step script[] = {
      FIN_WAIT_2, in("FP. 1:11(10)"), out(". 12:12(0) ack 12"), is(tcp::state::time_wait), never(bit::closed), read(10), expect(bit::peer_closed),
      closed(close_reason::orderly), in_use(0, 0, 1),
  };
  play(script);
}
TEST_CASE("A FIN out of order in FIN-WAIT-1 waits for the data before it") {
  static constexpr step script[] = {
      FIN_WAIT_1, in("F. 11:21(10) ack 12"), out(". 12:12(0) ack 1"), is(tcp::state::fin_wait_2), in("P. 1:11(10)"), out(". 12:12(0) ack 22"), read(20),
      expect(bit::peer_closed), closed(close_reason::orderly), in_use(0, 0, 1),
  };
  play(script);
}
// RFC 9293 §3.6, figure 13: both FINs and both ACKs may be lost.
TEST_CASE("In CLOSING our FIN is sent again until it is acknowledged") {
  static constexpr step script[] = {CLOSING, at(200), out("F. 11:11(0) ack 2"), at(600), out("F. 11:11(0) ack 2"), in(". ack 12"), closed(close_reason::orderly), in_use(0, 0, 1)};
  play(script);
}
TEST_CASE("In LAST-ACK our FIN is sent again until it is acknowledged, and no TIME-WAIT follows") {
  static constexpr step script[] = {LAST_ACK, at(200), out("F. 11:11(0) ack 2"), in(". ack 12"), closed(close_reason::orderly), in_use(0, 0, 0)};
  play(script);
}
TEST_CASE("In LAST-ACK a peer that is gone ends as timed out") {
  static constexpr step script[] = {LAST_ACK, user_timeout(1000), at(200), out("F. 11:11(0)"), at(600), out("F. 11:11(0)"), at(1000), closed(close_reason::timed_out), in_use(0, 0, 0)};
  play(script);
}
// RFC 9293 §3.6; MUST-12: the end is told by its cause.
TEST_CASE("The application is told whether the peer closed or aborted") {
  static constexpr step normal[] = {established_active(), in("F. 1:1(0)"), out(". ack 2"), expect(bit::peer_closed), never(bit::closed), close(), out("F. 1:1(0)"), in(". ack 2"), closed(close_reason::orderly)};
  static constexpr step reset[] = {established_active(), in("R 1:1(0)"), never(bit::peer_closed), closed(close_reason::reset)};
  static constexpr step late[] = {CLOSE_WAIT, in("R 2:2(0)"), closed(close_reason::reset)};
  play(normal), play(reset), play(late);
}
// RFC 9293 §3.10.5.
TEST_CASE("abort() in CLOSING and in LAST-ACK sends a reset while our FIN is out") {
  static constexpr step closing[] = {CLOSING, abort(), out("R. 12:12(0) ack 2"), closed(close_reason::aborted), in_use(0, 0, 0)};
  static constexpr step last[] = {LAST_ACK, abort(), out("R. 12:12(0) ack 2"), closed(close_reason::aborted), in_use(0, 0, 0)};
  play(closing), play(last);
}
// RFC 9293 §3.10.2, §3.10.3: calls in states that do not serve them.
TEST_CASE("Calls in each state answer by name") {
  static constexpr step sent[] = {connect(), out("S 0:0(0)"), read(1).fails(tcp::receive_error::would_block), write(5)};
  static constexpr step two[] = {FIN_WAIT_2, write(1).fails(tcp::send_error::closed), reserve(1).fails(tcp::send_error::closed), read(1).fails(tcp::receive_error::would_block)};
  static constexpr step closing[] = {CLOSING, write(1).fails(tcp::send_error::closed), read(1).fails(tcp::receive_error::end_of_stream)};
  static constexpr step last[] = {LAST_ACK, write(1).fails(tcp::send_error::closed), read(1).fails(tcp::receive_error::end_of_stream)};
  static constexpr step over[] = {
      established_active(), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), read(1).fails(tcp::receive_error::stale), close().fails(tcp::call_error::stale),
      shutdown().fails(tcp::call_error::stale), no_delay(true).fails(tcp::call_error::stale), user_timeout(5).fails(tcp::call_error::stale),
  };
  play(sent), play(two), play(closing), play(last), play(over);
}

}  // namespace strata::script
