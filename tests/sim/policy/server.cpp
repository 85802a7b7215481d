// SPDX-License-Identifier: MIT
#include "../configs.hpp"
#include "../policies.hpp"

std::unique_ptr<strata::sim::host> strata::sim::make_server(const beginning& b) { return make<server>(b); }
