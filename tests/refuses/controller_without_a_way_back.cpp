// SPDX-License-Identifier: MIT
// A congestion controller that never hears of the retransmission timer.
// expect: backs_off
// expect: cc.on_timeout(n, n)
#include <strata/tcp/config.hpp>

struct bold {
  using u32 = strata::u32;
  u32 cwnd() const { return 10; }
  u32 ssthresh() const { return 10; }
  void start(u32) {}
  void on_ack(u32, u32, u32) {}
  void on_recovery(u32, u32) {}
  void on_duplicate(u32) {}
  void on_partial(u32, u32) {}
  void on_recovered(u32, u32) {}
#ifdef FIXED
  void on_timeout(u32, u32) {}
#endif
  void on_idle(u32) {}
};
static_assert(strata::tcp::congestion_controller<bold>);
