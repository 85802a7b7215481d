// SPDX-License-Identifier: MIT
#include <nic/stats.hpp>

template class strata::stack<example::tap_low_latency>;
template std::string example::describe(strata::stack<example::tap_low_latency>&, const char*, const example::nic_options&, strata::u64);
