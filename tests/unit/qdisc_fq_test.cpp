// SPDX-License-Identifier: MIT
// Fair queueing: shares by bytes, new flows first but not for ever, and each flow at its own rate.
#include <strata/qdisc/fq.hpp>

#include "qdisc_frames.hpp"

#include <memory>
#include <string>

namespace {

using namespace strata;
using namespace strata::qdisc_test;

using fq = qdisc::fq::of<config>;
template <u64 Rate, qdisc::fq_options Options = qdisc::fq_options{}> using paced = qdisc::fq_of<Options, qdisc::max_rate<Rate>>::template of<config>;
static_assert(qdisc::timed<fq> && fq::reads_headers && qdisc::wants_a_key<fq>);
static_assert(sizeof(fq) + 1024 * 10 < sizeof(paced<1>), "what paces is absent where nobody is paced");
constexpr siphash_key key{1, 2};

TEST_CASE("two greedy flows share a link by bytes, and a sparse one finds it free") {
  pool_of<256> pool;
  fq q;
  q.seed(key);
  u64 bytes[3] = {}, now = 0, asked = 0, worst = 0;
  u32 waiting[3] = {};
  const u32 lengths[2] = {1514, 200};
  serve(pool, q, 1'250'000, now, 10 * second, [&](u64 at) {
    for (u16 f = 0; f < 2; ++f) for (; waiting[f] < 80; ++waiting[f]) REQUIRE(put(pool, q, {.flow = f, .length = lengths[f]}, at));
    if (at >= asked + 50 * ms) REQUIRE(put(pool, q, {.flow = 2, .length = 100}, asked = at));
  }, [&](const packet& p, u64 at) {
    const u16 f = flow_of(p);
    bytes[f] += p.size();
    if (f < 2) --waiting[f];
    else worst = at - asked > worst ? at - asked : worst;
  });
  const u64 both = bytes[0] + bytes[1];
  CHECK(bytes[0] * 100 > both * 49);
  CHECK(bytes[0] * 100 < both * 51);
  CHECK(bytes[2] >= 190 * 100);
  CHECK(worst < 2 * 1514 * second / 1'250'000);  // the frame that is just under way, and not the 160 that wait
  q.clear(pool.chunks);
}

TEST_CASE("the first turn of a flow is longer, as an initial window is, and later ones are a quantum") {
  pool_of<128> pool;
  qdisc::fq_of<qdisc::fq_options{.quantum = 2000, .first_quantum = 5000}>::of<config> q;
  q.seed(key);
  for (u8 i = 0; i < 20; ++i) for (u16 f = 0; f < 2; ++f) put(pool, q, {.flow = f, .length = 1000});
  std::string order;
  while (const packet p = take(pool, q)) order += flow_of(p) == 0 ? 'a' : 'b';
  CHECK(order == "aaaaabbbbbaabbaabbaabbaabbaabbaabbaabbab");
}

TEST_CASE("who comes back within 40 ms goes on with what it had, and later with a whole quantum") {  // Linux: flow_refill_delay
  for (const bool is_late : {false, true}) {
    pool_of<16> pool;
    qdisc::fq_of<qdisc::fq_options{.quantum = 1000, .first_quantum = 1000}>::of<config> q;
    q.seed(key);
    u64 now = second;
    put(pool, q, {.flow = 0, .length = 700}, now);
    CHECK(flow_of(take(pool, q, now)) == 0);
    CHECK_FALSE(take(pool, q, now));
    now += is_late ? 40 * ms : 40 * ms - 1;
    for (const u32 length : {300u, 700u}) put(pool, q, {.flow = 0, .length = length}, now);
    put(pool, q, {.flow = 1, .length = 1000}, now);
    std::string order;
    while (const packet p = take(pool, q, now)) order += flow_of(p) == 0 ? 'a' : 'b';
    CHECK(order == (is_late ? "aab" : "aba"));
  }
}

TEST_CASE("a flow that comes again and again as a new one does not keep the old ones from their turn") {
  pool_of<64> pool;
  qdisc::fq_of<qdisc::fq_options{.quantum = 1000, .first_quantum = 1000}>::of<config> q;
  q.seed(key);
  u64 bytes[2] = {}, now = 0;
  u32 waiting[2] = {};
  serve(pool, q, 1'000'000, now, 5 * second, [&](u64 at) {
    for (; waiting[0] < 20; ++waiting[0]) REQUIRE(put(pool, q, {.flow = 0}, at));
    for (; waiting[1] < 1; ++waiting[1]) REQUIRE(put(pool, q, {.flow = 1}, at));  // one at a time: its queue runs empty after each
  }, [&](const packet& p, u64) { bytes[flow_of(p)] += p.size(), --waiting[flow_of(p)]; });
  CHECK(bytes[0] * 100 > (bytes[0] + bytes[1]) * 49);
  q.clear(pool.chunks);
}

TEST_CASE("each flow leaves at its rate, to one per cent, while the link is faster; the queue says when to ask") {
  pool_of<256> pool;
  paced<100'000> q;
  q.seed(key);
  u64 bytes[8] = {}, now = 3 * second, polls = 0;
  u32 waiting[8] = {};
  serve(pool, q, 100'000'000, now, 13 * second, [&](u64 at) {
    ++polls;
    for (u16 f = 0; f < 8; ++f) for (; waiting[f] < 20; ++waiting[f]) REQUIRE(put(pool, q, {.flow = f, .length = 400 + 100u * f}, at));
  }, [&](const packet& p, u64) { bytes[flow_of(p)] += p.size(), --waiting[flow_of(p)]; });
  for (const u64 b : bytes) {
    CHECK(b >= 990'000);
    CHECK(b <= 1'002'000);
  }
  CHECK(q.counted().throttled > 8'000);
  while (take(pool, q, now)) {}
  REQUIRE(q.next_deadline());
  const u64 due = q.next_deadline()->count;
  CHECK(due > now);
  CHECK_FALSE(take(pool, q, due - 1));
  CHECK(take(pool, q, due));
  q.clear(pool.chunks);
  CHECK_FALSE(q.next_deadline());
  CHECK(q.size() == 0);
}

TEST_CASE("paced flows go on in the order in which they are due, however many wait") {
  pool_of<128> pool;
  const auto q = std::make_unique<paced<1'000, qdisc::fq_options{.flows = 60'000}>>();
  q->seed({1, 3});  // with which no two of these flows meet
  for (u16 f = 0; f < 50; ++f) put(pool, *q, {.flow = f, .length = 60 + f * 7u % 50});
  for (u16 f = 0; f < 50; ++f) put(pool, *q, {.flow = f, .length = 60});
  for (u32 i = 0; i < 50; ++i) REQUIRE(take(pool, *q));
  for (u32 i = 0; i < 50; ++i) {  // the first frames were 60 to 109 bytes long, and each byte takes a millisecond
    REQUIRE_FALSE(take(pool, *q, (60 + i) * ms - 1));
    CHECK(q->next_deadline()->count == (60 + i) * ms);
    const packet p = take(pool, *q, (60 + i) * ms);
    REQUIRE(p);
    CHECK(flow_of(p) * 7u % 50 == i);
  }
  CHECK(q->size() == 0);
}

TEST_CASE("a late turn does not make a paced flow slower, and an idle one has no credit of its own") {
  pool_of<64> pool;
  paced<1'000'000> q;
  q.seed(key);
  for (u32 i = 0; i < 5; ++i) put(pool, q, {.length = 1000});
  CHECK(take(pool, q, 0));
  CHECK(take(pool, q, 1'400 * us));              // 400 us late
  CHECK_FALSE(take(pool, q, 1'900 * us));
  CHECK(q.next_deadline()->count == 2'000 * us);  // and the next one is on time
  CHECK(take(pool, q, 9'000 * us));
  CHECK_FALSE(take(pool, q, 9'000 * us));
  CHECK(q.next_deadline()->count == 10'000 * us);
  q.pace().bytes_per_second = 0;
  CHECK(take(pool, q, 10'000 * us));
  CHECK(take(pool, q, 10'000 * us));
  CHECK_FALSE(q.next_deadline());
}

TEST_CASE("fq refuses what is over a limit by its cause, keeps order in a flow, and clear returns every chunk") {
  pool_of<32> pool;
  qdisc::fq_of<qdisc::fq_options{.limit = 6, .flow_limit = 4}, qdisc::max_rate<1>>::of<config> q;
  q.seed(key);
  for (u8 i = 0; i < 4; ++i) CHECK(put(pool, q, {.flow = 1, .mark = i}));
  CHECK_FALSE(put(pool, q, {.flow = 1}));
  CHECK(q.counted().flows_plimit == 1);
  CHECK(put(pool, q, {.flow = 2}));
  CHECK(put(pool, q, {.flow = 3}));
  CHECK_FALSE(put(pool, q, {.flow = 4}));
  CHECK(q.counted().limit == 1);
  CHECK(mark_of(take(pool, q)) == 0);
  CHECK(take(pool, q));
  CHECK(take(pool, q));
  CHECK_FALSE(take(pool, q));  // one is held, two are empty
  q.clear(pool.chunks);
  CHECK(q.size() == 0);
  CHECK(pool.chunks.in_use() == 0);
  CHECK_FALSE(q.next_deadline());
  CHECK(put(pool, q, {.flow = 9, .mark = 9}));
  CHECK(mark_of(take(pool, q)) == 9);
}

}  // namespace
