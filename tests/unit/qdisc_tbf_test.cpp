// SPDX-License-Identifier: MIT
// A token bucket in virtual time: its rate, its burst, and what it says of when to ask again.
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>

#include "qdisc_frames.hpp"

namespace {

using namespace strata;
using namespace strata::qdisc_test;

template <u64 Rate, u32 Burst, u32 Limit = 100> using bucket = qdisc::tbf_of<qdisc::tbf_options{.rate = Rate, .burst = Burst}, qdisc::fifo_of<Limit>>;
static_assert(qdisc::timed<bucket<1, 1>::of<config>>);
static_assert(!bucket<1, 1>::of<config>::reads_headers && qdisc::tbf<qdisc::prio<qdisc::fifo>>::of<config>::reads_headers);
static_assert(qdisc::timed<bucket<1, 1>::of<config_of<milliseconds32>>, time_point<milliseconds32>>);

TEST_CASE("tbf lets a burst out at once and then holds its rate to one per cent, whatever the length of the frames") {
  for (const u32 length : {64u, 600u, 1514u}) {
    INFO(length << " bytes");
    pool_of<64> pool;
    bucket<1'000'000, 10'000>::of<config> q;
    u64 now = 5 * second, bytes = 0, in_the_first = 0;
    const u64 begin = now;
    serve(pool, q, 1'000'000'000, now, begin + 10 * second, [&](u64) { while (q.size() < 20) put(pool, q, {.length = length}, now); },
          [&](const packet& p, u64 at) {
            bytes += p.size();
            if (at < begin + 100 * us) in_the_first += p.size();
          });
    CHECK(bytes >= 9'900'000);
    CHECK(bytes <= 10'000'000 + 10'000);
    CHECK(in_the_first > 10'000 - length);
    CHECK(in_the_first <= 10'000 + 100);
    q.clear(pool.chunks);
    CHECK(q.size() == 0);
  }
}

TEST_CASE("tbf never lets more out in any span of time than the burst and what the rate gives") {
  pool_of<64> pool;
  bucket<250'000, 3'000>::of<config> q;
  std::vector<std::pair<u64, u64>> out;  // when, bytes until then
  u64 now = 0, bytes = 0;
  serve(pool, q, 100'000'000, now, 3 * second, [&](u64 at) {
    if (at / (100 * ms) % 3 != 2) while (q.size() < 10) put(pool, q, {.length = 300 + static_cast<u32>(at / us % 900)}, at);  // with pauses
  }, [&](const packet& p, u64 at) { out.emplace_back(at, bytes += p.size()); });
  REQUIRE(out.size() > 500);
  for (std::size_t i = 1; i < out.size(); ++i)
    for (std::size_t k = i; k < out.size(); k += 7) {
      const u64 sent = out[k].second - out[i - 1].second, span = out[k].first - out[i].first;
      if (sent > 3'000 + span * 250'000 / second + 1) FAIL("from " << out[i].first << " to " << out[k].first << ": " << sent);
    }
  q.clear(pool.chunks);
}

TEST_CASE("tbf says when the next frame is due, to the tick, and nothing before") {
  pool_of<8> pool;
  bucket<1'000'000, 1'000>::of<config> q;
  CHECK_FALSE(q.next_deadline());
  put(pool, q, {.length = 1'000}, 7);
  put(pool, q, {.length = 500}, 7);
  CHECK(take(pool, q, 7));
  CHECK_FALSE(take(pool, q, 7));
  REQUIRE(q.next_deadline());
  CHECK(q.next_deadline()->count == 7 + 500 * us);
  CHECK(q.counted().overlimits == 1);
  CHECK(q.size() == 1);
  CHECK_FALSE(take(pool, q, 6 + 500 * us));
  CHECK(q.next_deadline()->count == 7 + 500 * us);
  CHECK(take(pool, q, 7 + 500 * us));
  CHECK_FALSE(q.next_deadline());
  CHECK_FALSE(take(pool, q, 8 * second));
}

TEST_CASE("tbf refuses a frame longer than its burst, which would never leave, and what its inside refuses") {
  pool_of<8> pool;
  bucket<1'000'000, 999, 2>::of<config> q;
  CHECK_FALSE(put(pool, q, {.length = 1'000}));
  CHECK(q.counted().too_long == 1);
  CHECK(put(pool, q, {.length = 999}));
  CHECK(put(pool, q, {.length = 999}));
  CHECK_FALSE(put(pool, q, {.length = 999}));
  CHECK(q.inside().drops() == 1);
  q.clear(pool.chunks);
}

TEST_CASE("a rate of zero holds nothing back, and a rate may be set at any time") {
  pool_of<16> pool;
  qdisc::tbf<>::of<config> q;
  for (int i = 0; i < 4; ++i) CHECK(put(pool, q, {.length = 1'000}));
  CHECK(take(pool, q));
  q.set_rate(1'000'000, 1'500);
  CHECK(q.rate() == 1'000'000);
  CHECK(take(pool, q));
  CHECK_FALSE(take(pool, q));
  CHECK(q.next_deadline()->count == 500 * us);
  q.set_rate(2'000'000, 1'500);
  CHECK(q.next_deadline()->count == 0);  // ask at once: the date was of another rate
  CHECK_FALSE(take(pool, q));
  CHECK(q.next_deadline()->count == 250 * us);
  q.set_rate(2'000'000, 800);  // the frame that waits is longer than this burst: it is not kept for ever
  CHECK(take(pool, q, 1));
  q.set_rate(0);
  CHECK(take(pool, q, 1));
  CHECK_FALSE(take(pool, q, 1));
}

TEST_CASE("in ticks of a millisecond that wrap, tbf holds its rate too") {
  pool_of<64> pool;
  using coarse = config_of<milliseconds32>;
  bucket<100'000, 5'000>::of<coarse> q;
  time_point<milliseconds32> now{0xffff'f000};
  u64 bytes = 0;
  for (u32 i = 0; i < 20'000; ++i, now = now + duration<milliseconds32>::ms(1)) {
    while (q.size() < 10) {
      packet p = frame(pool, {.length = 700});
      REQUIRE(q.enqueue(p, now));
    }
    while (packet p = q.dequeue(pool.chunks, now)) {
      bytes += p.size();
      while (q.size() < 10) {
        packet more = frame(pool, {.length = 700});
        REQUIRE(q.enqueue(more, now));
      }
    }
  }
  CHECK(bytes >= 1'980'000);
  CHECK(bytes <= 2'005'000);
  q.clear(pool.chunks);
}

}  // namespace
