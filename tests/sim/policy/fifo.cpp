// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

std::unique_ptr<strata::sim::host> strata::sim::make_fifo(const beginning& b) { return make<fifo>(b); }
