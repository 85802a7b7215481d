// SPDX-License-Identifier: MIT
// A source from a seed in a Config that is not for tests: its sequence numbers could be guessed.
// expect: this Config's entropy can be guessed
// expect: allows_weak_entropy
#include <strata/strata.hpp>

#ifdef FIXED
struct mine : strata::presets::testing {};
#else
struct mine : strata::presets::server {
  using entropy = strata::entropy::seeded;
};
#endif
std::size_t memory(strata::stack<mine>& n) { return n.chunks_in_use(); }
