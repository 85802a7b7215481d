// SPDX-License-Identifier: MIT
#include "configs.hpp"
#include "player.hpp"

namespace strata::script {
std::string play_in_32_bits(const script_file& script, variation v) { return play_over<in_32_bits>(script, v); }
}  // namespace strata::script
