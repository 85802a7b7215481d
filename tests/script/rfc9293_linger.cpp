// SPDX-License-Identifier: MIT
// close() that waits only so long, and the end of reading: RFC 9293 §3.6, §3.9.1.4; Linux: SO_LINGER, shutdown(SHUT_RD).
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("Without linger close() sends what is queued for as long as it takes") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), close(), out("F. 11:11(0)"), at(200), out("FP. 1:11(10)"), at(600), out("FP. 1:11(10)"), at(700), in(". ack 12"),
      is(tcp::state::fin_wait_2),
  };
  play(script);
}
TEST_CASE("With a linger time of zero close() resets") {
  static constexpr step data[] = {established_active(), linger(0), write(10), out("P. 1:11(10)"), close(), out("R. 11:11(0) ack 1"), closed(close_reason::aborted), in_use(0, 0, 0)};
  static constexpr step idle[] = {established_active(), linger(0), close(), out("R. 1:1(0) ack 1"), closed(close_reason::aborted), in_use(0, 0, 0),
                                   counted(&tcp::counters::data_after_close, 0)};
  play(data), play(idle);
}
TEST_CASE("With a linger time what is not acknowledged in it is given up") {
  static constexpr step script[] = {
      established_active(), linger(500), write(10), out("P. 1:11(10)"), close(), out("F. 11:11(0)"), at(200), out("FP. 1:11(10)"), at(499), at(500), out("R. 12:12(0) ack 1"),
      closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("With a linger time what is acknowledged in it ends in order") {
  static constexpr step script[] = {
      established_active(), linger(500), write(10), out("P. 1:11(10)"), close(), out("F. 11:11(0)"), at(100), in("F. 1:1(0) ack 12"), out(". ack 2"),
      closed(close_reason::orderly), in_use(0, 0, 1), at(2000),
  };
  play(script);
}
TEST_CASE("After the linger time was enough the peer has the usual time for its FIN") {
  static constexpr step script[] = {
      established_active(), linger(500), close(), out("F. 1:1(0)"), at(100), in(". ack 2"), at(60'099), is(tcp::state::fin_wait_2), at(60'100), closed(close_reason::timed_out),
  };
  play(script);
}

TEST_CASE("After shutdown_receive() what comes is acknowledged and dropped") {
  static constexpr step script[] = {
      established_active(), shutdown_receive(), in("P. 1:101(100)"), at(40), out(". ack 101"), never(bit::readable), read(10).fails(tcp::receive_error::end_of_stream),
      in("P. 101:1561(1460)"), in("P. 1561:3021(1460)"), out(". ack 3021"), is(field::unread, 0), counted(&tcp::counters::unwanted_data, 3020),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("shutdown_receive() drops what is unread and opens the window") {
  static constexpr step script[] = {
      established_active(), together(2), in("P. 1:101(100)"), in("P. 101:201(100)"), expect(bit::readable), shutdown_receive(), is(field::unread, 0), at(40), out(". ack 201"),
      write(10), out("P. 1:11(10)"), in(". ack 11"),
  };
  play(script);
}
TEST_CASE("After shutdown_receive() holes are filled, the FIN is told, and close() is orderly") {
  static constexpr step script[] = {
      established_active(), shutdown_receive(), in("P. 101:201(100)"), out(". ack 1"), in("P. 1:101(100)"), out(". ack 201"), in("F. 201:201(0)"), out(". ack 202"),
      expect(bit::peer_closed), close(), out("F. 1:1(0)"), in(". ack 2"), closed(close_reason::orderly),
  };
  play(script);
}
TEST_CASE("close() after shutdown_receive() resets a peer that still sends") {
  static constexpr step script[] = {
      established_active(), shutdown_receive(), close(), out("F. 1:1(0)"), in(". ack 2"), in("P. 1:11(10)"), out("R. 2:2(0) ack 1"), closed(close_reason::aborted),
  };
  play(script);
}

}  // namespace strata::script
