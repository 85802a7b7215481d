// SPDX-License-Identifier: MIT
#include <nic/configs.hpp>

template class strata::stack<example::af_xdp_server>;
