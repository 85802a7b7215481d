// SPDX-License-Identifier: MIT
// What a Config has of the write path beyond the plain one: `static constexpr strata::tcp::write_path writes{.records = true};`. What is false has no byte
// and no instruction.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::tcp {

struct write_path {
  bool low_water = false;  ///< option::send_low_water and option::notsent_low_water exist
  bool fair = false;       ///< writers that wait for the pool are served in order: tcp/line.hpp
  bool records = false;    ///< send_flags::end_of_record is obeyed
  bool collapse = false;   ///< small neighbours of the send queue become one where places run out, and before they are sent again: tcp/collapse.hpp
};

/// Where a connection stands among those that wait for the pool.
struct place_in_line {
  u32 next = 0, before = 0;  ///< 1 + index
  u16 credit = 0;            ///< chunks that it may take though others wait
  bool waits = false;
};
/// The chunk that was sent last, and the list of those that wait for its completion (tcp::autocork).
struct last_sent_chunk {
  u32 name = 0;  ///< zero: unknown
  u32 next = 0;  ///< 1 + index of the next connection that waits
  bool waits = false;
};
struct waiting_for_completion {
  u32 head = 0;
  bool was_looked_at = false;  ///< in this turn
};
struct line_of_writers {
  u32 head = 0, tail = 0, size = 0;
};

/// Bytes of the two options, of one connection.
struct low_water_marks {
  u32 send = 0, notsent = 0;
};

}  // namespace strata::inline STRATA_ABI::tcp
