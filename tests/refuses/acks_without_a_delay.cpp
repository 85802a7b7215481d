// SPDX-License-Identifier: MIT
// An ACK policy that does not say how long a lone segment waits.
// expect: ack_policy
// expect: delay_ms
#include <strata/tcp/config.hpp>

struct eager {
  static constexpr strata::u32 full_segments = 1;
#ifdef FIXED
  static constexpr strata::u32 delay_ms = 0;
#endif
};
static_assert(strata::tcp::ack_policy<eager>);
