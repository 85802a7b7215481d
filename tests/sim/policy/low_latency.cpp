// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

std::unique_ptr<strata::sim::host> strata::sim::make_low_latency(const beginning& b) { return make<low_latency>(b); }
