// SPDX-License-Identifier: MIT
// The TCP header, RFC 9293 §3.1.
#include <strata/core/address.hpp>
#include <strata/core/entropy.hpp>
#include <strata/wire/tcp.hpp>
#include <strata/wire/tcp_options.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using wire::tcp, wire::tcp_options;
using wire_test::hex, wire_test::emits;

constexpr ipv4_address client{0x0a090002}, server{0x0a090001};

constexpr auto syn = hex("d4 31 1f 90 01 02 03 04 00 00 00 00 a0 c2 fa f0 2e 3f 00 00 02 04 05 b4 04 02 08 0a 00 00 12 34 00 00 00 00 01 03 03 07");
constexpr auto opening = tcp::parse(syn);
static_assert(opening->source == 54321 && opening->destination == 8080 && opening->seq == 0x01020304 && opening->ack == 0);
static_assert(opening->header_length == 40 && opening->flags == (tcp::flag::syn | tcp::flag::ece | tcp::flag::cwr));
static_assert(opening->has(tcp::flag::syn) && !opening->has(tcp::flag::ack | tcp::flag::rst | tcp::flag::fin));
static_assert(opening->window == 0xfaf0 && opening->checksum == 0x2e3f && opening->urgent == 0);
static_assert(checksum_is_valid(syn.all(), pseudo_header_sum(client, server, tcp::protocol, 40)));
static_assert(emits<20>(*opening, syn));

constexpr auto data = hex("1f 90 d4 31 ff ff ff fe 01 02 03 05 50 18 01 00 cf 88 00 00 6f 64 64");
static_assert(tcp::parse(data)->header_length == 20 && tcp::parse(data)->flags == (tcp::flag::psh | tcp::flag::ack));
static_assert(tcp::parse(data)->seq == 0xfffffffe && tcp::parse(data)->ack == 0x01020305);
static_assert(checksum_is_valid(data.all(), pseudo_header_sum(server, client, tcp::protocol, 23)));
static_assert(!checksum_is_valid(data.first(22), pseudo_header_sum(server, client, tcp::protocol, 22)));
static_assert(emits<20>(*tcp::parse(data), data));
static_assert(fold(tcp::parse(data)->word_sum()) == ones_sum(data.first(20)));

// The data offset says at least 5 words, and no more than came.
static_assert(wire_test::refuses_below<tcp>(20, data) && wire_test::refuses_below<tcp>(40, syn));
static_assert(!tcp::parse(data.with(12, 0x40)) && !tcp::parse(data.with(12, 0x00)) && !tcp::parse(data.with(12, 0x60)) && !tcp::parse(data.with(12, 0xf0)));
static_assert(tcp::parse(data.with(12, 0x5f))->flags == tcp::parse(data)->flags);  // reserved bits are ignored

TEST_CASE("a TCP header is read as it was written") {
  entropy::seeded random{0x7c9};
  for (u32 round = 0; round < 5000; ++round) {
    tcp h;
    h.source = static_cast<u16>(random.next());
    h.destination = static_cast<u16>(random.next());
    h.seq = static_cast<u32>(random.next());
    h.ack = static_cast<u32>(random.next());
    h.header_length = static_cast<u8>(20 + 4 * random.below(11));
    h.flags = static_cast<u8>(random.next());
    h.window = static_cast<u16>(random.next());
    h.checksum = static_cast<u16>(random.next());
    h.urgent = static_cast<u16>(random.next());
    std::byte segment[60] = {};
    h.emit(segment);
    INFO("seed 0x7c9, round " << round);
    REQUIRE(tcp::parse(segment) == h);
    REQUIRE_FALSE(tcp::parse(std::span<const std::byte>(segment, h.header_length - 1u)).has_value());
    REQUIRE(fold(h.word_sum()) == ones_sum(std::span<const std::byte>(segment, 20)));
  }
}

}  // namespace
