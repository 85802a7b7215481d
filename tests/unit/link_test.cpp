// SPDX-License-Identifier: MIT
// Link headers: what is taken off, what is refused and which counter says so.
#include <strata/link/ethernet.hpp>
#include <strata/link/raw_ip.hpp>

#include "layer_below.hpp"

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;

constexpr mac_address ours = "02:00:00:00:00:01"_mac, theirs = "02:00:00:00:00:02"_mac;

static_assert(link::ethernet::header_size == 14 && link::ethernet::has_addresses);
static_assert(link::raw_ip::header_size == 0 && !link::raw_ip::has_addresses);

TEST_CASE("ethernet writes destination, source and type") {
  link::ethernet l;
  std::byte at[14];
  l.emit(at, theirs, ours, link::kind::ipv4);
  CHECK(equal(at, hex("02 00 00 00 00 02 02 00 00 00 00 01 08 00")));
  l.emit(at, mac_address::broadcast(), ours, link::kind::arp);
  CHECK(equal(at, hex("ff ff ff ff ff ff 02 00 00 00 00 01 08 06")));
  l.emit(at, theirs, ours, link::kind::ipv6);
  CHECK(equal(at, hex("02 00 00 00 00 02 02 00 00 00 00 01 86 dd")));
}

TEST_CASE("ethernet takes the header off what is for us, and says what it carries") {
  pool_of<4> pool;
  link::ethernet l;
  packet p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 08 00 aa bb"));
  auto r = l.parse(p, ours);
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv4);
  CHECK_FALSE(r->is_broadcast);
  CHECK(equal(p.bytes(), hex("aa bb")));

  p = pool.incoming(hex("ff ff ff ff ff ff 02 00 00 00 00 02 08 06"));
  r = l.parse(p, ours);
  REQUIRE(r);
  CHECK(r->carries == link::kind::arp);
  CHECK(r->is_broadcast);
  CHECK(p.size() == 0);

  p = pool.incoming(hex("33 33 00 00 00 01 02 00 00 00 00 02 86 dd 60"));
  r = l.parse(p, ours);
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv6);
  CHECK(r->is_broadcast);
}

TEST_CASE("ethernet counts each kind of frame that it drops and leaves the frame as it was") {
  pool_of<4> pool;
  link::ethernet l;
  packet p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 08"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_length_errors == 1);
  p = pool.incoming(hex("02 00 00 00 00 03 02 00 00 00 00 02 08 00 aa"));
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_otherhost_dropped == 1);
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 88 cc aa"));
  CHECK_FALSE(l.parse(p, ours));
  p = pool.incoming(hex("02 00 00 00 00 01 02 00 00 00 00 02 00 26 aa"));  // IEEE 802.3: a length
  CHECK_FALSE(l.parse(p, ours));
  CHECK(l.counted().rx_nohandler == 2);
  CHECK(p.size() == 15);
}

TEST_CASE("raw_ip tells the version from the first four bits and takes nothing off") {
  pool_of<4> pool;
  link::raw_ip l;
  packet p = pool.incoming(hex("45 00"));
  auto r = l.parse(p, {});
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv4);
  CHECK(p.size() == 2);
  p = pool.incoming(hex("60"));
  r = l.parse(p, {});
  REQUIRE(r);
  CHECK(r->carries == link::kind::ipv6);
  p = pool.incoming(hex("50"));
  CHECK_FALSE(l.parse(p, {}));
  CHECK(l.counted().rx_nohandler == 1);
  p = pool.incoming(hex(""));
  CHECK_FALSE(l.parse(p, {}));
  CHECK(l.counted().rx_length_errors == 1);
}

}  // namespace
