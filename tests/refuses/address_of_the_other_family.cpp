// SPDX-License-Identifier: MIT
// An IPv6 address where the Config says IPv4.
// expect: this_address_is_not_of_the_family_of_this_config
#include <strata/core/address.hpp>
using namespace strata::literals;

#ifdef FIXED
using family = strata::only_v6;
#else
using family = strata::only_v4;
#endif
constexpr family::address a = "fd00::2"_ip;
static_assert(!a.is_unspecified());
