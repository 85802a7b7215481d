// SPDX-License-Identifier: MIT
// Bytes into the send queue: the tail chunk grows, or a new one is taken. RFC 9293 §3.10.2. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Whether more may be written to the chunk at the tail: it is unsent, nobody below holds it, no record ends there, and a segment has room. Where chunks that were
/// cut are more than the quota, none takes more: a peer that cuts by its window would else let a writer have the whole pool.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::is_open_tail(const connection& c, const buffer::descriptor* d, u32 room) {
  return d != nullptr && c.send_count <= send_quota && d->owners == packet::bit(buffer::owner::send_queue) && d->body_length < c.mss && room != 0 &&
         (d->marks & marks_of_a_tail) == mark_sum_known;
}

/// A chunk whose frame starts where a payload may, as the new tail; its payload is none yet.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline buffer::descriptor& layer<C>::enqueue_fresh(B&& below, connection& c, packet&& p) {
  buffer::pool& chunks = below.chunks();
  buffer::descriptor& fresh = *p.detach();
  fresh.body = fresh.offset;
  fresh.seq = (c.snd_end).value;
  fresh.marks = mark_sum_known;
  const u32 name = chunks.name(fresh);
  below.observe({.what = trace::step::take_chunk, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
  if (c.send_tail != 0) [[unlikely]] chunks.named(c.send_tail)->queue = name;
  else c.send_head = name;
  c.send_tail = name;
  if (c.send_next == 0) [[likely]] c.send_next = name;
  occupy(c, fresh);
  below.observe({.what = trace::step::queue, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
  return fresh;
}

/// Appends to the tail chunk while it is open, else takes a new one. How many bytes found room. Linux: tcp_sendmsg_locked.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline std::size_t layer<C>::append(B&& below, connection& c, std::span<const std::byte> bytes) {
  buffer::pool& chunks = below.chunks();
  std::size_t n = 0;
  [[maybe_unused]] bool came_free = false;  // by collapsing: it is ours, whoever waits
  below.observe({.what = trace::step::quota, .bytes = static_cast<u32>(bytes.size()), .connection = index_of(c) + 1});
  while (n < bytes.size()) {
    buffer::descriptor* d = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr;
    // A chunk that was cut keeps its bytes where they lie: its room may end before a whole segment does.
    u32 room = d == nullptr ? 0 : size_of(chunks, *d) - (static_cast<u32>(d->body) + d->body_length);
    if constexpr (has_slots) {
      if (outgrows_slot(chunks, c, bytes.size() - n)) d = move_to_chunk(below, c, *d, room);
    }
    if (!is_open_tail(c, d, room)) {
      if (is_quota_full(c)) {
        if constexpr (C::writes.collapse) {
          if (collapse_unsent(chunks, c)) continue;
        }
        break;
      }
      packet p = (C::writes.collapse && std::exchange(came_free, false)) || may_take_chunk(c) ? take_tail(below, c, bytes.size() - n) : packet{};
      if (!p) {
        if constexpr (C::writes.collapse) {
          if (collapse_unsent(chunks, c)) {
            came_free = true;
            continue;
          }
        }
        ++counters_.no_chunk;
        if constexpr (C::writes.fair) stand_in_line(c);
        break;
      }
      p.restart(body_offset(below));
      p.become(buffer::owner::send_queue);
      d = &enqueue_fresh(below, c, std::move(p));
      room = size_of(chunks, *d) - d->body;
    }
    if (room > u32{c.mss} - d->body_length) room = u32{c.mss} - d->body_length;
    const std::size_t left = bytes.size() - n;
    const u32 take = static_cast<u32>(smaller_of<std::size_t>(left, room));
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
  const u32 room = d == nullptr ? 0 : size_of(chunks, *d) - (static_cast<u32>(d->body) + d->body_length);
  return is_open_tail(c, d, room) && d->body_length + n <= c.mss && n <= room;
}

/// A record that was taken whole ends where the queue ends.
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::end_write(buffer::pool& chunks, connection& c, bool is_whole, send_flags flags) {
  STRATA_EXPECTS(C::writes.records || !flags.end_of_record);
  if constexpr (C::writes.records) {
    if (!flags.end_of_record || !is_whole) return;
    if (buffer::descriptor* last = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr) last->marks = static_cast<u16>(last->marks | mark_end);
  } else {
    (void)chunks, (void)c, (void)is_whole, (void)flags;
  }
}

/// Bytes that a send may take before as many wait unsent as option::notsent_low_water says. Linux: tcp_stream_memory_free.
template <config C> STRATA_ALWAYS_INLINE inline std::size_t layer<C>::unsent_room(const connection& c) {
  if constexpr (C::writes.low_water) {
    if (c.low_water.notsent != 0) {
      const u32 unsent = excess_of(c.snd_end, c.snd_nxt);
      return excess_of(c.low_water.notsent, unsent);
    }
  }
  return ~std::size_t{0};
}
/// Whether one who came up short should be told that there is room: a third of the quota, or what the options say. Linux: sk_stream_is_writeable.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::has_room(const connection& c) {
  if constexpr (C::writes.low_water) {
    if (c.low_water.notsent != 0 && c.snd_nxt < c.snd_end && u32{c.snd_end - c.snd_nxt} > c.low_water.notsent / 2) return false;
    if (c.low_water.send != 0) {
      const u32 wanted = (c.low_water.send - 1) / c.mss + 1;
      return c.send_count == 0 || c.send_count + u64{wanted} * charge_of_a_chunk <= send_quota;
    }
  }
  return c.send_count <= send_quota - (send_quota + 2) / 3;
}

/// The usual write: one segment, before which nothing waits and which nothing stops. Its bytes go to a chunk and the chunk leaves, by append(), push() and the send
/// loop in one; false: chunks are scarce, nothing was done, and append() asks for one. The copy comes first, so that what is written to the descriptor is known until it left.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline bool layer<C>::write_at_once(B&& below, connection& c, std::span<const std::byte> bytes, time_point now) requires writes_at_once {
  if (is_quota_full(c) || below.chunks().available() <= limits_.receive_reserve || !may_take_chunk(c)) [[unlikely]] return false;
  packet p = below.take();
  if (!p) [[unlikely]] return false;
  const u32 length = static_cast<u32>(bytes.size());
  std::byte* const to = p->chunk + body_offset(below);
  const bool leaves_sum = buffer::leaves_checksum(below, c.way.link);
  u32 sum = 0;
  if (leaves_sum) copy_bytes(to, bytes.data(), length);
  else sum = copy_and_sum(to, bytes.data(), length);
  below.observe({.what = trace::step::quota, .bytes = length, .connection = index_of(c) + 1});
  p.restart(body_offset(below));
  buffer::descriptor& d = enqueue_fresh(below, c, p.share(buffer::owner::send_queue));
  d.body_length = static_cast<u16>(length);
  d.sum = sum;
  d.marks = leaves_sum ? mark_sum_known | mark_sum_left | mark_push : mark_sum_known | mark_push;
  c.snd_end += length;
  c.more = c.wants_write = false;
  below.observe({.what = trace::step::append, .bytes = length, .seq = d.seq, .chunk = below.chunks().name(d), .connection = index_of(c) + 1});
  below.observe({.what = trace::step::push, .bytes = length, .connection = index_of(c) + 1});
  below.observe({.what = trace::step::write_loop, .bytes = length, .connection = index_of(c) + 1});
  c.limit = limited_by::application;
  p.extend(length);
  if (transmit_payload(below, c, std::move(p), serial32{d.seq}, length, wire::tcp::flag::ack | wire::tcp::flag::psh, sum, now) != sent::full) [[likely]] {
    note_sent(c, d, false, now);
  } else {
    c.limit = limited_by::ring;
    add_to_retry(c);
  }
  return true;
}

/// After a write: PSH on the last byte unless more follows (send_flags::more, option::cork), then the send loop. RFC 9293 §3.9.1.2. Linux: tcp_push.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::push(B&& below, connection& c, send_flags flags, time_point now) {
  c.more = flags.more || c.corked;
  if (!c.more)
    if (buffer::descriptor* last = below.chunks().named(c.send_tail)) last->marks = static_cast<u16>(last->marks | mark_push);
  below.observe({.what = trace::step::push, .bytes = c.snd_end - c.snd_nxt, .connection = index_of(c) + 1});
  if constexpr (sends_at_once) {
    buffer::descriptor* const d = c.send_next == c.send_tail ? below.chunks().named(c.send_next) : nullptr;
    if (d != nullptr && !c.more && is_unstopped(c, d->body_length, now)) return send_at_once(below, c, *d, now);
  }
  output(below, c, now);
}

}  // namespace strata::inline STRATA_ABI::tcp
