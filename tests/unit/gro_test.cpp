// SPDX-License-Identifier: MIT
#include "trains_exchange.hpp"

namespace {
using namespace strata::trains;

TEST_CASE("with segments joined and without the same frames leave at the same times") { same_with_and_without<joining_config<true, true>, joining_config<false, true>>(); }
}  // namespace
