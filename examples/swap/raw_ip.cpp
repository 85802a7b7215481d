// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(raw_ip, using link = strata::link::raw_ip;)
