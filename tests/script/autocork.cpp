// SPDX-License-Identifier: MIT
// tcp::autocork: small segments wait for the completion of the one before them. Linux: tcp_should_autocork.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("autocork: what is written while the NIC holds a segment leaves in one when that is done") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(10), out("P. 1:11(10)"), write(10), is(tcp::limited_by::coalescing), write(20), at(1), write(5), at(10), complete(),
      out("P. 11:46(35)"), is(tcp::limited_by::application), write(1), at(20), complete(), out("P. 46:47(1)"), in(". ack 47"), complete(),
  };
  play(script, with::either, policy::corking);
}
TEST_CASE("autocork: where the NIC lets go at once nothing waits") {
  static constexpr step script[] = {established_active(), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), counted(&tcp::counters::auto_corked, 0)};
  play(script, with::either, policy::corking);
}
TEST_CASE("autocork: full segments do not wait, and what is less than one waits behind them") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1460 + 10), out(". 1:1461(1460)"), write(1460), out("P. 1461:2921(1460)"), is(field::unsent, 10), at(5), complete(), out("P. 2921:2931(10)"),
      in(". ack 2931"), complete(),
  };
  play(script, with::no_timestamps, policy::corking);
}
// No driver wakes a loop for a completion: it may sleep, but for no longer than a millisecond.
TEST_CASE("autocork: a loop that waits for a completion sleeps until a timer of a millisecond, and for ever when nothing waits") {
  static constexpr step looks[] = {
      established_active(), nic_holds(true), write(10), out("P. 1:11(10)"), write(10), counted(&tcp::counters::auto_corked, 1), is_due_in(1), write(5),
      counted(&tcp::counters::auto_corked, 2), is_due_in(1), at(5), counted(&tcp::counters::auto_corked, 7), is_due_in(1), complete(), out("P. 11:26(15)"), is_due_in(1), at(6), is_due_in(194),
      in(". ack 26"), complete(), at(7), counted(&tcp::counters::auto_corked, 7), at(205), no_deadline(),
  };
  play(looks, with::no_timestamps, policy::corking);
}
// Their control blocks are others' meanwhile.
TEST_CASE("autocork: connections that end while they wait leave no trace") {
  static constexpr step script[] = {
      established_active(), connect().peer_is(1), out("S 0:0(0)").peer_is(1), in("S. 0:0(0) ack 1").peer_is(1), out(". ack 1").peer_is(1), nic_holds(true), write(10), out("P. 1:11(10)"), write(10),
      write(10).peer_is(1), out("P. 1:11(10)").peer_is(1), write(10).peer_is(1), in("R 1:1(0)"), closed(close_reason::reset), connect().peer_is(2), out("S 0:0(0)").peer_is(2),
      in("S. 0:0(0) ack 1").peer_is(2), out(". ack 1").peer_is(2), write(10).peer_is(2), out("P. 1:11(10)").peer_is(2), write(10).peer_is(2), at(3), complete(), out("P. 11:21(10)").peer_is(2),
      out("P. 11:21(10)").peer_is(1), complete(),
  };
  play(script, with::either, policy::corking);
}
// Nothing is behind them that could join them, and the application said that it is done.
TEST_CASE("autocork: the last bytes before FIN do not wait, nor does who has everything acknowledged") {
  static constexpr step closes[] = {established_active(), nic_holds(true), write(10), out("P. 1:11(10)"), write(10), close(), out("FP. 11:21(10)"), in(". ack 22"), complete()};
  static constexpr step acked[] = {established_active(), nic_holds(true), write(10), out("P. 1:11(10)"), in(". ack 11"), write(10), out("P. 11:21(10)"), in(". ack 21"), complete()};
  play(closes, with::either, policy::corking), play(acked, with::either, policy::corking);
}
TEST_CASE("autocork: a retransmission that cuts the last segment ends the waiting") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1460), out("P. 1:1461(1460)"), complete(), nic_holds(false), path_mtu(1040), icmp(icmp_error_kind::packet_too_big, 1, 1040),
      out("1:1001(1000)"), out("P. 1001:1461(460)"), in(". ack 1001"), write(10), out("P. 1461:1471(10)"),
  };
  play(script, with::no_timestamps, policy::corking);
}

}  // namespace strata::script
