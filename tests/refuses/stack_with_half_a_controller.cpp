// SPDX-License-Identifier: MIT
// A Config whose congestion controller never hears of the retransmission timer.
// expect: backs_off
// expect: on_timeout(n, n)
#include <strata/strata.hpp>

struct bold : strata::tcp::newreno {
#ifndef FIXED
  void on_timeout(strata::u32, strata::u32) = delete;
#endif
};
struct mine : strata::presets::server {
  using congestion_control = bold;
};
std::size_t memory(strata::stack<mine>& n) { return n.chunks_in_use(); }
