// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(uncoalesced, using coalescing = strata::tcp::none;)
