// SPDX-License-Identifier: MIT
#include <strata/tcp/challenges.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace strata;

namespace {
using budget_of_64 = tcp::challenge_budget<nanoseconds64, 64>;
using moment = time_point<nanoseconds64>;
using span = strata::duration<nanoseconds64>;

struct draws {
  u64 state = 7;
  u64 operator()() { return state = state * 6364136223846793005u + 1442695040888963407u, state ^ state >> 29; }
};
u32 taken(budget_of_64& b, moment now, u32 a_second, u32 peer, draws& d) {
  u32 n = 0;
  while (n < 1000 && b.take(now, a_second, [peer](const siphash_key& k) { return siphash(k, peer); }, d)) ++n;
  return n;
}
}  // namespace

// RFC 5961 §7, and what a shared counter gave away.
TEST_CASE("Challenge ACKs of a second are limited for each group of peers, by a number that changes") {
  budget_of_64 b;
  draws d;
  u32 least = 1000, most = 0;
  for (u32 second = 0; second < 400; ++second) {
    const moment now = moment{} + span::from_ms(1000 * second);
    const u32 n = taken(b, now, 16, 0x0a000001, d);
    CHECK(taken(b, now + span::ms(999), 16, 0x0a000001, d) == 0);
    least = n < least ? n : least;
    most = n > most ? n : most;
  }
  CHECK(least == 8);  // half of what is asked for, to half more than that
  CHECK(most == 24);
}
TEST_CASE("A peer that drains its own challenge ACKs does not see those of others") {
  budget_of_64 b;
  draws d;
  u32 untouched = 0;
  (void)taken(b, {}, 16, 0x0a000001, d);
  for (u32 peer = 2; peer < 66; ++peer) untouched += b.take({}, 16, [peer](const siphash_key& k) { return siphash(k, peer); }, d);
  CHECK(untouched >= 56);  // one group of 64 is empty
}
