// SPDX-License-Identifier: MIT
// A policy that corks itself, it seems, with a constant that nothing reads.
// expect: says_plainly_whether_it_waits
#include <strata/tcp/coalescing.hpp>
#include <strata/tcp/config.hpp>

struct patient : strata::tcp::nagle {
#ifdef FIXED
  static constexpr bool waits_for_completion = true;
#else
  static constexpr int waits_for_completion = 1;
#endif
};
static_assert(strata::tcp::coalescing_policy<patient>);
