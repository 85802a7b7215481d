// SPDX-License-Identifier: MIT
// The Configs of swap. The build writes the table from the object files that are there: to add a Config is to add a unit.
#pragma once
#include <swap/move.hpp>

namespace example::swap {

struct row {
  const char* name;
  std::size_t text_bytes;  ///< machine code of the Config's own object file
  outcome (*run)(std::span<const std::byte> data, sink to);
};
[[nodiscard]] std::span<const row> table();

}  // namespace example::swap
