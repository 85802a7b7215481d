// SPDX-License-Identifier: MIT
// A key from the kernel's random number generator, for one stack.
#pragma once
#include <strata/core/entropy.hpp>

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace strata::inline STRATA_ABI::posix {

/// A keyed source of words whose key getrandom(2) has just drawn; waits, early after boot, until the kernel has gathered enough.
/// Aborts the program if the kernel has no such call: a stack with guessable keys is worse than none.
[[nodiscard]] inline entropy::keyed random() {
  entropy::keyed source;
  ssize_t n;
  do n = ::getrandom(&source.key, sizeof source.key, 0);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof source.key)) std::abort();
  return source;
}

static_assert(entropy::source<entropy::keyed> && entropy::keyed::is_cryptographic);

}  // namespace strata::inline STRATA_ABI::posix
