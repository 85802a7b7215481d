// SPDX-License-Identifier: MIT
// What small Configs have in place of the keyed table and the timer wheel, against plain models.
#include <strata/core/entropy.hpp>
#include <strata/core/small_table.hpp>
#include <strata/core/timer_list.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace strata;
using ms = milliseconds32;
using moment = time_point<ms>;

static_assert(std::is_same_v<table_for<16>, small_table<16>> && std::is_same_v<table_for<17>, keyed_table<17>>);
static_assert(std::is_same_v<timers_for<ms, 16>, timer_list<ms, 16>> && std::is_same_v<timers_for<ms, 17>, timer_wheel<ms, 17>>);
static_assert(sizeof(small_table<12>) == 12 * 8 + 8);

TEST_CASE("a small table finds what was inserted and not erased, and refuses what does not fit") {
  constexpr u64 seed = 0x5ab1e;
  INFO("seed " << seed);
  entropy::seeded random{seed};
  small_table<12> t;
  std::vector<std::pair<u32, u32>> model;
  u32 refused = 0;
  for (u32 step = 0; step < 20000; ++step) {
    const u32 hash = static_cast<u32>(random.below(5)), value = static_cast<u32>(random.below(8));
    const auto known = std::find(model.begin(), model.end(), std::pair{hash, value});
    if (random.below(2) == 0) {
      if (known != model.end()) continue;
      const bool fits = model.size() < 12;
      REQUIRE(t.insert(hash, value) == fits);
      if (fits) model.emplace_back(hash, value);
      else ++refused;
    } else {
      REQUIRE(t.erase(hash, value) == (known != model.end()));
      if (known != model.end()) model.erase(known);
    }
    REQUIRE(t.size() == model.size());
    REQUIRE(t.refused() == refused);
    for (const auto& [h, v] : model) REQUIRE(t.find(h, [&](u32 found) { return found == v; }) == v);
    const bool has_hash = std::any_of(model.begin(), model.end(), [&](const auto& e) { return e.first == hash; });
    REQUIRE(t.find(hash, [](u32) { return true; }).has_value() == has_hash);
  }
}

TEST_CASE("a small set of timers fires each one at the first advance that reaches it, across the wrap of the tick") {
  constexpr u64 seed = 0x71e7;
  INFO("seed " << seed);
  entropy::seeded random{seed};
  for (const u32 start : {0u, 0xffff'ff00u, 0x7fff'ff80u}) {
    timer_list<ms, 8> timers;
    moment now{start};
    timers.advance(now);
    bool armed[8] = {};
    moment deadline[8] = {};
    for (u32 step = 0; step < 5000; ++step) {
      const u32 i = static_cast<u32>(random.below(8));
      switch (random.below(4)) {
        case 0:
          deadline[i] = now + duration<ms>{static_cast<u32>(random.below(50))};
          armed[i] = true;
          timers.arm(i, deadline[i]);
          break;
        case 1:
          armed[i] = false;
          timers.disarm(i);
          break;
        default: {
          std::optional<moment> first;
          for (u32 n = 0; n < 8; ++n)
            if (armed[n]) first = first ? earlier_of(*first, deadline[n]) : deadline[n];
          REQUIRE(timers.next_deadline() == first);
          now = now + duration<ms>{static_cast<u32>(random.below(30))};
          timers.advance(now);
          [[maybe_unused]] u32 fired = 0;
          while (const auto due = timers.next_due()) {
            REQUIRE(armed[*due]);
            REQUIRE(now.reached(deadline[*due]));
            armed[*due] = false;
            ++fired;
          }
          for (u32 n = 0; n < 8; ++n) REQUIRE((!armed[n] || !now.reached(deadline[n])));
        }
      }
      REQUIRE(timers.is_armed(i) == armed[i]);
      REQUIRE(timers.armed() == static_cast<u32>(std::count(armed, armed + 8, true)));
    }
  }
}

TEST_CASE("a small set of timers takes a past deadline for now, and what is due stays due until it is taken") {
  timer_list<ms, 2> timers;
  timers.arm(0, {5});
  CHECK(!timers.next_due());  // no time is known yet
  timers.advance({100});
  CHECK(timers.next_deadline() == moment{100});
  timers.arm(1, {50});
  CHECK(timers.deadline(1) == moment{100});
  timers.advance({99});  // ignored
  CHECK(timers.next_due() == 0u);
  CHECK(!timers.next_due());
  timers.advance({100});
  CHECK(timers.next_due() == 1u);
  CHECK(timers.armed() == 0);
  CHECK(!timers.next_deadline());
}

TEST_CASE("a timer that is armed again while it is due waits for its new deadline") {
  timer_list<ms, 1> timers;
  timers.advance({10});
  timers.arm(0, {10});
  timers.advance({10});
  timers.arm(0, {20});
  CHECK(!timers.next_due());
  timers.advance({19});
  CHECK(!timers.next_due());
  timers.advance({20});
  CHECK(timers.next_due() == 0u);
}

}  // namespace
