// SPDX-License-Identifier: MIT
// layers<T...>: what is empty costs nothing, order is the order of the type, and an index known at run time finds its layer.
#include <strata/core/layers.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;

struct nothing {
  constexpr u32 id() const { return 7; }
};
struct nothing_else {
  constexpr u32 id() const { return 8; }
};
struct number {
  u32 value = 0;
  constexpr u32 id() const { return value; }
};
struct word {
  u64 value = 0;
  constexpr u32 id() const { return static_cast<u32>(value); }
};
struct handle {  // moves, does not copy
  u32 value = 0;
  constexpr explicit handle(u32 v) : value(v) {}
  constexpr handle(handle&& o) noexcept : value(std::exchange(o.value, 0)) {}
  handle& operator=(handle&&) = delete;
};

// Emptiness, by sizeof: alone, beside others, and as a member of something larger.
static_assert(std::is_empty_v<layers<>>);
static_assert(std::is_empty_v<layers<nothing>>);
static_assert(std::is_empty_v<layers<nothing, nothing_else>>);
static_assert(sizeof(layers<number>) == 4);
static_assert(sizeof(layers<nothing, number>) == 4);
static_assert(sizeof(layers<number, nothing, nothing_else>) == 4);
static_assert(sizeof(layers<nothing, word, nothing_else, number>) == 16);
struct with_layers {
  [[no_unique_address]] layers<nothing, nothing_else> all;
  u32 other;
};
static_assert(sizeof(with_layers) == 4);
// Two of one empty type cannot share an address; within what the others occupy that is free.
static_assert(sizeof(layers<nothing, nothing, number>) == 4);

static_assert(layers<>::count == 0 && layers<number, word>::count == 2);

constexpr u32 visited(u32 stop_at) {
  layers<number, nothing, word> all(number{1}, nothing{}, word{3});
  u32 order = 0;
  const bool stopped = all.any([&](auto i, auto& layer) {
    order = order * 100 + static_cast<u32>(i) * 10 + layer.id();
    return i == stop_at;
  });
  return stopped ? order : order + 1'000'000;
}
static_assert(visited(0) == 1);
static_assert(visited(1) == 117);
static_assert(visited(2) == 11'723);
static_assert(visited(9) == 1'011'723);

// The index is a constant inside the visitor.
constexpr std::size_t sum_of_sizes() {
  layers<number, word> all;
  std::size_t sum = 0;
  all.each([&](auto i, auto&) { sum += sizeof(int[i() + 1]); });
  return sum;
}
static_assert(sum_of_sizes() == 12);

TEST_CASE("layers are found by index, by type and by an index known at run time") {
  layers<number, word, nothing> all(number{11}, word{22}, nothing{});
  CHECK(all.get<0>().value == 11);
  CHECK(all.get<1>().value == 22);
  CHECK(all.of<word>().value == 22);
  all.of<number>().value = 12;
  CHECK(std::as_const(all).get<0>().value == 12);

  u32 seen = 0;
  for (std::size_t i = 0; i < 3; ++i) all.at(i, [&](auto& layer) { seen = seen * 100 + layer.id(); });
  CHECK(seen == 122'207);
  all.at(3, [&](auto&) { FAIL("there is no fourth layer"); });
}

TEST_CASE("what is changed through a visitor stays changed") {
  layers<number, word> all;
  all.each([](auto i, auto& layer) { layer.value = i + 5u; });
  CHECK(all.get<0>().value == 5);
  CHECK(all.get<1>().value == 6);
  all.at(1, [](auto& layer) { layer.value = 9; });
  CHECK(all.get<1>().value == 9);
}

TEST_CASE("two layers of one type are told apart by index") {
  layers<number, number> all(number{1}, number{2});
  CHECK(all.get<0>().value == 1);
  CHECK(all.get<1>().value == 2);
  all.at(1, [](number& n) { n.value = 3; });
  CHECK(all.get<0>().value == 1);
  CHECK(all.get<1>().value == 3);
}

TEST_CASE("with one layer the run-time index is not looked at") {
  layers<number> one(number{4});
  u32 seen = 0;
  one.at(17, [&](number& n) { seen = n.value; });
  CHECK(seen == 4);
}

TEST_CASE("no layers at all: nothing is visited") {
  layers<> none;
  CHECK_FALSE(none.any([](auto, auto&) { return true; }));
}

TEST_CASE("layers that only move are moved in") {
  layers<handle, nothing> all(handle{5}, nothing{});
  CHECK(all.get<0>().value == 5);
}

static_assert(all_different() && all_different(1) && all_different(1, 2, 3) && !all_different(1, 2, 1));
static_assert(max_of() == 0 && max_of(3u, 9u, 4u) == 9);

}  // namespace
