// SPDX-License-Identifier: MIT
// The Internet checksum: the examples of its RFCs, and every implementation of this build against a reference that is written down here once more.
#include <strata/core/address.hpp>
#include <strata/core/checksum.hpp>
#include <strata/core/entropy.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using wire_test::hex;

// RFC 1071 §3: the sum of 0001 f203 f4f5 f6f7 is ddf0 with two carries.
static_assert(ones_sum(hex("00 01 f2 03 f4 f5 f6 f7").all()) == 0xddf2);
static_assert(checksum(hex("00 01 f2 03 f4 f5 f6 f7").all()) == 0x220d);
static_assert(ones_sum(hex("").all()) == 0 && checksum(hex("").all()) == 0xffff);
static_assert(ones_sum(hex("ab").all()) == 0xab00);  // RFC 1071 §4.1: as if a zero byte followed
static_assert(ones_sum(hex("00 00 00").all()) == 0 && ones_sum(hex("ff ff").all()) == 0xffff);
static_assert(checksum_is_valid(hex("00 01 f2 03 f4 f5 f6 f7 22 0d").all()));
static_assert(!checksum_is_valid(hex("00 01 f2 03 f4 f5 f6 f7 22 0e").all()));
static_assert(!checksum_is_valid(hex("00 00").all()));  // zero bytes are no valid message

static_assert(fold(0u) == 0 && fold(0xffffu) == 0xffff && fold(0x10000u) == 1 && fold(0xffffffffu) == 0xffff && fold(0x1ffffu) == 1);
static_assert(fold(u64{0}) == 0 && fold(~u64{0}) == 0xffff && fold(u64{1} << 48) == 1);

// RFC 1071 §2 (B): a piece at an odd offset has its bytes swapped.
static_assert(fold(append_sum(ones_sum(hex("12 34 56").all()), ones_sum(hex("78 9a bc").all()), 3)) == ones_sum(hex("12 34 56 78 9a bc").all()));
static_assert(swap_odd(0x1234) == 0x3412 && swap_odd(0) == 0);

// RFC 1624 §4, the example in which equation 2 of RFC 1141 gives ffff: equation 3 gives 0000.
static_assert(checksum_update(0xdd2f, 0x5555, 0x3285) == 0x0000);

static_assert(pseudo_header_sum(ipv4_address{0xc0a80001}, ipv4_address{0xc0a800c7}, 6, 20) == 2 * 0xc0a8 + 0x0001 + 0x00c7 + 6 + 20);
static_assert(pseudo_header_sum(ipv6_address{0x2001'0db8'0000'0000, 1}, ipv6_address{0x2001'0db8'0000'0000, 2}, 17, 0x12345) ==
              2 * (0x2001 + 0x0db8) + 3 + 17 + 1 + 0x2345);
// A mapped address of `dual` gives what the IPv4 address gives, so that one transport serves both.
static_assert(fold(pseudo_header_sum(ipv4_address{0x0a000001}.v6(), ipv4_address{0x0a000002}.v6(), 6, 20)) ==
              fold(pseudo_header_sum(ipv4_address{0x0a000001}, ipv4_address{0x0a000002}, 6, 20)));

struct implementation {
  const char* name;
  u32 (*sum)(std::span<const std::byte>);
};
const implementation all[] = {
    {"portable", [](std::span<const std::byte> b) { return checksum_by::portable(b); }},
    {"chosen", [](std::span<const std::byte> b) { return ones_sum(b); }},
#if STRATA_CHECKSUM_WIDE
    {"words, as on 32-bit machines",
     [](std::span<const std::byte> b) { return checksum_by::detail::in_network_order(checksum_by::detail::words(b.data(), b.size())); }},
    {"wide", [](std::span<const std::byte> b) { return checksum_by::wide(b); }},
#if defined(__AVX2__)
    {"avx2", [](std::span<const std::byte> b) { return checksum_by::avx2(b); }},
#endif
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    {"avx512", [](std::span<const std::byte> b) { return checksum_by::avx512(b); }},
#endif
#endif
};

u32 by_the_book(std::span<const std::byte> bytes) {
  u64 sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += static_cast<u64>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u32>(sum);
}

constexpr u64 seed = 0xc4ec'5007;

std::vector<std::byte> filled(std::size_t n, int content, entropy::seeded& random) {
  std::vector<std::byte> bytes(n);
  for (std::byte& b : bytes) b = content >= 0 ? static_cast<std::byte>(content) : static_cast<std::byte>(random.next());
  return bytes;
}

std::vector<std::size_t> lengths() {
  std::vector<std::size_t> n;
  for (std::size_t i = 0; i <= 300; ++i) n.push_back(i);
  for (const std::size_t i : {511u, 512u, 513u, 1459u, 1460u, 2048u, 9000u, 9001u, 65535u, 65536u, 65537u, 200001u}) n.push_back(i);
  return n;
}

TEST_CASE("all implementations give the same sum at every length, alignment and content") {
  entropy::seeded random{seed};
  for (const int content : {0x00, 0xff, -1}) {
    for (const std::size_t n : lengths()) {
      for (std::size_t at = 0; at < 8; ++at) {
        // A vector of its own for each, so that the address sanitizer sees a load beyond either end.
        const std::vector<std::byte> room = filled(at + n, content, random);
        const std::span<const std::byte> bytes{room.data() + at, n};
        const u32 wanted = by_the_book(bytes);
        for (const implementation& by : all) {
          if (by.sum(bytes) == wanted) continue;
          INFO("seed " << seed << ", " << by.name << ", content " << content << ", length " << n << ", alignment " << at);
          REQUIRE(by.sum(bytes) == wanted);
        }
      }
    }
  }
  SUCCEED();
}

TEST_CASE("copying with a sum copies every byte and nothing else") {
  entropy::seeded random{seed};
  for (std::size_t n = 0; n <= 300; ++n) {
    for (std::size_t at = 0; at < 8; ++at) {
      const std::vector<std::byte> from = filled(at + n, -1, random);
      std::vector<std::byte> to(n + 16, std::byte{0x77});
      INFO("seed " << seed << ", length " << n << ", alignment " << at);
      REQUIRE(copy_and_sum(to.data() + 8 - at, from.data() + at, n) == by_the_book({from.data() + at, n}));
      for (std::size_t i = 0; i < to.size(); ++i) {
        const bool inside = i >= 8 - at && i < 8 - at + n;
        if (to[i] != (inside ? from[at + i - (8 - at)] : std::byte{0x77})) FAIL("byte " << i);
      }
    }
  }
  SUCCEED();
}

TEST_CASE("pieces of any length add up to the sum of the whole") {
  entropy::seeded random{seed};
  for (u32 round = 0; round < 2000; ++round) {
    const std::vector<std::byte> whole = filled(1 + random.below(3000), -1, random);
    u32 sum = 0;
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t n = 1 + random.below(round % 2 == 0 ? 9 : whole.size());
      const std::size_t piece = n < whole.size() - at ? n : whole.size() - at;
      sum = append_sum(sum, ones_sum({whole.data() + at, piece}), at);
      at += piece;
    }
    INFO("seed " << seed << ", round " << round);
    REQUIRE(fold(sum) == by_the_book(whole));
  }
}

// RFC 1624 §3: unlike equation 2 this one never turns a valid checksum into the other zero.
TEST_CASE("an updated checksum verifies as a computed one does") {
  entropy::seeded random{seed};
  for (u32 round = 0; round < 20000; ++round) {
    std::byte header[20];
    for (std::byte& b : header) b = static_cast<std::byte>(random.next() % 7 == 0 ? 0xff : random.next());
    header[0] = std::byte{0x45};
    store_be<u16>(header + 10, 0);
    store_be<u16>(header + 10, checksum(header));
    const std::size_t at = 12 + 2 * random.below(4);
    const u16 before = load_be<u16>(header + at);
    const u16 now = static_cast<u16>(random.next() % 3 == 0 ? 0xffff * (random.next() & 1) : random.next());
    store_be<u16>(header + at, now);
    store_be<u16>(header + 10, checksum_update(load_be<u16>(header + 10), before, now));
    INFO("seed " << seed << ", round " << round);
    REQUIRE(checksum_is_valid(header));
  }
}

TEST_CASE("one flipped bit is always noticed") {
  entropy::seeded random{seed};
  std::vector<std::byte> message = filled(60, -1, random);
  store_be<u16>(message.data() + 16, 0);
  store_be<u16>(message.data() + 16, static_cast<u16>(~fold(ones_sum(message) + 0x1234)));
  REQUIRE(checksum_is_valid(message, 0x1234));
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    message[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    CHECK_FALSE(checksum_is_valid(message, 0x1234));
    message[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
}

}  // namespace
