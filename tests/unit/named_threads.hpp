// SPDX-License-Identifier: MIT
// Threads that are names: what one does while another waits is written down, so that every interleaving is the same in each run.
#pragma once
#include <strata/core/lock.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <functional>

namespace strata::test {

inline const char ann = 0, bob = 0, eve = 0;
inline const void* current = &ann;
inline std::function<void(u32)> meanwhile;  ///< what happens while a thread waits for the lock, round by round
struct named_thread {
  static const void* me() { return current; }
};
struct told_to_wait {
  static void wait(u32 round) {
    REQUIRE(round < 100);  // nobody lets us in
    if (meanwhile) meanwhile(round);
  }
};
/// A call is posted at the fourth try, one at a time; eight segments wait for a thread that copies.
struct lock : exclusion::locked_of<named_thread, told_to_wait, 3, 1> {
  static constexpr u32 backlog_segments = 8;
};

/// f() as another thread.
inline void as(const char& who, auto&& f) {
  const void* const before = std::exchange(current, &who);
  f();
  current = before;
}
struct fresh {
  fresh() { current = &ann, meanwhile = nullptr; }
  ~fresh() { current = &ann, meanwhile = nullptr; }
};

}  // namespace strata::test
