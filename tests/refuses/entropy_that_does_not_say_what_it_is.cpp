// SPDX-License-Identifier: MIT
// A source that does not say whether it may make keys.
// expect: says_whether_it_is_cryptographic
// expect: is_cryptographic
#include <strata/core/entropy.hpp>

struct dice {
#ifdef FIXED
  static constexpr bool is_cryptographic = false;
#endif
  strata::u64 next() { return 4; }
};
static_assert(strata::entropy::source<dice>);
