// SPDX-License-Identifier: MIT
// CE is set in ECN-capable packets that have left their queue, and in no others; the law of the frame holds before and after.
#include <strata/qdisc/ecn.hpp>

#include "qdisc_frames.hpp"

namespace {

using namespace strata;
using namespace strata::qdisc_test;
using buffer::owner;

TEST_CASE("an ECN-capable packet is marked, and its IPv4 header checksum follows; one that is not, is left as it is. RFC 3168 §5") {
  pool_of<4> pool;
  for (u32 tos = 0; tos < 256; ++tos) {
    packet p = frame(pool, {.tos = static_cast<u8>(tos), .length = 60});
    p.become(owner::qdisc);
    const bytes before = copy_of(p);
    REQUIRE(qdisc::mark_ce(p) == ((tos & 3) != 0));
    CHECK(p.as() == owner::qdisc);
    CHECK(p->owners == packet::bit(owner::qdisc));
    CHECK(static_cast<u8>(p.bytes()[15]) == ((tos & 3) == 0 ? tos : (tos | 3)));
    CHECK(plain_sum(p.bytes().subspan(14, 20)) == 0xffff);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (i == 15 || i == 24 || i == 25) continue;
      if (before[i] != p.bytes()[i]) FAIL("byte " << i << " changed");
    }
  }
}

TEST_CASE("of IPv6 the two bits of the traffic class are set, and neither its others nor the flow label") {
  pool_of<4> pool;
  for (u32 tc = 0; tc < 256; ++tc) {
    packet p = frame(pool, {.length = 80});
    store_be<u32>(p.writable_bytes().data() + 14, 0x6000'5aa5u | tc << 20);
    p.become(owner::qdisc);
    REQUIRE(qdisc::mark_ce(p) == ((tc & 3) != 0));
    CHECK(load_be<u32>(p.bytes().data() + 14) == (0x6000'5aa5u | ((tc & 3) == 0 ? tc : tc | 3) << 20));
  }
}

TEST_CASE("what is no IP, not ours to write or in somebody's hand is not marked") {
  pool_of<4> pool;
  packet arp = frame(pool, {.tos = 1});
  arp.writable_bytes()[14] = std::byte{0};
  arp.become(owner::qdisc);
  CHECK_FALSE(qdisc::mark_ce(arp));

  packet p = frame(pool, {.tos = 1});
  packet also = p.share(owner::send_queue);  // as TCP's, which has the packet for retransmission: it is marked
  p.become(owner::qdisc);
  CHECK(qdisc::mark_ce(p));
  also.reset();

  packet q = frame(pool, {.tos = 1});
  q.become(owner::qdisc);
  {
    const packet in_hand = q.share(owner::application);
    CHECK_FALSE(qdisc::mark_ce(q));
  }
  CHECK(qdisc::mark_ce(q));

  packet lent = frame(pool, {.tos = 2});
  lent->flags = static_cast<u8>(lent->flags | buffer::descriptor::checksum_verified);
  const u8 flags = lent->flags;
  pool_of<2> other;
  {
    packet borrowed = other.chunks.borrow(lent.d(), lent->offset, lent->length);
    borrowed->holders = 0;  // a frame that is passed on: it is sent, and no longer received
    borrowed->owners = packet::bit(owner::qdisc);
    packet passed = packet::adopt(*borrowed.detach(), owner::qdisc);
    other.chunks.seal(passed.d());
    passed->network = static_cast<u16>(passed->offset + 14);
    CHECK_FALSE(qdisc::mark_ce(passed));
  }
  CHECK(lent->flags == flags);
  CHECK((static_cast<u8>(lent.bytes()[15]) & 3) == 2);
}

}  // namespace
