// SPDX-License-Identifier: MIT
// fq_codel in virtual time: the delay of a greedy flow comes down to the target, by drops or by marks; sparse flows wait for nobody; the fattest pays.
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq_codel.hpp>

#include "qdisc_frames.hpp"

#include <algorithm>

namespace {

using namespace strata;
using namespace strata::qdisc_test;

using fq_codel = qdisc::fq_codel::of<config>;
template <qdisc::fq_codel_options Options> using with = typename qdisc::fq_codel_of<Options>::template of<config>;
static_assert(qdisc::timed<fq_codel> && fq_codel::reads_headers && qdisc::wants_a_key<fq_codel>);
constexpr siphash_key key{1, 2};
struct with_slots : config { static constexpr strata::limits limits{.chunks = 10, .slots = 8}; };
static_assert(sizeof(qdisc::arrival_times<with_slots>) == 4 * descriptors_of(with_slots::limits), "slots have names, too");

/// A sender that adds a frame each round trip and halves when one is lost or marked; acknowledgments come a round trip after a frame left.
struct greedy {
  static constexpr u64 round_trip = 40 * ms;
  struct ack {
    u64 at;
    u32 number;
    bool is_marked;
  };
  u16 flow;
  u8 tos;
  double window = 4;
  u32 next = 0, expected = 0;  // numbers of frames
  u64 cut_at = 0;
  std::vector<ack> acks{};
  std::size_t acked = 0;
  std::vector<u64> sent_at{};
  std::vector<u64> delays{};

  void run(auto& pool, auto& q, u64 now) {
    for (; acked < acks.size() && acks[acked].at <= now; ++acked) {
      const ack& a = acks[acked];
      const bool is_bad = a.number != expected || a.is_marked;
      expected = a.number + 1;
      if (!is_bad) window += 1 / window;
      else if (now > cut_at + round_trip) window = window > 4 ? window / 2 : 2, cut_at = now;
    }
    // What is lost is out of the way when a later one is acknowledged.
    while (next - expected < static_cast<u32>(window)) {
      packet p = frame(pool, {.flow = flow, .tos = tos, .length = 1000});
      if (!p) return;
      store_be<u32>(p.writable_bytes().data() + 100, next++);
      sent_at.push_back(now);
      if (!qdisc::put(q, p, moment{now})) return;
    }
    if (acked == acks.size() && now > 2 * round_trip + (acks.empty() ? 0 : acks.back().at)) expected = next;  // all were lost
  }
  void left(const packet& p, u64 now) {
    const u32 n = load_be<u32>(p.bytes().data() + 100);
    delays.push_back(now - sent_at[n]);
    acks.push_back({now + round_trip, n, (static_cast<u8>(p.bytes()[15]) & 3) == 3});
  }
  [[nodiscard]] u64 median_delay() const {
    std::vector<u64> late(delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 4), delays.end());
    std::nth_element(late.begin(), late.begin() + static_cast<std::ptrdiff_t>(late.size() / 2), late.end());
    return late[late.size() / 2];
  }
};

TEST_CASE("with a greedy flow the delay comes to the target and the link stays busy, by drops or by marks, where a fifo only grows") {
  for (const u8 tos : {u8{0}, u8{2}}) {
    INFO((tos == 0 ? "not capable of ECN" : "ECT(0)"));
    pool_of<512> pool;
    fq_codel q;
    q.seed(key);
    greedy source{1, tos};
    u64 now = 1 * second, bytes = 0;
    serve(pool, q, 1'250'000, now, 31 * second, [&](u64 at) { source.run(pool, q, at); }, [&](const packet& p, u64 at) { bytes += p.size(), source.left(p, at); });
    CHECK(source.median_delay() < 10 * ms);
    CHECK(bytes > 30 * 1'250'000ull * 80 / 100);
    if (tos == 0) {
      CHECK(q.counted().drop_codel > 5);
      CHECK(q.counted().ecn_mark == 0);
    } else {
      CHECK(q.counted().ecn_mark > 5);
      CHECK(q.counted().drop_codel == 0);
    }
    CHECK(q.counted().drop_overlimit == 0);
    q.clear(pool.chunks);
  }
  pool_of<512> pool;
  qdisc::fifo::of<config> q;
  greedy source{1, 0};
  u64 now = 1 * second;
  serve(pool, q, 1'250'000, now, 31 * second, [&](u64 at) { source.run(pool, q, at); }, [&](const packet& p, u64 at) { source.left(p, at); });
  CHECK(source.median_delay() > 60 * ms);
  q.clear(pool.chunks);
}

TEST_CASE("four greedy flows share, and a sparse one among them waits for a turn of each at most") {
  pool_of<512> pool;
  fq_codel q;
  q.seed(key);
  std::vector<greedy> sources;
  for (u16 f = 0; f < 4; ++f) sources.push_back({f, f % 2 == 0 ? u8{0} : u8{1}});
  u64 bytes[4] = {}, now = 1 * second, asked = 0, worst = 0;
  serve(pool, q, 2'500'000, now, 21 * second, [&](u64 at) {
    for (greedy& s : sources) s.run(pool, q, at);
    if (at >= asked + 20 * ms) put(pool, q, {.flow = 9, .length = 100}, asked = at);
  }, [&](const packet& p, u64 at) {
    if (flow_of(p) == 9) {
      worst = std::max(worst, at - asked);
    } else {
      sources[flow_of(p)].left(p, at);
      bytes[flow_of(p)] += p.size();
    }
  });
  const u64 all = bytes[0] + bytes[1] + bytes[2] + bytes[3];
  for (const u64 b : bytes) {
    CHECK(b * 100 > all * 21);
    CHECK(b * 100 < all * 29);
  }
  CHECK(worst <= 9 * 1000 * second / 2'500'000);  // two frames of each, and the one that is under way
  q.clear(pool.chunks);
}

TEST_CASE("where there is no room the fattest flow loses from its head, half of it at most, and others lose nothing") {
  pool_of<64> pool;
  with<qdisc::fq_codel_options{.limit = 20, .drop_batch = 8}> q;
  q.seed(key);
  for (u8 i = 0; i < 4; ++i) CHECK(put(pool, q, {.flow = 1, .mark = i, .length = 200}));
  for (u8 i = 0; i < 16; ++i) CHECK(put(pool, q, {.flow = 2, .mark = i}));
  CHECK(q.size() == 20);
  CHECK(put(pool, q, {.flow = 3}));  // taken, and the fattest makes room
  CHECK(q.counted().drop_overlimit == 8);
  CHECK(q.size() == 13);
  u8 next[3] = {0, 0, 8};
  while (const packet p = take(pool, q))
    if (flow_of(p) < 3) CHECK(mark_of(p) == next[flow_of(p)]++);
  CHECK(next[1] == 4);
  CHECK(next[2] == 16);
}

TEST_CASE("a single flow that floods loses its own: half of its bytes or a batch, one packet at least") {
  pool_of<64> pool;
  with<qdisc::fq_codel_options{.limit = 3}> q;
  q.seed(key);
  for (u8 i = 0; i < 40; ++i) CHECK(put(pool, q, {.mark = i, .length = 500}));
  CHECK(q.size() <= 3);
  CHECK(q.counted().drop_overlimit == 40 - q.size());
  u8 last = 0;
  while (const packet p = take(pool, q)) last = mark_of(p);
  CHECK(last == 39);  // from the head: the newest is there
}

TEST_CASE("what a send queue also holds is its own again when codel or an overflow drops it") {
  pool_of<16> pool;
  with<qdisc::fq_codel_options{.limit = 2}> q;
  q.seed(key);
  std::vector<packet> kept;
  for (u8 i = 0; i < 6; ++i) {
    packet p = frame(pool, {.mark = i});
    p.become(buffer::owner::send_queue);
    packet down = p.share(buffer::owner::application);
    kept.push_back(std::move(p));
    CHECK(qdisc::put(q, down, moment{0}));
  }
  CHECK(q.counted().drop_overlimit >= 4);
  u32 free = 0;
  for (const packet& p : kept) free += p.writable() ? 1u : 0u;
  CHECK(free == 6 - q.size());
  CHECK(pool.chunks.in_use() == 6);
  q.clear(pool.chunks);
  for (const packet& p : kept) CHECK(p.writable());
}

TEST_CASE("a queue that was bad for an interval drops one, the next ones come faster and faster, and after a pause it begins again. RFC 8289 §5") {
  using law = qdisc::codel<nanoseconds64, qdisc::codel_options{}>;
  CHECK(law::spacing(1).count == 100 * ms);
  CHECK(law::spacing(4).count == 50 * ms);
  CHECK(law::spacing(100).count == 10 * ms);
  CHECK(qdisc::square_root(~u64{0}) == 0xffff'ffff);
  CHECK(qdisc::square_root(24) == 4);
  CHECK(qdisc::square_root(25) == 5);
  CHECK(qdisc::square_root(0) == 0);

  // A queue that always has a frame which waited 20 ms, asked every millisecond: when does it drop?
  pool_of<4> pool;
  law queue;
  std::vector<u64> drops;
  const auto ask = [&](u64 at, u64 waited) {
    const packet p = queue.next(moment{at}, [&] { return law::head{frame(pool, {}), {waited}, 50'000}; }, [](packet&) { return false; },
                                [&](packet&&) { drops.push_back(at / ms); });
    CHECK(p);
  };
  for (u64 t = 0; t < 500; ++t) ask(t * ms, 20 * ms);
  REQUIRE(drops.size() >= 6);
  CHECK(drops[0] == 100);                                        // an interval after it became bad
  CHECK(drops[1] == 200);                                        // + interval / sqrt(1)
  CHECK(drops[2] == 271);                                        // + interval / sqrt(2)
  CHECK(drops[3] == 329);
  CHECK(drops[4] == 379);
  drops.clear();
  for (u64 t = 500; t < 520; ++t) ask(t * ms, 4 * ms);           // good for a while
  CHECK(drops.empty());
  for (u64 t = 520; t < 800; ++t) ask(t * ms, 20 * ms);
  REQUIRE(drops.size() >= 2);
  CHECK(drops[0] == 620);
  CHECK(drops[1] == 661);                                        // it is soon: six were dropped since the rate was good, + interval / sqrt(6)
  drops.clear();
  for (u64 t = 800; t < 820; ++t) ask(t * ms, 4 * ms);
  for (u64 t = 820; t < 1'000; ++t) ask(t * ms, 20 * ms);
  REQUIRE(drops.size() >= 2);
  CHECK(drops[0] == 920);
  CHECK(drops[1] == 965);                                        // five since then
  drops.clear();
  for (u64 t = 5'000; t < 5'010; ++t) ask(t * ms, 1 * ms);
  for (u64 t = 9'000; t < 9'300; ++t) ask(t * ms, 20 * ms);
  REQUIRE(drops.size() >= 2);
  CHECK(drops[0] == 9'100);
  CHECK(drops[1] == 9'200);                                      // it is long ago: from the beginning
}

TEST_CASE("a queue of one frame is never bad, and a call drops a bounded number") {
  using law = qdisc::codel<nanoseconds64, qdisc::codel_options{}>;
  pool_of<4> pool;
  law small;
  u32 drops = 0;
  for (u64 t = 0; t < 1'000; ++t)
    (void)small.next(moment{t * ms}, [&] { return law::head{frame(pool, {}), {500 * ms}, 514}; }, [](packet&) { return false; }, [&](packet&&) { ++drops; });
  CHECK(drops == 0);
  law late;
  const auto take = [&] { return law::head{frame(pool, {}), {500 * ms}, 50'000}; };
  const auto no = [](packet&) { return false; };
  const auto count = [&](packet&&) { ++drops; };
  for (u64 t = 0; t <= 200; ++t) (void)late.next(moment{t * ms}, take, no, count);
  drops = 0;
  (void)late.next(moment{1'000'000 * second}, take, no, count);
  CHECK(drops == law::most_drops);
}

TEST_CASE("the time that a packet waits is known although clocks of 32 bits wrap") {
  pool_of<4> pool;
  using coarse = config_of<milliseconds32>;
  qdisc::arrival_times<coarse> times;
  packet p = frame(pool, {});
  times.note(p, {0xffff'fff0});
  CHECK(times.waited(p, {0x10}).count == 0x20);
  qdisc::arrival_times<config> fine;
  fine.note(p, {7 * second});
  CHECK(fine.waited(p, {7 * second + 5 * ms}).count > 5 * ms - 2'048);
  CHECK(fine.waited(p, {7 * second + 5 * ms}).count <= 5 * ms + 1'024);
}

TEST_CASE("clear returns every chunk, and the discipline works as before") {
  pool_of<64> pool;
  fq_codel q;
  q.seed(key);
  for (u16 f = 0; f < 30; ++f) put(pool, q, {.flow = f, .length = 1514});
  for (u32 i = 0; i < 10; ++i) REQUIRE(take(pool, q));
  for (u16 f = 0; f < 30; ++f) put(pool, q, {.flow = f, .length = 1514});
  q.clear(pool.chunks);
  CHECK(q.size() == 0);
  CHECK(pool.chunks.in_use() == 0);
  CHECK_FALSE(take(pool, q));
  put(pool, q, {.flow = 3, .mark = 4});
  CHECK(mark_of(take(pool, q)) == 4);
}

}  // namespace
