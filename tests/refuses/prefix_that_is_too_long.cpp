// SPDX-License-Identifier: MIT
// IPv4 has 32 bits.
// expect: this_is_no_ip_address
#include <strata/core/address.hpp>
using namespace strata::literals;

#ifdef FIXED
constexpr strata::subnet<strata::ipv4_address> s = "10.9.0.2/24"_net;
#else
constexpr strata::subnet<strata::ipv4_address> s = "10.9.0.2/33"_net;
#endif
static_assert(s.prefix == 24);
