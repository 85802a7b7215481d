// SPDX-License-Identifier: MIT
#include "configs.hpp"

template class strata::stack<strata::test::forever>;
