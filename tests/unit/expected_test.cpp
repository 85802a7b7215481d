// SPDX-License-Identifier: MIT
// expected<T, E>: a value or the reason why there is none, moved and destroyed once.
#include <strata/core/expected.hpp>

#include <catch2/catch_test_macros.hpp>

#include <type_traits>
#include <utility>

namespace {

using strata::expected, strata::u8;

enum class reason : u8 { none, full, stale };

constexpr expected<int, reason> half(int n) {
  if (n % 2 != 0) return reason::stale;
  return n / 2;
}
static_assert(half(4) && *half(4) == 2 && half(4).has_value() && half(4).value_or(9) == 2);
static_assert(!half(3) && half(3).error() == reason::stale && half(3).value_or(9) == 9);

constexpr expected<void, reason> check(bool good) {
  if (!good) return reason::full;
  return {};
}
static_assert(check(true) && check(true).has_value() && !check(false) && check(false).error() == reason::full);

static_assert(sizeof(expected<strata::u32, reason>) == 8 && sizeof(expected<void, reason>) == 2);
static_assert(!std::is_convertible_v<expected<int, reason>, bool>);  // tested in a condition, never by accident

/// Counts lives, and can only be moved.
struct counted {
  int* alive;
  int value;
  constexpr counted(int* a, int v) : alive(a), value(v) { ++*alive; }
  constexpr counted(counted&& other) noexcept : alive(other.alive), value(std::exchange(other.value, -1)) { ++*alive; }
  counted& operator=(counted&&) = delete;
  constexpr ~counted() { --*alive; }
};

constexpr int alive_after_a_value() {
  int alive = 0;
  {
    expected<counted, reason> e{counted(&alive, 5)};
    if (!e || alive != 1) return -1;
    expected<counted, reason> moved(std::move(e));
    if (!moved || moved->value != 5 || (*moved).value != 5 || e->value != -1 || alive != 2) return -2;
  }
  return alive;
}
static_assert(alive_after_a_value() == 0);

constexpr bool a_reason_moves() {
  expected<counted, reason> e{reason::full};
  expected<counted, reason> moved(std::move(e));
  return !moved && moved.error() == reason::full;
}
static_assert(a_reason_moves());

TEST_CASE("a value that can only be moved moves in and out") {
  int alive = 0;
  {
    expected<counted, reason> e{counted(&alive, 7)};
    REQUIRE(e);
    const counted taken = *std::move(e);
    CHECK(taken.value == 7);
    CHECK(alive == 2);
  }
  CHECK(alive == 0);
}

TEST_CASE("a failure keeps its reason and never touches a value") {
  int alive = 0;
  {
    expected<counted, reason> e{reason::stale};
    CHECK_FALSE(e.has_value());
    CHECK(e.error() == reason::stale);
  }
  CHECK(alive == 0);
}

}  // namespace
