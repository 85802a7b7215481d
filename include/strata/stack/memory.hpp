// SPDX-License-Identifier: MIT
// Where a stack's bytes lie, by layer: what an embedded build asserts on.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

/// Bytes. `chunks` lie in the region that the caller owns, `rings` in the drivers (an upper bound where only open() knows), the rest in the stack object.
struct memory_map {
  std::size_t chunks = 0;
  std::size_t rings = 0;
  std::size_t descriptors = 0;
  std::size_t interfaces = 0;
  std::size_t networks = 0;
  std::size_t transports = 0;
  std::size_t rest = 0;

  [[nodiscard]] constexpr std::size_t total() const { return chunks + rings + descriptors + interfaces + networks + transports + rest; }
  /// sizeof(stack).
  [[nodiscard]] constexpr std::size_t object() const { return descriptors + interfaces + networks + transports + rest; }
};

/// Bytes that hold something now.
struct memory_in_use {
  std::size_t chunks = 0;  ///< of the region
  std::size_t rings = 0;   ///< what the opened drivers say, else their bound
};

}  // namespace strata::inline STRATA_ABI
