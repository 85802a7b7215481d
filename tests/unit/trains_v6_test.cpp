// SPDX-License-Identifier: MIT
#include "trains_exchange.hpp"

namespace {
using namespace strata::trains;

TEST_CASE("trains over IPv6") {
  for (strata::u64 seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    is_whole(exchange<over_v6<joined>>(seed, length, seed > 1));
  }
}
}  // namespace
