// SPDX-License-Identifier: MIT
#include "checksum_modes.hpp"

namespace checksum_modes {
constexpr nic::capabilities fills{.fills_in_checksum = true};
TEST_CASE("corrupted segments are caught where checksums are left to the NIC") { survives_corruption<config<fills, 0>>(false, true); }
TEST_CASE("corrupted segments are caught where trains become frames whose checksums are left") { survives_corruption<config<fills, 65000>>(true, true); }
TEST_CASE("corrupted segments are caught where the NIC begins and ends to make checksums") { survives_corruption<config<fills, 0>>(false, true, true); }
TEST_CASE("corrupted segments are caught where the NIC begins and ends to make the checksums of what trains become") { survives_corruption<config<fills, 65000>>(true, true, true); }
}  // namespace checksum_modes
