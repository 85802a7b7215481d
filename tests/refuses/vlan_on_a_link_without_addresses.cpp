// SPDX-License-Identifier: MIT
// A tag where there is no Ethernet header to put it in.
// expect: a tag stands in an Ethernet header
#include <strata/strata.hpp>

#ifdef FIXED
using link = strata::link::vlan<strata::link::ethernet>;
#else
using link = strata::link::vlan<strata::link::raw_ip>;
#endif
static_assert(link::header_size > 0);
