// SPDX-License-Identifier: MIT
// A firewall's rule with a port and no protocol that has ports.
// expect: this_is_no_rule_of_a_filter
#include <strata/ip/filter.hpp>

using namespace strata::literals;
#ifdef FIXED
using wall = strata::ip::filter<"drop udp to any port 53"_rule>;
#else
using wall = strata::ip::filter<"drop icmp to any port 53"_rule>;
#endif
wall::of<void>* none = nullptr;
