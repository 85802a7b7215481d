// SPDX-License-Identifier: MIT
// What is counted and told of a connection, and what a listener or a handle leaves behind: lines that scripts about behaviour do not need.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// The usual way in, the way of data that overtook other data, and an ACK of both.
TEST_CASE("Bytes received count what the application may read, once each") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), is(field::bytes_received, 100), in("P. 101:301(200)"), is(field::bytes_received, 300), at(40), out(". ack 301"),
      in("P. 401:501(100)"), out(". ack 301"), is(field::bytes_received, 300), in("P. 301:401(100)"), out(". ack 501"), is(field::bytes_received, 500),
      in("P. 301:401(100)"), out(". ack 501"), is(field::bytes_received, 500), is(field::unread, 500), read(500), is(field::bytes_received, 500),
  };
  play(script);
}
TEST_CASE("Bytes acknowledged count data, not SYN and FIN") {
  static constexpr step script[] = {
      established_active(), is(field::bytes_acked, 0), write(300), out("P. 1:301(300)"), at(10), in(". ack 101"), is(field::bytes_acked, 100), is(field::unacked, 200),
      in(". ack 301"), is(field::bytes_acked, 300), shutdown(), out("F. 301:301(0)"), in(". ack 302"), is(field::bytes_acked, 300), is(field::unacked, 0),
  };
  play(script);
}
TEST_CASE("Small segments that overtook others share a chunk, and it is counted") {
  static constexpr step script[] = {
      established_active(), in("P. 101:111(10)"), out(". ack 1"), is(field::receive_chunks, 1), counted(&tcp::counters::copied_small, 0),
      in("P. 111:121(10)"), out(". ack 1"), is(field::receive_chunks, 1), counted(&tcp::counters::copied_small, 1),
      in("P. 131:141(10)"), out(". ack 1"), is(field::receive_chunks, 2), counted(&tcp::counters::out_of_order, 3),
      in("P. 1:101(100)"), out(". ack 121"), read(120), in("P. 121:131(10)"), out(". ack 141"), read(20), is(field::receive_chunks, 0),
  };
  play(script);
}
TEST_CASE("A retransmission that finds its packet with the NIC is counted, then sent as a copy") {
  static constexpr step script[] = {
      established_active(100), nic_holds(true), write(1000), out("P. 1:1001(1000)"), at(400), counted(&tcp::counters::still_below, 1), counted(&tcp::counters::timeouts, 1),
      counted(&tcp::counters::retransmit_copies, 0), is(field::retransmitted, 0), at(1000), out("P. 1:1001(1000)"), counted(&tcp::counters::retransmit_copies, 1),
      is(field::retransmitted, 1), complete(), nic_holds(false), at(1010), in(". ack 1001"), is(field::unacked, 0), is(field::send_chunks, 0),
  };
  play(script);
}
TEST_CASE("A reset outside the window is counted and does nothing") {
  static constexpr step script[] = {established_active(), in("R 99999:99999(0)"), counted(&tcp::counters::out_of_window, 1), is(tcp::state::established), write(1), out("P. 1:2(1)")};
  play(script);
}
// One byte is no special number: an echo of it leaves at once.
TEST_CASE("One byte goes and counts like many") {
  static constexpr step script[] = {
      established_active(), in("P. 1:2(1)"), echo(), out("P. 1:2(1) ack 2"), at(10), in(". ack 2"), is(field::bytes_acked, 1),
      in("P. 2:3(1)"), is(field::unread, 1), read(1), at(50), out(". ack 3"),
  };
  play(script);
}
// RFC 7323 §4.3: the echo is that of the SYN.
TEST_CASE("The ACK that a half-open connection sends echoes the SYN's timestamp") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <mss 1460,ts 500 0>"), out("S. 0:0(0) ack 1"), in("P. 70000:70010(10) ack 1 <ts 501 0>"), out(". 1:1(0) ack 1 <ts 0 500>"),
      counted(&tcp::counters::out_of_window, 1), in_use(0, 1, 0),
  };
  play(script, with::timestamps);
}

// RFC 9293 §3.9.1.1: whom the application was not told of goes with the listener, the others stay.
TEST_CASE("A listener that closes takes half-open connections along and leaves accepted ones") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::accepted),
      in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), in_use(1, 1, 0), close_listener(), in_use(1, 0, 0),
      write(10), out("P. 1:11(10)"), in(". ack 11"), in(". ack 1").peer_is(1), out("R 1:1(0)").peer_is(1), in("S 0:0(0)").peer_is(2), out("R. 0:0(0) ack 1").peer_is(2),
      close_listener().fails(tcp::call_error::stale), listen(), in("S 0:0(0)").peer_is(3), out("S. 0:0(0) ack 1").peer_is(3),
  };
  play(script);
}
TEST_CASE("A timer of the application does not outlive its connection, nor fire in the next one") {
  static constexpr step script[] = {
      established_active(), timer(1000), at(100), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), at(200), connect().peer_is(1), out("S 0:0(0)").peer_is(1),
      in("S. 0:0(0) ack 1").peer_is(1), out(". ack 1").peer_is(1), expect(bit::connected).peer_is(1), at(5000), never(bit::timer).peer_is(1),
      timer(50).peer_is(1), at(5050), expect(bit::timer).peer_is(1),
  };
  play(script);
}

}  // namespace strata::script
