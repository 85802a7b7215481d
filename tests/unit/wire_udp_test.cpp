// SPDX-License-Identifier: MIT
// UDP, RFC 768: lengths, and the two meanings of a zero checksum.
#include <strata/core/address.hpp>
#include <strata/wire/udp.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using wire::udp;
using wire_test::hex, wire_test::emits;

constexpr auto datagram = hex("00 07 c3 50 00 0b 64 09 61 62 63 ee ee");  // two bytes of link padding
constexpr auto header = udp::parse(datagram);
static_assert(header->source == 7 && header->destination == 50000 && header->length == 11 && header->checksum == 0x6409);
static_assert(header->payload(datagram).size() == 3 && header->payload(datagram)[2] == std::byte{0x63});
static_assert(emits<8>(*header, datagram));
static_assert(wire_test::refuses_below<udp>(11, datagram));
static_assert(!udp::parse(datagram.with(5, 7)) && !udp::parse(datagram.with(5, 14)) && !udp::parse(datagram.with(4, 0xff)));
static_assert(udp::parse(datagram.with(5, 8))->payload(datagram).empty());
static_assert(fold(header->word_sum()) == ones_sum(datagram.first(8)));

constexpr ipv4_address a{0x0a090002}, b{0x0a090001};
constexpr u32 pseudo = pseudo_header_sum(a, b, udp::protocol, 11);
static_assert(header->checksum_is_valid(datagram, pseudo, true));
static_assert(!udp::parse(datagram.with(8, 0x60))->checksum_is_valid(datagram.with(8, 0x60), pseudo, true));
static_assert(!header->checksum_is_valid(datagram, pseudo_header_sum(a, ipv4_address{0x0a090003}, udp::protocol, 11), true));

// RFC 8200 §8.1: over IPv6 a datagram without checksum is an error.
constexpr auto unprotected = datagram.with(6, 0).with(7, 0);
static_assert(udp::parse(unprotected)->checksum_is_valid(unprotected, pseudo, true));
static_assert(!udp::parse(unprotected)->checksum_is_valid(unprotected, pseudo, false));

constexpr auto over_v6 = hex("00 07 c3 50 00 0b 7e 19 61 62 63");
static_assert(udp::parse(over_v6)->checksum_is_valid(
    over_v6, pseudo_header_sum(ipv6_address{0xfd00'0000'0000'0000, 2}, ipv6_address{0xfd00'0000'0000'0000, 1}, udp::protocol, 11), false));

// From port ebc2 to port 7, without data, the checksum comes out as zero and is sent as ffff.
constexpr udp zero{.source = 0xebc2, .destination = 7, .length = 8};
static_assert(udp::checksum_for(zero.word_sum() + pseudo_header_sum(a, b, udp::protocol, 8)) == 0xffff);
constexpr auto sent_as_ones = hex("eb c2 00 07 00 08 ff ff");
static_assert(udp::parse(sent_as_ones)->checksum_is_valid(sent_as_ones, pseudo_header_sum(a, b, udp::protocol, 8), false));
static_assert(udp::checksum_for(udp{.source = 7, .destination = 50000, .length = 11}.word_sum() + ones_sum(hex("61 62 63").all()) + pseudo) == 0x6409);

TEST_CASE("UDP is read at run time as in constant expressions") {
  CHECK(udp::parse(datagram) == header);
  CHECK(udp::parse(datagram)->checksum_is_valid(datagram, pseudo, true));
  CHECK(emits<8>(*udp::parse(datagram), datagram));
}

}  // namespace
