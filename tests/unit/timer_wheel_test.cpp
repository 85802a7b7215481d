// SPDX-License-Identifier: MIT
// The timer wheel against a naive model, over every tick and shape, with clocks that wrap.
#include <strata/core/entropy.hpp>
#include <strata/core/timer_wheel.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <vector>

#include <sanitized.hpp>

namespace {

using namespace strata;

// What a microcontroller with 16 connections pays, and what a timer costs a server.
static_assert(sizeof(timer_wheel<milliseconds32, 16, 0, 4>) <= 720);
static_assert(sizeof(timer_wheel<nanoseconds64, 100'000>) <= 100'000 * 16 + 8192);

// The wheel also runs in a constant expression, where any overflow or access out of bounds does not compile.
constexpr u32 fired_in_order() {
  timer_wheel<milliseconds32, 4> w;
  w.advance({0xffff'ff00});
  w.arm(0, {0x0000'0100});
  w.arm(1, {0xffff'ffff});
  w.arm(2, {0x0000'0000});
  w.arm(3, {0x7fff'fe00});
  u32 order = 0;
  while (const auto at = w.next_deadline()) {
    w.advance(*at);
    while (const auto t = w.next_due()) order = order * 10 + *t + 1;
  }
  return order;
}
static_assert(fired_in_order() == 2314);

template <class Tick, u32 Timers, u32... Shape> struct shape {
  using tick = Tick;
  using wheel = timer_wheel<Tick, Timers, Shape...>;
};
using default_ns = shape<nanoseconds64, 60>;
using default_us = shape<microseconds32, 60>;
using default_ms = shape<milliseconds32, 60>;
using small_ms = shape<milliseconds32, 30, 0, 4>;       // a microcontroller
using coarse_us = shape<microseconds32, 200, 12, 6>;    // many timers share the current granule
using few_moves = shape<microseconds32, 60, 6, 5, 3>;   // the bound on the work of a call is met all the time
using few_moves_ns = shape<nanoseconds64, 60, 14, 6, 1>;

// Operations on a wheel and on the plainest model of one: a flag and a deadline for each timer.
template <class Shape> class compared {
 public:
  using tick = typename Shape::tick;
  using rep = typename tick::rep;
  using point = time_point<tick>;
  static constexpr u32 timers = Shape::wheel::timers;

  explicit compared(u64 seed, rep start) : random_{seed}, wheel_(new typename Shape::wheel{}), now_{start}, before_start_(true) {}
  ~compared() { delete wheel_; }
  compared(const compared&) = delete;
  compared& operator=(const compared&) = delete;

  void step() {
    const u32 t = static_cast<u32>(random_.below(timers));
    switch (random_.below(12)) {
      case 0: case 1: case 2: case 3: arm(t, now_ + some()); break;
      case 4: if (armed_[t]) arm(t, deadline_[t] + duration<tick>{static_cast<rep>(random_.below(1000))}); break;  // moved out, as by an ACK
      case 5: if (armed_[t]) arm(t, now_ + duration<tick>{static_cast<rep>(remaining(t) / 2)}); break;            // drawn in
      case 6: arm(t, now_ - some()); break;
      case 7: wheel_->disarm(t), armed_[t] = false; break;
      case 8: advance(now_ + some()); break;
      case 9: advance(now_ + duration<tick>{static_cast<rep>(random_.below(40))}); break;
      case 10: if (const auto at = wheel_->next_deadline()) advance(before_start_ ? now_ : *at); break;
      default: back(); break;
    }
    compare(t);
  }
  /// Sleeps until nothing is armed, and never more often than the timers' levels explain.
  void drain() {
    u32 sleeps = 0;
    while (wheel_->next_deadline()) {
      REQUIRE(++sleeps < timers * 32);
      advance(before_start_ ? now_ : *wheel_->next_deadline(), ~u64{0});
    }
    for (u32 t = 0; t < timers; ++t) REQUIRE_FALSE(armed_[t]);
  }

 private:
  /// Any magnitude up to the horizon is as likely as any other.
  duration<tick> some() {
    const u64 bits = random_.below(sizeof(rep) * 8);
    return {static_cast<rep>(random_.next() & ((u64{1} << bits) - 1) & tick::horizon)};
  }
  [[nodiscard]] rep remaining(u32 t) const { return now_.reached(deadline_[t]) ? 0 : static_cast<rep>(deadline_[t].count - now_.count); }

  void arm(u32 t, point at) {
    if (before_start_ ? at.is_before(now_) : now_.reached(at)) at = now_;
    if (remaining_to(at) > tick::horizon) at = now_ + duration<tick>::max();
    wheel_->arm(t, at);
    armed_[t] = true;
    deadline_[t] = at;
  }
  [[nodiscard]] rep remaining_to(point at) const { return static_cast<rep>(at.count - now_.count); }

  void back() {
    if (before_start_) return;
    const auto before = wheel_->next_deadline();
    // Over an empty wheel any time is right, so it says nothing there.
    if (before) wheel_->advance(now_ - duration<tick>{static_cast<rep>(random_.below(1'000'000))});
    const auto after = wheel_->next_deadline();
    REQUIRE(before.has_value() == after.has_value());
  }
  void advance(point to, u64 budget = 0) {
    if (budget == 0) budget = random_.below(3) == 0 ? random_.below(4) : ~u64{0};
    now_ = to;
    before_start_ = false;
    wheel_->advance(now_);
    for (;;) {
      while (budget > 0) {
        const auto t = wheel_->next_due();
        if (!t) break;
        --budget;
        REQUIRE(armed_[*t]);
        REQUIRE(remaining(*t) == 0);  // never early
        REQUIRE_FALSE(wheel_->is_armed(*t));
        armed_[*t] = false;
      }
      if (budget == 0) break;
      // Where the work of one call is bounded, the rest is done by the next ones, and next_deadline() says that there is a rest.
      const auto next = wheel_->next_deadline();
      if (!next || !now_.reached(*next)) {
        for (u32 t = 0; t < timers; ++t) REQUIRE((!armed_[t] || remaining(t) > 0));  // never late
        break;
      }
      wheel_->advance(now_);
    }
    for (u32 t = 0; t < timers; ++t)
      if (armed_[t] && remaining(t) == 0) deadline_[t] = now_;  // due and not taken: it stays so, however far the clock goes
  }
  void compare(u32 t) {
    REQUIRE(wheel_->is_armed(t) == armed_[t]);
    REQUIRE(wheel_->armed() == static_cast<u32>(std::count(armed_.begin(), armed_.end(), true)));
    const auto next = wheel_->next_deadline();
    REQUIRE(next.has_value() == (wheel_->armed() != 0));
    if (!next || before_start_) return;
    rep least = tick::horizon;
    for (u32 i = 0; i < timers; ++i)
      if (armed_[i]) least = std::min(least, remaining(i));
    const rep sleep = now_.reached(*next) ? 0 : static_cast<rep>(next->count - now_.count);
    REQUIRE(sleep <= least);
  }

  entropy::seeded random_;
  typename Shape::wheel* wheel_;
  point now_;
  bool before_start_;
  std::vector<bool> armed_ = std::vector<bool>(timers);
  std::vector<point> deadline_ = std::vector<point>(timers);
};

TEMPLATE_TEST_CASE("the wheel does what a list of deadlines does", "", default_ns, default_us, default_ms, small_ms, coarse_us, few_moves, few_moves_ns) {
  using rep = typename TestType::tick::rep;
  for (u64 seed = 1; seed <= (strata::test::is_sanitized ? 1u : 5u); ++seed) {
    INFO("seed " << seed);
    compared<TestType> pair(seed, static_cast<rep>(0 - static_cast<rep>(50'000)));  // just below the wrap
    for (u32 i = 0; i < 20'000; ++i) pair.step();
    pair.drain();
  }
}

TEMPLATE_TEST_CASE("a timer fires at its deadline and not one tick before", "", nanoseconds64, microseconds32, milliseconds32) {
  using rep = typename TestType::rep;
  timer_wheel<TestType, 4> w;
  rep now = static_cast<rep>(0 - static_cast<rep>(1000));
  w.advance({now});
  for (rep delay = 1; delay < TestType::horizon / 2; delay = static_cast<rep>(delay * 2 + 1)) {
    INFO("delay " << delay);
    w.arm(3, {static_cast<rep>(now + delay)});
    REQUIRE(w.deadline(3) == time_point<TestType>{static_cast<rep>(now + delay)});
    w.advance({static_cast<rep>(now + delay - 1)});
    REQUIRE_FALSE(w.next_due());
    REQUIRE(w.is_armed(3));
    w.advance({static_cast<rep>(now + delay)});
    REQUIRE(w.next_due() == 3u);
    REQUIRE_FALSE(w.next_due());
    now = static_cast<rep>(now + delay);
  }
}

TEMPLATE_TEST_CASE("the longest delay and a jump over it are the horizon", "", nanoseconds64, microseconds32, milliseconds32) {
  using rep = typename TestType::rep;
  for (const rep start : {rep{0}, rep{12345}, TestType::horizon, static_cast<rep>(~rep{0}), static_cast<rep>(~rep{0} - 70'000)}) {
    INFO("start " << start);
    timer_wheel<TestType, 3> w;
    w.advance({start});
    w.arm(0, {static_cast<rep>(start + TestType::horizon)});
    w.arm(1, {static_cast<rep>(start + 1)});
    w.arm(2, {static_cast<rep>(start + TestType::horizon - 1)});
    w.advance({static_cast<rep>(start + TestType::horizon - 1)});
    REQUIRE(w.next_due() == 1u);
    REQUIRE(w.next_due() == 2u);
    REQUIRE_FALSE(w.next_due());
    w.advance({static_cast<rep>(start + TestType::horizon)});
    REQUIRE(w.next_due() == 0u);
    REQUIRE_FALSE(w.next_deadline());
  }
}

TEST_CASE("the state that every byte zero makes is an empty wheel") {
  static constinit timer_wheel<nanoseconds64, 8> w;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&w);
  REQUIRE(std::all_of(bytes, bytes + sizeof w, [](unsigned char b) { return b == 0; }));
  REQUIRE_FALSE(w.next_deadline());
  REQUIRE_FALSE(w.next_due());
  w.disarm(7);
  REQUIRE_FALSE(w.is_armed(7));
}

TEST_CASE("one timer alone is slept for exactly, however far away") {
  timer_wheel<nanoseconds64, 2> w;
  w.advance({1'000});
  w.arm(0, {7'200'000'000'123});
  REQUIRE(w.next_deadline() == time_point<nanoseconds64>{7'200'000'000'123});
}

TEST_CASE("a deadline in the past fires at the next advance, not before") {
  timer_wheel<milliseconds32, 2> w;
  w.advance({500});
  w.arm(0, {400});
  w.arm(1, {500});
  REQUIRE_FALSE(w.next_due());
  REQUIRE(w.next_deadline() == time_point<milliseconds32>{500});
  w.advance({500});  // the clock need not move
  REQUIRE(w.next_due() == 0u);
  REQUIRE(w.next_due() == 1u);
  REQUIRE_FALSE(w.next_deadline());
}

TEST_CASE("timers that were armed before the first advance wait for the clock to be known") {
  for (const u32 start : {0u, 5'000u, 0xffff'f000u}) {
    timer_wheel<milliseconds32, 2> w;
    w.arm(0, {start + 200});
    w.arm(1, {start});
    REQUIRE(w.next_deadline());
    w.advance({start});
    REQUIRE(w.next_due() == 1u);
    REQUIRE_FALSE(w.next_due());
    w.advance({start + 199});
    REQUIRE_FALSE(w.next_due());
    w.advance({start + 200});
    REQUIRE(w.next_due() == 0u);
  }
}

TEST_CASE("a deadline in the past fires even if the clock then goes a whole horizon") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({10});
  w.arm(0, {10 - milliseconds32::horizon});
  REQUIRE(w.deadline(0) == time_point<milliseconds32>{10});
  w.advance({10 + milliseconds32::horizon});
  REQUIRE(w.next_due() == 0u);
}

TEST_CASE("a timer that was due and is moved out gives no reason to wake now") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({10});
  w.arm(0, {5});
  w.arm(0, {300});
  REQUIRE(w.next_deadline() == time_point<milliseconds32>{300});
  w.advance({300});
  w.arm(0, {400});  // due, not taken
  REQUIRE_FALSE(w.next_due());
  REQUIRE(w.next_deadline() == time_point<milliseconds32>{400});
}

TEST_CASE("a timer that was left due for more than half the circle can be armed anew") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({0});
  w.arm(0, {100});
  w.advance({200});
  w.advance({200 + milliseconds32::horizon});
  w.advance({400 + milliseconds32::horizon});  // 100 now looks like a moment to come
  w.arm(0, {200});
  REQUIRE_FALSE(w.next_due());
  w.advance({100});
  REQUIRE_FALSE(w.next_due());
  w.advance({200});
  REQUIRE(w.next_due() == 0u);
}

TEST_CASE("while nothing is armed the clock may stand still for longer than the horizon") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({0});
  w.advance({milliseconds32::horizon + 1000});
  w.arm(0, {milliseconds32::horizon + 1010});
  w.advance({milliseconds32::horizon + 1009});
  REQUIRE_FALSE(w.next_due());
  w.advance({milliseconds32::horizon + 1010});
  REQUIRE(w.next_due() == 0u);
}

TEST_CASE("a jump over the wrap hands out the earlier timer first") {
  timer_wheel<milliseconds32, 2> w;
  w.advance({0xbfff'ffff});
  w.arm(1, {0x0000'0005});
  w.arm(0, {0xc000'0005});
  w.advance({0x3fff'fff0});
  REQUIRE(w.next_due() == 0u);
  REQUIRE(w.next_due() == 1u);
}

TEST_CASE("work that is left over survives jumps of the horizon, whatever the clock shows") {
  constexpr u32 horizon = milliseconds32::horizon;
  for (const bool in_the_past : {false, true}) {
    timer_wheel<milliseconds32, 6, 0, 5, 1> w;
    w.advance({0});
    for (u32 now = 0; now < 0xffff'fc00; now += 0x3fff'ff00) {  // once around, never idle
      w.arm(5, {now + 0x4000'0000});
      w.advance({now});
    }
    u32 now = 0xffff'fc00;
    w.advance({now});
    w.arm(5, {now + horizon});
    for (u32 t = 0; t < 5; ++t) w.arm(t, {in_the_past ? now : now + 1});
    w.advance({now + 1});            // sorts one of five
    w.advance({now + horizon});      // one more
    w.advance({now + horizon + 9});  // and now the others would look like moments to come
    for (u32 n = 0; n < 10; ++n) w.advance({now + horizon + 9});
    u32 fired = 0;
    while (w.next_due()) ++fired;
    REQUIRE(fired == 6);
  }
}

TEST_CASE("what was armed before the first advance is sorted by it, all of it") {
  timer_wheel<milliseconds32, 3, 0, 5, 1> w;
  for (u32 t = 0; t < 3; ++t) w.arm(t, {5});
  w.advance({5});
  for (u32 t = 0; t < 3; ++t) REQUIRE(w.next_due() == t);
}

TEST_CASE("time that runs back is ignored") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({10'000});
  w.arm(0, {10'100});
  w.advance({9'000});
  w.advance({10'099});
  REQUIRE_FALSE(w.next_due());
  w.advance({10'100});
  REQUIRE(w.next_due() == 0u);
}

TEST_CASE("what a budget leaves stays due and can be disarmed or armed anew") {
  timer_wheel<microseconds32, 5> w;
  w.advance({0});
  for (u32 t = 0; t < 5; ++t) w.arm(t, {100 + t});
  w.advance({1'000});
  REQUIRE(w.next_due() == 0u);
  REQUIRE(w.next_deadline() == time_point<microseconds32>{1'000});
  REQUIRE(w.is_armed(1));
  w.disarm(1);
  w.arm(2, {2'000});
  w.advance({1'000'000'000});  // and whatever is due stays due, over half the circle and more
  w.advance({3'000'000'000});
  REQUIRE(w.next_due() == 3u);
  REQUIRE(w.next_due() == 4u);
  REQUIRE(w.next_due() == 2u);
  REQUIRE_FALSE(w.next_due());
  REQUIRE(w.armed() == 0);
}

TEST_CASE("a handler that arms its own timer in the past does not hold up the loop that takes due timers") {
  timer_wheel<milliseconds32, 1> w;
  w.advance({50});
  w.arm(0, {50});
  for (u32 turn = 0; turn < 3; ++turn) {
    w.advance({50});
    REQUIRE(w.next_due() == 0u);
    w.arm(0, {50});
    REQUIRE_FALSE(w.next_due());
  }
}

TEST_CASE("a timer that is moved out again and again fires once, at the last deadline") {
  timer_wheel<microseconds32, 1> w;
  u32 now = 0xffff'0000;
  w.advance({now});
  for (u32 i = 0; i < 1000; ++i) {
    w.arm(0, {now + 200'000});
    now += 150;
    w.advance({now});
    REQUIRE_FALSE(w.next_due());
  }
  const u32 last = now - 150 + 200'000;
  w.advance({last - 1});
  REQUIRE_FALSE(w.next_due());
  w.advance({last});
  REQUIRE(w.next_due() == 0u);
}

TEST_CASE("one call looks at no more timers than it may, and the calls after it finish the work") {
  static timer_wheel<milliseconds32, 5'000> w;
  w.advance({0});
  for (u32 t = 0; t < 5'000; ++t) w.arm(t, {1'000});
  w.advance({1'000});
  u32 taken = 0, calls = 1;
  for (;; ++calls) {
    u32 in_this_call = 0;
    while (w.next_due()) ++in_this_call;
    REQUIRE(in_this_call <= 1024);
    taken += in_this_call;
    if (taken == 5'000) break;
    REQUIRE(w.next_deadline() == time_point<milliseconds32>{1'000});
    w.advance({1'000});
  }
  REQUIRE(calls == 5);
  REQUIRE_FALSE(w.next_deadline());
}

TEST_CASE("a loop that sleeps until the next deadline wakes a few times a timer at most") {
  static timer_wheel<nanoseconds64, 1'000> w;
  entropy::seeded random{7};
  w.advance({0});
  for (u32 t = 0; t < 1'000; ++t) w.arm(t, {1 + random.below(3'600'000'000'000)});
  u32 wakes = 0, fired = 0;
  while (const auto at = w.next_deadline()) {
    ++wakes;
    w.advance(*at);
    while (w.next_due()) ++fired;
  }
  REQUIRE(fired == 1'000);
  REQUIRE(wakes < 1'300);
}

}  // namespace
