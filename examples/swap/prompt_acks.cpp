// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(prompt_acks, using acks = strata::tcp::immediate_acks;)
