// SPDX-License-Identifier: MIT
#include "trains_exchange.hpp"

namespace {
using namespace strata::trains;

TEST_CASE("with segments joined and without the same frames leave at the same times, without timestamps") { same_with_and_without<joining_config<true, false>, joining_config<false, false>>(); }
}  // namespace
