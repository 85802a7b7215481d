// SPDX-License-Identifier: MIT
// SipHash-2-4 against the vectors that its authors published: key 00 01 .. 0f, input 00 01 .. (n - 1).
#include <strata/core/entropy.hpp>
#include <strata/core/siphash.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;

constexpr siphash_key reference_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

constexpr u64 of_counted_bytes(std::size_t n) {
  std::byte in[64] = {};
  for (std::size_t i = 0; i < n; ++i) in[i] = static_cast<std::byte>(i);
  return siphash(reference_key, std::span<const std::byte>(in, n));
}
static_assert(of_counted_bytes(0) == 0x726fdb47dd0e0e31);
static_assert(of_counted_bytes(1) == 0x74f839c593dc67fd);
static_assert(of_counted_bytes(2) == 0x0d6c8009d9a94f5a);
static_assert(of_counted_bytes(3) == 0x85676696d7fb7e2d);
static_assert(of_counted_bytes(4) == 0xcf2794e0277187b7);
static_assert(of_counted_bytes(5) == 0x18765564cd99a68d);
static_assert(of_counted_bytes(6) == 0xcbc9466e58fee3ce);
static_assert(of_counted_bytes(7) == 0xab0200f58b01d137);
static_assert(of_counted_bytes(8) == 0x93f5f5799a932462);
static_assert(of_counted_bytes(15) == 0xa129ca6149be45e5);
static_assert(of_counted_bytes(63) == 0x958a324ceb064572);

constexpr u64 a = 0x0706050403020100, b = 0x0f0e0d0c0b0a0908, c = 0x1716151413121110;
static_assert(siphash(reference_key, a) == of_counted_bytes(8));
static_assert(siphash(reference_key, a, b) == of_counted_bytes(16));
static_assert(siphash(reference_key, a, b, c) == of_counted_bytes(24));

static_assert(entropy::source<entropy::keyed> && entropy::keyed::is_cryptographic);

TEST_CASE("the word forms hash the little-endian bytes of their words") {
  entropy::seeded random{0x51ed5eed};
  INFO("seed 0x51ed5eed");
  for (u32 round = 0; round < 1000; ++round) {
    const siphash_key key{random.next(), random.next()};
    u64 word[3] = {random.next(), random.next(), random.next()};
    std::byte bytes[24];
    for (u32 i = 0; i < 24; ++i) bytes[i] = static_cast<std::byte>(word[i / 8] >> (8 * (i % 8)));
    REQUIRE(siphash(key, word[0]) == siphash(key, std::span<const std::byte>(bytes, 8)));
    REQUIRE(siphash(key, word[0], word[1]) == siphash(key, std::span<const std::byte>(bytes, 16)));
    REQUIRE(siphash(key, word[0], word[1], word[2]) == siphash(key, std::span<const std::byte>(bytes, 24)));
  }
}

TEST_CASE("every bit of the key changes the hash") {
  const u64 plain = siphash({}, u64{1});
  for (u32 bit = 0; bit < 64; ++bit) {
    CHECK(siphash({u64{1} << bit, 0}, u64{1}) != plain);
    CHECK(siphash({0, u64{1} << bit}, u64{1}) != plain);
  }
}

TEST_CASE("a keyed source replays from its key and never repeats a word early") {
  entropy::keyed one{{3, 4}}, same{{3, 4}}, other{{3, 5}};
  u64 before = 0;
  for (u32 i = 0; i < 1000; ++i) {
    const u64 word = one.next();
    CHECK(word == same.next());
    CHECK(word != other.next());
    CHECK(word != before);
    before = word;
  }
  CHECK(one.counter == 1000);
}

// The vectors of HalfSipHash-2-4 for no byte and for four, key 00 01 .. 07.
static_assert(half_siphash<2, 4>(0x0706050403020100) == 0x5b9f35a9);
static_assert(half_siphash<2, 4>(0x0706050403020100, u32{0x03020100}) == 0x89466e2a);

TEST_CASE("the hash of tables depends on every number and on how many there are") {
  const siphash_key key{1, 2};
  CHECK(table_hash(key, 7, 0) != table_hash(key, 7, 0, 0));
  CHECK(table_hash(key, 7, 8) != table_hash(key, 8, 7));
  CHECK(table_hash(key, 7, 8, 9) != table_hash(key, 7, 8, 10));
  CHECK(table_hash(key, 7, 8, 9) != table_hash({2, 1}, 7, 8, 9));
}

}  // namespace
