// SPDX-License-Identifier: MIT
// Congestion control when ACKs come many at a time, as a NIC hands them over: RFC 5681 §3.1 counts each of them.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define TEN_SEGMENTS                                                                                                                          \
  out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), \
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)")

// The window was full when the first of them came, and nothing could leave between them: less in flight is no sign of an idle application (RFC 7661 §4.1).
TEST_CASE("Ten ACKs in one poll open the window as ten polls of one do") {
  static constexpr step script[] = {
      established_active(100), write(43800), TEN_SEGMENTS, is(tcp::limited_by::congestion_window),
      at(200), together(10), in(". ack 1461"), in(". ack 2921"), in(". ack 4381"), in(". ack 5841"), in(". ack 7301"), in(". ack 8761"), in(". ack 10221"),
      in(". ack 11681"), in(". ack 13141"), in(". ack 14601"),
      out("14601:16061(1460)"), out("16061:17521(1460)"), out("17521:18981(1460)"), out("18981:20441(1460)"), out("20441:21901(1460)"), out("21901:23361(1460)"),
      out("23361:24821(1460)"), out("24821:26281(1460)"), out("26281:27741(1460)"), out("27741:29201(1460)"), out("29201:30661(1460)"), out("30661:32121(1460)"),
      out("32121:33581(1460)"), out("33581:35041(1460)"), out("35041:36501(1460)"), out("36501:37961(1460)"), out("37961:39421(1460)"), out("39421:40881(1460)"),
      out("40881:42341(1460)"), out("P. 42341:43801(1460)"), is(field::cwnd, 29200),
  };
  play(script);
}
// RFC 5681 §3.2 (2) with equation (4): half of the 13 segments that are outstanding once the three ACKs have let out six, but for the two of limited transmit.
TEST_CASE("New ACKs and duplicates in one poll halve the window that was full, not what the batch left over") {
  static constexpr step script[] = {
      established_active(100), write(43800), TEN_SEGMENTS,
      at(200), together(6), in(". ack 1461"), in(". ack 2921"), in(". ack 4381"), in(". ack 4381"), in(". ack 4381"), in(". ack 4381"),
      out("14601:16061(1460)"), out("16061:17521(1460)"), out("17521:18981(1460)"), out("18981:20441(1460)"), out("20441:21901(1460)"), out("21901:23361(1460)"),
      out("23361:24821(1460)"), out("24821:26281(1460)"), out("4381:5841(1460)"), is(field::ssthresh, 9490), is(field::cwnd, 9490 + 3 * 1460),
  };
  play(script);
}
// And where the application is what stops, they do not.
TEST_CASE("ACKs that come together do not open a window that the application does not fill") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"),
      is(tcp::limited_by::application), at(200), together(4), in(". ack 1461"), in(". ack 2921"), in(". ack 4381"), in(". ack 5841"), is(field::cwnd, 14600),
  };
  play(script);
}

}  // namespace strata::script
