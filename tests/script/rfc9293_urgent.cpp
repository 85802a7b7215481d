// SPDX-License-Identifier: MIT
// Urgent data: RFC 9293 §3.8.5, §3.9.1.8, §3.10.7.4 (sixth), RFC 6093. It stays in line, and the application is told where it ends. strata sends none.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.8.5, §3.9.1.8; MUST-30, MUST-32, MUST-33, MUST-47, MUST-62: the pointer names the byte behind the urgent ones.
TEST_CASE("An urgent pointer is told, and how much is left until it") {
  static constexpr step script[] = {
      established_active(), in("UP. 1:11(10) urg 4"), expect(bit::error), expect(bit::readable), is(field::urgent, 4), read(3), is(field::urgent, 1), read(1), is(field::urgent, 0),
      read(6), at(40), out(". ack 11"), never(bit::error),
  };
  play(script);
}
// RFC 9293 §3.8.5; MUST-31: of any length, in however many segments, and announced before it is here.
TEST_CASE("Urgent data may be longer than a segment and lie ahead of it") {
  static constexpr step script[] = {
      established_active(), in("U. 1:1461(1460) urg 65535"), expect(bit::error), is(field::urgent, 65535), in("U. 1461:2921(1460) urg 64075"), out(". ack 2921"),
      never(bit::error), is(field::unread, 2920), read(2920), is(field::urgent, 62615), in("2921:4381(1460)"), in("4381:5841(1460)"), out(". ack 5841"), read(2920),
      is(field::urgent, 59695),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.8.5; MUST-32: told again when the pointer advances, and not when it does not.
TEST_CASE("A pointer that advances is told again, one that repeats or goes back is not") {
  static constexpr step script[] = {
      established_active(), in("U. 1:11(10) urg 10"), expect(bit::error), in("UP. 11:21(10) urg 0"), never(bit::error), is(field::urgent, 10), in("U. 21:21(0) urg 0"),
      is(field::urgent, 20), expect(bit::error), in("U. 21:31(10) urg 30"), expect(bit::error), is(field::urgent, 50), at(40), out(". ack 31"), read(30),
      is(field::urgent, 20), in("U. 1:11(10) urg 10"), out(". ack 31"), never(bit::error),
  };
  play(script);
}
TEST_CASE("After all urgent data was read the next pointer is told") {
  static constexpr step script[] = {
      established_active(), in("UP. 1:11(10) urg 10"), expect(bit::error), read(10), is(field::urgent, 0), in("P. 11:21(10)"), is(field::urgent, 0), read(10),
      in("UP. 21:22(1) urg 1"), expect(bit::error), is(field::urgent, 1), read(1), at(40), out(". ack 22"),
  };
  play(script);
}
// RFC 9293 §3.8.5: a receiver is robust to pointers that are none.
TEST_CASE("A pointer at what was read, and one without URG, mean nothing") {
  static constexpr step script[] = {
      established_active(), in("P. 1:11(10) urg 77"), never(bit::error), is(field::urgent, 0), read(10), in("U. 11:11(0) urg 0"), in("U. 5:11(6) urg 3"), out(". ack 11"),
      never(bit::error), is(field::urgent, 0),
  };
  play(script);
}
// RFC 9293 §3.8.6, §3.10.7.4; MUST-66: with a window of zero URG and RST still count.
TEST_CASE("URG and RST count when the receive window is closed") {
#define FOUR_SEGMENTS(a, b, c, d, e) in(". " a ":" b "(1460)"), in(". " b ":" c "(1460)"), in(". " c ":" d "(1460)"), in(". " d ":" e "(1460)")
#define CLOSED_WINDOW                                                                                                                                                \
  established_active(), together(40), FOUR_SEGMENTS("1", "1461", "2921", "4381", "5841"), FOUR_SEGMENTS("5841", "7301", "8761", "10221", "11681"),                    \
      FOUR_SEGMENTS("11681", "13141", "14601", "16061", "17521"), FOUR_SEGMENTS("17521", "18981", "20441", "21901", "23361"),                                         \
      FOUR_SEGMENTS("23361", "24821", "26281", "27741", "29201"), FOUR_SEGMENTS("29201", "30661", "32121", "33581", "35041"),                                         \
      FOUR_SEGMENTS("35041", "36501", "37961", "39421", "40881"), FOUR_SEGMENTS("40881", "42341", "43801", "45261", "46721"),                                         \
      FOUR_SEGMENTS("46721", "48181", "49641", "51101", "52561"), FOUR_SEGMENTS("52561", "54021", "55481", "56941", "58401"), out(". ack 58401 win 0")
  static constexpr step bare[] = {CLOSED_WINDOW, in("U. 58401:58401(0) urg 5"), expect(bit::error), is(field::urgent, 58405)};
  static constexpr step with_data[] = {CLOSED_WINDOW, in("U. 58401:58411(10) urg 10"), out(". ack 58401 win 0"), expect(bit::error), is(field::unread, 58400), is(field::urgent, 58410)};
  static constexpr step reset[] = {CLOSED_WINDOW, in("R 58401:58401(0)"), closed(close_reason::reset)};
  static constexpr step reset_with_text[] = {CLOSED_WINDOW, in("R. 58401:58411(10)"), closed(close_reason::reset)};
  static constexpr step beyond[] = {CLOSED_WINDOW, in("R 58402:58402(0)"), in("UF. 58402:58412(10) urg 5"), out(". ack 58401 win 0"), never(bit::error), is(tcp::state::established)};
  play(bare, with::no_timestamps), play(with_data, with::no_timestamps), play(reset, with::no_timestamps), play(reset_with_text, with::no_timestamps), play(beyond, with::no_timestamps);
}
// RFC 9293 §3.8.6.1; MAY-8: whoever does not read keeps the window closed.
TEST_CASE("A window that we keep closed stays so, and every probe is answered") {
  static constexpr step script[] = {
      CLOSED_WINDOW, at(1000), in("58401:58402(1)"), out(". ack 58401 win 0"), at(100000), in(". 58400:58400(0)"), out(". ack 58401 win 0"), at(3600000), in("58401:58402(1)"),
      out(". ack 58401 win 0"), is(tcp::state::established), is(field::unread, 58400),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("URG with the peer's FIN, and behind it") {
  static constexpr step script[] = {
      established_active(), in("UFP. 1:11(10) urg 10"), out(". ack 12"), expect(bit::error), is(field::urgent, 10), read(10), expect(bit::peer_closed), in("U. 12:12(0) urg 9"),
      never(bit::error), is(field::urgent, 0), is(tcp::state::close_wait),
  };
  play(script);
}
TEST_CASE("After close() nobody is told of urgent data") {
  static constexpr step script[] = {established_active(), close(), out("F. 1:1(0)"), in("U. 1:1(0) urg 9"), never(bit::error), in("F. 1:1(0) ack 2"), out(". ack 2"), closed(close_reason::orderly)};
  play(script);
}

}  // namespace strata::script
