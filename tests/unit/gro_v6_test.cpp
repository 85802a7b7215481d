// SPDX-License-Identifier: MIT
#include "trains_exchange.hpp"

namespace {
using namespace strata::trains;

TEST_CASE("with segments joined and without the same frames leave at the same times, over IPv6") { same_with_and_without<joining_over_v6<true>, joining_over_v6<false>>(); }
}  // namespace
