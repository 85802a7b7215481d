// SPDX-License-Identifier: MIT
// Those who are compared, taking turns.
#pragma once
#include "samples.hpp"

#include <strata/posix/clock.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace bench {

/// How a row was measured.
struct setting {
  const char* nic = "veth";
  const char* mode = "none";
  const char* copy = "none";
  const char* pages = "none";
  u32 fill = 0;  // chunks that wait to be received into
};

struct contender {
  explicit contender(std::string what) : name(std::move(what)) {}
  contender(const contender&) = delete;
  contender& operator=(const contender&) = delete;
  virtual ~contender() = default;
  /// `n` exchanges, both ends in this thread.
  virtual void exchange(u32 n) = 0;
  /// Two threads, where a row has them: the near end alone, and the far end alone while the turn is `mine`.
  virtual void questions(u32) {}
  virtual void answers(const std::atomic<u32>& turn, u32 mine) { (void)turn, (void)mine; }
  [[nodiscard]] virtual setting how() const = 0;

  std::string name;
  samples times{};
};
using contenders = std::vector<std::unique_ptr<contender>>;

/// Blocks of `n` exchanges, one contender after the other, `rounds` times after one to warm up.
inline void take_turns(contenders& all, u32 rounds, u32 n) {
  for (u32 round = 0; round <= rounds; ++round)
    for (auto& c : all) {
      c->exchange(n);
      c->times.end_block(round != 0);
    }
}

inline const strata::posix::tsc_clock& the_clock() {
  static const strata::posix::tsc_clock c;
  return c;
}

}  // namespace bench
