// SPDX-License-Identifier: MIT
// A congestion controller that does not say its window.
// expect: states_its_window
// expect: cc.cwnd()
#include <strata/tcp/config.hpp>

struct silent {
  using u32 = strata::u32;
#ifdef FIXED
  u32 cwnd() const { return 10; }
#endif
  u32 ssthresh() const { return 10; }
  void start(u32) {}
  void on_ack(u32, u32, u32) {}
  void on_recovery(u32, u32) {}
  void on_duplicate(u32) {}
  void on_partial(u32, u32) {}
  void on_recovered(u32, u32) {}
  void on_timeout(u32, u32) {}
  void on_idle(u32) {}
};
static_assert(strata::tcp::congestion_controller<silent>);
