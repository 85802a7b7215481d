// SPDX-License-Identifier: MIT
// Deficit round robin: flows share by bytes and not by frames; and what makes two frames one flow.
#include <strata/qdisc/drr.hpp>

#include "qdisc_frames.hpp"

namespace {

using namespace strata;
using namespace strata::qdisc_test;

using drr = qdisc::drr::of<config>;
static_assert(qdisc::discipline<drr> && !qdisc::timed<drr> && drr::reads_headers && qdisc::wants_a_key<drr>);
constexpr siphash_key key{1, 2};

TEST_CASE("flows share a link by bytes, whatever the length of their frames") {
  pool_of<128> pool;
  drr q;
  q.seed(key);
  u64 bytes[3] = {}, now = 0;
  const u32 lengths[3] = {1514, 100, 700};
  u32 waiting[3] = {};
  serve(pool, q, 10'000'000, now, 2 * second, [&](u64) {
    for (u16 f = 0; f < 3; ++f) for (; waiting[f] < 20; ++waiting[f]) REQUIRE(put(pool, q, {.flow = f, .length = lengths[f]}));
  }, [&](const packet& p, u64) { bytes[flow_of(p)] += p.size(), --waiting[flow_of(p)]; });
  const u64 all = bytes[0] + bytes[1] + bytes[2];
  for (const u64 b : bytes) {
    CHECK(b * 100 > all * 33);
    CHECK(b * 100 < all * 34);
  }
  q.clear(pool.chunks);
}

TEST_CASE("a frame longer than the quantum waits for further turns, and its flow still gets its share") {
  pool_of<128> pool;
  qdisc::drr_of<qdisc::drr_options{.quantum = 256}>::of<config> q;
  q.seed(key);
  u64 bytes[2] = {}, now = 0;
  u32 waiting[2] = {};
  serve(pool, q, 10'000'000, now, 1 * second, [&](u64) {
    for (u16 f = 0; f < 2; ++f) for (; waiting[f] < 30; ++waiting[f]) REQUIRE(put(pool, q, {.flow = f, .length = f == 0 ? 1900u : 64u}));
  }, [&](const packet& p, u64) { bytes[flow_of(p)] += p.size(), --waiting[flow_of(p)]; });
  CHECK(bytes[0] * 100 > bytes[1] * 97);
  CHECK(bytes[0] * 100 < bytes[1] * 103);
  q.clear(pool.chunks);
}

TEST_CASE("a flow that was idle has one quantum, not what it did not use") {
  pool_of<32> pool;
  qdisc::drr_of<qdisc::drr_options{.quantum = 1000}>::of<config> q;
  q.seed(key);
  for (u8 i = 0; i < 6; ++i) put(pool, q, {.flow = 1, .length = 1000});
  for (u8 i = 0; i < 3; ++i) CHECK(flow_of(take(pool, q)) == 1);
  for (u8 i = 0; i < 4; ++i) put(pool, q, {.flow = 2, .length = 500});
  u32 in_a_row = 0, most = 0;
  while (const packet p = take(pool, q)) most = (in_a_row = flow_of(p) == 2 ? in_a_row + 1 : 0) > most ? in_a_row : most;
  CHECK(most == 2);
}

TEST_CASE("who comes anew has a whole quantum at once, and not a byte more") {
  pool_of<32> pool;
  qdisc::drr_of<qdisc::drr_options{.quantum = 1000}>::of<config> q;
  q.seed(key);
  for (u8 i = 0; i < 4; ++i) put(pool, q, {.flow = 1, .length = 1000});
  CHECK(flow_of(take(pool, q)) == 1);
  put(pool, q, {.flow = 2, .length = 500}), put(pool, q, {.flow = 2, .length = 501});
  for (const int next : {2, 1, 2, 1, 1}) CHECK(flow_of(take(pool, q)) == next);
  CHECK(q.size() == 0);
}

TEST_CASE("each flow keeps its order, has its limit and the whole has one; each refusal is counted by its cause") {
  pool_of<32> pool;
  qdisc::drr_of<qdisc::drr_options{.flow_limit = 4, .limit = 6}>::of<config> q;
  q.seed(key);
  for (u8 i = 0; i < 4; ++i) CHECK(put(pool, q, {.flow = 1, .mark = i}));
  CHECK_FALSE(put(pool, q, {.flow = 1}));
  CHECK(q.counted().flow_limit == 1);
  for (u8 i = 0; i < 2; ++i) CHECK(put(pool, q, {.flow = 2, .mark = i}));
  CHECK_FALSE(put(pool, q, {.flow = 3}));
  CHECK(q.counted().limit == 1);
  CHECK(q.size() == 6);
  u8 next[3] = {};
  while (const packet p = take(pool, q)) {
    CHECK(p.as() == buffer::owner::qdisc);
    CHECK_FALSE(p.writable());
    CHECK(mark_of(p) == next[flow_of(p)]++);
  }
  CHECK(next[1] == 4);
  CHECK(next[2] == 2);
  for (u16 f = 0; f < 6; ++f) CHECK(put(pool, q, {.flow = f}));
  q.clear(pool.chunks);
  CHECK(q.size() == 0);
  CHECK(pool.chunks.in_use() == 0);
  CHECK(put(pool, q, {.flow = 3, .mark = 8}));
  CHECK(mark_of(take(pool, q)) == 8);
}

TEST_CASE("addresses, protocol and ports are a flow; fragments of a datagram stay together; without the key nobody knows which flows meet") {
  pool_of<8> pool;
  const auto hash = [&](const wanted& w, const siphash_key& k = key) { return qdisc::flow_hash(k, frame(pool, w)); };
  const u64 one = hash({.flow = 5});
  CHECK(one == hash({.flow = 5, .tos = 3, .mark = 7, .length = 90}));
  CHECK(one != hash({.flow = 6}));
  CHECK(one != hash({.flow = 5, .protocol = 6}));
  CHECK(one != hash({.flow = 5}, {1, 3}));
  CHECK(hash({.flow = 5, .fragment = 0x2000}) == hash({.flow = 9, .fragment = 0x00b9}));  // the first with its ports, and a later one
  CHECK(hash({.flow = 5, .protocol = 1}) == hash({.flow = 6, .protocol = 1}));            // ICMP has none
  packet p = frame(pool, {.flow = 5});
  for (const u32 at : {12u, 15u, 16u, 19u, 22u}) {
    std::byte& b = p.writable_bytes()[14 + at];
    b ^= std::byte{1};
    CHECK(qdisc::flow_hash(key, p) != one);
    b ^= std::byte{1};
  }
  CHECK(qdisc::flow_hash(key, p) == one);
  p->network = static_cast<u16>(p->offset + p->length);
  CHECK(qdisc::flow_hash(key, p) == 0);  // nothing lies beyond the end
  p->network = static_cast<u16>(p->offset - 1);
  CHECK(qdisc::flow_hash(key, p) == 0);
}

TEST_CASE("of a frame that ends early no byte beyond its end is read, and IPv6 flows differ by every part of their addresses") {
  pool_of<8> pool;
  for (u32 length = 14; length <= 44; ++length) {
    packet p = frame(pool, {.flow = 5, .length = 60});
    p.trim(length);
    const u64 before = qdisc::flow_hash(key, p);
    for (std::byte& b : p.room().first(40)) b = std::byte{0xff};
    CHECK(before == qdisc::flow_hash(key, p));
    CHECK((before == 0) == (length < 34));
  }
  packet p = pool.chunks.take(64);
  static constexpr auto v6_packet = hex("60 00 00 00 00 08 11 40  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 02  00 05 00 07 00 08 00 00");
  const std::span<const std::byte> ip = v6_packet.all();
  copy_bytes(p.room().data(), ip.data(), ip.size());
  p.extend(ip.size());
  p->network = p->offset;
  const u64 one = qdisc::flow_hash(key, p);
  for (std::size_t at = 6; at < ip.size() - 4; ++at) {
    if (at == 7) continue;  // the hop limit
    std::byte& b = p.writable_bytes()[at];
    b ^= std::byte{1};
    CHECK(qdisc::flow_hash(key, p) != one);
    b ^= std::byte{1};
  }
  p.writable_bytes()[1] = std::byte{0x55};  // neither traffic class nor flow label
  CHECK(qdisc::flow_hash(key, p) == one);
  CHECK(qdisc::traffic_class(p.bytes()) == 0x05);
}

}  // namespace
