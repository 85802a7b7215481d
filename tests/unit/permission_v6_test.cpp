// SPDX-License-Identifier: MIT
// The permission policy over IPv6.
#include "permission_world.hpp"

namespace {

using namespace strata::test;

TEST_CASE("every socket call over IPv6 asks the permission policy, and a refusal is answered, counted and nothing else") { refuse_every_call<six>(); }
TEST_CASE("a connection over IPv6 that may not be accepted is reset before the application is told") { refuse_a_connection<six>(); }

}  // namespace
