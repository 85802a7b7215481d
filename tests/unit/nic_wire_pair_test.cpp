// SPDX-License-Identifier: MIT
#include <strata/nic/wire_pair.hpp>

#include <catch2/catch_test_macros.hpp>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;

using nic_test::frame_is;
using nic_test::pool_of;

// Both ends and their wire can lie in .bss: nothing runs at start or at exit.
constinit nic::wire resting_wire;
constinit nic::wire_pair resting_end{resting_wire, 1};
static_assert(std::is_trivially_destructible_v<nic::wire>);
static_assert(sizeof(nic::wire_pair) <= 16);

template <class End> struct cable {
  using wire_type = typename End::wire_type;
  wire_type line{};
  pool_of<64> left{};
  pool_of<64> right{};
  End a{line, 0};
  End b{line, 1};

  std::size_t send(End& from, pool_of<64>& by, u8 mark, std::size_t length = 60) {
    packet p = by.frame(mark, length);
    REQUIRE(p);
    return from.transmit({&p, 1});
  }
};
}  // namespace

TEST_CASE("a copying wire delivers the bytes and completes when they were received") {
  cable<nic::wire_pair> c;
  REQUIRE(c.send(c.a, c.left, 7) == 1);
  CHECK(c.a.flush() == nic::kick::done);
  packet done[4], got[4];
  CHECK(c.a.reclaim(done) == 0);
  CHECK(c.left.chunks.in_use() == 1);
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  CHECK(frame_is(got[0], 7, 60));
  CHECK(got[0].as() == buffer::owner::holder);
  CHECK(got[0].writable());
  CHECK((got[0]->offset + 14) % 4 == 0);
  REQUIRE(c.a.reclaim(done) == 1);
  CHECK(done[0].as() == buffer::owner::nic);
  done[0].reset();
  got[0].reset();
  CHECK(c.left.chunks.in_use() == 0);
  CHECK(c.right.chunks.in_use() == 0);
  CHECK(c.line.of(0).transmitted == 1);
  CHECK(c.line.of(0).received == 1);
}

TEST_CASE("frames arrive in order, both ways at once") {
  cable<nic::wire_pair> c;
  for (u8 i = 0; i < 20; ++i) {
    REQUIRE(c.send(c.a, c.left, i) == 1);
    REQUIRE(c.send(c.b, c.right, static_cast<u8>(100 + i)) == 1);
  }
  packet got[32], done[32];
  REQUIRE(c.b.receive(c.right.chunks, got) == 20);
  for (u8 i = 0; i < 20; ++i) CHECK(frame_is(got[i], i, 60));
  nic_test::drop(got);
  REQUIRE(c.a.receive(c.left.chunks, got) == 20);
  for (u8 i = 0; i < 20; ++i) CHECK(frame_is(got[i], static_cast<u8>(100 + i), 60));
  nic_test::drop(got);
  CHECK(c.a.reclaim(done) == 20);
  nic_test::drop(done);
  CHECK(c.b.reclaim(done) == 20);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("a full wire takes fewer and leaves the rest with the caller", "", (nic::wire_end<nic::wire_mode::copying, 8>),
                   (nic::wire_end<nic::wire_mode::lending, 8>)) {
  cable<TestType> c;
  packet batch[10];
  for (u8 i = 0; i < 10; ++i) batch[i] = c.left.frame(i, 60);
  REQUIRE(c.a.transmit(batch) == 8);
  CHECK_FALSE(batch[7]);
  CHECK(batch[8]);
  CHECK(batch[9]);
  packet got[16], done[16];
  REQUIRE(c.b.receive(c.right.chunks, got) == 8);
  CHECK(c.a.transmit(std::span(batch).subspan(8)) == 0);  // received, and the ring is still the sender's to clean
  nic_test::drop(got);
  REQUIRE(c.a.reclaim(done) == 8);
  nic_test::drop(done);
  CHECK(c.a.transmit(std::span(batch).subspan(8)) == 2);
  REQUIRE(c.b.receive(c.right.chunks, got) == 2);
  CHECK(frame_is(got[0], 8, 60));
  nic_test::drop(got);
  CHECK(c.a.reclaim(done) == 2);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("a receiver without chunks leaves the frames on the wire", "", nic::wire_pair, nic::wire_pair::lending) {
  cable<TestType> c;
  for (u8 i = 0; i < 3; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  packet hoard[63];
  for (packet& p : hoard) p = c.right.chunks.take(0);
  packet got[4], done[4];
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  CHECK(c.b.receive(c.right.chunks, std::span(got).subspan(1)) == 0);
  nic_test::drop(hoard);
  REQUIRE(c.b.receive(c.right.chunks, std::span(got).subspan(1)) == 2);
  for (u8 i = 0; i < 3; ++i) CHECK(frame_is(got[i], i, 60));
  nic_test::drop(got);
  CHECK(c.a.reclaim(done) == 3);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEST_CASE("a lending wire copies nothing, and completes when the receiver gives back, in any order") {
  cable<nic::wire_pair::lending> c;
  for (u8 i = 0; i < 3; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  packet got[4], done[4];
  REQUIRE(c.b.receive(c.right.chunks, got) == 3);
  CHECK(frame_is(got[1], 1, 60));
  CHECK_FALSE(got[0].writable());
  CHECK(got[0].bytes().data() >= c.left.memory);
  CHECK(got[0].bytes().data() < c.left.memory + sizeof c.left.memory);
  CHECK(c.a.reclaim(done) == 0);
  got[1].reset();
  REQUIRE(c.a.reclaim(done) == 1);
  CHECK(frame_is(done[0], 1, 60));
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() == 2);
  got[0].pull(14);  // the receiver's own frame fields: the sender's stay
  packet second = got[0].hold();
  got[0].reset();
  CHECK(c.a.reclaim(done) == 0);
  second.reset();
  got[2].reset();
  CHECK(c.a.reclaim(done) == 2);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEST_CASE("a borrower that is used again for another frame does not hold up the first one's completion") {
  cable<nic::wire_pair::lending> c;
  REQUIRE(c.send(c.a, c.left, 1) == 1);
  REQUIRE(c.send(c.a, c.left, 2) == 1);
  packet got[1], done[4];
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  got[0].reset();
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);  // the same descriptor: last in, first out
  REQUIRE(c.a.reclaim(done) == 1);
  CHECK(frame_is(done[0], 1, 60));
  nic_test::drop(done);
  got[0].reset();
  CHECK(c.a.reclaim(done) == 1);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEST_CASE("a receiver that keeps what it was lent does not stop the wire: further frames are copied") {
  cable<nic::wire_end<nic::wire_mode::lending, 4>> c;
  packet kept[4], got[4], done[8];
  for (u8 i = 0; i < 4; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  REQUIRE(c.b.receive(c.right.chunks, kept) == 4);
  CHECK(c.a.reclaim(done) == 0);
  for (u8 i = 4; i < 8; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  REQUIRE(c.b.receive(c.right.chunks, got) == 4);
  CHECK(c.line.of(0).copied == 4);
  CHECK(frame_is(got[3], 7, 60));
  CHECK(c.a.reclaim(done) == 4);
  nic_test::drop(done);
  nic_test::drop(got);
  nic_test::drop(kept);
  CHECK(c.a.reclaim(done) == 4);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("closing the sender returns what is on the wire, and the receiver finds nothing", "", nic::wire_pair, nic::wire_pair::lending) {
  cable<TestType> c;
  for (u8 i = 0; i < 3; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  packet got[4];
  REQUIRE(c.b.receive(c.right.chunks, std::span(got).first(1)) == 1);
  c.a.close();
  CHECK(c.left.chunks.in_use() == 0);
  nic_test::scribble(c.left.memory);  // the pool may be gone
  CHECK(frame_is(got[0], 0, 60));
  CHECK(c.b.receive(c.right.chunks, std::span(got).subspan(1)) == 0);
  CHECK(c.line.of(0).lost == 2);
  nic_test::drop(got);
  CHECK(c.right.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("closing the receiver completes what was on its way, and what is sent later", "", nic::wire_pair, nic::wire_pair::lending) {
  cable<TestType> c;
  for (u8 i = 0; i < 3; ++i) REQUIRE(c.send(c.a, c.left, i) == 1);
  packet got[4], done[8];
  REQUIRE(c.b.receive(c.right.chunks, std::span(got).first(1)) == 1);
  nic_test::drop(got);
  c.b.close();
  REQUIRE(c.send(c.a, c.left, 3) == 1);
  CHECK(c.a.reclaim(done) == 4);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() == 0);
  CHECK(c.line.of(0).lost == 3);
  // A new end on that side, and the wire works again.
  TestType again{c.line, 1};
  CHECK(again.receive(c.right.chunks, got) == 0);
  REQUIRE(c.send(c.a, c.left, 4) == 1);
  REQUIRE(again.receive(c.right.chunks, got) == 1);
  CHECK(frame_is(got[0], 4, 60));
  nic_test::drop(got);
  CHECK(c.a.reclaim(done) == 1);
  nic_test::drop(done);
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEST_CASE("a frame that no chunk of the receiver can hold is dropped and counted") {
  nic::wire line;
  pool_of<4, 2048> left;
  pool_of<4, 256> right;
  nic::wire_pair a{line, 0}, b{line, 1};
  packet p = left.frame(1, 400), q = left.frame(2, 100), got[4], done[4];
  REQUIRE(a.transmit({&p, 1}) == 1);
  REQUIRE(a.transmit({&q, 1}) == 1);
  REQUIRE(b.receive(right.chunks, got) == 1);
  CHECK(frame_is(got[0], 2, 100));
  CHECK(line.of(0).oversized == 1);
  CHECK(a.reclaim(done) == 2);
  nic_test::drop(done);
  nic_test::drop(got);
  CHECK(left.chunks.in_use() + right.chunks.in_use() == 0);
}

TEST_CASE("a wire that poisons leaves nothing of earlier frames around a received one") {
  cable<nic::wire_pair> c;
  c.line.poisons = true;
  packet got[1], done[1];
  REQUIRE(c.send(c.a, c.left, 0x11, 1000) == 1);
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  const std::byte* const kept = got[0].bytes().data();
  got[0].reset();
  REQUIRE(c.send(c.a, c.left, 0x22, 60) == 1);
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  CHECK(frame_is(got[0], 0x22, 60));
  CHECK(kept[500] == std::byte{0xdb});
  got[0].reset();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(c.a.reclaim(done) == 1);
    done[0].reset();
  }
  CHECK(c.left.chunks.in_use() + c.right.chunks.in_use() == 0);
}

TEST_CASE("a wire's addresses are locally administered and its MTU is the caller's") {
  nic::wire line;
  const nic::wire_pair a{line, 0}, b{line, 1}, c{line, 0, {{2, 1, 1, 1, 1, 1}}};
  CHECK(a.address() == mac_address{{2, 0, 0, 0, 0, 1}});
  CHECK(b.address() == mac_address{{2, 0, 0, 0, 0, 2}});
  CHECK(c.address() == mac_address{{2, 1, 1, 1, 1, 1}});
  CHECK(a.mtu() == 1500);
  line.mtu = 9000;
  CHECK(a.mtu() == 9000);
  CHECK(resting_end.address() == b.address());
}
