// SPDX-License-Identifier: MIT
// A delay that is tolerated for longer than the time in which it must have come down.
// expect: codel's target is a part of its interval (RFC 8289
#include <strata/strata.hpp>

#ifdef FIXED
constexpr strata::qdisc::codel_options law{};
#else
constexpr strata::qdisc::codel_options law{.target_us = 200'000};
#endif
using queue = strata::qdisc::fq_codel_of<strata::qdisc::fq_codel_options{.codel = law}>;
static_assert(sizeof(queue::of<strata::presets::server>) > 0);
