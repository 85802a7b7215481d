// SPDX-License-Identifier: MIT
// What stops a sender and what is restored when nothing could leave, to the last byte: limits that are counted, trains that meet a full ring, marks of one byte.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// The trains of in_trains_over_v4 are what may be refused as a whole; nothing of one has left then. Linux: the ring is tried again with the same skb.
TEST_CASE("Segments that met a full ring are unsent: they leave again in the same way, and are timed from then on") {
  static constexpr step script[] = {
      established_active(100), ring_full(3), write(2000), is(field::unacked, 0), is(field::unsent, 2000), is(tcp::limited_by::ring), shutdown(), is(field::unacked, 0), at(150),
      out(". 1:1461(1460)"), out("FP. 1461:2001(540)"), is(field::unacked, 2001), at(449), at(450), out(". 1:1461(1460)"), in(". ack 2002"), is(tcp::state::fin_wait_2), is(field::unacked, 0),
  };
  static constexpr step measured[] = {
      established_active(100), ring_full(1), write(2920), is(field::unacked, 0), at(150), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(250), in(". ack 2921"), is(field::srtt_ms, 100),
  };
  static constexpr step no_fin[] = {
      established_active(100), ring_full(1), write(2920), at(150), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(450), out(". 1:1461(1460)"), in(". ack 1461"), out("P. 1461:2921(1460)"),
      in(". ack 2921"), is(field::unacked, 0), is(tcp::state::established),
  };
  play(script, with::no_timestamps), play(measured, with::no_timestamps), play(no_fin, with::no_timestamps);
}
// Operators read them in nstat: what holds a sender back.
TEST_CASE("Each time that a window or the coalescing of small segments stops the send loop is counted") {
  static constexpr step small[] = {
      established_active(), write(10), out("P. 1:11(10)"), counted(&tcp::counters::limited_by_coalescing, 0), write(10), is(tcp::limited_by::coalescing), counted(&tcp::counters::limited_by_coalescing, 1),
      in(". ack 11"), out("P. 11:21(10)"), counted(&tcp::counters::limited_by_coalescing, 1),
  };
  static constexpr step silly[] = {
      established_active(), in(". ack 1 win 500"), write(2000), is(tcp::limited_by::receive_window), counted(&tcp::counters::limited_by_window, 1), counted(&tcp::counters::limited_by_cwnd, 0),
  };
  static constexpr step override_meets_closed_window[] = {
      established_active(), in(". ack 1 win 500"), write(1460), counted(&tcp::counters::limited_by_window, 1), at(200), out(". 1:501(500)"), is(tcp::limited_by::receive_window),
      counted(&tcp::counters::limited_by_window, 2),
  };
  static constexpr step congested[] = {
      established_active(), write(14601), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"),
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)"), counted(&tcp::counters::limited_by_cwnd, 1), counted(&tcp::counters::limited_by_window, 0),
  };
  static constexpr step below[] = {
      established_active(), nic_holds(true), write(4 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), counted(&tcp::counters::limited_by_small_queue, 1), complete(), at(1),
      out("P. 4381:5841(1460)"), counted(&tcp::counters::limited_by_small_queue, 1), complete(),
  };
  play(small), play(silly, with::no_timestamps), play(override_meets_closed_window, with::no_timestamps), play(congested, with::no_timestamps), play(below, with::no_timestamps, policy::paced);
}
TEST_CASE("notsent_low_water of one byte: one byte may wait, and with nothing unsent there is room for it") {
  static constexpr step script[] = {
      established_active(), notsent_low_water(1), write(2).takes(1), out("P. 1:2(1)"), expect(bit::writable), write(2).takes(1), is(field::unsent, 1), write(1).fails(tcp::send_error::would_block),
      in(". ack 2"), out("P. 2:3(1)"), expect(bit::writable), reserve(1), commit(1), is(field::unsent, 1), in(". ack 3"), out("P. 3:4(1)"),
  };
  play(script, with::either, policy::writing);
}
// RFC 9293 §3.8.6.2.2: half of the most there can be, which is 20 of 40 segments here.
TEST_CASE("A window that grew by half of the most there can be is told, one that grew by a byte less is not") {
#define TWENTY_AND in("1:1461(1460)"), in("1461:2921(1460)"), in("2921:4381(1460)"), in("4381:5841(1460)"), in("5841:7301(1460)"), in("7301:8761(1460)"), in("8761:10221(1460)"), \
      in("10221:11681(1460)"), in("11681:13141(1460)"), in("13141:14601(1460)"), in("14601:16061(1460)"), in("16061:17521(1460)"), in("17521:18981(1460)"), in("18981:20441(1460)"), \
      in("20441:21901(1460)"), in("21901:23361(1460)"), in("23361:24821(1460)"), in("24821:26281(1460)"), in("26281:27741(1460)"), in("27741:29201(1460)"), \
      in("29201:29401(200)"), in("29401:29601(200)"), in("29601:29801(200)"), in("29801:30001(200)"), in("30001:30201(200)"), in("30201:30401(200)")
  static constexpr step less[] = {
      established_active(), together(27), TWENTY_AND, in("30401:30601(200)"), out(". ack 30601"), in("P. 30601:30660(59)"), is(field::receive_chunks, 21), read(29600), is(field::receive_chunks, 1), at(39), at(40),
      out(". ack 30660"),
  };
  static constexpr step half[] = {
      established_active(), together(27), TWENTY_AND, in("30401:30601(200)"), out(". ack 30601"), in("P. 30601:30661(60)"), is(field::receive_chunks, 21), read(29600), out(". ack 30661"),
  };
#undef TWENTY_AND
  play(less, with::no_timestamps, policy::only_v4), play(half, with::no_timestamps, policy::only_v4);
}
// RFC 7323 §4.1. The SYN was sent twice and its answer echoes the first, so nothing was measured; neither do the ACKs of what was sent again, and the last segment is not timed.
TEST_CASE("Where nothing was measured yet the echo of the usual ACK is a measurement") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(1010), in("S. 0:0(0) ack 1 <mss 1460,ts 1010 0>"), out(". ack 1"), is(field::rto_ms, 3000), write(4 * 1460),
      out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), at(1100), in(". ack 1 <ts 1100 1010>"), in(". ack 1 <ts 1100 1010>"),
      in(". ack 1 <ts 1100 1010>"), out("1:1461(1460)"), write(1460), out("P. 5841:7301(1460)"), at(1200), in(". ack 2921 <ts 1200 1010>"), out("2921:4381(1460)"),
      at(1300), in(". ack 5841 <ts 1300 1010>"), is(field::in_recovery, 0), is(field::rto_ms, 3000), in(". ack 7301 <ts 1300 1200>"), is(field::srtt_ms, 100), is(field::unacked, 0),
  };
  play(script, with::timestamps);
}
// Their timers would wake them too, a millisecond later.
TEST_CASE("autocork: one that its handler ends while it waits does not make those beside it wait longer") {
  static constexpr step script[] = {
      established_active(), established_active().peer_is(1), established_active().peer_is(2), nic_holds(true), write(10).peer_is(1), out("P. 1:11(10)").peer_is(1), write(10), out("P. 1:11(10)"),
      write(10).peer_is(2), out("P. 1:11(10)").peer_is(2), write(10).peer_is(1), write(10), write(10).peer_is(2), abort_when_told(bit::readable), in("P. 1:11(10)"), out("R. 11:11(0)"),
      closed(close_reason::aborted), connect().peer_is(3), out("S 0:0(0)").peer_is(3), complete(), is(field::unsent, 0).peer_is(1), is(field::unsent, 0).peer_is(2),
      out("P. 11:21(10)").peer_is(2), out("P. 11:21(10)").peer_is(1), complete(),
  };
  play(script, with::either, policy::corking);
}

}  // namespace strata::script
