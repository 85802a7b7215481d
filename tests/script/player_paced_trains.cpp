// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_paced_trains(const script_file& script, variation v) { return play_over<paced_trains>(script, v); }
}  // namespace strata::script
