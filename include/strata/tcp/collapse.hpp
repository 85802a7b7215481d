// SPDX-License-Identifier: MIT
// Small neighbours of the send queue become one (write_path::collapse). A send queue has such where a chunk was cut for the window or the MSS, where a segment
// left alone, and where records or reservations end short of a segment.
//
//   unsent:  where the quota or the pool has no place left for what is written: the places that come free serve the write
//   sent:    before the first of them is sent again; the peer gets one segment where it got several. Linux: tcp_retrans_try_collapse
//
// The bytes of the second are copied behind those of the first; nothing is moved while somebody below holds either, nor across the end of a record.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Whether one segment and the first one's place take both. Linux: tcp_can_collapse.
template <config C> bool layer<C>::may_collapse(const buffer::pool& chunks, const connection& c, const buffer::descriptor& first, const buffer::descriptor& second) requires(C::writes.collapse) {
  constexpr u8 queue = packet::bit(buffer::owner::send_queue);
  if (first.owners != queue || second.owners != queue || (first.marks & mark_end) != 0) return false;
  const u32 end = static_cast<u32>(first.body_length) + second.body_length;
  return end - first.done <= c.mss && first.body + end <= size_of(chunks, first);
}

/// Moves the bytes of `second`, which follows `first` in the queue. The sum is kept: behind an odd number of bytes they change places (RFC 1071 §2 (B)).
template <config C> void layer<C>::collapse(buffer::pool& chunks, connection& c, buffer::descriptor& first, buffer::descriptor& second) requires(C::writes.collapse) {
  STRATA_EXPECTS(first.queue == chunks.name(second) && second.done == 0 && c.send_next != first.queue);
  copy_bytes(first.chunk + first.body + first.body_length, second.chunk + second.body, second.body_length);
  first.sum = append_sum(fold(first.sum), second.sum, first.body_length);
  first.marks = static_cast<u16>(((first.marks & second.marks) & mark_sum_known) | ((first.marks | second.marks) & ~mark_sum_known));
  first.body_length = static_cast<u16>(first.body_length + second.body_length);
  if (c.send_tail == first.queue) c.send_tail = chunks.name(first);
  if constexpr (corks_itself<typename C::coalescing>) {
    if (c.last_down.name == first.queue) c.last_down.name = 0;
  }
  first.queue = second.queue;
  vacate(c, second);
  packet::adopt(second, buffer::owner::send_queue).reset();
  ++counters_.collapsed;
}

/// No place is left: of what is unsent, every two neighbours that fit one segment become one. False: there are none. Linux: tcp_collapse, of a receive queue.
template <config C> bool layer<C>::collapse_unsent(buffer::pool& chunks, connection& c) requires(C::writes.collapse) {
  bool any = false;
  for (buffer::descriptor* d = chunks.named(c.send_next); d != nullptr; d = chunks.named(d->queue))
    for (buffer::descriptor* next; (next = chunks.named(d->queue)) != nullptr && may_collapse(chunks, c, *d, *next); any = true) collapse(chunks, c, *d, *next);
  return any;
}

/// The same, where a Config may not have it.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::makes_place(buffer::pool& chunks, connection& c) {
  if constexpr (C::writes.collapse) return collapse_unsent(chunks, c);
  else return (void)chunks, (void)c, false;
}

/// A segment that is sent again takes in those behind it that were sent too, as far as the window reaches now. Linux: tcp_retrans_try_collapse.
template <config C> void layer<C>::take_in_sent(buffer::pool& chunks, connection& c, buffer::descriptor& d) requires(C::writes.collapse) {
  for (buffer::descriptor* next; (next = chunks.named(d.queue)) != nullptr;) {
    const serial32 end = serial32{next->seq} + next->body_length;
    if (d.queue == c.send_next || end - c.snd_una > c.snd_wnd || !may_collapse(chunks, c, d, *next)) return;
    collapse(chunks, c, d, *next);
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
