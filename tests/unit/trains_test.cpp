// SPDX-License-Identifier: MIT
// Received trains: a NIC joins segments before the stack sees them. What the application reads is the same, and the peer hears the same of it.
#include "trains_exchange.hpp"

namespace {
using namespace strata::trains;

TEST_CASE("trains on a good path are taken in one go, and segments are counted") {
  const outcome o = exchange<over_v4<joined>>(1, length, false);
  is_whole(o);
  CHECK(o.in_segments == o.out_segments);
  CHECK(o.slow < 60);  // where the pieces of a train are smaller than segments, the budget of chunks may end before the window does
  CHECK(o.fast < o.in_segments / 2);
}
TEST_CASE("trains on a path that loses, repeats and reorders bring the same bytes") {
  for (strata::u64 seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    is_whole(exchange<over_v4<joined>>(seed, length, true));
  }
}
TEST_CASE("trains without header prediction are taken apart") {
  for (strata::u64 seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    const outcome o = exchange<without_prediction<joined>>(seed, length, true);
    is_whole(o);
    CHECK(o.fast == 0);
  }
}
}  // namespace
