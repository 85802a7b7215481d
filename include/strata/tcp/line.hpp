// SPDX-License-Identifier: MIT
// Writers that wait for the pool, in the order in which they came up short: write_path::fair. The one in front is served as soon as the pool has a chunk that
// is not kept for receiving: it is told `writable` once and may take its share, (free chunks) / (who still waits) + 1, before the next one is served. Whoever
// comes later stands behind, also with a first write: a chunk that came back is not for the one who asks first. Room in an open tail costs no chunk and is
// everybody's. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Whether a connection may take a chunk now for what its application writes.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::may_take_chunk(connection& c) {
  if constexpr (C::writes.fair) {
    if (line_.head == 0) return true;
    if (c.place.credit == 0) return false;
    --c.place.credit;
  } else {
    (void)c;
  }
  return true;
}

/// At the end of the line, unless it stands there already.
template <config C> STRATA_OUT_OF_LINE void layer<C>::stand_in_line(connection& c) requires(C::writes.fair) {
  if (c.place.waits) return;
  ++counters_.waits_for_chunks;
  ++line_.size;
  const u32 name = index_of(c) + 1;
  c.place = {.next = 0, .before = line_.tail, .credit = 0, .waits = true};
  (line_.tail != 0 ? tcbs_[line_.tail - 1].place.next : line_.head) = name;
  line_.tail = name;
}

template <config C> STRATA_OUT_OF_LINE void layer<C>::leave_line(connection& c) requires(C::writes.fair) {
  if (!c.place.waits) return;
  --line_.size;
  (c.place.before != 0 ? tcbs_[c.place.before - 1].place.next : line_.head) = c.place.next;
  (c.place.next != 0 ? tcbs_[c.place.next - 1].place.before : line_.tail) = c.place.before;
  c.place = {};
}

/// Serves the first who can use a chunk; false if there is none, or no chunk. One whose quota is full leaves the line: its own ACKs bring it back.
template <config C> template <class B> bool layer<C>::serve_line(B&& below) requires(C::writes.fair) {
  while (line_.head != 0) {
    const u32 available = below.chunks().available();
    if (available <= limits_.receive_reserve) return false;
    connection& c = element(tcbs_, line_.head - 1);
    leave_line(c);
    if (!c.wants_write || !has_room(c)) continue;
    const u32 share = (available - limits_.receive_reserve) / (line_.size + 1) + 1;
    c.place.credit = static_cast<u16>(smaller_of(share, limits_.send_chunks));
    c.wants_write = false;
    raise(c, stream_events::writable);
    return true;
  }
  return false;
}

}  // namespace strata::inline STRATA_ABI::tcp
