// SPDX-License-Identifier: MIT
// How many bytes may be in a driver's ring: more when it ran empty, fewer when some never left.
#include <strata/qdisc/byte_limit.hpp>

#include "qdisc_frames.hpp"

namespace {

using namespace strata;
using namespace strata::qdisc_test;

using limit = qdisc::byte_limit_of<qdisc::byte_limit_options{.least = 3'000, .most = 50'000, .hold_ms = 100}>::of<config>;
static_assert(limit::is_limited && !qdisc::no_byte_limit::of<config>::is_limited && std::is_empty_v<qdisc::no_byte_limit::of<config>>);

/// Fills the ring as far as it goes; how many bytes went.
u32 fill(limit& l, u32 frame = 1'000) {
  u32 n = 0;
  for (; l.may_send(); n += frame) l.sent(frame);
  l.held_back();
  return n;
}

TEST_CASE("any frame may leave an empty ring, and what goes over the limit is the last") {
  limit l;
  CHECK(l.limit() == 3'000);
  CHECK(l.may_send());
  l.sent(9'000);
  CHECK_FALSE(l.may_send());
  CHECK(l.in_flight() == 9'000);
}

TEST_CASE("a ring that runs empty while something is held back gets more, up to a bound; one that does not, gets nothing") {
  limit l;
  for (u32 before = l.limit(), i = 0; i < 3; ++i, before = l.limit()) {
    const u32 n = fill(l);
    l.completed(n);
    CHECK(l.limit() == before + n);
  }
  for (int i = 0; i < 40; ++i) l.completed(fill(l));
  CHECK(l.limit() == 50'000);
  limit idle;
  for (int i = 0; i < 40; ++i) idle.sent(1'000), idle.completed(1'000);
  CHECK(idle.limit() == 3'000);
  for (int i = 0; i < 40; ++i) {
    (void)fill(idle);
    idle.completed(1'000);  // there is always something left: it was not starved
    CHECK(idle.limit() == 3'000);
  }
}

TEST_CASE("what never left the ring for as long as slack must last, was of no use; it never goes below the least") {
  limit l;
  while (l.limit() < 40'000) l.completed(fill(l));
  const u32 grown = l.limit();
  u64 now = 0;
  l.at({now});
  l.completed(fill(l) - 20'000);  // 20,000 are left
  for (; now < 99 * ms; now += ms) {
    l.at({now});
    l.sent(5'000);
    l.completed(5'000);
    CHECK(l.limit() == grown);
  }
  l.at({now = 400 * ms});
  l.sent(5'000);
  l.completed(5'000);
  CHECK(l.limit() == grown - 20'000);
  l.sent(5'000);
  l.completed(5'000);
  CHECK(l.limit() == grown - 20'000);  // what is of no use is looked for anew
  (void)fill(l);
  l.at({now += 50 * ms});
  l.completed(l.in_flight());  // it ran empty: from here on
  const u32 more = l.limit();
  CHECK(more > grown - 20'000);
  l.at({now += 99 * ms});
  l.sent(25'000);
  l.completed(5'000);
  CHECK(l.limit() == more);
  l.at({now += 1 * ms});
  l.sent(5'000);
  l.completed(5'000);
  CHECK(l.limit() == more - 20'000);
  limit small;
  small.at({0});
  small.sent(100'000);
  small.completed(1'000);
  small.at({200 * ms});
  small.completed(1'000);
  CHECK(small.limit() == 3'000);
}

TEST_CASE("a ring of which each turn takes a fixed number of bytes ends with a limit near that number, and is never starved again") {
  for (const u32 a_turn : {4'000u, 12'000u, 30'000u}) {
    limit l;
    u32 in_ring = 0, starved = 0;
    for (u64 turn = 0; turn < 20'000; ++turn) {
      l.at({turn * ms});
      in_ring += fill(l);
      const u32 done = in_ring < a_turn ? in_ring : a_turn;
      if (turn > 10'000 && done < a_turn) ++starved;
      in_ring -= done;
      l.completed(done);
    }
    INFO(a_turn << " bytes a turn: " << l.limit());
    CHECK(starved < 200);  // it tries less now and then
    CHECK(l.limit() >= a_turn - 1'000);
    CHECK(l.limit() <= 3 * a_turn);
  }
}

TEST_CASE("more than what is in flight does not come back, and clear forgets it") {
  limit l;
  l.sent(2'000);
  l.completed(5'000);
  CHECK(l.in_flight() == 0);
  (void)fill(l);
  l.clear();
  CHECK(l.in_flight() == 0);
  CHECK(l.may_send());
}

}  // namespace
