// SPDX-License-Identifier: MIT
#include "checksum_modes.hpp"

namespace checksum_modes {
TEST_CASE("corrupted segments are caught where checksums are made with the copy, and kept through splits") { survives_corruption<config<nic::capabilities{}, 0>>(false, false); }
TEST_CASE("corrupted segments are caught where trains become frames in place") { survives_corruption<config<nic::capabilities{}, 65000>>(true, false); }
}  // namespace checksum_modes
