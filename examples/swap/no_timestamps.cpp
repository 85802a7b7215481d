// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(no_timestamps, static constexpr bool timestamps = false;)
