// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_corking(const script_file& script, variation v) { return play_over<corking>(script, v); }
}  // namespace strata::script
