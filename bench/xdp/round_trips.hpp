// SPDX-License-Identifier: MIT
// Round trips over a pair, in one thread or in two on cores of their own. A sample is the time from one answer to the next, with all that is done between.
#pragma once
#include "contender.hpp"
#include "raw_pair.hpp"

#include <atomic>
#include <thread>

namespace bench {

template <class Pair> class round_trip : public contender {
 public:
  round_trip(std::string what, auto&&... arguments) : contender(std::move(what)), pair(arguments...) {}

  void exchange(u32 n) override {
    pair.start(clock_.ns());
    u64 last = clock_.ns(), now = last;
    for (u32 i = 0; i < n; ++i) {
      for (patience p(*this); !pair.far(now); now = time()) p.look();
      now = time();
      for (patience p(*this); !pair.near(now, i + 1 < n); now = time()) p.look();
      now = clock_.ns();
      if (i + 1 < n) times.add(now - last);  // the last one has no question behind it
      last = now;
    }
  }
  void questions(u32 n) override {
    pair.start(clock_.ns());
    u64 last = clock_.ns(), now = last;
    for (u32 i = 0; i < n; ++i) {
      for (patience p(*this); !pair.near(now, i + 1 < n); now = time()) p.look();
      now = clock_.ns();
      if (i + 1 < n) times.add(now - last);  // the last one has no question behind it
      last = now;
    }
  }
  void answers(const std::atomic<u32>& turn, u32 mine) override {
    while (turn.load(std::memory_order_acquire) == mine) (void)pair.far(time());
  }
  [[nodiscard]] setting how() const override { return pair.how(); }

  Pair pair;

 private:
  // A frame that is lost would be waited for without end.
  class patience {
   public:
    explicit patience(const round_trip& of) : of_(of) {}
    void look() {
      if ((++looks_ & 0xfffff) != 0) return;
      if (first_ == 0) first_ = of_.clock_.ns();
      if (of_.clock_.ns() - first_ > 5'000'000'000) give_up("no answer came for five seconds", of_.name.c_str(), "is the machine overloaded?", 0);
    }

   private:
    const round_trip& of_;
    u32 looks_ = 0;
    u64 first_ = 0;
  };
  [[nodiscard]] u64 time() const { return Pair::wants_time ? clock_.ns() : 0; }

  const strata::posix::tsc_clock& clock_ = the_clock();
};

inline void stay_on(u32 core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  (void)::sched_setaffinity(0, sizeof one, &one);
}

/// The same with the far ends in a thread on another core.
inline void take_turns_on_two_cores(contenders& all, u32 rounds, u32 n) {
  static constexpr u32 nobody = ~u32{0}, end = nobody - 1;
  std::atomic<u32> turn = nobody, at = nobody;
  std::thread far([&] {
    stay_on(1);
    for (u32 t; (t = turn.load(std::memory_order_acquire)) != end;) {
      at.store(t, std::memory_order_release);
      if (t != nobody) all[t]->answers(turn, t);
    }
  });
  stay_on(0);
  for (u32 round = 0; round <= rounds; ++round)
    for (u32 i = 0; i < all.size(); ++i) {
      turn.store(i, std::memory_order_release);
      while (at.load(std::memory_order_acquire) != i) {}
      all[i]->questions(n);
      all[i]->times.end_block(round != 0);
    }
  turn.store(end, std::memory_order_release);
  far.join();
}

}  // namespace bench
