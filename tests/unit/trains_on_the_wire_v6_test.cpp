// SPDX-License-Identifier: MIT
#include "trains_on_the_wire.hpp"

namespace trains_on_the_wire {
TEST_CASE("With trains and without them the same IPv6 packets leave at the same times") { same_with_and_without<six, false>(); }
}  // namespace trains_on_the_wire
