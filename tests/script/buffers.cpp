// SPDX-License-Identifier: MIT
// What happens when there is no room: a full ring, no chunk, a NIC that has not let go. Design: the law of the frame.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// Data that the ring does not take stays unsent.
TEST_CASE("Data that meets a full ring leaves when there is room again") {
  static constexpr step script[] = {
      established_active(), ring_full(3), write(100), is(field::unsent, 100), is(tcp::limited_by::ring),
      at(1), at(2), at(3), out("P. 1:101(100)"), at(4),
  };
  play(script);
}
TEST_CASE("An ACK that meets a full ring is owed until there is room") {
  static constexpr step script[] = {established_active(), ring_full(1), in("P. 1:1461(1460)"), in("P. 1461:2921(1460)"), at(1), out(". ack 2921")};
  play(script);
}
TEST_CASE("FIN that meets a full ring leaves later") {
  static constexpr step script[] = {
      established_active(), ring_full(2), shutdown(), at(1), at(2), out("F. 1:1(0)"), is(tcp::state::fin_wait_1), in(". ack 2"),
      is(tcp::state::fin_wait_2),
  };
  play(script);
}
TEST_CASE("SYN and SYN-ACK that meet a full ring leave with their timer") {
  static constexpr step active[] = {
      ring_full(1), connect(), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  static constexpr step passive[] = {listen(), ring_full(1), in("S 0:0(0)"), at(1000), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::accepted)};
  play(active), play(passive);
}
TEST_CASE("A retransmission that meets a full ring waits for its timer") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), ring_full(1), at(200), at(599),
      at(600), out("P. 1:11(10)"), in(". ack 11"),
  };
  play(script);
}

// No chunk: the application waits, the peer is answered later.
TEST_CASE("A write without a chunk would block, and writable follows") {
  static constexpr step script[] = {
      established_active(), chunks(1), write(2920).takes(1460), out("1:1461(1460)"), write(10).fails(tcp::send_error::would_block),
      counted(&tcp::counters::no_chunk, 2), never(bit::writable), in(". ack 1461"), never(bit::closed), chunks(all),
      at(1), expect(bit::writable), write(10), out("P. 1461:1471(10)"),
  };
  play(script);
}
TEST_CASE("reserve() without a chunk would block") {
  static constexpr step script[] = {
      established_active(), chunks(0), reserve(10).fails(tcp::send_error::would_block), chunks(all), reserve(10), commit(10), out("P. 1:11(10)"),
  };
  play(script);
}
TEST_CASE("An ACK without a chunk is owed until there is one") {
  static constexpr step script[] = {established_active(), last_chunks(2), in("P. 1:101(100)"), at(40), at(60), chunks(all), out(". ack 101")};
  play(script);
}
// Where the chunks of both sides wait for the other one's ACK, nobody would ever let go.
TEST_CASE("A SYN may take a chunk that is kept for receiving, what answers a SYN may not") {
  static constexpr step active[] = {chunks(0), connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), chunks(all)};
  static constexpr step passive[] = {listen(), chunks(0), in("S 0:0(0)"), chunks(all), at(1000), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::accepted)};
  play(active), play(passive);
}
TEST_CASE("An ACK may take a chunk that is kept for receiving, and so may FIN") {
  static constexpr step script[] = {
      established_active(), chunks(0), in("P. 1:101(100)"), at(40), out(". ack 101"), shutdown(), out("F. 1:1(0) ack 101"), chunks(all), in(". ack 2"),
  };
  play(script);
}
TEST_CASE("The front of a segment that is longer than the window may take a chunk that is kept for receiving") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1460), chunks(0), in(". ack 1 win 1000"), at(200), out("1:1001(1000)"), in(". ack 1001 win 0"),
      in(". ack 1001 win 1000"), out("P. 1001:1461(460)"), chunks(all),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A SYN without a chunk leaves with its timer") {
  static constexpr step script[] = {last_chunks(2), connect(), chunks(all), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1")};
  play(script);
}
// Data out of order is the first to go, and what fills the hole is always taken.
TEST_CASE("With the pool at its reserve data out of order is dropped, and the next in order is taken") {
  static constexpr step script[] = {
      established_active(), chunks(0), in("1461:2921(1460)"), out(". ack 1"), counted(&tcp::counters::out_of_order_dropped, 1), is(field::receive_chunks, 0), in("1:1461(1460)"),
      is(field::unread, 1460), at(40), out(". ack 1461"), chunks(all), read(1460),
  };
  play(script);
}
TEST_CASE("The last chunk is for receiving the ACK that frees others, and holds no data") {
  static constexpr step script[] = {
      established_active(), last_chunks(1), in("1:1461(1460)"), is(field::unread, 0), counted(&tcp::counters::receive_dropped, 1), last_chunks(2),
      in("1:1461(1460)"), is(field::unread, 1460), at(40), chunks(all), out(". ack 1461"), read(1460),
  };
  play(script);
}
// Two sides that both wait for the chunks of what came too early would wait for good.
TEST_CASE("What came out of order makes room for what fills the hole") {
  static constexpr step script[] = {
      established_active(), in("1461:2921(1460)"), out(". ack 1"), in("2921:4381(1460)"), out(". ack 1"), is(field::receive_chunks, 2), chunks(0),
      in("1:1461(1460)"), is(field::unread, 1460), is(field::receive_chunks, 1), counted(&tcp::counters::out_of_order_dropped, 2),
      counted(&tcp::counters::receive_dropped, 0), chunks(all), at(40), out(". ack 1461"), in("1461:2921(1460)"), in("2921:4381(1460)"), out(". ack 4381"), read(4380),
  };
  play(script);
}

// The law of the frame: what the NIC holds is neither appended to nor sent again.
TEST_CASE("While the NIC holds a chunk new bytes go to another one") {
  static constexpr step script[] = {
      established_active(), no_delay(true), nic_holds(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), is(field::send_chunks, 2),
      complete(), in(". ack 21"), is(field::send_chunks, 0),
  };
  play(script);
}
TEST_CASE("An ACK before the completion frees the chunk when that comes") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1460), out("P. 1:1461(1460)"), in(". ack 1461"), is(field::send_chunks, 0), write(1460),
      out("P. 1461:2921(1460)"), complete(), in(". ack 2921"),
  };
  play(script);
}
TEST_CASE("What the NIC still holds is not sent again at the first timeout, and as a copy at the second") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(100), out("P. 1:101(100)"), at(201), counted(&tcp::counters::still_below, 1),
      counted(&tcp::counters::retransmit_copies, 0), at(600), out("P. 1:101(100)"), counted(&tcp::counters::retransmit_copies, 1), in(". ack 101"),
      nic_holds(false), complete(),
  };
  play(script);
}
TEST_CASE("After the completion the same chunk is sent again") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(100), out("P. 1:101(100)"), nic_holds(false), complete(),
      at(200), out("P. 1:101(100)"), counted(&tcp::counters::retransmit_copies, 0), in(". ack 101"),
  };
  play(script);
}
TEST_CASE("A partial ACK while the NIC holds the chunk is folded in when it leaves again") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1000), out("P. 1:1001(1000)"), in(". ack 401"), nic_holds(false), complete(),
      at(200), out("P. 401:1001(600)"), in(". ack 1001"), at(2000),
  };
  play(script);
}
TEST_CASE("abort() while the NIC holds chunks loses none of them") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), nic_holds(false), abort(),
      out("R. 2921:2921(0)"), closed(close_reason::aborted), in_use(0, 0, 0), complete(),
  };
  play(script);
}
// A path whose MTU is larger than a chunk: 2048 bytes here, of which 64 are headroom, 20 TCP and 12 timestamps (MUST-16, MUST-67).
TEST_CASE("Segments are no longer than a chunk holds") {
  static constexpr step script[] = {
      path_mtu(9000), connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 8960,ws 0>"), out(". ack 1"), is(field::mss, 1952), write(4000),
      out("1:1953(1952)"), out("1953:3905(1952)"), in(". ack 3905"), out("P. 3905:4001(96)"),
  };
  static constexpr step early[] = {
      path_mtu(9000), connect(), out("S 0:0(0)"), write(4000), in("S. 0:0(0) ack 1 <mss 8960,ws 0>"), out("1:1953(1952)"), out("1953:3905(1952)"),
  };
  play(script), play(early);
}
TEST_CASE("The application's timer fires once") {
  static constexpr step script[] = {
      established_active(), timer(100), at(99), never(bit::timer), at(100), expect(bit::timer),
      at(1000), never(bit::timer), timer(10), timer(20), at(1019), never(bit::timer), at(1020), expect(bit::timer),
  };
  play(script);
}

TEST_CASE("What the NIC still holds is copied from where the peer's ACK left it") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1000), out("P. 1:1001(1000)"), shutdown(), out("F. 1001:1001(0)"), in(". ack 401"), at(201),
      counted(&tcp::counters::still_below, 1), at(600), out("FP. 401:1001(600)"), counted(&tcp::counters::retransmit_copies, 1),
      nic_holds(false), complete(), in(". ack 1002"), is(tcp::state::fin_wait_2),
  };
  play(script);
}
// What lies in order is dropped only when the connection holds something and the pool is at its reserve; the peer sends it again.
TEST_CASE("A reader that holds chunks gets no more from a pool at its reserve") {
  static constexpr step script[] = {
      established_active(), chunks(0), in("1:1461(1460)"), in("1461:2921(1460)"), is(field::unread, 1460), counted(&tcp::counters::receive_dropped, 1),
      out(". ack 1461"), chunks(all), in("1461:2921(1460)"), is(field::unread, 2920), at(40), out(". ack 2921"), read(2920),
  };
  play(script);
}
TEST_CASE("Small segments fill a chunk and then the next one") {
  static constexpr step script[] = {
      established_active(), in("1:1461(1460)"), in("1461:1661(200)"), in("1661:1861(200)"), is(field::receive_chunks, 1), in("1861:2061(200)"),
      is(field::receive_chunks, 2), in("2061:2261(200)"), is(field::receive_chunks, 2), at(40), out(". ack 2261"), read(2260),
  };
  play(script);
}
TEST_CASE("Without a route nothing is refused") {
  static constexpr step script[] = {unroutable(true), in("S 0:0(0)"), in(". 1:1(0) ack 5"), counted(&tcp::counters::out_resets, 0), unroutable(false), in("S 0:0(0)"), out("R. 0:0(0) ack 1"),
                                   counted(&tcp::counters::out_resets, 1)};
  play(script);
}

}  // namespace strata::script
