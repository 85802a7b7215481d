// SPDX-License-Identifier: MIT
// Slots of chunks beside trains: small messages lie in slots, and what is long leaves behind one header.
#include "arrives.hpp"

namespace {
using namespace strata;
using namespace strata::literals;
using test::in_slots, test::in_slots_and_trains, test::few_places;

TEST_CASE("with trains messages of all sizes in slots arrive, where the link makes frames of them") { test::messages_arrive<in_slots_and_trains<few_places>>(); }
TEST_CASE("with trains messages of all sizes in slots arrive over a wire that copies trains") { test::messages_arrive<in_slots_and_trains<nic::wire_pair::copying_trains>>(); }
TEST_CASE("with trains messages of all sizes in slots arrive over a wire that lends trains") { test::messages_arrive<in_slots_and_trains<nic::wire_pair::lending_trains>>(); }

}  // namespace
