// SPDX-License-Identifier: MIT
// Small segments: RFC 9293 §3.7.4, appendix A.3 (Minshall), §3.9.1.2 (PUSH). Nagle's rule: rfc9293_send.cpp.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 appendix A.3; SHLD-7.
TEST_CASE("With Minshall's variant a small segment leaves while only full ones are unacknowledged") {
  static constexpr step script[] = {established_active(), write(2000), out(". 1:1461(1460)"), out("P. 1461:2001(540)"), in(". ack 1461"), write(1460), out("P. 2001:3461(1460)")};
  play(script, with::either, policy::minshall);
}
TEST_CASE("With Minshall's variant a small segment waits for the small one before it") {
  static constexpr step script[] = {
      established_active(), write(10), out("P. 1:11(10)"), write(10), is(tcp::limited_by::coalescing), write(20), at(100), in(". ack 11"), out("P. 11:41(30)"), in(". ack 41"),
      write(5), out("P. 41:46(5)"),
  };
  play(script, with::either, policy::minshall);
}
// RFC 9293 §3.7.4; MUST-17.
TEST_CASE("With Minshall's variant, too, no_delay lets everything out") {
  static constexpr step script[] = {established_active(), write(10), out("P. 1:11(10)"), write(10), no_delay(true), out("P. 11:21(10)"), write(1), out("P. 21:22(1)")};
  play(script, with::either, policy::minshall);
}
// RFC 9293 §3.7.4; MUST-17: of one connection, and not of its neighbours.
TEST_CASE("no_delay is an option of one connection") {
  static constexpr step script[] = {
      established_active(), established_active().peer_is(1), no_delay(true), write(10), out("P. 1:11(10)"), write(10), out("P. 11:21(10)"), write(10).peer_is(1),
      out("P. 1:11(10)").peer_is(1), write(10).peer_is(1), is(tcp::limited_by::coalescing).peer_is(1), in(". ack 11").peer_is(1), out("P. 11:21(10)").peer_is(1),
  };
  play(script);
}
// RFC 9293 §3.9.1.2; MUST-60, MUST-61: what was written with `more` has no push, and leaves all the same.
TEST_CASE("What more held back leaves without PSH, and the next write ends with it") {
  static constexpr step script[] = {
      established_active(), write(100, more), at(200), out(". 1:101(100)"), in(". ack 101"), write(100, more), write(50), out("P. 101:251(150)"),
  };
  play(script);
}
// RFC 9293 §3.9.1.2; SHLD-28: whatever sizes it was written in.
TEST_CASE("Writes of any size leave in full segments while there is enough of them") {
  static constexpr step script[] = {
      established_active(), write(1000, more), write(1000, more), out(". 1:1461(1460)"), write(1000, more), out(". 1461:2921(1460)"), in(". ack 2921"), write(1), out("P. 2921:3002(81)"),
  };
  play(script);
}
// RFC 9293 §3.9.1.4: CLOSE pushes.
TEST_CASE("close() lets go what more held back, with FIN") {
  static constexpr step script[] = {established_active(), write(100, more), close(), out("F. 1:101(100)"), in("F. 1:1(0) ack 102"), out(". ack 2"), closed(close_reason::orderly)};
  play(script);
}

}  // namespace strata::script
