// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_adaptive(const script_file& script, variation v) { return play_over<adaptive>(script, v); }
}  // namespace strata::script
