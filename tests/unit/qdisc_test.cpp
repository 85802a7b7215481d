// SPDX-License-Identifier: MIT
// Who leaves first: nobody waits in `direct`; in `fifo` those who came first leave first, and the queue has an end.
#include <strata/qdisc/direct.hpp>
#include <strata/qdisc/fifo.hpp>

#include "layer_below.hpp"

namespace {

using namespace strata;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;

struct no_config {};
using direct = qdisc::direct::of<no_config>;
using three = qdisc::fifo_of<3>::of<no_config>;
static_assert(qdisc::discipline<direct> && qdisc::discipline<three> && qdisc::discipline<qdisc::fifo::of<no_config>>);
static_assert(direct::is_direct && std::is_empty_v<direct>);
static_assert(!three::is_direct && three::limit == 3 && qdisc::fifo::of<no_config>::limit == 1000);

TEST_CASE("fifo gives packets back in the order in which they came, owned by the qdisc") {
  pool_of<4> pool;
  three q;
  for (u8 mark = 1; mark <= 3; ++mark) {
    const std::byte b[] = {static_cast<std::byte>(mark)};
    packet p = pool.outgoing(b);
    REQUIRE(q.enqueue(p));
    CHECK_FALSE(p);
  }
  for (u8 mark = 1; mark <= 3; ++mark) {
    const packet p = q.dequeue(pool.chunks);
    REQUIRE(p);
    CHECK(p.as() == buffer::owner::qdisc);
    CHECK_FALSE(p.writable());
    CHECK(p.bytes()[0] == static_cast<std::byte>(mark));
  }
  CHECK_FALSE(q.dequeue(pool.chunks));
}

TEST_CASE("fifo refuses the packet beyond its limit, which stays the caller's, and counts it") {
  pool_of<4> pool;
  three q;
  for (int i = 0; i < 3; ++i) {
    packet p = pool.outgoing(hex("01"));
    REQUIRE(q.enqueue(p));
  }
  packet p = pool.outgoing(hex("02"));
  CHECK_FALSE(q.enqueue(p));
  REQUIRE(p);
  CHECK(p.as() == buffer::owner::application);
  CHECK(q.drops() == 1);
  (void)q.dequeue(pool.chunks);
  CHECK(q.enqueue(p));
  CHECK(q.size() == 3);
  q.clear(pool.chunks);
  CHECK(q.size() == 0);
}

TEST_CASE("a packet of a send queue may wait in a qdisc, and comes back to one owner") {
  pool_of<4> pool;
  three q;
  packet queued = pool.outgoing(hex("01 02"));
  queued.become(buffer::owner::send_queue);
  packet p = queued.share(buffer::owner::application);
  REQUIRE(q.enqueue(p));
  CHECK_FALSE(queued.writable());
  q.clear(pool.chunks);
  CHECK(queued.writable());
}

}  // namespace
