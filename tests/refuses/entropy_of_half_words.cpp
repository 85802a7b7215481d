// SPDX-License-Identifier: MIT
// 32 bits where 64 are asked: the upper half of each key would be zero.
// expect: gives_random_words
// expect: e.next()
#include <strata/core/entropy.hpp>

struct half {
#ifdef FIXED
  using word = strata::u64;
#else
  using word = strata::u32;
#endif
  static constexpr bool is_cryptographic = true;
  word next() { return 4; }
};
static_assert(strata::entropy::source<half>);
