// SPDX-License-Identifier: MIT
// What arrives: in order, out of order, the window that is offered for it and the ACKs that are owed. RFC 9293 §3.8, §3.10.7.4 (seventh),
// RFC 5681 §4.2. Memory is charged in chunks: the window never promises more than the connection's budget holds at the segment size seen.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Whether one more chunk may be kept: the connection's budget, and the chunks that the driver needs to receive at all. A connection that holds
/// nothing may go into these, so that a full pool cannot stop it for good, but not take the last: without ACKs nothing would be given back.
template <config C> template <class B> bool layer<C>::may_hold(B&& below, const connection& c) const {
  const u32 available = below.chunks().available();
  if (c.receive_count >= limits_.receive_chunks) [[unlikely]] return false;
  if (limits_.receive_reserve != 0 && available >= limits_.receive_reserve) [[likely]] return true;
  return available >= (c.receive_count == 0 ? 1 : limits_.receive_reserve);
}

/// Copies a small segment behind the bytes of the last chunk, if that is ours alone and has room.
template <config C> bool layer<C>::append_by_copy(buffer::pool& chunks, connection& c, const std::byte* from, u32 n) {
  buffer::descriptor* d = chunks.named(c.receive_tail);
  if (d == nullptr || d->holders != 1 || d->owners != 0 || (d->flags & buffer::descriptor::borrowed) != 0) return false;
  const u32 end = static_cast<u32>(d->body) + d->body_length;
  if (end + n > chunks.chunk_size()) return false;
  copy_bytes(d->chunk + end, from, n);
  d->body_length = static_cast<u16>(d->body_length + n);
  ++counters_.copied_small;
  return true;
}

template <config C> STRATA_OUT_OF_LINE void layer<C>::enqueue_received(buffer::pool& chunks, connection& c, packet& p, u32 body, u32 n) {
  buffer::descriptor& d = *p.detach();
  d.body = static_cast<u16>(body);
  d.body_length = static_cast<u16>(n);
  d.done = 0;
  d.queue = 0;
  const u32 name = chunks.name(d);
  if (c.receive_tail != 0) [[unlikely]] chunks.named(c.receive_tail)->queue = name;
  else c.receive_head = name;
  c.receive_tail = name;
  ++c.receive_count;
}

/// Data inside the window: cut to it, then kept. Linux: tcp_data_queue.
template <config C> template <class B> void layer<C>::receive_data(B&& below, connection& c, packet& p, segment& s, time_point now) {
  const u32 skip = excess_of(c.rcv_nxt, s.seq);
  if (skip >= s.length) {  // acceptable all the same: a FIN ends it, which is acknowledged
    ++counters_.duplicate_data;
    return;
  }
  const serial32 seq = s.seq + skip;
  u32 n = s.length - skip;
  if (const u32 window = c.rcv_adv - seq; n > window) {  // RFC 9293 §3.10.7.4: trimmed to the window, and the FIN with it
    n = window;
    s.flags = static_cast<u8>(s.flags & ~wire::tcp::flag::fin);
    c.ack_now = true;
  }
  if (seq != c.rcv_nxt) {
    ++counters_.out_of_order;
    receive_ahead(below, c, p, seq, s.body + skip, n);
    send_ack(below, c, now);  // RFC 5681 §4.2: a duplicate ACK at once, one for each
    return;
  }
  if (is_shut(c)) {
    drop_unwanted(c, n);
  } else if (!receive_next(below, c, p, seq, s.body + skip, n, now)) s.flags = static_cast<u8>(s.flags & ~wire::tcp::flag::fin);
  if (c.ahead_head != 0) {
    join_ahead(below, c);
    c.ack_now = true;  // RFC 5681 §4.2: a hole was filled
  }
}

/// After shutdown_receive(): as if the application had read it.
template <config C> STRATA_OUT_OF_LINE void layer<C>::drop_unwanted(connection& c, u32 n) {
  c.rcv_nxt += n;
  c.bytes_received += n;
  counters_.unwanted_data += n;
  c.ack_pending = true;
}

/// The `n` bytes at rcv_nxt, which lie at `body` in the chunk. False: there is no room for them.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline bool layer<C>::receive_next(B&& below, connection& c, packet& p, serial32 seq, u32 body, u32 n, time_point now) {
  buffer::pool& chunks = below.chunks();
  const std::byte* const from = p->chunk + body;
  if (n < copybreak && c.receive_tail != 0 && append_by_copy(chunks, c, from, n)) {
  } else if (may_hold(below, c) || (drop_ahead(chunks, c) && may_hold(below, c))) {
    enqueue_received(chunks, c, p, body, n);
  } else if (!append_by_copy(chunks, c, from, n)) {
    ++counters_.receive_dropped;  // the peer sends it again when the window opens
    c.ack_now = true;
    return false;
  }
  below.observe({.what = trace::step::deliver, .bytes = n, .seq = seq.value, .connection = index_of(c) + 1});
  c.rcv_nxt += n;
  c.unread += n;
  c.bytes_received += n;
  c.ack_pending = true;
  observe_size(c, n);
  if constexpr (adaptive_ack_policy<typename C::acks>) follow_rhythm(c, now);
  raise(c, stream_events::readable);
  return true;
}

/// What a chunk holds: the size of the segments that come, of which small ones say nothing.
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::observe_size(connection& c, u32 n) {
  if (n > c.observed) [[unlikely]] c.observed = static_cast<u16>(n);
  else if (n >= copybreak) [[unlikely]] c.observed = static_cast<u16>(c.observed - (c.observed - n + 3) / 4);
}

/// Keeps data that came too early, sorted and without overlap; what is there already wins.
template <config C> template <class B> void layer<C>::receive_ahead(B&& below, connection& c, packet& p, serial32 seq, u32 body, u32 n) {
  buffer::pool& chunks = below.chunks();
  buffer::descriptor* before = nullptr;
  for (buffer::descriptor* d = chunks.named(c.ahead_head); d != nullptr && serial32{d->seq} <= seq; d = chunks.named(d->queue)) before = d;
  if (before != nullptr) {
    const serial32 end = serial32{before->seq} + before->body_length;
    if (end >= seq + n) {
      ++counters_.duplicate_data;
      return;
    }
    if (end > seq) {
      const u32 overlap = end - seq;
      seq += overlap, body += overlap, n -= overlap;
    }
  }
  // What lies behind: chunks that are covered go, one that begins inside cuts us off.
  u32* link = before != nullptr ? &before->queue : &c.ahead_head;
  while (buffer::descriptor* next = chunks.named(*link)) {
    if (serial32{next->seq} >= seq + n) break;
    if (serial32{next->seq} + next->body_length > seq + n) {
      n = serial32{next->seq} - seq;
      break;
    }
    *link = next->queue;
    --c.receive_count;
    packet::adopt(*next, buffer::owner::holder).reset();
  }
  if (n == 0) return;
  if (before != nullptr && n < copybreak && serial32{before->seq} + before->body_length == seq && before->holders == 1 && (before->flags & buffer::descriptor::borrowed) == 0) {
    const u32 end = static_cast<u32>(before->body) + before->body_length;
    if (end + n <= chunks.chunk_size()) {
      copy_bytes(before->chunk + end, p->chunk + body, n);
      before->body_length = static_cast<u16>(before->body_length + n);
      ++counters_.copied_small;
      return;
    }
  }
  // The last chunk of the budget is for the segment that fills the hole.
  if (c.receive_count + 1u >= limits_.receive_chunks || below.chunks().available() < limits_.receive_reserve) {
    ++counters_.out_of_order_dropped;
    return;
  }
  buffer::descriptor& d = *p.detach();
  d.body = static_cast<u16>(body);
  d.body_length = static_cast<u16>(n);
  d.done = 0;
  d.seq = seq.value;
  d.queue = *link;
  *link = chunks.name(d);
  ++c.receive_count;
}

/// What came too early makes room for what must come next; the peer sends it again. False if there was none. Linux: tcp_prune_ofo_queue.
template <config C> [[gnu::cold]] STRATA_OUT_OF_LINE bool layer<C>::drop_ahead(buffer::pool& chunks, connection& c) {
  if (c.ahead_head == 0) return false;
  while (buffer::descriptor* d = chunks.named(c.ahead_head)) {
    c.ahead_head = d->queue;
    --c.receive_count;
    ++counters_.out_of_order_dropped;
    packet::adopt(*d, buffer::owner::holder).reset();
  }
  return true;
}

/// The hole is filled: what touches rcv_nxt now is in order. Linux: tcp_ofo_queue.
template <config C> template <class B> void layer<C>::join_ahead(B&& below, connection& c) {
  buffer::pool& chunks = below.chunks();
  while (buffer::descriptor* d = chunks.named(c.ahead_head)) {
    if (serial32{d->seq} > c.rcv_nxt) break;
    c.ahead_head = d->queue;
    --c.receive_count;
    packet p = packet::adopt(*d, buffer::owner::holder);
    const u32 skip = c.rcv_nxt - serial32{d->seq};
    if (skip >= d->body_length) continue;
    const u32 n = d->body_length - skip;
    if (is_shut(c)) {
      drop_unwanted(c, n);
      continue;
    }
    enqueue_received(chunks, c, p, static_cast<u32>(d->body) + skip, n);
    c.rcv_nxt += n;
    c.unread += n;
    c.bytes_received += n;
  }
}

/// What the budget holds now, at the segment size seen.
template <config C> STRATA_OUT_OF_LINE u32 layer<C>::receive_window(const connection& c) const {
  const u32 left = excess_of(limits_.receive_chunks, c.receive_count);
  return left * c.observed;
}

/// How far the right edge must move to be worth telling: RFC 9293 §3.8.6.2.2.
template <config C> u32 layer<C>::window_step(const connection& c) const {
  const u32 half = limits_.receive_chunks * u32{c.observed} / 2;
  return smaller_of(half, c.observed);
}

/// The window field of a segment that leaves now, and the right edge that it promises; the edge never moves left (RFC 9293 §3.8.6).
template <config C> STRATA_ALWAYS_INLINE inline u16 layer<C>::advertise(connection& c) const {
  const serial32 edge = c.rcv_nxt + receive_window(c);
  c.last_ack_sent = c.rcv_nxt;
  if (c.rcv_adv < c.rcv_nxt) [[unlikely]] c.rcv_adv = c.rcv_nxt;
  if (edge > c.rcv_adv) [[likely]] {
    if (edge - c.rcv_adv >= window_step(c)) [[unlikely]] c.rcv_adv = edge;
  }
  // Rounded up to the scale, so that rounding never takes back what an earlier segment offered (RFC 7323 §2.4).
  u32 field = (c.rcv_adv - c.rcv_nxt + (1u << c.rcv_shift) - 1) >> c.rcv_shift;
  if (field > 65535) [[unlikely]] field = 65535;
  if (const serial32 offered = c.rcv_nxt + (field << c.rcv_shift); offered > c.rcv_adv) [[unlikely]] c.rcv_adv = offered;
  return static_cast<u16>(field);
}

/// The application took `n` bytes, or gets them copied to `to`: chunks go back, and the window opens when that is worth an ACK.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::drop_received(B&& below, connection& c, u32 n, std::byte* to) {
  buffer::pool& chunks = below.chunks();
  c.unread -= n;
  while (n != 0) {
    buffer::descriptor& d = *chunks.named(c.receive_head);
    const u32 left = static_cast<u32>(d.body_length) - d.done;
    if (to != nullptr) {
      const u32 copied = smaller_of(n, left);
      copy_bytes(to, d.chunk + d.body + d.done, copied);
      to += copied;
    }
    if (n < left) {
      d.done = static_cast<u16>(d.done + n);
      break;
    }
    n -= left;
    c.receive_head = d.queue;
    if (c.receive_head == 0) c.receive_tail = 0;
    --c.receive_count;
    packet::adopt(d, buffer::owner::holder).reset();
  }
  was_read(c);
}

/// Whether all that there is to read lies in one chunk, and a place of `room` bytes takes it. False says nothing.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::is_usual_read(const connection& c, std::size_t room) {
  if (c.receive_head == 0 || c.receive_head != c.receive_tail || c.unread > room) [[unlikely]] return false;
  return true;
}
/// drop_received() of it.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline std::size_t layer<C>::read_at_once(B&& below, connection& c, std::byte* to) {
  buffer::descriptor& d = *below.chunks().named(c.receive_head);
  const u32 n = std::exchange(c.unread, 0u);
  copy_message(to, d.chunk + d.body + d.done, n);
  c.receive_head = c.receive_tail = 0;
  --c.receive_count;
  packet::adopt(d, buffer::owner::holder).reset();
  was_read(c);
  return n;
}

template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::was_read(connection& c) {
  if (c.fin_received) [[unlikely]] {
    if (c.unread == 0 && !c.peer_closed_told && !c.detached) raise(c, stream_events::peer_closed);
  }
  if (c.rcv_adv - c.rcv_nxt <= (limits_.receive_chunks * u32{c.observed} + 1) / 2) [[unlikely]] open_window(c);  // while more than half is open no growth is worth telling
}

/// RFC 9293 §3.8.6.2.2: an ACK tells of a window that grew by half of the most there can be, or from next to nothing.
template <config C> STRATA_OFF_PATH void layer<C>::open_window(connection& c) {
  if (c.state != state::established && c.state != state::fin_wait_1 && c.state != state::fin_wait_2) return;
  const serial32 edge = c.rcv_nxt + receive_window(c);
  if (!(edge > c.rcv_adv)) return;
  const u32 growth = edge - c.rcv_adv, offered = c.rcv_adv - c.rcv_nxt;
  if (growth >= limits_.receive_chunks * u32{c.observed} / 2 || (offered < c.observed && growth >= window_step(c))) {
    c.ack_now = true;
    add_to_turn(c);
  }
}

/// RFC 9293 §3.10.7.4, sixth: the application is told where urgent data ends, once for each place. The data itself stays in line (RFC 6093 §4); a pointer that
/// leads nowhere does no harm.
template <config C> STRATA_OFF_PATH void layer<C>::on_urgent(connection& c, const segment& s) {
  const serial32 read = first_unread(c), pointer = s.seq + s.urgent;
  if (!(c.rcv_up > read)) c.urgent = false;
  if (!s.has(wire::tcp::flag::urg) || c.fin_received || !(pointer > read) || (c.urgent && !(pointer > c.rcv_up))) return;
  c.urgent = true;
  c.rcv_up = pointer;
  raise(c, stream_events::error);
}

/// The ACK that a segment which is not acceptable gets: RFC 9293 §3.10.7.4, first; RFC 7323 §5.3 R1. Empty ones get a few in half a second: two sides that each
/// find the other's ACKs not acceptable would answer each other for ever. Linux: tcp_oow_rate_limited.
template <config C> STRATA_OFF_PATH void layer<C>::answer_unacceptable(connection& c, const segment& s, time_point now) {
  if (s.length == 0 && !s.has(wire::tcp::flag::fin)) {
    if (c.strays == 0 || now.since(c.strays_since) >= challenge_interval) {
      c.strays_since = now;
      c.strays = 0;
    }
    if (c.strays == most_strays) {
      ++counters_.challenge_limited;
      return;
    }
    ++c.strays;
  }
  c.ack_now = true;
  add_to_turn(c);
}

/// RFC 5961 §3.2, §4.2, §5.2: an ACK that a real peer answers with the right RST and a blind attacker never sees. Limited per connection, and for all
/// together without a counter that a stranger could watch (RFC 5961 §7; challenges.hpp).
template <config C> template <class B> void layer<C>::challenge(B&& below, connection& c, time_point now) {
  if ((c.was_challenged && now.since(c.challenged) < challenge_interval) || !may_challenge(below, c.way.remote, now)) {
    ++counters_.challenge_limited;
    return;
  }
  c.was_challenged = true;
  c.challenged = now;
  ++counters_.challenge_acks;
  send_ack(below, c, now);
}

template <config C> template <class B> bool layer<C>::may_challenge(B&& below, const address& peer, time_point now) {
  if constexpr (challenge_groups == 0) return true;
  else {
    const auto hash = [&](const siphash_key& key) {
      if constexpr (address::bits == 32) return siphash(key, peer.value);
      else return siphash(key, peer.hash_word(0), peer.hash_word(1));
    };
    return challenges_.take(now, limits_.challenge_acks, hash, [&] { return below.random(); });
  }
}

/// How data comes, for an adaptive_ack_policy: the time between segments halves its way into the delay. Linux: tcp_event_data_recv.
template <config C> void layer<C>::follow_rhythm(connection& c, time_point now)
  requires adaptive_ack_policy<typename C::acks>
{
  using acks = typename C::acks;
  const duration apart = now.since(c.rhythm.last);
  c.rhythm.last = now;
  if (c.rhythm.delay_ms == 0 || apart > c.rtt.rto()) {  // it begins, or begins again
    c.rhythm.quick = acks::quick_acks;
    c.rhythm.delay_ms = acks::delay_ms;
    return;
  }
  const u32 gap = apart.in_ms(), delay = c.rhythm.delay_ms;
  u32 next = delay;
  if (gap <= acks::delay_ms / 2) next = delay / 2 + acks::delay_ms / 2;
  else if (gap < delay) next = delay / 2 + gap;
  c.rhythm.delay_ms = static_cast<u16>(smaller_of(next, acks::most_delay_ms));
}
template <config C> u32 layer<C>::ack_delay_ms(const connection& c) {
  if constexpr (adaptive_ack_policy<typename C::acks>) return larger_of(c.rhythm.delay_ms, C::acks::delay_ms);
  else return C::acks::delay_ms;
}

/// After the handler of this turn: whether the ACK leaves now, later, or went with data. RFC 9293 §3.8.6.3. Linux: __tcp_ack_snd_check.
template <config C> template <class B> void layer<C>::decide_ack(B&& below, connection& c, time_point now) {
  if (!c.ack_pending && !c.ack_now) return;
  if (c.state == state::closed || c.state == state::syn_sent || (c.state == state::syn_received && !c.ack_now)) return;
  if constexpr (adaptive_ack_policy<typename C::acks>) {
    if (c.rhythm.quick != 0) --c.rhythm.quick, c.ack_now = true;
  }
  // RFC 5681 §4.2: at least every second full segment, or as many bytes in smaller ones.
  if (C::acks::delay_ms == 0 || c.rcv_nxt - c.last_ack_sent >= C::acks::full_segments * u32{c.observed}) c.ack_now = true;
  if (c.ack_now) send_ack(below, c, now);
  else if (!is_armed(c, ack_timer)) arm(c, ack_timer, now + duration::from_ms(ack_delay_ms(c)));
}

}  // namespace strata::inline STRATA_ABI::tcp
