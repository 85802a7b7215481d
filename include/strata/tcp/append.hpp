// SPDX-License-Identifier: MIT
// Bytes into the send queue: the tail chunk grows, or a new one is taken. RFC 9293 §3.10.2. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Appends to the tail chunk while it is unsent, has room and nobody below holds it; else takes a new one. How many bytes found room.
/// Linux: tcp_sendmsg_locked.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline std::size_t layer<C>::append(B&& below, connection& c, std::span<const std::byte> bytes) {
  buffer::pool& chunks = below.chunks();
  std::size_t n = 0;
  below.observe({.what = trace::step::quota, .bytes = static_cast<u32>(bytes.size()), .connection = index_of(c) + 1});
  while (n < bytes.size()) {
    buffer::descriptor* d = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr;
    // A chunk that was cut keeps its bytes where they lie: its room may end before a whole segment does.
    u32 room = d == nullptr ? 0 : chunks.chunk_size() - (static_cast<u32>(d->body) + d->body_length);
    if (d == nullptr || d->owners != packet::bit(buffer::owner::send_queue) || d->body_length >= c.mss || room == 0 || (d->marks & mark_sum_known) == 0) {
      if (c.send_count >= limits_.send_chunks) break;
      packet p = below.take();
      if (!p) {
        ++counters_.no_chunk;
        break;
      }
      p.restart(body_offset(below));
      p.become(buffer::owner::send_queue);
      buffer::descriptor& fresh = *p.detach();
      fresh.body = fresh.offset;
      fresh.seq = (c.snd_end).value;
      fresh.marks = mark_sum_known;
      const u32 name = chunks.name(fresh);
      below.observe({.what = trace::step::take_chunk, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
      if (buffer::descriptor* last = chunks.named(c.send_tail)) last->queue = name;
      else c.send_head = name;
      c.send_tail = name;
      if (c.send_next == 0) c.send_next = name;
      ++c.send_count;
      d = &fresh;
      room = chunks.chunk_size() - fresh.body;
      below.observe({.what = trace::step::queue, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
    }
    if (room > u32{c.mss} - d->body_length) room = u32{c.mss} - d->body_length;
    const std::size_t left = bytes.size() - n;
    const u32 take = left < room ? static_cast<u32>(left) : room;
    std::byte* const to = d->chunk + d->body + d->body_length;
    if (buffer::leaves_checksum(below, c.way.link)) {
      copy_bytes(to, bytes.data() + n, take);
      d->marks = static_cast<u16>(d->marks | mark_sum_left);
    } else {
      const u32 sum = copy_and_sum(to, bytes.data() + n, take);
      d->sum = d->body_length == 0 ? sum : append_sum(fold(d->sum), sum, d->body_length);
    }
    d->body_length = static_cast<u16>(d->body_length + take);
    c.snd_end += take;
    n += take;
    below.observe({.what = trace::step::append, .bytes = take, .seq = d->seq, .chunk = chunks.name(*d), .connection = index_of(c) + 1});
  }
  return n;
}

/// Whether `n` bytes more fit the segment that waits at the tail.
template <config C> bool layer<C>::tail_takes(buffer::pool& chunks, const connection& c, u32 n) const {
  const buffer::descriptor* d = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr;
  return d != nullptr && d->owners == packet::bit(buffer::owner::send_queue) && (d->marks & mark_sum_known) != 0 && d->body_length + n <= c.mss &&
         static_cast<u32>(d->body) + d->body_length + n <= chunks.chunk_size();
}

/// After a write: PSH on the last byte unless more follows (send_flags::more, option::cork), then the send loop. RFC 9293 §3.9.1.2. Linux: tcp_push.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::push(B&& below, connection& c, send_flags flags, time_point now) {
  c.more = flags.more || c.corked;
  if (!c.more)
    if (buffer::descriptor* last = below.chunks().named(c.send_tail)) last->marks = static_cast<u16>(last->marks | mark_push);
  below.observe({.what = trace::step::push, .bytes = c.snd_end - c.snd_nxt, .connection = index_of(c) + 1});
  output(below, c, now);
}

}  // namespace strata::inline STRATA_ABI::tcp
