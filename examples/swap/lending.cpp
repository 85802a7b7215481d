// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(lending, using nic = strata::nic::wire_pair::lending;)
