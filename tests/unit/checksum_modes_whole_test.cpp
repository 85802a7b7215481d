// SPDX-License-Identifier: MIT
#include "checksum_modes.hpp"

namespace checksum_modes {
constexpr nic::capabilities segments{.fills_in_checksum = true, .segments = true};
TEST_CASE("corrupted segments are caught where the NIC cuts trains") { survives_corruption<config<segments, 65000>>(true, true); }
}  // namespace checksum_modes
