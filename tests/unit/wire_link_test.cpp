// SPDX-License-Identifier: MIT
// Ethernet and ARP, byte by byte.
#include <strata/wire/arp.hpp>
#include <strata/wire/ethernet.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using namespace strata::literals;
using wire_test::hex, wire_test::emits, wire_test::refuses_below;

// ---- Ethernet
constexpr auto frame = hex("ff ff ff ff ff ff 02 00 5e 10 00 01 08 06 aa");
constexpr auto ethernet = wire::ethernet::parse(frame);
static_assert(ethernet->destination.is_group() && ethernet->destination == mac_address::broadcast());
static_assert(ethernet->source == "02:00:5e:10:00:01"_mac && ethernet->type == wire::ethertype::arp);
static_assert(emits<14>(*ethernet, frame));
static_assert(refuses_below<wire::ethernet>(14, frame));

// ---- ARP: who has 10.9.0.1, tell 10.9.0.2
constexpr auto who_has = hex("00 01 08 00 06 04 00 01 02 00 5e 10 00 02 0a 09 00 02 00 00 00 00 00 00 0a 09 00 01 00 00 00 00 00 00 00 00 00 00");
constexpr auto question = wire::arp::parse(who_has);
static_assert(question->operation == wire::arp::request);
static_assert(question->sender_mac == "02:00:5e:10:00:02"_mac && question->sender == ipv4_address{0x0a090002});
static_assert(question->target_mac.is_zero() && question->target == ipv4_address{0x0a090001});
static_assert(!question->is_probe() && !question->is_announcement());
static_assert(emits<28>(*question, who_has));
static_assert(refuses_below<wire::arp>(28, who_has));

// Other hardware, protocol or lengths are not ours. RFC 826, "Packet Reception".
static_assert(!wire::arp::parse(who_has.with(1, 6)));
static_assert(!wire::arp::parse(who_has.with(0, 1)));
static_assert(!wire::arp::parse(who_has.with(2, 0x86)));
static_assert(!wire::arp::parse(who_has.with(3, 0x06)));
static_assert(!wire::arp::parse(who_has.with(4, 0)) && !wire::arp::parse(who_has.with(4, 8)) && !wire::arp::parse(who_has.with(4, 255)));
static_assert(!wire::arp::parse(who_has.with(5, 0)) && !wire::arp::parse(who_has.with(5, 16)));
static_assert(wire::arp::parse(who_has.with(7, 9))->operation == 9);  // judged by the reader, after learning

static_assert(wire::arp{.operation = wire::arp::request, .target = {1}}.is_probe());
static_assert(wire::arp{.operation = wire::arp::reply, .sender = {7}, .target = {7}}.is_announcement());

TEST_CASE("ARP and Ethernet read at run time what they read in constant expressions") {
  CHECK(wire::ethernet::parse(frame) == ethernet);
  CHECK(wire::arp::parse(who_has) == question);
  CHECK(emits<14>(*wire::ethernet::parse(frame), frame));
  CHECK(emits<28>(*wire::arp::parse(who_has), who_has));
}

}  // namespace
