// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(base, )
