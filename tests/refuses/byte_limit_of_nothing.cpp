// SPDX-License-Identifier: MIT
// A driver that may never have a byte.
// expect: a byte limit of nothing lets nothing out
#include <strata/strata.hpp>

#ifdef FIXED
using limit = strata::qdisc::byte_limit;
#else
using limit = strata::qdisc::byte_limit_of<strata::qdisc::byte_limit_options{.least = 0}>;
#endif
static_assert(sizeof(limit::of<strata::presets::server>) > 0);
