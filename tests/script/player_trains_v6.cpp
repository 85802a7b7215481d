// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_in_trains_over_v6(const script_file& script, variation v) { return play_over<in_trains_over_v6>(script, v); }
}  // namespace strata::script
