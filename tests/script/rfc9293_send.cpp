// SPDX-License-Identifier: MIT
// Sending: RFC 9293 §3.7.4 (Nagle), §3.9.1.2 (PUSH), §3.8.6.1 (closed windows), §3.8.6.2.1 (silly windows of the sender).
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.9.1.2 (MUST-61): PSH ends what was written (SHLD-28).
TEST_CASE("PSH is set at the end of each write and nowhere else") {
  static constexpr step script[] = {
      established_active(), write(4000), out(". 1:1461(1460)"), out(". 1461:2921(1460)"),
      at(10), in(". ack 2921"), out("P. 2921:4001(1080)"), in(". ack 4001"),
  };
  static constexpr step exact[] = {established_active(), write(2920), out(". 1:1461(1460)"), out("P. 1461:2921(1460)")};
  play(script), play(exact);
}

// RFC 9293 §3.7.4 (SHLD-7, SHLD-27, MAY-16).
TEST_CASE("A small segment waits while anything is unacknowledged") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(20), write(30), is(tcp::limited_by::coalescing), is(field::unsent, 50),
      at(100), in(". ack 11"), out("P. 11:61(50)"), write(1460), out("61:1521(1460)"), at(150), in(". ack 1521"), write(1), out("P. 1521:1522(1)"),
  };
  play(script);
}
// SHLD-7.
TEST_CASE("The end of a write waits as any small segment does") {
  static constexpr step script[] = {
      established_active(), write(2000), out(". 1:1461(1460)"), is(tcp::limited_by::coalescing),
      at(10), in(". ack 1461"), out("P. 1461:2001(540)"),
  };
  play(script);
}
// SHLD-7, SHLD-27, SHLD-28.
TEST_CASE("Small writes become a full segment while they wait") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(700), write(700), write(100), out("11:1471(1460)"), is(field::unsent, 40),
      at(10), in(". ack 1471"), out("P. 1471:1511(40)"),
  };
  play(script);
}
// MUST-17.
TEST_CASE("no_delay lets small segments out at once, and what waited too") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(20), no_delay(true), out("P. 11:31(20)"), write(5), out("P. 31:36(5)"),
      no_delay(false), write(6), at(10), in(". ack 36"), out("P. 36:42(6)"),
  };
  play(script);
}
TEST_CASE("Without coalescing every write leaves at once") {
  static constexpr step script[] = {established_active(), write(10), out("P. 1:11(10)"), write(20), out("P. 11:31(20)")};
  play(script, with::either, policy::immediate);
}
// RFC 9293 §3.7.4: what was written in place waits and leaves as what was written with send().
TEST_CASE("Small commits wait together and leave together") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), reserve(100), commit(100), reserve(100), commit(100), reserve(100), commit(100),
      is(field::unsent, 300), is(field::send_chunks, 2), is(tcp::limited_by::coalescing), at(10), in(". ack 11"), out("P. 11:311(300)"),
      reserve(700), commit(700), reserve(700), commit(700), is(field::send_chunks, 2), reserve(100), commit(100), is(field::send_chunks, 3),
      out("P. 311:1711(1400)"), at(20), in(". ack 1711"), out("P. 1711:1811(100)"),
  };
  play(script);
}

// Linux: MSG_MORE (MAY-15, MAY-16).
TEST_CASE("more holds a short segment back until the next write") {
  static constexpr step script[] = {established_active(), write(100, more), is(tcp::limited_by::coalescing), write(100), out("P. 1:201(200)")};
  play(script);
}
TEST_CASE("more lets full segments go, without PSH") {
  static constexpr step script[] = {
      established_active(), write(1500, more), out(". 1:1461(1460)"), at(10), in(". ack 1461"), write(10), out("P. 1461:1511(50)"),
  };
  play(script);
}
// RFC 9293 §3.8.6.2.1, (4): nothing waits for ever (MUST-60, 1122-1).
TEST_CASE("What more holds back leaves after a timeout") {
  static constexpr step script[] = {established_active(), write(100, more), at(199), at(200), out("1:101(100)")};
  play(script);
}
TEST_CASE("shutdown() lets go what more held back") {
  static constexpr step script[] = {established_active(), write(100, more), shutdown(), out("F. 1:101(100)")};
  play(script);
}

// RFC 9293 §3.10.2.
TEST_CASE("Writes after shutdown() and to closed connections fail by name") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), write(1).fails(tcp::send_error::closed), reserve(1).fails(tcp::send_error::closed),
      in("F. 1:1(0) ack 2"), out(". ack 2"), closed(close_reason::orderly), write(1).fails(tcp::send_error::stale),
  };
  play(script);
}

// RFC 9293 §3.8.6.1 (MUST-35, MUST-36, MUST-37), RFC 6429: for ever, as long as the peer answers (SHLD-29, SHLD-30, 6429-1).
TEST_CASE("A closed window is probed with doubled intervals, for as long as the probes are answered") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1000), is(tcp::limited_by::receive_window),
      at(200), out(". 0:0(0) ack 1"), in(". ack 1 win 0"), at(600), out(". 0:0(0) ack 1"), in(". ack 1 win 0"),
      at(1400), out(". 0:0(0) ack 1"), in(". ack 1 win 0"), at(3000), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(6200), out(". 0:0(0)"), in(". ack 1 win 0"), at(12600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(25400), out(". 0:0(0)"), in(". ack 1 win 0"), at(51000), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(102200), out(". 0:0(0)"), in(". ack 1 win 0"), at(204600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(324600), out(". 0:0(0)"), in(". ack 1 win 0"), at(444600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(564600), out(". 0:0(0)"), in(". ack 1 win 0"), at(684600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(804600), out(". 0:0(0)"), in(". ack 1 win 0"), at(924600), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(1044600), out(". 0:0(0)"), in(". ack 1 win 0"), at(1164600), out(". 0:0(0)"), in(". ack 1 win 2000"), out("P. 1:1001(1000)"),
      is(tcp::state::established), counted(&tcp::counters::zero_window_probes, 18),
  };
  play(script);
}
TEST_CASE("Probes that nobody answers end the connection") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(1), at(200), out(". 0:0(0)"), at(600), out(". 0:0(0)"),
      at(1400), out(". 0:0(0)"), at(3000), out(". 0:0(0)"), at(6200), out(". 0:0(0)"), at(12600), out(". 0:0(0)"),
      at(25400), out(". 0:0(0)"), at(51000), out(". 0:0(0)"), at(102200), out(". 0:0(0)"),
      at(204600), out(". 0:0(0)"), at(324600), out(". 0:0(0)"), at(444600), out(". 0:0(0)"),
      at(564600), out(". 0:0(0)"), at(684600), out(". 0:0(0)"), at(804600), out(". 0:0(0)"), never(bit::closed),
      at(924610), closed(close_reason::timed_out),
  };
  play(script);
}
TEST_CASE("A window that opens lets data out and forgets the doubled interval") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), write(3000), at(200), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(600), out(". 0:0(0)"), in(". ack 1 win 1460"), out("1:1461(1460)"), at(700), in(". ack 1461 win 0"), is(field::unsent, 1540),
      at(912), out(". 1460:1460(0)"),
  };
  play(script);
}
TEST_CASE("FIN alone waits for a closed window too, and the window is probed") {
  static constexpr step script[] = {
      established_active(), in(". ack 1 win 0"), shutdown(), at(200), out(". 0:0(0)"), in(". ack 1 win 0"),
      at(600), out(". 0:0(0)"), in(". ack 1 win 1"), out("F. 1:1(0)"), in(". ack 2 win 0"), is(tcp::state::fin_wait_2),
  };
  play(script);
}

// RFC 9293 §3.8.6.2.1 (MUST-38): full segments, or half of the largest window.
TEST_CASE("A sender does not fill a silly window") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 2920"), out(". ack 1"), write(10000), out("1:1461(1460)"), out("1461:2921(1460)"),
      at(100), in(". ack 2921 win 500"), is(tcp::limited_by::receive_window), at(110), in(". ack 2921 win 1000"),
      at(120), in(". ack 2921 win 1459"), at(130), in(". ack 2921 win 1460"), out("2921:4381(1460)"),
  };
  play(script);
}
// MUST-38.
TEST_CASE("Half of the largest window is worth a segment") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 1000"), out(". ack 1"), write(5000), out("1:1001(1000)"),
      at(100), in(". ack 1001 win 499"), at(110), in(". ack 1001 win 500"), out("1001:1461(460)"),
      at(120), in(". ack 1461 win 1000"), out("1461:2461(1000)"),
  };
  play(script);
}
// RFC 9293 §3.8.6.2.1, (4): the override timeout (1122-1).
TEST_CASE("A silly window is used after a timeout") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 2920"), out(". ack 1"), write(10000), out("1:1461(1460)"), out("1461:2921(1460)"),
      in(". ack 2921 win 500"), at(199), at(200), out("2921:3421(500)"), in(". ack 3421 win 500"),
      at(400), out("3421:3921(500)"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: SND.WL1 says which segment brought the window.
TEST_CASE("Data that comes late does not bring back the window of its time") {
  static constexpr step script[] = {
      established_active(), in(". 101:101(0) ack 1 win 4380"), in(". 1:101(100) ack 1 win 1460"), write(2920), out(". 1:1461(1460) ack 101"), out("P. 1461:2921(1460)"),
  };
  play(script);
}

// RFC 9293 §3.8.6 (SHLD-15, MUST-34): what was sent before the window shrank is sent again all the same (SHLD-15, SHLD-16).
TEST_CASE("A window that shrinks stops new data and nothing else") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), in(". ack 1 win 1000"), write(10),
      at(200), out("1:1461(1460)"), at(210), in(". ack 2921 win 1000"), out("P. 2921:2931(10)"),
  };
  play(script);
}

// The send queue is bounded in chunks, and writable follows a short write.
TEST_CASE("A write that does not fit is cut short, and writable follows when half is free") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 0"), out(". ack 1"), write(60000).takes(58400),
      write(1).fails(tcp::send_error::would_block), is(field::send_chunks, 40), in(". ack 1 win 14600"), out("1:1461(1460)"), out("1461:2921(1460)"),
      out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"),
      out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)"), never(bit::writable), in(". ack 14601 win 14600"),
      out("14601:16061(1460)"), out("16061:17521(1460)"), out("17521:18981(1460)"), out("18981:20441(1460)"), out("20441:21901(1460)"),
      out("21901:23361(1460)"), out("23361:24821(1460)"), out("24821:26281(1460)"), out("26281:27741(1460)"), out("27741:29201(1460)"),
      never(bit::writable), in(". ack 29201 win 0"), expect(bit::writable), write(1), never(bit::closed),
      at(50), in("R 1:1(0)"), closed(close_reason::reset),
  };
  play(script);
}

// Written in place: no copy, and the same segments.
TEST_CASE("reserve and commit send what was written in place") {
  static constexpr step script[] = {
      established_active(), reserve(1460), commit(1000), out("P. 1:1001(1000)"), in(". ack 1001"), reserve(500), commit(500, more),
      is(tcp::limited_by::coalescing), reserve(100), commit(0), write(10), out("1001:1511(510)"),
  };
  static constexpr step errors[] = {
      established_active(), reserve(0).fails(tcp::send_error::too_big), reserve(1461).fails(tcp::send_error::too_big), reserve(1460), close(),
      out("F. 1:1(0)"), commit(1).fails(tcp::send_error::closed),
  };
  static constexpr step longer[] = {established_active(), reserve(100), commit(101).fails(tcp::send_error::too_big), is(field::send_chunks, 0)};
  play(script), play(errors), play(longer);
}
TEST_CASE("An echo sends the view of what is unread") {
  static constexpr step script[] = {
      established_active(), in("P. 1:1001(1000)"), in("P. 1001:2001(1000)"), echo(), out("1:1461(1460) ack 2001"), is(field::unread, 0),
      in(". ack 1461"), out("P. 1461:2001(540)"),
  };
  play(script);
}

}  // namespace strata::script
