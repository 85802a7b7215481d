// SPDX-License-Identifier: MIT
#include <nic/stats.hpp>

template class strata::stack<example::af_xdp_cores>;
template std::string example::describe(strata::stack<example::af_xdp_cores>&, const char*, const example::nic_options&, strata::u64);
