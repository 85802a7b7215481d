// SPDX-License-Identifier: MIT
// What a write takes, when it is told that there is room, and what is appended to what: tcp/append.hpp, tcp/write_path.hpp. The quota is 40 chunks.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// ---- quota and wake-up ----
// Linux: sk_stream_is_writeable. 26 of 40 chunks in use leave a third.
TEST_CASE("writable comes once a third of the quota is free, and once") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(41 * 1460).takes(40 * 1460), write(1).fails(tcp::send_error::would_block), is(field::send_chunks, 40),
      in(". ack 1 win 65535"), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"),
      out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)"),
      in(". ack 14601 win 0"), is(field::send_chunks, 30), never(bit::writable),
      in(". ack 14601 win 5000"), out("14601:16061(1460)"), out("16061:17521(1460)"), out("17521:18981(1460)"), in(". ack 18981 win 0"), is(field::send_chunks, 27),
      never(bit::writable), in(". ack 18981 win 1460"), out("18981:20441(1460)"), in(". ack 20441 win 0"), is(field::send_chunks, 26), expect(bit::writable),
      in(". ack 20441 win 1460"), out("20441:21901(1460)"), in(". ack 21901 win 0"), never(bit::writable),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A write that was taken whole is followed by no event") {
  static constexpr step script[] = {established_active(), write(5 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
                                    out("P. 5841:7301(1460)"), in(". ack 7301"), never(bit::writable)};
  play(script, with::no_timestamps);
}
TEST_CASE("A reservation that is committed when the quota is used up is lost, and writable follows") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), reserve(100), write(40 * 1460), commit(100).fails(tcp::send_error::would_block), in(". ack 1 win 65535"),
      out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"),
      out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)"), in(". ack 14601 win 4380"), out("14601:16061(1460)"), out("16061:17521(1460)"),
      out("17521:18981(1460)"), in(". ack 18981 win 1460"), out("18981:20441(1460)"), in(". ack 20441 win 0"), expect(bit::writable),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("send_low_water: writable comes when so many bytes find room") {
  static constexpr step script[] = {
      established_active(), send_low_water(3 * 1460), in(". ack 1 win 0"), write(41 * 1460).takes(40 * 1460), in(". ack 1 win 2920"), out("1:1461(1460)"), out("1461:2921(1460)"),
      in(". ack 2921 win 0"), is(field::send_chunks, 38), never(bit::writable), in(". ack 2921 win 1460"), out("2921:4381(1460)"), in(". ack 4381 win 0"),
      is(field::send_chunks, 37), expect(bit::writable), write(3 * 1460), write(1).fails(tcp::send_error::would_block),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("send_low_water beyond the quota waits until all of it is free, and a new mark counts at once") {
  static constexpr step script[] = {
      established_active(), send_low_water(100 * 1460), in(". ack 1 win 0"), write(41 * 1460).takes(40 * 1460), in(". ack 1 win 2920"), out("1:1461(1460)"), out("1461:2921(1460)"),
      in(". ack 2921 win 0"), never(bit::writable), send_low_water(2920), expect(bit::writable),
  };
  play(script, with::no_timestamps, policy::writing);
}
// Linux: tcp_stream_memory_free.
TEST_CASE("notsent_low_water: a send takes no more while so many bytes wait unsent") {
  static constexpr step script[] = {
      established_active(), notsent_low_water(2000), in(". ack 1 win 2920"), write(20000).takes(4920), out("1:1461(1460)"), out("1461:2921(1460)"), is(field::unsent, 2000),
      write(1).fails(tcp::send_error::would_block), reserve(1).fails(tcp::send_error::would_block), in(". ack 1461 win 2920"), out("2921:4381(1460)"), is(field::unsent, 540), expect(bit::writable),
      write(10000).takes(1460), is(field::unsent, 2000), never(bit::writable), in(". ack 4381 win 65535"), out("P. 4381:5841(1460)"), is(field::unsent, 540), expect(bit::writable), in(". ack 5841"), out("P. 5841:6381(540)"),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("notsent_low_water: what leaves at once makes room for the rest of the same write") {
  static constexpr step script[] = {
      established_active(), notsent_low_water(1460), write(5 * 1460 + 10), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"),
      is(field::unsent, 10), in(". ack 7301"), out("P. 7301:7311(10)"), never(bit::writable),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("notsent_low_water below a segment: a short send says nothing of more, and its bytes leave") {
  static constexpr step script[] = {
      established_active(), notsent_low_water(100), write(500, more).takes(100), out("P. 1:101(100)"), expect(bit::writable), write(60), is(field::unsent, 60), write(60).takes(40),
      write(1).fails(tcp::send_error::would_block), never(bit::writable), in(". ack 101"), out("P. 101:201(100)"), expect(bit::writable),
  };
  play(script, with::either, policy::writing);
}

// ---- records ----
// Linux: MSG_EOR.
TEST_CASE("Nothing is appended behind the end of a record") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(20), write_record(30), write(40), write(1), is(field::send_chunks, 3), in(". ack 11"), out("P. 11:61(50)"),
      in(". ack 61"), out("P. 61:102(41)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("A record that ends with more has no PSH, and is a segment of its own") {
  static constexpr step script[] = {
      established_active(), cork(true), write_record(100, more), write(100), cork(false), out(". 1:101(100)"), in(". ack 101"), out("P. 101:201(100)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("A record that was taken in part does not end, and a reservation ends one by its own flags") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), notsent_low_water(100), write_record(150).takes(100), notsent_low_water(0), write(50), is(field::send_chunks, 1),
      in(". ack 1 win 65535"), out("P. 1:151(150)"),
  };
  play(script, with::either, policy::writing);
}
TEST_CASE("When a chunk is cut the end of its record goes to the second part") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write_record(1460), write(10), in(". ack 1 win 1000"), at(200), out(". 1:1001(1000)"), counted(&tcp::counters::splits_for_window, 1),
      in(". ack 1001 win 65535"), out("P. 1001:1461(460)"), in(". ack 1461"), out("P. 1461:1471(10)"), counted(&tcp::counters::splits, 1), counted(&tcp::counters::splits_for_mss, 0),
  };
  play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("What is cut since segments became shorter is counted so") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 1460"), write(2920), out("1:1461(1460)"), path_mtu(1040), icmp(icmp_error_kind::packet_too_big, 1, 1040), out("1:1001(1000)"), out("1001:1461(460)"),
      in(". ack 1461 win 65535"), out("1461:2461(1000)"), in(". ack 2461"), out("2461:2921(460)"), counted(&tcp::counters::splits_for_mss, 2), counted(&tcp::counters::splits_for_window, 0),
  };
  play(script, with::no_timestamps, policy::writing);
}

// ---- gathered sends ----
TEST_CASE("Spans that one call sends are one write: one push, full segments") {
  static constexpr step script[] = {
      established_active(), gather(2000, 7), out(". 1:1461(1460)"), in(". ack 1461"), out("P. 1461:2001(540)"), in(". ack 2001"), gather(10, 1), out("P. 2001:2011(10)"),
      gather(100, 30, more), gather(20, 3), in(". ack 2011"), out("P. 2011:2131(120)"),
  };
  play(script, with::no_timestamps), play(script, with::no_timestamps, policy::writing);
}
TEST_CASE("Of gathered spans a short send takes exactly what it says") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), gather(41 * 1460, 1000).takes(40 * 1460), gather(10, 3).fails(tcp::send_error::would_block), in(". ack 1 win 1460"), out("1:1461(1460)"),
  };
  static constexpr step pool[] = {
      established_active(), chunks(2), gather(5000, 999).takes(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), chunks(all), at(1), in(". ack 2921"), expect(bit::writable),
  };
  play(script, with::no_timestamps), play(script, with::no_timestamps, policy::writing), play(pool, with::no_timestamps), play(pool, with::no_timestamps, policy::writing);
}

// ---- reservations ----
TEST_CASE("A reservation may be committed in part, and what follows is appended behind it") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), reserve(1460), commit(3, more), write(5), is(field::send_chunks, 2), in(". ack 11"), out("P. 11:19(8)"),
  };
  play(script);
}
TEST_CASE("A reservation is at most one segment") {
  static constexpr step script[] = {established_active(), reserve(1461).fails(tcp::send_error::too_big), reserve(0).fails(tcp::send_error::too_big), reserve(1460), commit(1460), out("P. 1:1461(1460)")};
  play(script, with::no_timestamps);
}
// The law of the frame: while the NIC holds a chunk nothing is appended to it.
TEST_CASE("Nothing is appended to a chunk that the NIC holds, in whichever way it is written") {
  static constexpr step script[] = {
      established_active(), no_delay(true), nic_holds(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), gather(10, 4), out("P. 21:31(10)"), reserve(100), commit(10),
      out("P. 31:41(10)"), cork(true), write(10), write(10), gather(10, 3), reserve(50), commit(10), cork(false), out("P. 41:81(40)"), in(". ack 81"), is(field::send_chunks, 0), complete(),
  };
  play(script), play(script, with::either, policy::writing);
}

}  // namespace strata::script
