// SPDX-License-Identifier: MIT
// IPv4 and IPv6 headers: what a host must refuse (RFC 1122 §3.2.1), what it must read, and that what is read is written again.
#include <strata/core/entropy.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/ipv6.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using wire::ipv4, wire::ipv4_fault, wire::ipv6;
using wire_test::hex, wire_test::emits;

// ---- IPv4: a fragment with every field set, 28 bytes of payload and 3 of link padding
constexpr auto fragment = hex("45 b9 00 30 ab cd 20 b9 3f 11 9a 69 0a 09 00 02 0a 09 00 01 "
                              "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b ee ee ee");
constexpr auto header = ipv4::parse(fragment);
static_assert(header->header_length == 20 && header->total_length == 48 && header->payload_length() == 28);
static_assert(header->type_of_service == 0xb9 && header->dscp() == 46 && header->ecn() == 1);
static_assert(header->id == 0xabcd && header->more_fragments && !header->dont_fragment && header->fragment_offset == 0xb9 * 8 && header->is_fragment());
static_assert(header->ttl == 63 && header->protocol == 17);
static_assert(header->source == ipv4_address{0x0a090002} && header->destination == ipv4_address{0x0a090001});
static_assert(header->payload(fragment).size() == 28 && header->payload(fragment)[27] == std::byte{0x1b});
static_assert(emits<20>(*header, fragment));
static_assert(ipv4::why_not(fragment) == ipv4_fault::none);

// Nothing shorter than the total length is taken.
constexpr bool every_truncation_is_refused() {
  for (std::size_t n = 0; n < 48; ++n) {
    if (ipv4::parse(fragment.first(n))) return false;
    if (ipv4::why_not(fragment.first(n)) != (n < 20 ? ipv4_fault::header : ipv4_fault::truncated)) return false;
  }
  return ipv4::parse(fragment.first(48)).has_value();
}
static_assert(every_truncation_is_refused());
static_assert(ipv4::why_not(fragment.with(0, 0x65)) == ipv4_fault::header);   // version 6
static_assert(ipv4::why_not(fragment.with(0, 0x44)) == ipv4_fault::header);   // header of 16 bytes
static_assert(ipv4::why_not(fragment.with(0, 0x4f)) == ipv4_fault::header);   // header of 60 bytes, total length 48
static_assert(ipv4::why_not(fragment.with(3, 0x13)) == ipv4_fault::header);   // total length 19
static_assert(ipv4::why_not(fragment.with(2, 0x01)) == ipv4_fault::truncated);
static_assert(ipv4::why_not(fragment.with(8, 0x3e)) == ipv4_fault::checksum);
static_assert(ipv4::why_not(fragment.with(20, 0x99)) == ipv4_fault::none);    // the payload is not covered

// A header that others publish as their example.
constexpr auto published = hex("45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7");
static_assert(!ipv4::parse(published));  // 95 bytes are missing
static_assert(ipv4::parse_quoted(published)->dont_fragment && !ipv4::parse_quoted(published)->is_fragment());
static_assert(emits<20>(*ipv4::parse_quoted(published), published));
static_assert(ipv4::parse_quoted(published)->checksum() == 0xb861);

// Options are passed over and the checksum covers them.
constexpr auto with_options = hex("46 00 00 20 1c 46 40 00 40 06 07 7d 0a 09 00 02 0a 09 00 01 01 01 01 00 61 62 63 64 65 66 67 68");
static_assert(ipv4::parse(with_options)->header_length == 24 && ipv4::parse(with_options)->payload(with_options)[0] == std::byte{0x61});
static_assert(ipv4::why_not(with_options.with(21, 0x44)) == ipv4_fault::checksum);
static_assert(ipv4::parse_quoted(with_options.first(24)) && !ipv4::parse_quoted(with_options.first(23)));

// The largest offset with more than the datagram can hold: RFC 791 §3.1.
static_assert(ipv4{.total_length = 20 + 7, .fragment_offset = 65508 & ~7}.fits_a_datagram());
static_assert(!ipv4{.total_length = 20 + 1400, .fragment_offset = 65528}.fits_a_datagram());

TEST_CASE("an IPv4 header is read as it was written") {
  entropy::seeded random{0x1b4};
  for (u32 round = 0; round < 5000; ++round) {
    ipv4 h;
    h.type_of_service = static_cast<u8>(random.next());
    h.total_length = static_cast<u16>(20 + random.below(1481));
    h.id = static_cast<u16>(random.next());
    h.fragment_offset = static_cast<u16>(8 * random.below(8192));
    h.dont_fragment = random.below(2) == 0;
    h.more_fragments = random.below(2) == 0;
    h.ttl = static_cast<u8>(random.next());
    h.protocol = static_cast<u8>(random.next());
    h.source = {static_cast<u32>(random.next())};
    h.destination = {static_cast<u32>(random.next())};
    std::byte packet[1500] = {};
    h.emit(packet);
    INFO("seed 0x1b4, round " << round);
    REQUIRE(ipv4::parse(packet) == h);
    REQUIRE(checksum_is_valid(std::span<const std::byte>(packet, 20)));
    const std::size_t bit = random.below(160);
    packet[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    REQUIRE_FALSE(ipv4::parse(packet) == h);
  }
}

TEST_CASE("any bytes are a header inside its packet or none") {
  entropy::seeded random{0x1b5};
  for (u32 round = 0; round < 20000; ++round) {
    std::byte bytes[80];
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.next());
    bytes[0] = static_cast<std::byte>(0x40 | (random.next() & 0xf));
    bytes[2] = std::byte{0};
    const std::span<const std::byte> seen{bytes, random.below(81)};
    if (seen.size() >= 20) {
      const std::size_t length = 4 * (static_cast<u32>(bytes[0]) & 0xf);
      store_be<u16>(bytes + 10, 0);
      if (length <= 80) store_be<u16>(bytes + 10, checksum({bytes, length}));
    }
    const auto h = ipv4::parse(seen);
    INFO("seed 0x1b5, round " << round);
    REQUIRE(h.has_value() == (ipv4::why_not(seen) == ipv4_fault::none));
    if (!h) continue;
    REQUIRE(h->header_length >= 20);
    REQUIRE(h->header_length + h->payload(seen).size() == h->total_length);
    REQUIRE(h->total_length <= seen.size());
  }
}

// ---- IPv6
constexpr auto v6 = hex("6b 91 23 45 00 04 3a 3f fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 61 62 63 64 ee");
constexpr auto base = ipv6::parse(v6);
static_assert(base->traffic_class == 0xb9 && base->dscp() == 46 && base->ecn() == 1 && base->flow_label == 0x12345);
static_assert(base->payload_length == 4 && base->next_header == 58 && base->hop_limit == 63);
static_assert(base->source == ipv6_address{0xfd00'0000'0000'0000, 2} && base->destination == ipv6_address{0xfd00'0000'0000'0000, 1});
static_assert(base->payload(v6).size() == 4 && base->payload(v6)[3] == std::byte{0x64});
static_assert(emits<40>(*base, v6));
static_assert(wire_test::refuses_below<ipv6>(44, v6));
static_assert(!ipv6::parse(v6.with(0, 0x4b)) && !ipv6::parse(v6.with(4, 1)) && !ipv6::parse(v6.with(5, 6)) && ipv6::parse(v6.with(5, 5)));

TEST_CASE("IPv6 is read at run time as in constant expressions") {
  CHECK(ipv6::parse(v6) == base);
  CHECK(emits<40>(*ipv6::parse(v6), v6));
}

}  // namespace
