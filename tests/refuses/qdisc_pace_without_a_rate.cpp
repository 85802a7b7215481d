// SPDX-License-Identifier: MIT
// A pace that does not say how fast.
// expect: is no strata::qdisc::flow_pace
// expect: pace.rate(p)
#include <strata/strata.hpp>

struct hurry {
  static constexpr bool is_paced = true;
#ifdef FIXED
  [[nodiscard]] strata::u64 rate(const strata::packet&) const { return 1'000'000; }
#endif
};
using queue = strata::qdisc::fq_of<strata::qdisc::fq_options{}, hurry>;
static_assert(sizeof(queue::of<strata::presets::server>) > 0);
