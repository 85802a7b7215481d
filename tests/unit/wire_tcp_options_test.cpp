// SPDX-License-Identifier: MIT
// TCP options: what each means, that nothing a peer writes leads astray, and that what is written is read again.
#include <strata/core/entropy.hpp>
#include <strata/wire/tcp_options.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using options = wire::tcp_options;
using wire_test::hex;

constexpr options none{};

// ---- The SYN of a Linux host
constexpr auto syn = hex("02 04 05 b4 04 02 08 0a 00 00 12 34 00 00 00 00 01 03 03 07");
constexpr options of_syn = options::parse(syn);
static_assert(of_syn.mss == 1460 && of_syn.sack_permitted && of_syn.has_timestamps && of_syn.ts_value == 0x1234 && of_syn.ts_echo == 0);
static_assert(of_syn.has_window_scale && of_syn.window_scale == 7 && of_syn.sack_count == 0);

constexpr bool writes(const options& o, std::span<const std::byte> wanted) {
  std::byte out[options::max_size + 1];
  for (std::byte& b : out) b = std::byte{0xee};
  const std::byte* const end = o.emit(out);
  return o.size() == wanted.size() && end == out + wanted.size() && *end == std::byte{0xee} && wire_test::equal({out, wanted.size()}, wanted);
}
static_assert(writes(of_syn, syn));

// ---- The usual data segment, and the same bytes in another order
constexpr auto usual = hex("01 01 08 0a 00 00 00 05 00 00 00 09");
static_assert(options::is_only_timestamps(usual) && options::only_timestamps(usual)->value == 5 && options::only_timestamps(usual)->echo == 9);
static_assert(options::parse(usual).ts_value == 5 && options::parse(usual).ts_echo == 9 && writes(options::parse(usual), usual));
static_assert(!options::is_only_timestamps(usual.first(11)) && !options::is_only_timestamps(usual.with(3, 9)));
constexpr auto unusual = hex("08 0a 00 00 00 05 00 00 00 09 01 01");
static_assert(!options::only_timestamps(unusual) && options::parse(unusual) == options::parse(usual));

// ---- SACK blocks: RFC 2018 §3
constexpr auto three = hex("01 01 08 0a 00 00 00 01 00 00 00 02 01 01 05 1a 00 00 10 00 00 00 20 00 00 00 30 00 00 00 40 00 ff ff ff f0 00 00 00 10");
constexpr options sacks = options::parse(three);
static_assert(sacks.sack_count == 3 && sacks.sack_blocks[0] == wire::sack_block{0x1000, 0x2000} && sacks.sack_blocks[2] == wire::sack_block{0xfffffff0, 0x10});
static_assert(writes(sacks, three));
static_assert(options::parse(hex("05 22 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00 05 00 00 00 06 00 00 00 07 00 00 00 08 00 00")).sack_count == 4);
static_assert(options::parse(hex("05 02")) == none && options::parse(hex("05 06 00 00 00 01")) == none);
static_assert(options::parse(hex("05 0b 00 00 00 01 00 00 00 02 00")) == none);

static_assert(none.sack_room() == 4 && options{.has_timestamps = true}.sack_room() == 3 && of_syn.sack_room() == 2);
static_assert(options{.has_timestamps = true}.sack_room(12) == 0 && options{.has_timestamps = true}.sack_room(23) == 0 &&
              options{.has_timestamps = true}.sack_room(24) == 1);

// ---- Sizes and padding of each by itself
static_assert(none.size() == 0 && writes(none, hex("").all()));
static_assert(writes({.mss = u16{536}}, hex("02 04 02 18")));
static_assert(writes({.has_window_scale = true, .window_scale = 14}, hex("01 03 03 0e")));
static_assert(writes({.sack_permitted = true}, hex("01 01 04 02")));

// ---- What a peer may get wrong
static_assert(options::parse(hex("")) == none);
static_assert(options::parse(hex("03 03 ff")).window_scale == 14 && options::parse(hex("03 03 0e")).window_scale == 14);  // RFC 7323 §2.3
static_assert(options::parse(hex("00 02 04 05 b4")) == none);                             // behind the end of the list
static_assert(options::parse(hex("fe 04 de ad 02 04 05 b4")).mss == 1460);                // unknown: RFC 9293 §3.1 (MUST-6)
static_assert(options::parse(hex("1e 02 02 04 05 b4")).mss == 1460);
static_assert(options::parse(hex("02 00 02 04 05 b4")) == none);                          // length 0 (MUST-7)
static_assert(options::parse(hex("02 01 02 04 05 b4")) == none);                          // length 1
static_assert(options::parse(hex("fe 00")) == none && options::parse(hex("fe 01")) == none);
static_assert(options::parse(hex("02 04 05")) == none && options::parse(hex("02")) == none && options::parse(hex("08 0a 00 00")) == none);  // past the end
static_assert(options::parse(hex("02 03 05 04 02")).sack_permitted && !options::parse(hex("02 03 05 04 02")).mss);  // the wrong length, passed over
static_assert(options::parse(hex("03 04 07 00 04 03 00 08 03 00 05 03 00")) == none);
static_assert(options::parse(hex("02 04 00 00")).mss == 0);                               // nonsense that the reader bounds
static_assert(options::parse(hex("02 04 05 b4 02 04 02 18")).mss == 536);                 // the last one counts
static_assert(options::parse(hex("01 01 01 01 01 01 01 01")) == none);

TEST_CASE("options are read as they were written") {
  entropy::seeded random{0x0b7};
  u32 written = 0;
  for (u32 round = 0; round < 5000; ++round) {
    options o;
    if (random.below(2) == 0) o.mss = static_cast<u16>(random.next());
    if (random.below(2) == 0) o.has_window_scale = true, o.window_scale = static_cast<u8>(random.below(15));
    if (random.below(2) == 0) o.has_timestamps = true, o.ts_value = static_cast<u32>(random.next()), o.ts_echo = static_cast<u32>(random.next());
    o.sack_permitted = random.below(2) == 0;
    o.sack_count = static_cast<u8>(random.below(u64{o.sack_room()} + 1));
    for (u8 i = 0; i < o.sack_count; ++i) o.sack_blocks[i] = {static_cast<u32>(random.next()), static_cast<u32>(random.next())};
    INFO("seed 0x0b7, round " << round);
    REQUIRE(o.size() <= options::max_size);
    std::byte out[options::max_size];
    const std::byte* const end = o.emit(out);
    REQUIRE(end == out + o.size());
    REQUIRE(options::parse({out, o.size()}) == o);
    written += o.sack_count;
  }
  CHECK(written > 1000);
}

// Each run has its own copy of exact size, so that the address sanitizer sees a read beyond it.
TEST_CASE("any bytes are read to their end and no further") {
  entropy::seeded random{0x0b8};
  constexpr u8 likely[] = {0, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34, 255};
  for (u32 round = 0; round < 50000; ++round) {
    const std::size_t n = random.below(41);
    std::byte* const bytes = new std::byte[n];
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(random.below(3) == 0 ? random.next() : likely[random.below(sizeof likely)]);
    const options o = options::parse({bytes, n});
    delete[] bytes;
    INFO("seed 0x0b8, round " << round);
    REQUIRE(o.window_scale <= 14);
    REQUIRE(o.sack_count <= 4);
  }
}

TEST_CASE("the fast path reads what the loop reads") {
  entropy::seeded random{0x0b9};
  for (u32 round = 0; round < 1000; ++round) {
    const options o{.has_timestamps = true, .ts_value = static_cast<u32>(random.next()), .ts_echo = static_cast<u32>(random.next())};
    std::byte out[13] = {};
    o.emit(out);
    INFO("seed 0x0b9, round " << round);
    REQUIRE(options::parse({out, 12}) == o);
    REQUIRE(options::parse({out, 13}) == o);  // thirteen bytes take the loop
    REQUIRE(options::only_timestamps({out, 12})->value == o.ts_value);
    REQUIRE(options::only_timestamps({out, 12})->echo == o.ts_echo);
  }
}

}  // namespace
