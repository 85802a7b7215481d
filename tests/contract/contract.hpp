// SPDX-License-Identifier: MIT
// What the contract's cases share: docs/architecture.md has the text, of which each sentence is a case, in its order, named after it.
#pragma once
#include "configs.hpp"
#include "talk.hpp"

namespace strata::test {

using pair_of = talk<contract>;

inline std::vector<std::byte> bytes(std::size_t n) {
  std::vector<std::byte> b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::byte>(i * 7);
  return b;
}

}  // namespace strata::test
