// SPDX-License-Identifier: MIT
// Small neighbours of the send queue become one: tcp/collapse.hpp. The quota is 40 chunks; the player compares each byte and each checksum.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// ---- no place is left ----
// A window of 1000 bytes cuts the first chunk, and 460 bytes wait in front of 10.
TEST_CASE("Where the quota is used up small unsent neighbours make room for what is written") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), is(field::send_chunks, 3),
      write(37 * 1460), is(field::send_chunks, 40), counted(&tcp::counters::collapsed, 0), write(2 * 1460).takes(1460), is(field::send_chunks, 40), counted(&tcp::counters::collapsed, 1),
      write(1).fails(tcp::send_error::would_block), counted(&tcp::counters::collapsed, 1),
      in(". ack 1001 win 65535"), out("P. 1001:1471(470)"), out(". 1471:2931(1460)"), out("2931:4391(1460)"), out("4391:5851(1460)"), out("5851:7311(1460)"), out("7311:8771(1460)"),
      out("8771:10231(1460)"), out("10231:11691(1460)"), out("11691:13151(1460)"), out("13151:14611(1460)"),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("Where the pool is empty small unsent neighbours make room for what is written") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), chunks(0),
      write(100), is(field::send_chunks, 3), counted(&tcp::counters::collapsed, 1), counted(&tcp::counters::no_chunk, 0), chunks(all),
      in(". ack 1001 win 65535"), out("P. 1001:1471(470)"), in(". ack 1471"), out("P. 1471:1571(100)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("A reservation makes room as a write does, and so does what is committed where the quota was used up meanwhile") {
  static constexpr step quota[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), write(37 * 1460), is(field::send_chunks, 40),
      reserve(100), counted(&tcp::counters::collapsed, 1), is(field::send_chunks, 39), commit(100), is(field::send_chunks, 40), reserve(1).fails(tcp::send_error::would_block),
      counted(&tcp::counters::collapsed, 1), is(field::unsent, 54590),
  };
  static constexpr step meanwhile[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), write(36 * 1460), is(field::send_chunks, 39),
      reserve(100), write(1460), is(field::send_chunks, 40), commit(100), counted(&tcp::counters::collapsed, 1), is(field::send_chunks, 40),
  };
  static constexpr step pool[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), chunks(0),
      reserve(100), counted(&tcp::counters::collapsed, 1), counted(&tcp::counters::no_chunk, 0), commit(100), is(field::send_chunks, 3), chunks(all),
      in(". ack 1001 win 65535"), out("P. 1001:1471(470)"), in(". ack 1471"), out("P. 1471:1571(100)"),
  };
  static constexpr step none[] = {
      established_active(), in(". ack 1 win 0"), write(2920), chunks(0), reserve(10).fails(tcp::send_error::would_block), counted(&tcp::counters::collapsed, 0),
      counted(&tcp::counters::no_chunk, 1), chunks(all), at(1), expect(bit::writable),
  };
  play(quota, with::no_timestamps, policy::writing), play(meanwhile, with::no_timestamps, policy::writing), play(pool, with::either, policy::writing),
      play(none, with::either, policy::writing);
}
// write_path::fair: who waits for the pool has no claim to it.
TEST_CASE("What comes free by collapsing is the writer's, whoever waits for the pool") {
  static constexpr step script[] = {
      established_active(), connect().peer_is(1), out("S 0:0(0)").peer_is(1), in("S. 0:0(0) ack 1").peer_is(1), out(". ack 1").peer_is(1),
      in(". ack 1 win 0"), write(1460), write_record(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), chunks(0),
      write(1).peer_is(1).fails(tcp::send_error::would_block), counted(&tcp::counters::waits_for_chunks, 1), write(100), counted(&tcp::counters::collapsed, 1),
      chunks(all), at(201), expect(bit::writable).peer_is(1), in(". ack 1001 win 65535"), out("P. 1001:1471(470)"), in(". ack 1471"), out("P. 1471:1571(100)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("Without small neighbours, or with a record's end between them, a write blocks as ever") {
  static constexpr step full[] = {
      established_active(), in(". ack 1 win 0"), write(2920), chunks(0), write(10).fails(tcp::send_error::would_block), counted(&tcp::counters::collapsed, 0), chunks(all), at(1), expect(bit::writable),
  };
  static constexpr step record[] = {
      established_active(), in(". ack 1 win 0"), write_record(10), write_record(10), chunks(0), write(10).fails(tcp::send_error::would_block), counted(&tcp::counters::collapsed, 0),
      counted(&tcp::counters::no_chunk, 1), chunks(all), at(1), expect(bit::writable), in(". ack 1 win 65535"), out("P. 1:11(10)"), in(". ack 11"), out("P. 11:21(10)"),
  };
  play(full, with::either, policy::writing), play(record, with::either, policy::writing);
}
// The longer part of a chunk that was cut stays where it lay: 500 bytes of its place are lost. A chunk has 2048, 96 of them headroom.
TEST_CASE("Neighbours become one if the first one's place has room for both, to the byte") {
  static constexpr step fits[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(492), in(". ack 1 win 500"), at(200), out(". 1:501(500)"), chunks(0), write(10), counted(&tcp::counters::collapsed, 1),
      chunks(all), in(". ack 501 win 65535"), out("P. 501:1953(1452)"), in(". ack 1953"), out("P. 1953:1963(10)"),
  };
  static constexpr step does_not[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(493), in(". ack 1 win 500"), at(200), out(". 1:501(500)"), chunks(0), write(10).fails(tcp::send_error::would_block),
      counted(&tcp::counters::collapsed, 0), chunks(all), at(201), expect(bit::writable), in(". ack 501 win 65535"), out("P. 501:1461(960)"), in(". ack 1461"), out("P. 1461:1954(493)"),
  };
  play(fits, with::no_timestamps, policy::writing), play(does_not, with::no_timestamps, policy::writing);
}
TEST_CASE("Neighbours become one if a segment takes both, to the byte") {
  static constexpr step fits[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(1000), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), chunks(0), write(10), counted(&tcp::counters::collapsed, 1),
      chunks(all), in(". ack 1001 win 65535"), out("P. 1001:2461(1460)"), in(". ack 2461"), out("P. 2461:2471(10)"),
  };
  static constexpr step does_not[] = {
      established_active(), in(". ack 1 win 0"), write(1460), write_record(1001), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), chunks(0), write(10).fails(tcp::send_error::would_block),
      counted(&tcp::counters::collapsed, 0), chunks(all), at(201), expect(bit::writable), in(". ack 1001 win 65535"), out("P. 1001:1461(460)"), in(". ack 1461"), out("P. 1461:2462(1001)"),
  };
  play(fits, with::no_timestamps, policy::writing), play(does_not, with::no_timestamps, policy::writing);
}
// What was sent stays as it left: its ACK will free it.
TEST_CASE("A write that finds no place leaves alone what was sent") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), chunks(0), write(10).fails(tcp::send_error::would_block),
      counted(&tcp::counters::collapsed, 0), is(field::send_chunks, 2), chunks(all), at(1), expect(bit::writable), in(". ack 21"),
  };
  play(script, with::either, policy::writing);
}

// ---- sent again ----
TEST_CASE("A small segment that times out takes in those sent behind it") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(7), out("P. 1:8(7)"), write(9), out("P. 8:17(9)"), write(5, more), write(1), out("P. 17:23(6)"), is(field::send_chunks, 3), at(200),
      out("P. 1:23(22)"), is(field::send_chunks, 1), counted(&tcp::counters::collapsed, 2), counted(&tcp::counters::retransmitted, 1), is(field::unacked, 22), at(599), at(600), out("P. 1:23(22)"),
      in(". ack 23"), is(field::send_chunks, 0), write(3), out("P. 23:26(3)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("Bytes that were acknowledged meanwhile are not sent again with those that are taken in") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(7), out("P. 1:8(7)"), write(9), out("P. 8:17(9)"), in(". ack 4"), at(200), out("P. 4:17(13)"), in(". ack 10"), at(599), at(600), out("P. 10:17(7)"), in(". ack 17"),
      is(field::send_chunks, 0),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("A fast retransmission takes in what was sent behind it, and FIN goes with the last of it") {
  static constexpr step fast[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10), out("P. 21:31(10)"), write(10), out("P. 31:41(10)"),
      in(". ack 1"), in(". ack 1"), in(". ack 1"), out("P. 1:41(40)"), counted(&tcp::counters::collapsed, 3), in(". ack 41"), is(field::unacked, 0),
  };
  static constexpr step ends[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), close(), out("F. 21:21(0)"), at(200), out("FP. 1:21(20)"), in(". ack 22"), is(tcp::state::fin_wait_2),
  };
  play(fast, with::either, policy::writing), play(ends, with::either, policy::writing);
}
TEST_CASE("What is resent after a timeout is taken in too, up to a segment") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(1000), out("P. 1:1001(1000)"), write(1000), out("P. 1001:2001(1000)"), write(400), out("P. 2001:2401(400)"), write(61), out("P. 2401:2462(61)"),
      at(200), out("P. 1:1001(1000)"), counted(&tcp::counters::collapsed, 0), in(". ack 1001"), out("P. 1001:2401(1400)"), out("P. 2401:2462(61)"), counted(&tcp::counters::collapsed, 1), in(". ack 2462"),
  };
  play(script, with::no_timestamps, policy::writing);
}
// The law of the frame.
TEST_CASE("What the NIC holds is neither taken in nor takes in") {
  static constexpr step second[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), nic_holds(true), write(10), out("P. 11:21(10)"), nic_holds(false), write(10), out("P. 21:31(10)"), at(200), out("P. 1:11(10)"),
      counted(&tcp::counters::collapsed, 0), complete(), in(". ack 11"), out("P. 11:31(20)"), counted(&tcp::counters::collapsed, 1), in(". ack 31"),
  };
  static constexpr step first[] = {
      established_active(), no_delay(true), nic_holds(true), write(10), out("P. 1:11(10)"), nic_holds(false), write(10), out("P. 11:21(10)"), at(200), counted(&tcp::counters::still_below, 1),
      counted(&tcp::counters::collapsed, 0), at(600), out("P. 1:11(10)"), counted(&tcp::counters::retransmit_copies, 1), complete(), in(". ack 21"),
  };
  play(second, with::either, policy::writing), play(first, with::either, policy::writing);
}
TEST_CASE("Neither the end of a record nor what is unsent, nor the peer's window, is passed by a retransmission") {
  static constexpr step record[] = {
      established_active(), no_delay(true), write_record(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), at(200), out("P. 1:11(10)"), counted(&tcp::counters::collapsed, 0), in(". ack 21"),
  };
  static constexpr step unsent[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(10), at(200), out("P. 1:11(10)"), counted(&tcp::counters::collapsed, 0), is(field::unsent, 10), in(". ack 11"), out("P. 11:21(10)"),
  };
  static constexpr step window[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10), out("P. 21:31(10)"), in(". ack 1 win 29"), at(200), out("P. 1:21(20)"),
      counted(&tcp::counters::collapsed, 1), in(". ack 31"),
  };
  static constexpr step last_byte[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10), out("P. 21:31(10)"), in(". ack 1 win 30"), at(200), out("P. 1:31(30)"), in(". ack 31"),
  };
  play(record, with::either, policy::writing), play(unsent, with::either, policy::writing), play(window, with::either, policy::writing), play(last_byte, with::either, policy::writing);
}

}  // namespace strata::script
