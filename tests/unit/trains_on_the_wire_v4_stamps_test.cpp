// SPDX-License-Identifier: MIT
#include "trains_on_the_wire.hpp"

namespace trains_on_the_wire {
TEST_CASE("With trains and without them the same frames leave at the same times, with timestamps") { same_with_and_without<four, true>(); }
}  // namespace trains_on_the_wire
