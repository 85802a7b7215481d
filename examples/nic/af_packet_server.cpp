// SPDX-License-Identifier: MIT
#include <nic/stats.hpp>

template class strata::stack<example::af_packet_server>;
template std::string example::describe(strata::stack<example::af_packet_server>&, const char*, const example::nic_options&, strata::u64);
