// SPDX-License-Identifier: MIT
// A wire that carries trains whole, by copy and by loan.
#include <strata/nic/wire_pair.hpp>

#include <catch2/catch_template_test_macros.hpp>

#include <memory>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using buffer::descriptor;
using buffer::owner;
using nic_test::pattern;
using nic_test::pool_of;

using copying = nic::wire_pair::copying_trains;
using lending = nic::wire_pair::lending_trains;
static_assert(copying::may.segments && copying::may.trains && copying::may.fills_in_checksum && copying::may.partial_checksum);
static_assert(!nic::wire_pair::may.segments && !nic::wire_pair::may.trains);

template <class End> struct cable {
  typename End::wire_type line{};
  pool_of<64> left{};
  pool_of<64> right{};
  End a{line, 0};
  End b{line, 1};
  cable() { line.poisons = true; }
  ~cable() {
    a.close();
    b.close();
    CHECK(left.chunks.in_use() == 0);
    CHECK(right.chunks.in_use() == 0);
  }
  /// Headers of 54 bytes and `n` parts of 100 and at the end 30 bytes, as the NIC takes it.
  packet train(u32 n, u8 mark = 1) {
    packet head = left.chunks.take(64);
    nic_test::fill(head.room().first(154), mark);
    head.extend(154);
    head->body = static_cast<u16>(head->offset + 54);
    head->flags = descriptor::checksum_partial;
    descriptor* last = &head.d();
    for (u32 i = 1; i < n; ++i) {
      packet part = left.chunks.take(64);
      const std::size_t bytes = i + 1 == n ? 30 : 100;
      nic_test::fill(part.room().first(bytes), static_cast<u8>(mark + i));
      part.extend(bytes);
      descriptor* const d = &part.d();
      buffer::couple(*last, std::move(part));
      last = d;
    }
    buffer::become_train(head, owner::nic);
    return head;
  }
  packet frame() { return left.frame(9, 60); }
};

bool is_train(const packet& p, u32 parts, u8 mark = 1) {
  if (buffer::train_parts(p.d()) != parts || p->segment_size != 100 || (p->flags & descriptor::checksum_partial) == 0) return false;
  bool is_right = true;
  u32 i = 0;
  buffer::each_part(p.d(), [&](const descriptor& d) {
    const u32 wanted = i == 0 ? 154 : i + 1 == parts ? 30 : 100;
    is_right = is_right && d.length == wanted;
    for (u32 at = 0; is_right && at < d.length; ++at) is_right = d.chunk[d.offset + at] == pattern(static_cast<u8>(mark + i), at);
    ++i;
  });
  return is_right;
}

TEMPLATE_TEST_CASE("a train crosses a wire whole, between other frames", "", copying, lending) {
  cable<TestType> c;
  packet sent[3] = {c.frame(), c.train(5), c.frame()};
  REQUIRE(c.a.transmit(sent) == 3);
  packet got[4], done[8];
  REQUIRE(c.b.receive(c.right.chunks, got) == 3);
  CHECK(is_train(got[1], 5));
  CHECK((nic_test::frame_is(got[0], 9, 60) && nic_test::frame_is(got[2], 9, 60)));
  CHECK((got[0]->segment_size == 0 && got[0]->flags % 2 == (got[1]->flags & descriptor::borrowed)));
  for (packet& p : got) buffer::drop_train(p);
  CHECK(c.a.reclaim(done) == 3);
  for (packet& p : done) buffer::drop_train(p);
  CHECK(c.left.chunks.in_use() == 0);
}

TEST_CASE("a lent train is handed back part by part, and its head stands for it") {
  cable<lending> c;
  packet head = c.train(4);
  REQUIRE(c.a.transmit({&head, 1}) == 1);
  packet got[1], done[8];
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  CHECK(c.line.of(0).copied == 0);
  CHECK(c.a.reclaim(done) == 0);
  packet third = packet::adopt(*c.right.chunks.named(c.right.chunks.named(got[0]->train)->train), owner::holder), kept = third.hold();
  (void)third.detach();
  buffer::drop_train(got[0]);
  REQUIRE(c.a.reclaim(done) == 1);
  CHECK_FALSE(buffer::is_train(done[0].d()));
  done[0].reset();
  CHECK(c.left.chunks.in_use() == 1);  // the part that somebody still reads
  CHECK(kept.bytes()[0] == pattern(3, 0));
  kept.reset();
  CHECK(c.a.reclaim(done) == 0);
  CHECK(c.left.chunks.in_use() == 0);
}

TEMPLATE_TEST_CASE("a train for which there are not chunks enough stays on the wire", "", copying, lending) {
  cable<TestType> c;
  packet taken[62];
  for (packet& p : taken) p = c.right.chunks.take(0);
  packet head = c.train(3);
  REQUIRE(c.a.transmit({&head, 1}) == 1);
  packet got[1];
  CHECK(c.b.receive(c.right.chunks, got) == 0);
  taken[0].reset();
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  CHECK(is_train(got[0], 3));
  buffer::drop_train(got[0]);
}

TEMPLATE_TEST_CASE("a side that closes gets the parts of its trains back", "", copying, lending) {
  cable<TestType> c;
  packet two[2] = {c.train(3), c.train(4, 30)};
  REQUIRE(c.a.transmit(two) == 2);
  packet got[1];
  REQUIRE(c.b.receive(c.right.chunks, got) == 1);
  c.a.close();
  CHECK(c.left.chunks.in_use() == 0);
  CHECK(is_train(got[0], 3));  // a loan became a copy
  buffer::drop_train(got[0]);
}

TEST_CASE("a train with a part that does not fit in a chunk of the other side is oversized") {
  auto line = std::make_unique<nic::wire>();
  pool_of<8, 2048> left;
  pool_of<8, 512> right;
  copying a(*line, 0), b(*line, 1);
  packet head = left.chunks.take(64), part = left.chunks.take(64);
  head.extend(200), part.extend(600);
  buffer::couple(head.d(), std::move(part));
  buffer::become_train(head, owner::nic);
  REQUIRE(a.transmit({&head, 1}) == 1);
  packet got[1], done[1];
  CHECK(b.receive(right.chunks, got) == 0);
  CHECK(line->of(0).oversized == 1);
  REQUIRE(a.reclaim(done) == 1);
  buffer::drop_train(done[0]);
  CHECK(left.chunks.in_use() == 0);
}

}  // namespace
