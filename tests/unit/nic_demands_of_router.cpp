// SPDX-License-Identifier: MIT
#include "nic_demands.hpp"

template class strata::stack<strata::demands::four_router>;
