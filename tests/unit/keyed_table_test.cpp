// SPDX-License-Identifier: MIT
// The keyed table against a plain list of pairs, and at its limits.
#include <strata/core/entropy.hpp>
#include <strata/core/keyed_table.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace {

using namespace strata;

static_assert(keyed_table<1>::slots == 2 && keyed_table<16>::slots == 32 && keyed_table<17>::slots == 64);
static_assert(keyed_table<1>::probe_limit == 2 && keyed_table<1024>::probe_limit == 32);
static_assert(sizeof(keyed_table<1024>) == 2048 * 8 + 8);
static_assert(sizeof(keyed_table<1u << 22>) == (1u << 23) * 8 + 8);

constexpr bool erase_moves_the_rest_of_the_run_back() {
  keyed_table<8> t;
  bool good = t.insert(3, 30) && t.insert(19, 31) && t.insert(3, 32) && t.insert(4, 40);
  good = good && t.erase(3, 30) && !t.erase(3, 30) && t.size() == 3;
  const auto is = [](u32 wanted) { return [=](u32 v) { return v == wanted; }; };
  return good && t.find(3, is(32)) == 32u && t.find(19, is(31)) == 31u && t.find(4, is(40)) == 40u && !t.find(3, is(30));
}
static_assert(erase_moves_the_rest_of_the_run_back());

const auto any_value = [](u32) { return true; };
auto value_is(u32 wanted) {
  return [wanted](u32 v) { return v == wanted; };
}

struct pair_of {
  u32 hash;
  u32 value;
  friend bool operator==(const pair_of&, const pair_of&) = default;
};

template <u32 Capacity, u32 Spread> struct shape {
  static constexpr u32 capacity = Capacity;
  static constexpr u32 spread = Spread;  // how many different home slots the hashes have
};

// Few homes make long runs, runs around the end of the table, and refusals.
TEMPLATE_TEST_CASE("the table holds what a list of pairs holds", "", (shape<1, 4>), (shape<5, 3>), (shape<64, 1u << 31>), (shape<64, 4>), (shape<500, 1u << 31>),
                   (shape<500, 9>), (shape<500, 1>)) {
  using table = keyed_table<TestType::capacity>;
  for (u64 seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    entropy::seeded random{seed};
    const auto t = std::make_unique<table>();
    std::vector<pair_of> model;
    u32 refused = 0;
    const u32 base = static_cast<u32>(random.next());
    const auto some_hash = [&] {
      const u32 home = base + static_cast<u32>(random.below(TestType::spread));
      return random.below(2) == 0 ? home : home + (static_cast<u32>(random.below(3)) << 28);  // other tags, the same home
    };
    for (u32 i = 0; i < 6'000; ++i) {
      INFO("operation " << i);
      if (random.below(100) < (i / 1000 % 2 == 0 ? 70u : 35u)) {  // fills, then empties
        const pair_of p{some_hash(), static_cast<u32>(random.below(0xffff'ffff))};
        if (t->insert(p.hash, p.value)) model.push_back(p);
        else ++refused;
        REQUIRE(model.size() <= TestType::capacity);
      } else if (!model.empty() && random.below(8) != 0) {
        const std::size_t which = random.below(model.size());
        REQUIRE(t->erase(model[which].hash, model[which].value));
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(which));
      } else {
        const u32 hash = some_hash();
        const u32 value = static_cast<u32>(random.below(0xffff'ffff));
        const bool known = std::find(model.begin(), model.end(), pair_of{hash, value}) != model.end();
        REQUIRE(t->erase(hash, value) == known);
        if (known) model.erase(std::find(model.begin(), model.end(), pair_of{hash, value}));
      }
      REQUIRE(t->size() == model.size());
      REQUIRE(t->refused() == refused);
      if (i % 16 != 0) continue;
      for (const pair_of& p : model) REQUIRE(t->find(p.hash, value_is(p.value)) == p.value);
      const u32 hash = some_hash();
      const bool known = std::any_of(model.begin(), model.end(), [&](const pair_of& p) { return p.hash == hash; });
      REQUIRE(t->find(hash, any_value).has_value() == known);
    }
    for (const pair_of& p : model) REQUIRE(t->erase(p.hash, p.value));
    REQUIRE(t->size() == 0);
    for (u32 h = 0; h < 64; ++h) REQUIRE_FALSE(t->find(base + h, any_value));
  }
}

TEST_CASE("the table refuses what would be further from home than the limit, and stays as it was") {
  const auto t = std::make_unique<keyed_table<1000>>();
  constexpr u32 limit = keyed_table<1000>::probe_limit;
  for (u32 i = 0; i < limit; ++i) REQUIRE(t->insert(77, i));
  REQUIRE_FALSE(t->insert(77, limit));
  REQUIRE(t->refused() == 1);
  REQUIRE(t->size() == limit);
  for (u32 i = 0; i < limit; ++i) REQUIRE(t->find(77, value_is(i)) == i);

  // A second entry of the home before would push the last of them over the limit: refused as well. Behind them there is room.
  REQUIRE(t->insert(76, 1));
  REQUIRE_FALSE(t->insert(76, 2));
  REQUIRE(t->refused() == 2);
  REQUIRE(t->insert(78, 3));
  REQUIRE(t->find(78, any_value) == 3u);
  for (u32 i = 0; i < limit; ++i) REQUIRE(t->find(77, value_is(i)) == i);

  REQUIRE(t->erase(77, 5));
  REQUIRE(t->insert(77, limit));
  REQUIRE(t->find(78, any_value) == 3u);
}

TEST_CASE("a look-up asks about no more entries than the limit, whatever the peer chose") {
  const auto t = std::make_unique<keyed_table<4000>>();
  for (u32 i = 0; i < 4000; ++i) (void)t->insert(123, i);
  REQUIRE(t->size() == keyed_table<4000>::probe_limit);
  u32 asked = 0;
  REQUIRE_FALSE(t->find(123, [&](u32) { return ++asked, false; }));
  REQUIRE(asked == keyed_table<4000>::probe_limit);
  asked = 0;
  REQUIRE_FALSE(t->find(123 + 8192, [&](u32) { return ++asked, false; }));  // the same home, another hash: nobody is asked
  REQUIRE(asked == 0);
}

TEST_CASE("a run that no entry may lengthen refuses and keeps what it has") {
  // Three entries for each of 1024 neighbouring homes: the displacement would grow by two with each home if nothing stopped it.
  const auto t = std::make_unique<keyed_table<2048>>();
  u32 value = 0;
  for (u32 home = 0; home < 1024; ++home)
    for (u32 n = 0; n < 3; ++n) (void)t->insert(home, value++);
  u32 found = 0;
  for (u32 v = 0; v < value; ++v) found += t->find(v / 3, value_is(v)).has_value() ? 1u : 0u;
  REQUIRE(found == t->size());
  REQUIRE(t->refused() + t->size() == value);
  REQUIRE(t->refused() > 0);
  for (u32 v = 0; v < value; ++v) (void)t->erase(v / 3, v);
  REQUIRE(t->size() == 0);
}

TEST_CASE("an insert that would shift too long a run is refused") {
  using table = keyed_table<1000>;
  const auto t = std::make_unique<table>();
  REQUIRE(t->insert(0, 0));
  REQUIRE(t->insert(0, 1));
  for (u32 home = 1; home <= table::shift_limit; ++home) REQUIRE(t->insert(home, home + 1));  // each stands one slot off its home
  REQUIRE_FALSE(t->insert(0, 5000));
  REQUIRE(t->refused() == 1);
  REQUIRE(t->insert(100, 5001));  // nearer to the end of the run
  for (u32 home = 1; home <= table::shift_limit; ++home) REQUIRE(t->find(home, value_is(home + 1)) == home + 1);
}

TEST_CASE("the capacity is a limit like the others") {
  keyed_table<4> t;
  for (u32 i = 0; i < 4; ++i) REQUIRE(t.insert(i * 0x1000'0001, i));
  REQUIRE_FALSE(t.insert(9, 9));
  REQUIRE(t.refused() == 1);
  REQUIRE(t.erase(0, 0));
  REQUIRE(t.insert(9, 0xffff'fffe));
  t.prefetch(9);
  REQUIRE(t.find(9, any_value) == 0xffff'fffeu);
}

TEST_CASE("a table of 256 Ki entries with hashes that nobody chose fills to the last one") {
  static constinit keyed_table<1u << 18> t;  // zero is the initial state
  entropy::seeded random{20};
  for (u32 i = 0; i < 1u << 18; ++i) REQUIRE(t.insert(static_cast<u32>(random.next()), i));
  REQUIRE(t.refused() == 0);
  random = {20};
  u32 found = 0;
  for (u32 i = 0; i < 1u << 18; ++i) found += t.find(static_cast<u32>(random.next()), value_is(i)) == i ? 1u : 0u;
  REQUIRE(found == 1u << 18);
  random = {20};
  for (u32 i = 0; i < 1u << 18; ++i) REQUIRE(t.erase(static_cast<u32>(random.next()), i));
  REQUIRE(t.size() == 0);
}

}  // namespace
