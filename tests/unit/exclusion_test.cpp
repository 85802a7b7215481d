// SPDX-License-Identifier: MIT
// exclusion::single_owner: the thread of the first call is the owner, and builds with checks say so when another one calls.
#include "recorded_violations.hpp"

#include <strata/core/exclusion.hpp>
#include <strata/core/lock.hpp>

#include <catch2/catch_test_macros.hpp>

#include <thread>
#include <type_traits>

namespace {

using namespace strata;
using test::taken_violations;

static_assert(std::is_empty_v<exclusion::single_owner::guard>);

/// What a public entry of the stack does.
struct guarded {
  exclusion::single_owner exclusion_{};
  u32 calls = 0;
  void call() {
    [[maybe_unused]] const auto held = exclusion_.enter();
    ++calls;
  }
};
void in_another_thread(auto&& f) { std::thread(f).join(); }

TEST_CASE("one thread calls as often as it likes, from inside a call too") {
  (void)taken_violations();
  guarded g;
  for (u32 i = 0; i < 3; ++i) {
    [[maybe_unused]] const auto held = g.exclusion_.enter();
    g.call();
  }
  CHECK(taken_violations() == 0);
}

TEST_CASE("a second thread is a violation, and the owner remains the owner") {
  (void)taken_violations();
  guarded g;
  g.call();
  in_another_thread([&] { g.call(); });
  CHECK(taken_violations() == 1);
  g.call();
  CHECK(taken_violations() == 0);
}

TEST_CASE("whoever calls first owns, wherever the object was made") {
  (void)taken_violations();
  guarded g;
  in_another_thread([&] {
    g.call();
    g.call();
  });
  CHECK(taken_violations() == 0);
  g.call();
  CHECK(taken_violations() == 1);
}

TEST_CASE("an object is handed over by forgetting its owner") {
  (void)taken_violations();
  guarded g;
  g.call();
  g.exclusion_.forget_owner();
  in_another_thread([&] { g.call(); });
  CHECK(taken_violations() == 0);
  g.call();
  CHECK(taken_violations() == 1);
}

TEST_CASE("two objects have two owners") {
  (void)taken_violations();
  guarded here, there;
  here.call();
  in_another_thread([&] { there.call(); });
  CHECK(taken_violations() == 0);
  CHECK(here.calls + there.calls == 2);
}

TEST_CASE("identity comes from the Config: where there are no threads, one owner is all there is") {
  struct no_threads {
    static const void* me() { return nullptr; }
  };
  (void)taken_violations();
  exclusion::single_owner_of<no_threads> alone;
  (void)alone.enter();
  in_another_thread([&] { (void)alone.enter(); });
  CHECK(taken_violations() == 0);

  struct two_tasks {
    static const void*& current() {
      static const void* task = nullptr;
      return task;
    }
    static const void* me() { return current(); }
  };
  static const char task_a = 0, task_b = 0;
  exclusion::single_owner_of<two_tasks> tasks;
  two_tasks::current() = &task_a;
  (void)tasks.enter();
  two_tasks::current() = &task_b;
  (void)tasks.enter();
  CHECK(taken_violations() == 1);
}

TEST_CASE("a lock that is held twice cannot be given to others for a while") {
  (void)taken_violations();
  exclusion::locked l;
  const auto outer = l.enter();
  l.let_others(1);
  CHECK(taken_violations() == 0);
  const auto inner = l.enter();
  l.let_others(1);
  CHECK(taken_violations() == 1);
}

}  // namespace
