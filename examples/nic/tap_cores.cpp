// SPDX-License-Identifier: MIT
#include <nic/stats.hpp>

template class strata::stack<example::tap_cores>;
template std::string example::describe(strata::stack<example::tap_cores>&, const char*, const example::nic_options&, strata::u64);
