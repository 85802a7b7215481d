// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

std::unique_ptr<strata::sim::host> strata::sim::make_ms32(const beginning& b) { return make<ms32>(b); }
