// SPDX-License-Identifier: MIT
// Tags: how they are written, which are taken off, and what becomes of frames of another VLAN.
#include <strata/link/vlan.hpp>

#include "layer_below.hpp"

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;
using one = link::vlan<link::ethernet>;
using two = link::vlan<one>;

constexpr mac_address ours = "02:00:00:00:00:01"_mac, theirs = "02:00:00:00:00:02"_mac;

static_assert(one::header_size == 18 && two::header_size == 22 && one::has_addresses);
static_assert(one::announced_by == 0x8100 && two::announced_by == 0x88a8);
static_assert(wire::vlan::parse(hex("a0 05 08")) == std::nullopt);
static_assert(wire::vlan::parse(hex("a0 05 08 00 ff")) == wire::vlan{.priority = 5, .id = 5, .type = 0x0800});
static_assert(wire::vlan::parse(hex("1f fe 86 dd")) == wire::vlan{.may_be_dropped = true, .id = 0xffe, .type = 0x86dd});
static_assert([] {  // parse and emit are each other's inverse, for every value
  for (u32 control = 0; control < 0x10000; control += 37) {
    std::byte at[4], again[4];
    store_be<u16>(at, static_cast<u16>(control));
    store_be<u16>(at + 2, 0x0806);
    wire::vlan::parse(at)->emit(again);
    if (!wire_test::equal(at, again)) return false;
  }
  return true;
}());
static_assert(one::options{.id = 4094, .priority = 7}.is_valid() && !one::options{.id = 4095}.is_valid() && !one::options{.priority = 8}.is_valid());
static_assert(two::options{.id = 1, .inner = {.id = 2}}.is_valid() && !two::options{.id = 1, .inner = {.id = 5000}}.is_valid());

TEST_CASE("a tag stands between the addresses and the type; two of them as IEEE 802.1ad orders them") {
  std::byte at[22];
  one({.id = 5}).emit(at, theirs, ours, link::kind::ipv4);
  CHECK(equal(std::span(at).first(18), hex("02 00 00 00 00 02 02 00 00 00 00 01 81 00 00 05 08 00")));
  one({.id = 0x0abc, .priority = 7, .may_be_dropped = true}).emit(at, mac_address::broadcast(), ours, link::kind::arp);
  CHECK(equal(std::span(at).first(18), hex("ff ff ff ff ff ff 02 00 00 00 00 01 81 00 fa bc 08 06")));
  two({.id = 100, .priority = 1, .inner = {.id = 5}}).emit(at, theirs, ours, link::kind::ipv6);
  CHECK(equal(at, hex("02 00 00 00 00 02 02 00 00 00 00 01 88 a8 20 64 81 00 00 05 86 dd")));
}

TEST_CASE("a frame of our VLAN loses its header, whatever its priority; those of another and those without a tag are dropped and counted") {
  pool_of<4> pool;
  one l({.id = 5});
  packet p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 f0 05 08 00 aa bb"));
  const auto r = l.parse(p, ours);
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv4);
  CHECK_FALSE(r->is_broadcast);
  CHECK(equal(p.bytes(), hex("aa bb")));

  p = pool.incoming(hex("ff ff ff ff ff ff 02 00 00 00 00 02 81 00 00 05 08 06"));
  REQUIRE(l.parse(p, ours));
  CHECK(p.size() == 0);

  const bytes other = copy_of(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 06 08 00 aa bb"));
  p = pool.incoming(other);
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_other_id == 1);
  CHECK(equal(p.bytes(), other));
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 10 00 08 00"));
  CHECK_FALSE(l.parse(p, ours));  // a priority and no VLAN: not asked for
  CHECK(l.counted().rx_other_id == 2);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 08 00 00 05 08 00"));
  CHECK_FALSE(l.parse(p, ours));
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 05 08 00"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_untagged == 2);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 05 08"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_length_errors == 1);
}

TEST_CASE("a frame with a priority and no VLAN is ours where we say so") {
  pool_of<4> pool;
  one l({.id = 5, .takes_priority_tagged = true});
  packet p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 e0 00 08 00 aa"));
  CHECK(l.parse(p, ours));
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 e0 06 08 00 aa"));
  CHECK_FALSE(l.parse(p, ours));
  one none({.id = 0});
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 e0 00 08 00 aa"));
  CHECK(none.parse(p, ours));
}

TEST_CASE("behind the tag Ethernet's own rules hold, and are counted there") {
  pool_of<4> pool;
  one l({.id = 5});
  packet p = pool.incoming(hex("02 00 00 00 00 09 02 00 00 00 00 02 81 00 00 05 08 00"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.inside().counted().rx_otherhost_dropped == 1);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 05 08 01"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.inside().counted().rx_nohandler == 1);
}

TEST_CASE("of two tags both must be ours, and a chunk that is another's is read and not written") {
  pool_of<4> pool;
  two l({.id = 100, .inner = {.id = 5}});
  packet p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 64 81 00 00 05 86 dd 60"));
  packet also = p.hold();  // a second reader: nothing may be moved about, and only this handle's bounds are its own
  also.reset();
  auto r = l.parse(p, ours);
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv6);
  CHECK(equal(p.bytes(), hex("60")));
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 65 81 00 00 05 86 dd 60"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_other_id == 1);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 64 81 00 00 06 86 dd 60"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.inside().counted().rx_other_id == 1);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 64 81 00 00 05 86 dd 60"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_untagged == 1);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 64 86 dd 60 00 00 00"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.inside().counted().rx_untagged == 1);

  pool_of<2> reader;
  packet lent = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 64 81 00 00 05 08 00 45"));
  const bytes before = copy_of(lent);
  packet borrowed = reader.chunks.borrow(lent.d(), lent->offset, lent->length);
  r = l.parse(borrowed, ours);
  REQUIRE(r);
  CHECK(equal(borrowed.bytes(), hex("45")));
  CHECK(equal(lent.bytes(), before));
}

}  // namespace
