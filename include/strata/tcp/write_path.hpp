// SPDX-License-Identifier: MIT
// What a Config has of the write path beyond the plain one: `static constexpr strata::tcp::write_path writes{.records = true};`. What is false has no byte
// and no instruction.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::tcp {

struct write_path {
  bool low_water = false;  ///< option::send_low_water and option::notsent_low_water exist
  bool records = false;    ///< send_flags::end_of_record is obeyed
};

/// Bytes of the two options, of one connection.
struct low_water_marks {
  u32 send = 0, notsent = 0;
};

}  // namespace strata::inline STRATA_ABI::tcp
