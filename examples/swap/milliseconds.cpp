// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(milliseconds, using tick = strata::milliseconds32;)
