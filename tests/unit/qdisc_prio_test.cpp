// SPDX-License-Identifier: MIT
// Bands: who is in which, who leaves first, and what a band that holds back does to the others.
#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>

#include "qdisc_frames.hpp"

#include <utility>

namespace {

using namespace strata;
using namespace strata::qdisc_test;
using qdisc::fifo;
using qdisc::fifo_of;

using three = qdisc::prio<fifo_of<8>, fifo_of<8>, fifo_of<2>>::of<config>;
static_assert(qdisc::timed<three> && three::reads_headers && three::bands == 3 && !qdisc::wants_a_key<three>);
static_assert(qdisc::wants_a_key<qdisc::prio<fifo, qdisc::drr>::of<config>>);

/// An IP header of a traffic class, as a classifier sees it.
struct of_class {
  std::byte bytes[40]{};
  explicit of_class(u8 traffic_class, bool is_v4 = true) {
    if (is_v4) bytes[0] = std::byte{0x45}, bytes[1] = std::byte{traffic_class};
    else store_be<u16>(bytes, static_cast<u16>(0x6000 | traffic_class << 4));
  }
  operator std::span<const std::byte>() const { return bytes; }
};

TEST_CASE("prio reads the TOS bits as Linux's priomap does, in both families, and ECN says nothing") {
  for (const bool is_v4 : {true, false})
    for (u32 tc = 0; tc < 256; ++tc) {
      const bool delay = (tc & 0x10) != 0, throughput = (tc & 0x08) != 0;
      const u32 linux_band = delay == throughput ? 1 : delay ? 0 : 2;
      REQUIRE(qdisc::by_tos::band(of_class(static_cast<u8>(tc), is_v4), 3) == linux_band);
      REQUIRE(qdisc::by_tos::band(of_class(static_cast<u8>(tc), is_v4), 2) == (linux_band < 2 ? linux_band : 1));
    }
  CHECK(qdisc::by_tos::band({}, 3) == 0);  // ARP
}

TEST_CASE("by_dscp knows expedited, control and voice from the rest, and what is less than best effort") {
  const auto band = [](u32 dscp, u32 bands = 3) { return qdisc::by_dscp::band(of_class(static_cast<u8>(dscp << 2 | 3)), bands); };
  for (const u32 urgent : {40u, 44u, 46u, 48u, 56u}) CHECK(band(urgent) == 0);
  for (const u32 lesser : {1u, 8u}) CHECK(band(lesser) == 2);
  for (const u32 other : {0u, 2u, 7u, 9u, 10u, 34u, 39u}) CHECK(band(other) == 1);
  CHECK(band(46, 2) == 0);
  CHECK(band(0, 2) == 1);
  CHECK(band(8, 2) == 1);
  CHECK(band(0, 1) == 0);
  CHECK(band(8, 4) == 3);
  CHECK(qdisc::by_dscp::band({}, 3) == 0);
}

TEST_CASE("the first band that has a packet is served, and each keeps its order") {
  pool_of<16> pool;
  three q;
  constexpr u8 bulk = 0x08, interactive = 0x10;
  put(pool, q, {.tos = bulk, .mark = 1});
  put(pool, q, {.mark = 2});
  put(pool, q, {.mark = 3});
  put(pool, q, {.tos = interactive, .mark = 4});
  CHECK(q.size() == 4);
  CHECK(mark_of(take(pool, q)) == 4);
  CHECK(mark_of(take(pool, q)) == 2);
  put(pool, q, {.tos = interactive, .mark = 5});
  CHECK(mark_of(take(pool, q)) == 5);
  CHECK(mark_of(take(pool, q)) == 3);
  CHECK(mark_of(take(pool, q)) == 1);
  CHECK_FALSE(take(pool, q));
  CHECK(q.size() == 0);
}

TEST_CASE("what a band refuses is refused, others still take, and clear returns the chunks of all") {
  pool_of<16> pool;
  three q;
  for (int i = 0; i < 2; ++i) CHECK(put(pool, q, {.tos = 0x08}));
  CHECK_FALSE(put(pool, q, {.tos = 0x08}));
  CHECK(q.band<2>().drops() == 1);
  CHECK(put(pool, q, {}));
  CHECK(put(pool, q, {.tos = 0x10}));
  CHECK(q.size() == 4);
  q.clear(pool.chunks);
  CHECK(q.size() == 0);
  CHECK_FALSE(take(pool, q));
}

TEST_CASE("a band that holds back what it has lets later ones go, and the earliest of all bands is the deadline") {
  pool_of<16> pool;
  using slow = qdisc::tbf_of<qdisc::tbf_options{.rate = 1'000'000, .burst = 1'000}, fifo>;
  using slower = qdisc::tbf_of<qdisc::tbf_options{.rate = 100'000, .burst = 1'000}, fifo>;
  qdisc::prio<slow, fifo, slower>::of<config> q;
  for (int i = 0; i < 2; ++i) put(pool, q, {.tos = 0x10}), put(pool, q, {.tos = 0x08});
  CHECK(take(pool, q));  // both buckets give a burst
  CHECK(take(pool, q));
  CHECK_FALSE(take(pool, q));
  put(pool, q, {.mark = 9});
  CHECK(mark_of(take(pool, q)) == 9);
  CHECK_FALSE(take(pool, q));
  REQUIRE(q.next_deadline());
  CHECK(q.next_deadline()->count == 1 * ms);
  CHECK(take(pool, q, 1 * ms));
  CHECK_FALSE(take(pool, q, 1 * ms));
  CHECK(q.next_deadline()->count == 10 * ms);
  q.clear(pool.chunks);
  CHECK_FALSE(q.next_deadline());
}

/// Everything is of a band that there is not.
struct astray { static u32 band(std::span<const std::byte>, u32) { return 77; } };

TEST_CASE("a classifier is any function of the IP header, and what it gets wrong goes to the last band") {
  pool_of<4> pool;
  qdisc::prio_of<astray, fifo, fifo>::of<config> q;
  put(pool, q, {.mark = 1});
  CHECK(std::as_const(q).band<1>().size() == 1);
  CHECK(mark_of(take(pool, q)) == 1);
}

}  // namespace
