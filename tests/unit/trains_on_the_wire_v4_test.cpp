// SPDX-License-Identifier: MIT
#include "trains_on_the_wire.hpp"

namespace trains_on_the_wire {
TEST_CASE("With trains and without them the same frames leave at the same times") { same_with_and_without<four, false>(); }
}  // namespace trains_on_the_wire
