// SPDX-License-Identifier: MIT
// Who may call. Every public entry of the stack begins with `const auto held = exclusion_.enter();`.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::exclusion {

/// The caller's identity: the address of a thread-local variable where there are threads, one owner for all where there are none.
struct calling_thread {
  static const void* me() {
#if defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
    static thread_local char id;
    return &id;
#else
    return nullptr;
#endif
  }
};

/// One thread owns the stack: no code. Builds with checks trap when a thread calls that is not the one of the first call.
template <class Thread = calling_thread> struct single_owner_of {
  struct guard {};
#if STRATA_CHECKS
  const void* owner = nullptr;
  guard enter() {
    if (const void* caller = Thread::me(); owner == nullptr) owner = caller;
    else STRATA_EXPECTS(owner == caller);
    return {};
  }
  /// The next caller becomes the owner: for handing a stack to another thread.
  constexpr void forget_owner() { owner = nullptr; }
#else
  constexpr guard enter() { return {}; }
  constexpr void forget_owner() {}
#endif
};
using single_owner = single_owner_of<>;

/// Whether several threads may call a stack with this policy (lock.hpp). For one that does not say so there is no code and no byte of it anywhere.
template <class Exclusion> concept shared = requires { requires Exclusion::is_shared; };

}  // namespace strata::inline STRATA_ABI::exclusion
