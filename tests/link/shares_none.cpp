// SPDX-License-Identifier: MIT
// Both units use strata, each for itself; an int is all that passes between them. Each must run its own build's code.
#include <strata/core/expected.hpp>
#include <strata/core/time.hpp>

int checks_of_the_other();

// Kept as a symbol of its own in both units: without the inline namespace the linker would throw one of the two away.
namespace strata::inline STRATA_ABI {
inline __attribute__((noinline, used)) int checks_here() { return STRATA_CHECKS; }
}  // namespace strata::inline STRATA_ABI

static int checks() {
  const strata::expected<int, strata::sent> value{strata::checks_here()};
  const strata::time_point<strata::nanoseconds64> now{1000}, later = now + strata::duration<strata::nanoseconds64>::us(1);
  return now.is_before(later) ? *value : -1;
}

#ifdef OTHER
int checks_of_the_other() { return checks(); }
#else
int main() { return checks() == 1 && checks_of_the_other() == 0 ? 0 : 1; }
#endif
