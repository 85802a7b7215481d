// SPDX-License-Identifier: MIT
// What calls leave behind: events that they promise, and counters.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("An echo by view that came up short is followed by writable") {
  static constexpr step script[] = {
      established_active(), together(4), in(". 1:1461(1460)"), in(". 1461:2921(1460)"), in(". 2921:4381(1460)"), in("P. 4381:5841(1460)"), out(". ack 5841"),
      chunks(2), echo().takes(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), never(bit::writable), chunks(all), in(". 5841:5841(0) ack 2921"), expect(bit::writable),
      echo(), out("2921:4381(1460)"), out("P. 4381:5841(1460)"), in(". ack 5841"), never(bit::writable),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A SYN-ACK that is sent again is counted as a retransmission") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1000), out("S. 0:0(0) ack 1"), counted(&tcp::counters::retransmitted, 1),
      at(3000), out("S. 0:0(0) ack 1"), counted(&tcp::counters::retransmitted, 2),
  };
  play(script);
}
TEST_CASE("close() with one unread byte is counted, without any it is not") {
  static constexpr step one[] = {
      established_active(), in("P. 1:2(1)"), close(), out("R. 1:1(0) ack 2"), closed(close_reason::aborted), counted(&tcp::counters::data_after_close, 1),
  };
  play(one);
}

// The law of the frame: what the NIC holds is not cut, not even when the path became smaller.
TEST_CASE("What the NIC still holds waits to be cut for a smaller path") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1460), out("P. 1:1461(1460)"), path_mtu(1300), icmp(icmp_error_kind::packet_too_big, 1, 1300), at(200),
      is(field::mss, 1260), is(field::backoff, 1), counted(&tcp::counters::still_below, 1), nic_holds(false), complete(), at(600), out("1:1261(1260)"), in(". ack 1261"), out("P. 1261:1461(200)"), in(". ack 1461"),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A reservation ends a record by its own flags, in a chunk of its own or behind what waits") {
  static constexpr step alone[] = {
      established_active(), write(10), out("P. 1:11(10)"), reserve(20), commit_record(20), write(5), is(field::send_chunks, 3), in(". ack 11"), out("P. 11:31(20)"), in(". ack 31"), out("P. 31:36(5)"),
  };
  static constexpr step behind[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(5), reserve(20), commit_record(20), write(7), is(field::send_chunks, 3), in(". ack 11"), out("P. 11:36(25)"), in(". ack 36"), out("P. 36:43(7)"),
  };
  play(alone, with::either, policy::writing), play(behind, with::either, policy::writing);
}
TEST_CASE("A write that was not taken leaves it as it was whether more follows") {
  static constexpr step nothing_more[] = {
      established_active(), write(10), out("P. 1:11(10)"), write_record(50), chunks(0), gather(100, 50).fails(tcp::send_error::would_block), in(". ack 11"), out("P. 11:61(50)"),
  };
  static constexpr step more_follows[] = {
      established_active(), write(10), out("P. 1:11(10)"), write_record(50, more), chunks(0), gather(100, 50).fails(tcp::send_error::would_block), in(". ack 11"), chunks(all), at(1), write(1), out(". 11:61(50)"),
  };
  play(nothing_more, with::either, policy::writing), play(more_follows, with::either, policy::writing);
}
// RFC 2474 §3: six bits.
TEST_CASE("A DSCP goes with every segment from the next one on, and one of seven bits is refused") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), in(". ack 11"), dscp(46), write(10), out("P. 11:21(10)"), in("P. 1:11(10) ack 21"), dscp(64).fails(tcp::call_error::bad_options), at(40), out(". ack 11"),
      dscp(63), shutdown(), out("F. 21:21(0)"), hop_limit(9), dscp(0), abort(), out("R. 22:22(0)"), closed(close_reason::aborted), dscp(1).fails(tcp::call_error::stale),
  };
  play(script);
}
TEST_CASE("A connection that is over has no options") {
  static constexpr step script[] = {
      established_active(), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), cork(true).fails(tcp::call_error::stale), keep_alive(1, 1, 1).fails(tcp::call_error::stale),
      linger(1).fails(tcp::call_error::stale), shutdown_receive().fails(tcp::call_error::stale), timer(1).fails(tcp::call_error::stale), hop_limit(1).fails(tcp::call_error::stale),
  };
  static constexpr step writing[] = {
      established_active(), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), send_low_water(1).fails(tcp::call_error::stale), notsent_low_water(1).fails(tcp::call_error::stale),
  };
  static constexpr step paced[] = {established_active(), abort(), out("R. 1:1(0)"), closed(close_reason::aborted), pacing_rate(1).fails(tcp::call_error::stale)};
  play(script), play(writing, with::either, policy::writing), play(paced, with::either, policy::paced);
}
TEST_CASE("Keep-alives that are switched off are not due") {
  static constexpr step script[] = {established_active(), keep_alive(1, 1, 1), is_due_in(1000), no_keep_alive(), at(2000), no_deadline()};
  play(script);
}
TEST_CASE("Nothing to take is the end of the stream behind a FIN, and none before") {
  static constexpr step script[] = {
      established_active(), take(1).fails(tcp::receive_error::would_block), in("FP. 1:11(10)"), out(". ack 12"), take(10), take(1).fails(tcp::receive_error::end_of_stream), expect(bit::peer_closed), drop_taken(),
  };
  play(script);
}
TEST_CASE("An ACK for which there is no chunk is counted, and leaves when there is one") {
  static constexpr step script[] = {established_active(), in("P. 1:11(10)"), last_chunks(2), at(40), counted(&tcp::counters::no_chunk, 1), chunks(all), out(". ack 11")};
  play(script);
}
TEST_CASE("send_low_water of one byte: writable comes with the first place that is free") {
  static constexpr step script[] = {
      established_active(), send_low_water(1), in(". ack 1 win 0"), write(41 * 1460).takes(40 * 1460), in(". ack 1 win 1460"), out("1:1461(1460)"), in(". ack 1461 win 0"), is(field::send_chunks, 39),
      expect(bit::writable),
  };
  play(script, with::no_timestamps, policy::writing);
}
// RFC 6298 (2.2); tcp/pacing.hpp: twice cwnd over srtt in slow start.
TEST_CASE("info() tells the path's MTU, how much the round-trip time varies, and how fast a paced connection sends") {
  static constexpr step script[] = {
      established_active(100), is(field::path_mtu, 1500), is(field::rttvar_ms, 50), write(1460), out("P. 1:1461(1460)"), at(110), path_mtu(1400), icmp(icmp_error_kind::packet_too_big, 1, 1400),
      out("1:1361(1360)"), out("P. 1361:1461(100)"), is(field::path_mtu, 1400), is(field::mss, 1360),
  };
  static constexpr step paced[] = {established_active(100), is(field::pacing_rate, 292'000)};
  play(script), play(paced, with::either, policy::paced);
}

}  // namespace strata::script
