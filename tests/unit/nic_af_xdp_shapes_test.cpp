// SPDX-License-Identifier: MIT
// AF_XDP over a kernel in memory: several queues, frames in pieces, chunks that are not aligned, checksums, and a long run.
#include <fake_xsk/opened.hpp>
#include <strata/core/entropy.hpp>

namespace {
using namespace strata;
using namespace strata::test;
}  // namespace

TEST_CASE("an address is of the chunk that it lies in, to the byte") {
  static page_memory memory{4096};
  for (const u32 size : {2048u, 2049u, 3000u, 4095u, 4096u, 6144u, 63488u}) {
    nic::kernel::chunk_layout layout;
    REQUIRE(layout.open(region({memory.at, std::size_t{1} << 40}), size).errno_value == 0);
    for (const u64 i : {u64{0}, u64{1}, u64{2}, u64{1023}, u64{77'777}, u64{16'777'215}}) {
      CHECK(layout.chunk_of(i * size) == i);
      CHECK(layout.chunk_of(i * size + size - 1) == i);
    }
  }
}

TEST_CASE("several queues receive over one region, in turn, and one sends") {
  opened t({.queues = 3, .fill = 8});
  CHECK(t.kernel.sockets_of_map.size() == 3);
  CHECK(t.kernel.open[t.nic.descriptor()].kind == "epoll");
  (void)t.receive();
  CHECK(t.nic.chunks_kept() == 24);
  REQUIRE(t.deliver(1, 60, 2));
  REQUIRE(t.deliver(2, 60, 0));
  REQUIRE(t.deliver(3, 60, 1));
  const auto got = t.receive();
  REQUIRE(got.size() == 3);
  u32 marks = 0;
  for (const packet& p : got)
    for (u8 mark = 1; mark <= 3; ++mark) marks += nic_test::frame_is(p, mark, 60) ? 1u << mark : 0u;
  CHECK(marks == 0b1110);
  (void)t.receive();
  CHECK(t.nic.chunks_kept() == 21);  // a queue is made up for when it lacks two
  REQUIRE(t.deliver(4, 60, 1));
  CHECK(t.receive().size() == 1);
  (void)t.receive();
  CHECK(t.nic.chunks_kept() == 22);
  REQUIRE(t.transmit(5, 60));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.is_sent(0, 5, 60));
  CHECK(t.reclaim() == 1);
}
TEST_CASE("a queue whose frames fill each batch does not keep the others from being heard") {
  opened t({.queues = 2, .fill = 8});
  (void)t.receive();
  REQUIRE(t.deliver(99, 60, 1));
  bool is_heard = false;
  for (u32 i = 0; i < 2; ++i) {
    while (t.deliver(1, 60, 0)) {}
    for (const packet& p : t.receive(4)) is_heard |= nic_test::frame_is(p, 99, 60);
  }
  CHECK(is_heard);
}

// MTU 9000 over the kernel's chunks of 4096: one of ours is three of them.
TEST_CASE("a long frame is sent in pieces from one chunk, without a copy, and completes once") {
  opened t({.mtu = 9000, .fill = 4}, {.chunks = 16, .chunk_size = 12288});
  CHECK(t.nic.mtu() == 9000);
  for (const u32 headroom : {64u, 4000u, 4095u, 4096u}) {
    for (const std::size_t length : {std::size_t{60}, std::size_t{97}, std::size_t{4032}, std::size_t{8000}}) {
      t.kernel.sent.clear();
      REQUIRE(t.transmit(static_cast<u8>(length), length, headroom));
      CHECK(t.nic.flush() == nic::kick::done);
      CHECK(t.is_sent(0, static_cast<u8>(length), length));
      CHECK(t.chunks.in_use() == 1);
      CHECK(t.reclaim() == 1);
    }
  }
}
TEST_CASE("a long frame that comes in pieces is put together in the chunk of the first") {
  opened t({.mtu = 9000, .fill = 8}, {.chunks = 16, .chunk_size = 12288});
  (void)t.receive();
  REQUIRE(t.deliver(1, 9014));
  REQUIRE(t.deliver(2, 60));
  REQUIRE(t.deliver(3, 3841));
  auto got = t.receive();
  REQUIRE(got.size() == 3);
  CHECK(nic_test::frame_is(got[0], 1, 9014));
  CHECK(nic_test::frame_is(got[1], 2, 60));
  CHECK(nic_test::frame_is(got[2], 3, 3841));
  CHECK(t.nic.count().receive_copied == 3);
  CHECK(t.chunks.in_use() == 3 + t.nic.chunks_kept());
}
TEST_CASE("a frame in pieces that does not fit in a chunk is dropped whole, and the next one comes") {
  opened whole({.fill = 8}, {.chunks = 32, .chunk_size = 4096});
  CHECK_FALSE(whole.deliver(1, 5000));  // one piece each
  opened t({.mtu = 9000, .fill = 16}, {.chunks = 32, .chunk_size = 12288});
  (void)t.receive();
  REQUIRE(t.deliver(1, 20000));
  REQUIRE(t.deliver(2, 9000));
  const auto got = t.receive();
  REQUIRE(got.size() == 1);
  CHECK(nic_test::frame_is(got[0], 2, 9000));
  CHECK(t.nic.count().oversized == 1);
}

TEST_CASE("chunks of 3000 bytes: addresses have their offset in the upper bits") {
  opened t({.fill = 20}, {.chunks = 64, .chunk_size = 3000});
  CHECK((t.kernel.registration_of(*t.kernel.bound_to(0)).flags & xdp::unaligned_chunks) != 0);
  (void)t.receive();
  for (u8 i = 0; i < 20; ++i) REQUIRE(t.deliver(i, 1514));
  auto got = t.receive();
  REQUIRE(got.size() == 20);
  for (u8 i = 0; i < 20; ++i) CHECK(nic_test::frame_is(got[i], i, 1514));
  got.clear();
  for (u8 i = 0; i < 30; ++i) REQUIRE(t.transmit(i, 1514));
  CHECK(t.nic.flush() == nic::kick::done);
  for (u8 i = 0; i < 30; ++i) CHECK(t.is_sent(i, i, 1514));
  CHECK(t.reclaim() == 30);
}

// The frame's metadata lies in front of it: xsk-tx-metadata.rst.
TEST_CASE("a checksum that is left to the interface is asked for, of UDP and of TCP, and no other") {
  opened t({.requests_checksum = true});
  CHECK(t.nic.has().fills_in_checksum);
  const auto& memory = t.kernel.registration_of(*t.kernel.bound_to(0));
  CHECK((memory.flags & xdp::has_metadata) != 0);
  CHECK(memory.metadata_length == nic::af_xdp::transmit_headroom);
  for (const bool is_udp : {true, false}) {
    for (const u32 headroom : {24u, 64u}) {
      t.kernel.sent.clear();
      packet p = t.chunks.take(headroom);
      nic_test::fill(p.room().first(100), 5);
      p.extend(100);
      p->transport = static_cast<u16>(headroom + 34);
      std::byte* const field = p.writable_bytes().data() + 34 + (is_udp ? 6 : 16);
      buffer::leave_checksum(p, field, u32{0x1234}, is_udp);
      store_be<u16>(field, 0);
      const u32 rest = ones_sum(p.bytes().subspan(34));
      store_be<u16>(field, 0x1234);
      p.become(buffer::owner::nic);
      REQUIRE(t.nic.transmit({&p, 1}) == 1);
      CHECK(t.nic.flush() == nic::kick::done);
      REQUIRE(t.kernel.sent.size() == 1);
      CHECK(load_be<u16>(t.kernel.sent[0].data() + 34 + (is_udp ? 6 : 16)) == static_cast<u16>(~fold(rest + 0x1234)));
      CHECK(t.reclaim() == 1);
    }
  }
  CHECK(t.kernel.checksums_made == 4);
  t.kernel.sent.clear();
  REQUIRE(t.transmit(1, 100));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.is_sent(0, 1, 100));
  CHECK(t.kernel.checksums_made == 4);
  CHECK(t.reclaim() == 1);
  REQUIRE(t.transmit(1, 100, 23));  // no room for the kernel to look at: dropped here
  CHECK(t.nic.count().foreign == 1);
  CHECK(t.nic.sent_at() == 0);
}
TEST_CASE("when a frame left is told where the interface's driver tells") {
  opened t({.wants_timestamps = true});
  CHECK_FALSE(t.nic.has().fills_in_checksum);
  REQUIRE(t.transmit(1, 100));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.reclaim() == 1);
  CHECK(t.nic.sent_at() == 0);
  t.kernel.now_ns = 1'700'000'000'000'000'000;
  for (u32 i = 0; i < 2; ++i) REQUIRE(t.transmit(1, 100));
  CHECK(t.nic.flush() == nic::kick::done);
  CHECK(t.reclaim() == 2);
  CHECK(t.nic.sent_at() == 1'700'000'000'000'000'001);
}

TEST_CASE("af_xdp says of each frame what its option says of checksums") {
  using buffer::descriptor;
  const auto flags = [](nic::receive_checksum how) {
    opened t({.checksum = how});
    (void)t.receive();
    REQUIRE(t.deliver(1, 60));
    const auto got = t.receive();
    REQUIRE(got.size() == 1);
    CHECK(t.nic.has().verified_checksum == (how == nic::receive_checksum::trust));
    CHECK(t.nic.has().partial_checksum == (how == nic::receive_checksum::accept_partial));
    return got[0]->flags;
  };
  CHECK(flags(nic::receive_checksum::verify) == 0);
  CHECK(flags(nic::receive_checksum::trust) == descriptor::checksum_verified);
  CHECK(flags(nic::receive_checksum::accept_partial) == descriptor::checksum_partial);
}

// 2^17 frames each way in random batches, the indices running over 2^32, the pool tight: nothing is lost, doubled or out of order.
TEST_CASE("af_xdp keeps every chunk through a long run") {
  for (const u32 start : {0xffff'0000u, 0u}) {
    opened t({.rings = {.receive = 16, .transmit = 16, .fill = 16, .completion = 16}, .fill = 12}, {.chunks = 48, .start_index = start});
    entropy::seeded random{start + 1};
    u8 next_in = 0, next_out = 0, expected = 0;
    std::vector<packet> held;
    u64 received = 0, sent = 0;
    for (u32 step = 0; step < 40'000; ++step) {
      t.kernel.completes = random.next() % 3 != 0;
      for (u64 n = random.next() % 6; n > 0; --n)
        if (t.deliver(next_in, 64)) ++next_in;
      for (packet& p : t.receive(1 + random.next() % 8)) {
        REQUIRE(nic_test::frame_is(p, expected, 64));
        ++expected;
        ++received;
        if (random.next() % 4 == 0) held.push_back(std::move(p));
      }
      for (u64 n = random.next() % 6; n > 0; --n)
        if (t.transmit(next_out, 64)) ++next_out;
      if (random.next() % 4 != 0) (void)t.nic.flush();
      if (random.next() % 2 == 0) t.kernel.complete_all();
      (void)t.reclaim();
      if (random.next() % 8 == 0) held.clear();
      REQUIRE(t.kernel.faults.empty());
    }
    t.kernel.completes = true;
    (void)t.nic.flush();
    t.kernel.complete_all();
    (void)t.reclaim();
    sent = t.kernel.sent.size();
    CHECK(received > 30'000);
    CHECK(sent == t.nic.count().transmit_frames);
    u8 in_order = 0;
    for (std::size_t i = 0; i < sent; ++i) REQUIRE(t.is_sent(i, in_order++, 64));
    held.clear();
    CHECK(t.chunks.in_use() == t.nic.chunks_kept());
  }
}
