// SPDX-License-Identifier: MIT
#include <strata/nic/simulated.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using nic_test::frame_is;
using nic_test::pool_of;

constexpr u32 one_in_ten = 100'000;
constexpr u64 ms = 1'000'000;

static_assert(std::is_trivially_destructible_v<nic::simulated_link>);

struct arrival {
  u64 at;
  u8 mark;
  bool is_whole;
  friend bool operator==(const arrival&, const arrival&) = default;
};

/// Side 0 sends numbered frames, side 1 receives; time goes in steps.
struct bench {
  nic::simulated_link link;
  pool_of<256> left{}, right{};
  nic::simulated a{link, 0}, b{link, 1};
  std::vector<arrival> arrivals{};

  explicit bench(u64 seed = 1) : link(seed) {}
  bool send(u8 mark, std::size_t length = 100) {
    packet p = left.frame(mark, length);
    if (!p) return false;
    const bool took = a.transmit({&p, 1}) == 1;
    (void)a.flush();
    return took;
  }
  std::size_t reclaim(std::size_t most = 32) {
    packet done[32];
    return a.reclaim(std::span(done).first(most));
  }
  void step(u64 now) {
    link.advance(now);
    packet got[32];
    while (const std::size_t n = b.receive(right.chunks, got)) {
      for (const packet& p : std::span(got).first(n)) {
        const u8 mark = std::to_integer<u8>(p.bytes()[0]);
        arrivals.push_back({now, mark, frame_is(p, mark, p.size())});
      }
      nic_test::drop(got);
    }
    (void)reclaim();
  }
  /// `n` frames, one a millisecond, and then all that is still on its way.
  void run(u32 n) {
    for (u32 i = 0; i < n; ++i) {
      (void)send(static_cast<u8>(i));
      step(link.now_ns + ms);
    }
    while (const auto next = link.next_event()) step(*next);
  }
  void finish() {
    a.close();
    b.close();
    CHECK(left.chunks.in_use() == 0);
    CHECK(right.chunks.in_use() == 0);
    CHECK(link.in_flight(0) == 0);
  }
};
}  // namespace

TEST_CASE("a link without faults delivers everything, in order, at once after the doorbell") {
  auto t = std::make_unique<bench>();
  packet p = t->left.frame(9, 60);
  REQUIRE(t->a.transmit({&p, 1}) == 1);
  packet got[1];
  CHECK(t->b.receive(t->right.chunks, got) == 0);  // not rung
  CHECK(t->reclaim() == 0);
  CHECK(t->a.flush() == nic::kick::done);
  REQUIRE(t->b.receive(t->right.chunks, got) == 1);
  CHECK(frame_is(got[0], 9, 60));
  got[0].reset();
  CHECK(t->reclaim() == 1);
  t->run(200);
  REQUIRE(t->arrivals.size() == 200);
  for (u32 i = 0; i < 200; ++i) CHECK(t->arrivals[i].mark == i);
  CHECK(t->link.of(0).received == 201);
  t->finish();
}

TEST_CASE("a frame arrives after the delay and the time that its bits take") {
  auto t = std::make_unique<bench>();
  t->link.faults(0) = {.delay_ns = 10 * ms, .rate = 1'000'000};
  REQUIRE(t->send(1, 125));  // 1 ms at 1 Mbit/s
  REQUIRE(t->send(2, 125));
  CHECK(t->link.next_event() == 1 * ms);  // the first completion
  CHECK(t->reclaim() == 0);
  t->step(1 * ms);
  CHECK(t->left.chunks.in_use() == 1);
  t->step(11 * ms - 1);
  CHECK(t->arrivals.empty());
  t->step(11 * ms);
  t->step(12 * ms);
  CHECK(t->arrivals == std::vector<arrival>{{11 * ms, 1, true}, {12 * ms, 2, true}});
  CHECK_FALSE(t->link.next_event());
  t->finish();
}

TEST_CASE("jitter spreads arrivals and keeps their order") {
  auto t = std::make_unique<bench>(3);
  t->link.faults(0) = {.delay_ns = 5 * ms, .jitter_ns = 4 * ms};
  t->run(200);
  REQUIRE(t->arrivals.size() == 200);
  bool differs = false;
  for (u32 i = 0; i < 200; ++i) {
    CHECK(t->arrivals[i].mark == i);
    differs |= t->arrivals[i].at - i * ms != t->arrivals[0].at;
  }
  CHECK(differs);
  CHECK(t->link.of(0).overtaken == 0);
  t->finish();
}

TEST_CASE("each fault happens about as often as asked for, is counted, and loses nothing else") {
  auto t = std::make_unique<bench>(GENERATE(1, 2, 3));
  INFO("seed " << t->link.ways[0].random.state);
  nic::impairment& f = t->link.faults(0);
  const nic::simulated_counters& c = t->link.of(0);
  f.delay_ns = 2 * ms;
  constexpr u32 n = 1000;
  const auto is_about_a_tenth = [](u64 x) { return x > n / 20 && x < n / 5; };
  SECTION("loss") {
    f.loss = one_in_ten;
    t->run(n);
    CHECK(is_about_a_tenth(c.lost));
    CHECK(c.received + c.lost == n);
  }
  SECTION("bursts") {
    f.burst_begin = 10'000;
    f.burst_end = 200'000;
    t->run(n);
    CHECK(c.lost_in_burst > 5);
    CHECK(c.received + c.lost_in_burst == n);
  }
  SECTION("duplication") {
    f.duplication = one_in_ten;
    t->run(n);
    CHECK(is_about_a_tenth(c.duplicated));
    CHECK(c.received == n + c.duplicated);
  }
  SECTION("reordering") {
    f.reordering = one_in_ten;
    f.reorder_ns = 5 * ms;
    t->run(n);
    CHECK(is_about_a_tenth(c.overtaken));
    CHECK(c.received == n);
  }
  SECTION("corruption") {
    f.corruption = one_in_ten;
    f.corrupt_from = 14;
    t->run(n);
    CHECK(is_about_a_tenth(c.corrupted));
    CHECK(c.received == n);
    u64 broken = 0;
    for (const arrival& x : t->arrivals) broken += !x.is_whole;
    CHECK(broken == c.corrupted);
  }
  SECTION("all at once") {
    f = {.delay_ns = 2 * ms, .jitter_ns = ms, .loss = one_in_ten, .duplication = one_in_ten, .reordering = one_in_ten, .reorder_ns = 4 * ms,
         .corruption = one_in_ten, .full = one_in_ten, .full_ns = 3 * ms, .kick_again = one_in_ten, .late = one_in_ten, .late_ns = 9 * ms,
         .missing = 2000, .partial = one_in_ten};
    t->run(n);
    (void)t->a.flush();
    while (t->a.flush() == nic::kick::again) {}
    while (const auto next = t->link.next_event()) t->step(*next);
    CHECK(c.left == c.transmitted);
    CHECK(c.received == c.left - c.lost + c.duplicated);
    CHECK(c.lost * c.duplicated * c.overtaken * c.corrupted * c.ring_full * c.kicked_again * c.late * c.partial > 0);
  }
  t->finish();
}

TEST_CASE("loss may be that of short frames only, and a link further on may carry less") {
  bench t;
  t.link.faults(0).loss = nic::impairment::always, t.link.faults(0).loss_up_to = 66;
  CHECK(t.send(1, 66));
  CHECK(t.send(2, 67));
  t.step(1);
  REQUIRE(t.arrivals.size() == 1);
  CHECK(t.arrivals[0].mark == 2);
  CHECK(t.link.of(0).lost == 1);
  t.link.faults(0).loss = 0, t.link.faults(0).carries = 500;  // of IP packet, behind 14 bytes
  CHECK(t.send(3, 515));
  CHECK(t.send(4, 514));
  t.step(2);
  REQUIRE(t.arrivals.size() == 2);
  CHECK(t.arrivals[1].mark == 4);
  CHECK(t.link.of(0).too_long == 1);
  t.link.is_raw_ip = true;
  CHECK(t.send(5, 501));
  CHECK(t.send(6, 500));
  t.step(3);
  REQUIRE(t.arrivals.size() == 3);
  CHECK(t.arrivals[2].mark == 6);
}
TEST_CASE("a slow link's queue drops what does not fit") {
  auto t = std::make_unique<bench>();
  t->link.faults(0) = {.rate = 8'000'000, .queue_bytes = 1000};
  for (u8 i = 0; i < 20; ++i) REQUIRE(t->send(i, 100));
  // One at the front and ten behind it.
  CHECK(t->link.of(0).queue_full == 9);
  while (const auto next = t->link.next_event()) t->step(*next);
  CHECK(t->arrivals.size() == 11);
  t->finish();
}

TEST_CASE("the same seed gives the same run, another seed another one") {
  const auto run = [](u64 seed, u32 duplication) {
    auto t = std::make_unique<bench>(seed);
    t->link.faults(0) = {.delay_ns = ms, .jitter_ns = 3 * ms, .loss = one_in_ten, .duplication = duplication, .reordering = one_in_ten, .reorder_ns = 5 * ms};
    t->run(300);
    t->finish();
    return std::move(t->arrivals);
  };
  const auto first = run(7, 0);
  CHECK(first == run(7, 0));
  CHECK(first != run(8, 0));
  // Another fault leaves these where they were.
  auto with = run(7, one_in_ten);
  CHECK(with.size() > first.size());
  with.erase(std::unique(with.begin(), with.end()), with.end());
  CHECK(with == first);
}

TEST_CASE("the two directions of a link do not share their luck") {
  nic::simulated_link_of<4, 64> link(5);
  bool differs = false;
  for (int i = 0; i < 10; ++i) differs |= link.ways[0].draw(0) != link.ways[1].draw(1);
  CHECK(differs);
}

TEST_CASE("completions come late, in part or never, and close returns what is left") {
  auto t = std::make_unique<bench>();
  nic::impairment& f = t->link.faults(0);
  const nic::simulated_counters& c = t->link.of(0);
  f = {.late = nic::impairment::always, .late_ns = 7 * ms};
  REQUIRE(t->send(1));
  t->step(1);
  CHECK(t->arrivals.size() == 1);
  CHECK(t->left.chunks.in_use() == 1);
  t->step(7 * ms);
  CHECK(t->left.chunks.in_use() == 0);
  CHECK(c.late == 1);

  f = {.missing = nic::impairment::always, .give_up_ns = 100 * ms};
  REQUIRE(t->send(2));
  t->step(50 * ms);
  CHECK(t->left.chunks.in_use() == 1);
  t->step(107 * ms);
  CHECK(t->left.chunks.in_use() == 0);

  f = {.missing = nic::impairment::always};
  REQUIRE(t->send(3));
  t->step(1'000'000 * ms);
  CHECK(t->left.chunks.in_use() == 1);
  CHECK(c.missing == 2);

  f = {.partial = nic::impairment::always};
  for (u8 i = 0; i < 30; ++i) REQUIRE(t->send(i));
  for (int i = 0; i < 200; ++i) t->step(t->link.now_ns + 1);
  CHECK(c.partial > 0);
  CHECK(t->left.chunks.in_use() == 1);  // the missing one
  t->finish();
}

TEST_CASE("a full ring takes nothing for a while; a short one takes what fits") {
  auto t = std::make_unique<bench>();
  nic::impairment& f = t->link.faults(0);
  f = {.full = nic::impairment::always, .full_ns = 5 * ms};
  CHECK_FALSE(t->send(1));
  f.full = 0;
  CHECK_FALSE(t->send(1));
  CHECK(t->link.next_event() == 5 * ms);
  t->step(5 * ms);
  CHECK(t->send(1));
  CHECK(t->reclaim() == 1);
  f = {.ring = 2};
  CHECK(t->send(1));
  CHECK(t->send(2));
  CHECK_FALSE(t->send(3));
  CHECK(t->reclaim() == 2);
  CHECK(t->send(3));
  CHECK(t->link.of(0).ring_full == 3);
  t->step(6 * ms);
  t->finish();
}

TEST_CASE("a doorbell that must be rung again sends nothing before") {
  auto t = std::make_unique<bench>();
  t->link.faults(0).kick_again = nic::impairment::always;
  REQUIRE(t->send(1));
  CHECK(t->a.flush() == nic::kick::again);
  t->step(1);
  CHECK(t->arrivals.empty());
  CHECK(t->link.of(0).kicked_again == 2);
  t->link.faults(0).kick_again = 0;
  CHECK(t->a.flush() == nic::kick::done);
  t->step(2);
  CHECK(t->arrivals.size() == 1);
  t->finish();
}

TEST_CASE("a link that is down loses everything and says so") {
  auto t = std::make_unique<bench>();
  t->link.faults(0).is_down = true;
  REQUIRE(t->send(1));
  CHECK(t->a.flush() == nic::kick::link_down);
  t->step(1);
  CHECK(t->arrivals.empty());
  CHECK(t->link.of(0).lost_down == 1);
  CHECK(t->left.chunks.in_use() == 0);
  t->finish();
}

TEST_CASE("a receiver without chunks leaves frames in flight; too many of them find no room") {
  auto t = std::make_unique<bench>();
  std::vector<packet> hoard(256);
  for (packet& p : hoard) p = t->right.chunks.take(0);
  for (u32 i = 0; i < 300; ++i) {
    REQUIRE(t->send(static_cast<u8>(i)));
    REQUIRE(t->reclaim() == 1);
  }
  t->step(1);
  CHECK(t->arrivals.empty());
  CHECK(t->link.in_flight(0) == 256);
  CHECK(t->link.of(0).no_room == 44);
  nic_test::drop(hoard);
  t->step(2);
  CHECK(t->arrivals.size() == 256);
  t->finish();
}

TEST_CASE("a link that may have four frames on their way drops the fifth, whether it waits or flies") {
  auto t = std::make_unique<bench>();
  t->link.faults(0).queue_frames = 4;
  t->link.faults(0).delay_ns = ms;
  for (u8 i = 0; i < 6; ++i) {
    REQUIRE(t->send(i));
    REQUIRE(t->reclaim() == 1);
  }
  CHECK(t->link.in_flight(0) == 4);
  CHECK(t->link.of(0).queue_full == 2);
  t->step(ms);
  CHECK(t->arrivals.size() == 4);
  CHECK(t->link.in_flight(0) == 0);
  REQUIRE(t->send(7));  // and what has arrived made room
  t->step(2 * ms);
  CHECK(t->arrivals.size() == 5);
  CHECK(t->link.of(0).queue_full == 2);
  t->finish();
}

TEST_CASE("the sender may be closed while its frames are in flight, and the receiver before they come") {
  auto t = std::make_unique<bench>();
  t->link.faults(0).delay_ns = ms;
  REQUIRE(t->send(1));
  t->a.close();
  CHECK(t->left.chunks.in_use() == 0);
  nic_test::scribble(t->left.memory);
  t->step(ms);
  CHECK(t->arrivals == std::vector<arrival>{{ms, 1, true}});
  REQUIRE(t->send(2));
  t->b.close();
  CHECK(t->link.in_flight(0) == 0);
  REQUIRE(t->send(3));
  CHECK(t->link.of(0).lost_down == 2);
  t->link.advance(5 * ms);
  CHECK(t->reclaim() == 2);
  t->finish();
}

TEST_CASE("congestion is marked in ECN-capable packets only, and the IPv4 checksum stays right") {
  auto t = std::make_unique<bench>();
  t->link.faults(0).marking = nic::impairment::always;
  const auto sent = [&](std::span<const u8> bytes) {
    packet p = t->left.chunks.take(64), got[1];
    for (std::size_t i = 0; i < bytes.size(); ++i) p.room()[i] = static_cast<std::byte>(bytes[i]);
    p.extend(bytes.size());
    p.become(buffer::owner::nic);
    REQUIRE(t->a.transmit({&p, 1}) == 1);
    (void)t->a.flush();
    (void)t->reclaim();
    REQUIRE(t->b.receive(t->right.chunks, got) == 1);
    std::vector<u8> out;
    for (const std::byte x : got[0].bytes()) out.push_back(std::to_integer<u8>(x));
    return out;
  };
  std::vector<u8> v4 = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 17, 0x26, 0xc0, 10, 0, 0, 1, 10, 0, 0, 23};
  CHECK(sent(v4) == v4);  // not capable
  v4[15] = 2;
  v4[25] = 0xbe;  // ECT(0) and its checksum
  const std::vector<u8> marked = sent(v4);
  CHECK(marked[15] == 3);
  CHECK(marked[24] == 0x26);
  CHECK(marked[25] == 0xbd);
  std::vector<u8> v6(54);
  v6[12] = 0x86;
  v6[13] = 0xdd;
  v6[14] = 0x60;
  CHECK(sent(v6) == v6);
  v6[15] = 0x10;  // ECT(1)
  CHECK(sent(v6)[15] == 0x30);
  CHECK(t->link.of(0).marked == 2);
  t->finish();
}
