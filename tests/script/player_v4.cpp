// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_over_v4(const script_file& script, variation v) { return play_over<over_v4>(script, v); }
std::pair<u32, u32> first_numbers_over_v4(const variation& v, u64 secrets) { return std::make_unique<player<over_v4>>(v, secrets)->first_numbers(); }
}  // namespace strata::script
