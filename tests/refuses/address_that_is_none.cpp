// SPDX-License-Identifier: MIT
// An octet over 255.
// expect: this_is_no_ip_address
#include <strata/core/address.hpp>
using namespace strata::literals;

#ifdef FIXED
constexpr strata::ipv4_address a = "10.9.0.2"_ip;
#else
constexpr strata::ipv4_address a = "10.9.0.256"_ip;
#endif
static_assert(a.value != 0);
