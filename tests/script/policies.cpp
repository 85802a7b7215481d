// SPDX-License-Identifier: MIT
// Policies of ACKs and of small segments: RFC 9293 §3.8.6.3, §3.7.4; RFC 5681 §4.2; Linux: tcp_in_quickack_mode, tcp_minshall_check.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// Linux: tcp_enter_quickack_mode.
TEST_CASE("adaptive_acks: the first segments are acknowledged at once") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:101(100)"), out(". ack 101"), read(100), at(10), in("P. 101:201(100)"), out(". ack 201"), read(100),
  };
  play(script, with::either, policy::adaptive);
}
#define SIXTEEN_AT_ONCE \
  in("P. 1:2(1)"), out(". ack 2"), in("P. 2:3(1)"), out(". ack 3"), in("P. 3:4(1)"), out(". ack 4"), in("P. 4:5(1)"), out(". ack 5"), \
  in("P. 5:6(1)"), out(". ack 6"), in("P. 6:7(1)"), out(". ack 7"), in("P. 7:8(1)"), out(". ack 8"), in("P. 8:9(1)"), out(". ack 9"), \
  in("P. 9:10(1)"), out(". ack 10"), in("P. 10:11(1)"), out(". ack 11"), in("P. 11:12(1)"), out(". ack 12"), in("P. 12:13(1)"), out(". ack 13"), \
  in("P. 13:14(1)"), out(". ack 14"), in("P. 14:15(1)"), out(". ack 15"), in("P. 15:16(1)"), out(". ack 16"), in("P. 16:17(1)"), out(". ack 17")
TEST_CASE("adaptive_acks: at most sixteen leave at once") {
  static constexpr step script[] = {
      established_passive(), SIXTEEN_AT_ONCE,
      in("P. 17:18(1)"), at(39), at(40), out(". ack 18"),
  };
  play(script, with::either, policy::adaptive);
}
TEST_CASE("adaptive_acks: after an idle time data is acknowledged at once again") {
  static constexpr step script[] = {
      established_passive(), SIXTEEN_AT_ONCE,
      at(30), in("P. 17:18(1)"), at(80), out(". ack 18"), at(5000), in("P. 18:19(1)"), out(". ack 19"),
  };
  play(script, with::either, policy::adaptive);
}

TEST_CASE("adaptive_acks: idle is longer than the retransmission timeout") {
  static constexpr step just[] = {established_passive(), is(field::rto_ms, 200), SIXTEEN_AT_ONCE, at(200), in("P. 17:18(1)"), at(239), at(240), out(". ack 18")};
  static constexpr step longer[] = {established_passive(), SIXTEEN_AT_ONCE, at(201), in("P. 17:18(1)"), out(". ack 18")};
  play(just, with::either, policy::adaptive), play(longer, with::either, policy::adaptive);
}

// RFC 5681 §4.2.
TEST_CASE("adaptive_acks: behind those every second full segment is acknowledged at once, a lone one later") {
  static constexpr step script[] = {
      established_passive(), SIXTEEN_AT_ONCE, at(10), in(". 17:1477(1460)"), in(". 1477:2937(1460)"), out(". ack 2937"), in(". 2937:4397(1460)"), at(49), at(50), out(". ack 4397"),
  };
  play(script, with::no_timestamps, policy::adaptive);
}

TEST_CASE("every_nth_ack: the fourth full segment is acknowledged at once, fewer wait 40 ms") {
  static constexpr step script[] = {
      established_passive(), in(". 1:1461(1460)"), in(". 1461:2921(1460)"), in(". 2921:4381(1460)"), in(". 4381:5841(1460)"), out(". ack 5841"),
      in(". 5841:7301(1460)"), at(39), at(40), out(". ack 7301"),
  };
  play(script, with::no_timestamps, policy::minshall);
}
// Minshall: only an earlier small segment holds a small one back.
TEST_CASE("minshall: a small segment may follow full ones that are not acknowledged") {
  static constexpr step script[] = {
      established_active(), write(1460 + 10), out(". 1:1461(1460)"), out("P. 1461:1471(10)"), write(10), is(tcp::limited_by::coalescing), in(". ack 1461"),
      in(". ack 1471"), out("P. 1471:1481(10)"),
  };
  play(script, with::no_timestamps, policy::minshall);
}
// RFC 9293 §3.7.4; SHLD-7.
TEST_CASE("nagle: a small segment waits while anything is unacknowledged") {
  static constexpr step script[] = {
      established_active(), write(1460 + 10), out(". 1:1461(1460)"), is(tcp::limited_by::coalescing), in(". ack 1461"), out("P. 1461:1471(10)"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.7.4; MUST-17.
TEST_CASE("nagle: no_delay lets every write leave at once") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10, more), write(5), out("P. 21:36(15)"),
  };
  play(script);
}
TEST_CASE("none: every write leaves at once, and more holds a short one back") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10, more), write(10), out("P. 21:41(20)"),
  };
  play(script, with::either, policy::immediate);
}

// Linux: TCP_CORK.
TEST_CASE("cork holds small segments back until it is pulled, whatever the policy") {
  static constexpr step script[] = {
      established_active(), cork(true), write(10), write(20), is(tcp::limited_by::coalescing), cork(false), out("P. 1:31(30)"), in(". ack 31"), write(10), out("P. 31:41(10)"),
  };
  play(script), play(script, with::either, policy::immediate), play(script, with::either, policy::minshall);
}
TEST_CASE("cork lets full segments out without PSH, and the rest with it when it is pulled") {
  static constexpr step script[] = {
      established_active(), cork(true), write(1460 + 100), out(". 1:1461(1460)"), cork(false), is(tcp::limited_by::coalescing), in(". ack 1461"), out("P. 1461:1561(100)"),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("What a cork holds back waits no longer than a retransmission timeout, and close() pulls it") {
  static constexpr step late[] = {established_active(), cork(true), write(10), at(199), at(200), out(". 1:11(10)"), in(". ack 11"), write(5), cork(false), out("P. 11:16(5)")};
  static constexpr step closes[] = {established_active(), cork(true), write(10), close(), out("F. 1:11(10)")};
  play(late), play(closes);
}

}  // namespace strata::script
