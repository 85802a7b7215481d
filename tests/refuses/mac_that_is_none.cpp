// SPDX-License-Identifier: MIT
// Five bytes.
// expect: this_is_no_mac_address
#include <strata/core/address.hpp>
using namespace strata::literals;

#ifdef FIXED
constexpr strata::mac_address m = "02:00:5e:10:00:01"_mac;
#else
constexpr strata::mac_address m = "02:00:5e:10:00"_mac;
#endif
static_assert(!m.is_zero());
