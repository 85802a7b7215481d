// SPDX-License-Identifier: MIT
// Include this first: broken preconditions are counted instead of trapping, with checks on whatever the preset says. The inline namespace is another
// one than that of the other units of the binary, so that no inline function is shared with them.
#pragma once
#include <strata/core/abi.hpp>

#include <atomic>

namespace strata::test {
inline std::atomic<unsigned> violations{0};
/// How many there were since the last call.
inline unsigned taken_violations() { return violations.exchange(0); }
}  // namespace strata::test

#undef STRATA_CHECKS
#define STRATA_CHECKS 1
#undef STRATA_ABI
#define STRATA_ABI recorded
#undef STRATA_EXPECTS
#define STRATA_EXPECTS(x) ((x) ? void() : void(strata::test::violations.fetch_add(1)))
