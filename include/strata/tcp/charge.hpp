// SPDX-License-Identifier: MIT
// What a place in the send queue costs: chunks, or where chunks are cut in slots (limits::slots) units of 256 bytes, begun ones too. Linux: sk_wmem_queued, truesize.
// A message goes to a slot when it leaves at once and alone; what waits for others takes a chunk, since they will be appended. If more comes all the same,
// the bytes move. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Bytes of the chunk or slot.
template <config C> STRATA_ALWAYS_INLINE inline u32 layer<C>::size_of(const buffer::pool& chunks, const buffer::descriptor& d) {
  if constexpr (has_slots) return d.home->chunk_size();
  else return (void)d, chunks.chunk_size();
}
template <config C> STRATA_ALWAYS_INLINE inline u32 layer<C>::units_of(const buffer::descriptor& d) { return (d.home->chunk_size() + 255) / 256; }
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::occupy(connection& c, const buffer::descriptor& d) {
  if constexpr (has_slots) c.send_count = static_cast<u16>(c.send_count + units_of(d));
  else (void)d, ++c.send_count;
}
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::vacate(connection& c, const buffer::descriptor& d) {
  if constexpr (has_slots) c.send_count = static_cast<u16>(c.send_count - units_of(d));
  else (void)d, --c.send_count;
}

/// The smallest place for `bytes` from its start.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline packet layer<C>::take_for(B&& below, u32 bytes) {
  if constexpr (has_slots && requires { below.take(bytes); }) return below.take(bytes);
  else return (void)bytes, below.take();
}
template <config C> template <class B> STRATA_ALWAYS_INLINE inline packet layer<C>::take_tail(B&& below, const connection& c, std::size_t bytes) {
  if constexpr (has_slots && requires { below.take(u32{}); }) {
    const bool is_alone = c.send_next == 0 && !c.corked && c.state == state::established && bytes <= 512 &&
                          (c.no_delay || typename C::coalescing{}.may_send(c.snd_nxt != c.snd_una, c.small_unacked)) &&
                          fits_cwnd(c, static_cast<u32>(bytes)) && usable_window(c) >= bytes;
    if (is_alone) return below.take(body_offset(below) + static_cast<u32>(bytes));
  }
  (void)c, (void)bytes;
  return below.take();
}

/// Whether the tail is a slot that would take `more` bytes if it were a chunk.
template <config C> inline bool layer<C>::outgrows_slot(const buffer::pool& chunks, const connection& c, std::size_t more) requires has_slots {
  const buffer::descriptor* d = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr;
  return d != nullptr && d->home != &chunks && d->home->chunk_size() - (static_cast<u32>(d->body) + d->body_length) < more && is_open_tail(c, d, 1);
}

/// The bytes of an unsent slot at the tail, in a chunk in its place; null if there is none, and then the slot stays.
template <config C> template <class B>
STRATA_OFF_PATH buffer::descriptor* layer<C>::move_to_chunk(B&& below, connection& c, buffer::descriptor& d, u32& room) requires has_slots {
  buffer::pool& chunks = below.chunks();
  if (is_quota_full(c)) return &d;
  packet p = may_take_chunk(c) ? below.take() : packet{};
  if (!p) return &d;
  ++counters_.slot_moves;
  p.restart(body_offset(below));
  p.become(buffer::owner::send_queue);
  buffer::descriptor& fresh = *p.detach();
  copy_bytes(fresh.chunk + fresh.offset, d.chunk + d.body, d.body_length);
  fresh.body = fresh.offset;
  fresh.body_length = d.body_length;
  fresh.seq = d.seq;
  fresh.sum = d.sum;
  fresh.marks = d.marks;
  const u32 old = chunks.name(d), name = chunks.name(fresh);
  if (c.send_head == old) {
    c.send_head = name;
  } else {
    buffer::descriptor* before = chunks.named(c.send_head);
    while (before->queue != old) before = chunks.named(before->queue);
    before->queue = name;
  }
  if (c.send_next == old) c.send_next = name;
  c.send_tail = name;
  occupy(c, fresh);
  vacate(c, d);
  packet::adopt(d, buffer::owner::send_queue).reset();
  room = chunks.chunk_size() - (static_cast<u32>(fresh.body) + fresh.body_length);
  return &fresh;
}

}  // namespace strata::inline STRATA_ABI::tcp
