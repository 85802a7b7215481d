// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(fifo, using qdisc = strata::qdisc::fifo;)
