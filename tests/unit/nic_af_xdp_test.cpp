// SPDX-License-Identifier: MIT
// The paths of frames through AF_XDP's rings, over a kernel in memory. How it is opened: nic_af_xdp_open_test.cpp; with a kernel: tests/kernel.
#include <fake_xsk/opened.hpp>

namespace {
using namespace strata;
using namespace strata::test;
}  // namespace

TEST_CASE("af_xdp receives frames where they lie, and fills up what it took") {
  opened t({.fill = 16});
  CHECK(t.receive().empty());
  CHECK(t.nic.chunks_kept() == 16);
  CHECK(t.chunks.in_use() == 16);
  for (u8 i = 0; i < 3; ++i) REQUIRE(t.deliver(i, 60u + i));
  auto got = t.receive();
  REQUIRE(got.size() == 3);
  for (u8 i = 0; i < 3; ++i) {
    CHECK(nic_test::frame_is(got[i], i, 60u + i));
    CHECK(got[i]->offset == 256);
    CHECK(got[i].as() == buffer::owner::holder);
    CHECK(got[i].writable());
  }
  CHECK(t.nic.chunks_kept() == 13);
  CHECK(t.receive().empty());
  CHECK(t.nic.chunks_kept() == 16);
  CHECK(t.chunks.in_use() == 19);
  CHECK(t.nic.count().receive_frames == 3);
  CHECK(t.nic.count().receive_bytes == 183);
}

TEST_CASE("af_xdp fills up while frames keep coming") {
  opened t({.fill = 16});
  (void)t.receive();
  for (u32 round = 0; round < 50; ++round) {
    for (u8 i = 0; i < 8; ++i) REQUIRE(t.deliver(i, 100));
    CHECK(t.receive().size() == 8);
    CHECK(t.nic.chunks_kept() >= 8);
  }
  CHECK(t.nic.count().kernel.fill_ring_empty == 0);
}

TEST_CASE("chunks that wait to be received into are few until bursts take more than half of them") {
  opened t({}, {.chunks = 800});  // of which a quarter may wait
  const auto kept_after = [&](u32 frames) {
    for (u32 i = 0; i < frames; ++i) REQUIRE(t.deliver(static_cast<u8>(i), 100));
    while (!t.receive().empty()) {}
    (void)t.receive();
    return t.nic.chunks_kept();
  };
  CHECK(kept_after(0) == 64);
  for (int round = 0; round < 20; ++round) CHECK(kept_after(20) == 64);
  CHECK(kept_after(64) == 128);
  CHECK(kept_after(30) == 128);
  CHECK(kept_after(128) == 200);
  CHECK(kept_after(150) == 200);
  CHECK(t.nic.count().kernel.fill_ring_empty == 0);
}

TEST_CASE("af_xdp goes on when the pool was empty and has chunks again") {
  opened t({.fill = 8}, {.chunks = 32});
  std::vector<packet> hoard;
  for (packet p = t.chunks.take(0); p; p = t.chunks.take(0)) hoard.push_back(std::move(p));
  CHECK(t.receive().empty());
  CHECK(t.nic.chunks_kept() == 0);
  CHECK(t.nic.count().no_chunk == 1);
  CHECK_FALSE(t.deliver(1, 100));
  CHECK(t.nic.count().kernel.fill_ring_empty == 1);
  hoard.resize(hoard.size() - 3);
  CHECK(t.receive().empty());
  CHECK(t.nic.chunks_kept() == 3);
  REQUIRE(t.deliver(1, 100));
  hoard.clear();
  const auto got = t.receive();
  REQUIRE(got.size() == 1);
  CHECK(nic_test::frame_is(got[0], 1, 100));
  (void)t.receive();
  CHECK(t.nic.chunks_kept() == 8);
}

TEST_CASE("a poll of af_xdp that finds nothing makes no system call") {
  opened t;
  (void)t.receive();
  const u32 before = t.kernel.calls;
  for (u32 i = 0; i < 10; ++i) {
    CHECK(t.receive().empty());
    CHECK(t.reclaim() == 0);
  }
  CHECK(t.kernel.calls == before);
  CHECK(t.kernel.wakes == 0);
}
TEST_CASE("busy polling runs the interface's driver in each poll that finds nothing") {
  opened t({.busy_poll_us = 20, .busy_poll_budget = 16});
  CHECK(t.kernel.open[t.nic.descriptor()].options == std::map<int, int>{{SO_PREFER_BUSY_POLL, 1}, {SO_BUSY_POLL, 20}, {SO_BUSY_POLL_BUDGET, 16}});
  (void)t.receive();
  (void)t.receive();
  CHECK(t.kernel.wakes == 2);
  REQUIRE(t.deliver(1, 60));
  CHECK(t.receive().size() == 1);
  CHECK(t.kernel.wakes == 2);
  CHECK(t.nic.count().wakes == 2);
}
TEST_CASE("a driver of an interface that sleeps over its fill ring is woken, in zero-copy only") {
  opened t;
  (void)t.receive();
  auto& d = t.kernel.open[t.nic.descriptor()];
  d.fill.flags() = xdp::wants_wakeup;
  (void)t.receive();
  CHECK(t.kernel.wakes == 0);
}

TEST_CASE("af_xdp sends by one store and one call for a batch") {
  opened t;
  auto& ring = t.kernel.open[t.nic.descriptor()].transmit;
  for (u8 i = 0; i < 5; ++i) REQUIRE(t.transmit(i, 70u + i));
  CHECK(ring.filled() == 0);
  CHECK(t.kernel.kicks == 0);
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.kicks == 1);
  REQUIRE(t.kernel.sent.size() == 5);
  for (u8 i = 0; i < 5; ++i) CHECK(t.is_sent(i, i, 70u + i));
  CHECK(t.chunks.in_use() == 5);
  CHECK(t.reclaim() == 5);
  CHECK(t.chunks.in_use() == 0);
  CHECK(t.nic.count().transmit_frames == 5);
  CHECK(t.nic.count().transmit_bytes == 360);
}
TEST_CASE("af_xdp does not call a kernel that does not want to be called") {
  opened t;
  auto& d = t.kernel.open[t.nic.descriptor()];
  d.transmit.flags() = 0;
  REQUIRE(t.transmit(1, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.kicks == 0);
  CHECK(d.transmit.filled() == 1);
}
TEST_CASE("a batch of more than 32 frames takes as many calls as it needs") {
  opened t({.rings = {.transmit = 128, .completion = 128}}, {.chunks = 256});
  for (u8 i = 0; i < 100; ++i) REQUIRE(t.transmit(i, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.kicks == 4);
  CHECK(t.kernel.sent.size() == 100);
  CHECK(t.reclaim() == 100);
}
TEST_CASE("a full transmit ring is emptied by a call before a frame is turned away") {
  opened t({.rings = {.transmit = 8, .completion = 64}});
  for (u8 i = 0; i < 20; ++i) REQUIRE(t.transmit(i, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.sent.size() == 20);
  CHECK(t.nic.count().full == 0);
  CHECK(t.reclaim() == 20);

  t.kernel.refuse("kick", EAGAIN);
  for (u8 i = 0; i < 8; ++i) REQUIRE(t.transmit(i, 60));
  packet p = t.frame(9, 60);
  CHECK(t.nic.transmit({&p, 1}) == 0);
  CHECK(p);  // the caller's
  CHECK(t.nic.count().full == 1);
  CHECK(t.nic.flush() == nic::kick::again);
  t.kernel.refusals.clear();
  CHECK(t.nic.transmit({&p, 1}) == 1);
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.sent.size() == 29);
  CHECK(t.reclaim() == 9);
}
TEST_CASE("af_xdp drops and counts what does not lie in its region") {
  opened t;
  nic_test::pool_of<4> elsewhere;
  packet p = elsewhere.frame(1, 60);
  CHECK(t.nic.transmit({&p, 1}) == 1);
  CHECK_FALSE(p);
  CHECK(elsewhere.chunks.in_use() == 0);
  CHECK(t.nic.count().foreign == 1);
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.sent.empty());
}

TEST_CASE("the doorbell says what the kernel's answer means") {
  opened t;
  REQUIRE(t.transmit(1, 60));
  for (const int why : {EAGAIN, EBUSY, ENOBUFS}) {
    t.kernel.refuse("kick", why);
    CHECK(t.nic.flush() == nic::kick::again);
  }
  CHECK(t.nic.count().kicks_again == 3);
  for (const int why : {ENETDOWN, ENXIO}) {
    t.kernel.refuse("kick", why);
    CHECK(t.nic.flush() == nic::kick::link_down);
  }
  CHECK(t.nic.count().link_down == 2);
  t.kernel.refusals.clear();
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.is_sent(0, 1, 60));
  CHECK(t.reclaim() == 1);
}
TEST_CASE("a kick whose frames are gone is done, whatever the kernel says of them") {
  opened t;
  REQUIRE(t.transmit(1, 60));
  t.kernel.refuse("after the kick", EBUSY);  // as of a frame that is longer than the interface's MTU
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.nic.count().kicks_again == 0);
  CHECK(t.reclaim() == 1);
}
TEST_CASE("frames wait while the interface is down and leave when it is up again") {
  opened t({.rings = {.transmit = 4, .completion = 8}});
  (void)t.receive();
  t.kernel.is_up = false;
  for (u8 i = 0; i < 4; ++i) REQUIRE(t.transmit(i, 60));
  CHECK(t.nic.flush() == nic::kick::link_down);
  packet p = t.frame(4, 60);
  CHECK(t.nic.transmit({&p, 1}) == 0);
  CHECK(t.reclaim() == 0);
  t.kernel.is_up = true;
  CHECK(t.nic.transmit({&p, 1}) == 1);  // the ring was full, so the kernel was called
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.kernel.sent.size() == 5);
  CHECK(t.reclaim() == 5);
  REQUIRE(t.deliver(9, 60));
  CHECK(t.receive().size() == 1);
}
TEST_CASE("an interface that is deleted leaves link_down, and every packet comes back at close") {
  opened t({.fill = 8});
  (void)t.receive();
  REQUIRE(t.transmit(1, 60));
  t.kernel.is_deleted = true;
  CHECK(t.nic.flush() == nic::kick::link_down);
  CHECK(t.nic.flush() == nic::kick::link_down);
  CHECK(t.chunks.in_use() == 9);
  t.nic.close();
  CHECK(t.chunks.in_use() == 0);
}

TEST_CASE("close gives back what waits, what is on its way, and what came and was not taken") {
  opened t({.fill = 8});
  (void)t.receive();
  t.kernel.completes = false;
  for (u8 i = 0; i < 5; ++i) REQUIRE(t.transmit(i, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  t.kernel.complete_all();
  t.kernel.completes = false;
  REQUIRE(t.transmit(7, 60));
  packet done[2];
  REQUIRE(t.nic.reclaim(done) == 2);
  nic_test::drop(done);
  REQUIRE(t.deliver(1, 60));
  REQUIRE(t.deliver(2, 60));
  auto kept = t.receive(1);
  REQUIRE(kept.size() == 1);
  // A packet of ours that another device has, and one that a stack holds: not the driver's.
  packet other = t.frame(3, 60), held = t.chunks.take_receive(0);
  const u32 in_use = t.chunks.in_use();
  CHECK(in_use == 5 - 2 + 1 + 8 + 2);
  t.nic.close();
  CHECK(t.chunks.in_use() == 3);
  CHECK(nic_test::frame_is(kept[0], 1, 60));
  CHECK(nic_test::frame_is(other, 3, 60));
  t.nic.close();
  CHECK(t.chunks.in_use() == 3);
}
TEST_CASE("close leaves another device a packet that this one had sent before") {
  opened t;
  packet queued = t.chunks.take(64);
  nic_test::fill(queued.room().first(60), 1);
  queued.extend(60);
  queued.become(buffer::owner::send_queue);
  packet p = queued.share(buffer::owner::nic);
  REQUIRE(t.nic.transmit({&p, 1}) == 1);
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.reclaim() == 1);
  packet elsewhere = queued.share(buffer::owner::nic);
  t.nic.close();
  CHECK((elsewhere->owners & packet::bit(buffer::owner::nic)) != 0);
  elsewhere.reset();
  queued.reset();
}
TEST_CASE("a driver that was closed or never opened takes nothing and gives nothing") {
  fake_af_xdp none;
  CHECK(none.flush() == nic::kick::done);
  packet batch[2];
  CHECK(none.reclaim(batch) == 0);
  nic_test::pool_of<4> pool;
  CHECK(none.receive(pool.chunks, batch) == 0);
  CHECK(none.chunks_kept() == 0);
  CHECK(pool.chunks.in_use() == 0);
}
TEST_CASE("an af_xdp driver moves, and what it had goes with it") {
  opened t({.fill = 8});
  (void)t.receive();
  REQUIRE(t.transmit(1, 60));
  fake_af_xdp other = std::move(t.nic);
  CHECK(t.nic.chunks_kept() == 0);
  CHECK(other.chunks_kept() == 8);
  CHECK(other.flush() == nic::kick::done);
  packet done[4];
  REQUIRE(other.reclaim(done) == 1);
  done[0].reset();
  REQUIRE(t.deliver(1, 60));
  packet batch[4];
  CHECK(other.receive(t.chunks, batch) == 1);
  t.nic = std::move(other);
}

TEST_CASE("completions come in any order") {
  opened t;
  t.kernel.completes = false;
  for (u8 i = 0; i < 4; ++i) REQUIRE(t.transmit(i, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  std::swap(t.kernel.uncompleted[0], t.kernel.uncompleted[3]);
  t.kernel.complete_all();
  packet done[8];
  REQUIRE(t.nic.reclaim(done) == 4);
  CHECK(nic_test::frame_is(done[0], 3, 60));
  CHECK(nic_test::frame_is(done[3], 0, 60));
  nic_test::drop(done);
}
