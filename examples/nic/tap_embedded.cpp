// SPDX-License-Identifier: MIT
#include <nic/configs.hpp>

template class strata::stack<example::tap_embedded>;
