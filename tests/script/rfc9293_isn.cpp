// SPDX-License-Identifier: MIT
// Initial sequence numbers: RFC 9293 §3.4.1, RFC 6528 §3.
#include "player.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.4.1; MUST-8: one number in about four microseconds.
TEST_CASE("The first number of the same pair of ports follows a clock of four microseconds") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), close(), closed(close_reason::aborted), at(1000), connect(), out("S 0:0(0)"), iss_moved(247000), close(), closed(close_reason::aborted),
      at(3000), connect(), out("S 0:0(0)"), iss_moved(494000),
  };
  play(script);
}
// RFC 9293 §3.4.1; SHLD-1: F of the connection's names.
TEST_CASE("First numbers of other ports at the same moment lie far apart") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), connect().peer_is(1), out("S 0:0(0)").peer_is(1), iss_apart_from(0).peer_is(1), connect().peer_is(2), out("S 0:0(0)").peer_is(2),
      iss_apart_from(0).peer_is(2), iss_apart_from(1).peer_is(2),
  };
  static constexpr step passive[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), iss_apart_from(0).peer_is(1),
  };
  play(script), play(passive);
}
// RFC 9293 §3.4.1; MUST-9, SHLD-1: who does not have the secret cannot compute it.
TEST_CASE("The first number depends on a secret, all else being equal") {
  const variation v{.name = "", .timestamps = true, .start = 1'000'000'000'000, .peer_iss = 0x4000'0000, .peer_clock = 0x1000'0000};
  std::set<u32> numbers;
  for (u64 secrets = 1; secrets <= 20; ++secrets) {
    const u32 seq = first_numbers_over_v4(v, secrets).first;
    numbers.insert(seq);
    CHECK(first_numbers_over_v4(v, secrets).first == seq);  // nothing else is drawn
  }
  CHECK(numbers.size() == 20);
}

// RFC 7323 §5.4, §7.1; 7323-25: the time since the start cannot be read from a timestamp.
TEST_CASE("The first timestamp depends on a secret, all else being equal") {
  const variation v{.name = "", .timestamps = true, .start = 1'000'000'000'000, .peer_iss = 0x4000'0000, .peer_clock = 0x1000'0000};
  std::set<u32> stamps;
  for (u64 secrets = 1; secrets <= 20; ++secrets) stamps.insert(first_numbers_over_v4(v, secrets).second);
  CHECK(stamps.size() == 20);
}

}  // namespace strata::script
