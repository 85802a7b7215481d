// SPDX-License-Identifier: MIT
// NewReno: partial and full acknowledgments of fast recovery, RFC 6582 §3.2.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 6582 §3.2 (3): the next hole at once, one for each round trip; the window deflates by what was acknowledged and gets one segment back.
// 6582-4, 6582-5.
TEST_CASE("A partial ACK resends the next hole") {
  static constexpr step script[] = {
      established_active(100), write(8760), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("P. 7301:8761(1460)"), at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"),
      is(field::ssthresh, 4380), is(field::cwnd, 8760), at(300), in(". ack 2921"), out("2921:4381(1460)"), is(field::cwnd, 7300),
      is(field::in_recovery, 1), at(400), in(". ack 8761"), is(field::in_recovery, 0), is(field::cwnd, 2920),
      at(5000),
  };
  play(script);
}
// 6582-5.
TEST_CASE("A partial ACK of less than a segment gives nothing back") {
  static constexpr step script[] = {
      established_active(100), write(8760), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("P. 7301:8761(1460)"), at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"),
      at(300), in(". ack 1001"), is(field::cwnd, 7760), out("1001:1461(460)"),
  };
  play(script);
}

// RFC 6582 §3.2 (3): min(ssthresh, max(FlightSize, SMSS) + SMSS) (6582-3, 5681-18, 5681-22).
TEST_CASE("A full ACK ends recovery without a burst") {
  static constexpr step script[] = {
      established_active(100), write(14600 + 2920), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"),
      out("13141:14601(1460)"), at(200), in(". ack 1"), out("14601:16061(1460)"), in(". ack 1"), out("P. 16061:17521(1460)"), in(". ack 1"),
      out("1:1461(1460)"), at(300), in(". ack 17521"), is(field::cwnd, 2920), is(field::ssthresh, 7300), is(field::unacked, 0),
  };
  play(script);
}

// RFC 6582 §3.2 (2): duplicates of what was sent before recovery find no second loss (6582-2).
TEST_CASE("Duplicate ACKs that cover no more than recover do not start recovery again") {
  static constexpr step script[] = {
      established_active(100), write(8760), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"),
      out("5841:7301(1460)"), out("P. 7301:8761(1460)"), at(400), out("1:1461(1460)"), at(410), in(". ack 8761"),
      at(420), write(4380), out("8761:10221(1460)"), out("10221:11681(1460)"), in(". ack 8761"), out("P. 11681:13141(1460)"), in(". ack 8761"),
      in(". ack 8761"), in(". ack 8761"), counted(&tcp::counters::fast_retransmits, 0),
  };
  play(script);
}
TEST_CASE("Behind recover three duplicate ACKs start recovery again") {
  static constexpr step script[] = {
      established_active(100), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), in(". ack 4381"), write(2920), out("4381:5841(1460)"),
      out("P. 5841:7301(1460)"), at(300), in(". ack 7301"), write(2920), out("7301:8761(1460)"), out("P. 8761:10221(1460)"), in(". ack 7301"),
      in(". ack 7301"), in(". ack 7301"), out("7301:8761(1460)"), counted(&tcp::counters::fast_retransmits, 2),
  };
  play(script);
}

// RFC 6582 §3.2 (4): a timeout ends recovery (6582-7).
TEST_CASE("A timeout in recovery goes back to slow start from the first hole") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), at(500), out("1:1461(1460)"), is(field::cwnd, 1460), in(". ack 1"),
      in(". ack 1"), in(". ack 1"), at(600), in(". ack 5841"), is(field::in_recovery, 0),
  };
  play(script);
}

// RFC 5681 §3.2 (4): each further duplicate stands for a segment that left the network (5681-20, 5681-21).
TEST_CASE("In recovery further duplicates let new data out") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), is(field::cwnd, 7300), write(2920), out("5841:7301(1460)"),
      in(". ack 1"), out("P. 7301:8761(1460)"),
  };
  play(script);
}

// RFC 6582 §3.2: recover begins with the initial number (6582-1).
TEST_CASE("The first window of a passive open recovers by duplicate ACKs too") {
  static constexpr step script[] = {
      established_passive(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), is(field::in_recovery, 1), in(". ack 5841"), is(field::in_recovery, 0),
  };
  play(script);
}

// RFC 6582 §3.2: after a timeout duplicates count for nothing until recover is acknowledged.
TEST_CASE("Duplicate ACKs after a timeout neither resend nor open the window") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      at(400), out("1:1461(1460)"), in(". ack 1"), in(". ack 1"), in(". ack 1"), in(". ack 1"), is(field::cwnd, 1460), counted(&tcp::counters::fast_retransmits, 0),
      at(500), in(". ack 1461"), out("1461:2921(1460)"), out("2921:4381(1460)"), in(". ack 1461"), in(". ack 1461"), in(". ack 1461"), is(field::cwnd, 2920),
  };
  play(script);
}

// RFC 6582 §3.2 (3), §4; 6582-6.
TEST_CASE("A partial ACK starts the retransmission timer again") {
  static constexpr step script[] = {
      established_active(100), write(8760), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"),
      out("P. 7301:8761(1460)"), at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), at(400), in(". ack 1461"), out("1461:2921(1460)"),
      is(field::in_recovery, 1), at(600), in(". ack 2921"), out("2921:4381(1460)"), at(700), in(". ack 8761"), is(field::in_recovery, 0), counted(&tcp::counters::timeouts, 0),
  };
  play(script, with::no_timestamps);
}
// RFC 6582 §3.2 (2); 6582-2: ssthresh is left alone, too.
TEST_CASE("Duplicate ACKs that find no second loss leave ssthresh alone") {
  static constexpr step script[] = {
      established_active(100), write(8760), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"),
      out("P. 7301:8761(1460)"), at(400), out("1:1461(1460)"), is(field::ssthresh, 4380), at(410), in(". ack 8761"), write(2920), out("8761:10221(1460)"), out("P. 10221:11681(1460)"),
      in(". ack 8761"), in(". ack 8761"), in(". ack 8761"), is(field::ssthresh, 4380), is(field::in_recovery, 0),
  };
  play(script);
}

}  // namespace strata::script
