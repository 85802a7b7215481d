// SPDX-License-Identifier: MIT
// How connections end, and what is left of them for 2 MSL: RFC 9293 §3.6, §3.10.4, §3.10.7.4; RFC 1337, RFC 6191. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Our side has nothing more to say: FIN follows what is queued. RFC 9293 §3.10.4.
template <config C> template <class B> void layer<C>::start_closing(B&& below, connection& c, time_point now) {
  if (c.fin_queued) return;
  switch (c.state) {
    case state::syn_sent:
    case state::syn_received: c.fin_queued = true; return;  // leaves after the handshake
    case state::established: c.state = state::fin_wait_1; break;
    case state::close_wait: c.state = state::last_ack; break;
    default: return;
  }
  c.fin_queued = true;
  output(below, c, now);
}

/// The connection is over. It leaves the table at once; `closed{why}` is told in the next turn, and the slot is free after that.
template <config C> template <class B> void layer<C>::end(B&& below, connection& c, close_reason why) {
  if (c.state == state::closed) return;
  (void)table_.erase(c.hash, value_of(kind::connection, index_of(c)));
  freed_a_name();
  c.state = state::closed;
  if constexpr (limits_.explicit_ports != 0)
    if (c.port_is_explicit) explicit_ports_.remove(c.local_port);
  if (why != close_reason::timed_out || c.why == close_reason::none) c.why = why;  // what ICMP said is the better reason. Linux: sk_err_soft
  c.armed = 0;
  if constexpr (C::writes.fair) leave_line(c);
  wheel_.disarm(index_of(c));
  // What was sent and what waits goes; unread bytes stay readable until `closed` is told.
  clear(below.chunks(), c.send_head, buffer::owner::send_queue);
  c.send_tail = c.send_next = 0;
  c.send_count = 0;
  if (c.listener != 0) {  // the application never heard of it
    --listeners_[c.listener - 1].waiting;
    c.listener = 0;
    c.is_open = false;
    c.events = 0;
  } else {
    c.events = static_cast<u8>((c.events & ~(stream_events::writable | stream_events::error | stream_events::timer)) | stream_events::closed);
    if (why == close_reason::aborted) c.events = stream_events::closed;
  }
  add_to_turn(c);
}

/// Returns every chunk and puts the slot in the grave, which end_of_turn() empties. The generation moves here: nothing follows `closed`.
template <config C> template <class B> void layer<C>::release(B&& below, connection& c) {
  clear_queues(below, c);
  ++c.generation;
  c.is_open = false;
  c.is_buried = true;
  c.state = state::closed;
  c.send_head = grave_;
  grave_ = index_of(c) + 1;
}

/// Drops a queue of chunks. Who lives in the slot next begins with a control block as new.
template <config C> STRATA_OUT_OF_LINE void layer<C>::clear(buffer::pool& chunks, u32& head, buffer::owner as) {
  while (buffer::descriptor* d = chunks.named(head)) {
    head = d->queue;
    packet::adopt(*d, as).reset();
  }
}
template <config C> template <class B> void layer<C>::clear_queues(B&& below, connection& c) {
  buffer::pool& chunks = below.chunks();
  clear(chunks, c.send_head, buffer::owner::send_queue);
  clear(chunks, c.receive_head, buffer::owner::holder);
  clear(chunks, c.ahead_head, buffer::owner::holder);
}

/// Both FINs are through. RFC 9293 §3.6: 2 MSL in a record, as soon as the application has read what there is.
template <config C> void layer<C>::enter_time_wait(connection& c) {
  c.state = state::time_wait;
  disarm(c, linger_timer);  // the others rest: all that was sent is acknowledged, and nothing waits
}

template <config C> template <class B> void layer<C>::leave_for_time_wait(B&& below, connection& c, time_point now) {
  ++counters_.time_waits;
  (void)table_.erase(c.hash, value_of(kind::connection, index_of(c)));
  add_time_wait(c, now);
  end(below, c, close_reason::orderly);
}

/// The record's name is the connection's, whose entry in the table was just taken away: there is room for it.
template <config C> void layer<C>::add_time_wait(const connection& c, time_point now) {
  if constexpr (limits_.time_wait == 0) return;
  u32 index;
  if (free_records_ != 0) {
    index = free_records_ - 1;
    free_records_ = records_[index].newer;
  } else if (fresh_records_ < limits_.time_wait) {
    index = fresh_records_++;
  } else {  // the oldest has waited longest
    index = oldest_record_ - 1;
    ++counters_.time_wait_recycled;
    drop_time_wait(index);
    free_records_ = records_[index].newer;
  }
  record& r = anchored(records_[index]);
  r = record{};
  r.local = c.way.local;
  r.remote = c.way.remote;
  r.local_port = c.local_port;
  r.remote_port = c.remote_port;
  r.snd_nxt = c.snd_nxt;
  r.rcv_nxt = c.rcv_nxt;
  r.has_timestamps = c.has_timestamps;
  r.ts_recent = c.ts_recent.value;
  r.ts_offset = c.ts_offset;
  const u32 window = (c.rcv_adv - c.rcv_nxt) >> c.rcv_shift;
  r.window = static_cast<u16>(smaller_of(window, 65535));
  const bool fits = table_.insert(c.hash, value_of(kind::time_wait, index));
  STRATA_EXPECTS(fits);
  (void)fits;
  ++time_wait_count_;
  append_time_wait(index, now);
}

/// All wait equally long, so the list by age is the list by expiry.
template <config C> void layer<C>::append_time_wait(u32 index, time_point now) {
  record& r = anchored(records_[index]);
  r.expires = now + time_wait_length;
  r.newer = 0;
  r.older = newest_record_;
  if (newest_record_ != 0) records_[newest_record_ - 1].newer = index + 1;
  else oldest_record_ = index + 1;
  newest_record_ = index + 1;
}
template <config C> void layer<C>::unlink_time_wait(u32 index) {
  record& r = anchored(records_[index]);
  if (r.older != 0) records_[r.older - 1].newer = r.newer;
  else oldest_record_ = r.newer;
  if (r.newer != 0) records_[r.newer - 1].older = r.older;
  else newest_record_ = r.older;
}
template <config C> void layer<C>::drop_time_wait(u32 index) {
  unlink_time_wait(index);
  record& r = anchored(records_[index]);
  (void)table_.erase(static_cast<u32>(hash_of(r)), value_of(kind::time_wait, index));
  freed_a_name();
  r.newer = free_records_;
  free_records_ = index + 1;
  --time_wait_count_;
}

/// A segment for a connection in TIME-WAIT: RFC 9293 §3.10.7.4, RFC 6191 §2, RFC 1337 §3.
template <config C> template <class B>
void layer<C>::on_time_wait(B&& below, u32 index, const segment& s, const tcp_options& o, time_point now) {
  record& r = anchored(records_[index]);
  if (s.has(wire::tcp::flag::rst)) return;  // RFC 1337 §3, fix F1: a reset does not end TIME-WAIT early
  const bool is_new_syn = s.has(wire::tcp::flag::syn) && !s.has(wire::tcp::flag::ack);
  if (is_new_syn) {
    // RFC 6191 §2: a SYN with a later timestamp, or without one with a later sequence number, begins a new life; so does one with timestamps where the old
    // life had none, since PAWS will tell the two apart.
    const bool later = timestamps && r.has_timestamps && s.has_timestamps ? serial32{s.ts_value} > serial32{r.ts_recent} || (s.ts_value == r.ts_recent && s.seq > r.rcv_nxt) : (timestamps && s.has_timestamps && !r.has_timestamps) || s.seq > r.rcv_nxt;
    if (later) {
      ++counters_.time_wait_reused;
      const serial32 above = r.snd_nxt;
      drop_time_wait(index);
      on_syn(below, pair{r}, s, o, now, above);
      return;
    }
  }
  if (timestamps && r.has_timestamps && s.has_timestamps && serial32{s.ts_value} < serial32{r.ts_recent}) ++counters_.paws_rejected;
  if (s.has(wire::tcp::flag::fin) && s.seq + s.length + 1 == r.rcv_nxt) {  // the peer did not hear our ACK: 2 MSL begin again
    unlink_time_wait(index);
    append_time_wait(index, now);
  } else if (s.span() == 0 && s.seq == r.rcv_nxt) {
    return;  // a plain ACK needs no answer
  }
  bare_segment answer;
  answer.header.seq = r.snd_nxt.value;
  answer.header.ack = r.rcv_nxt.value;
  answer.header.flags = wire::tcp::flag::ack;
  answer.header.window = r.window;
  stamp(answer.options, r.has_timestamps, r.ts_offset, r.ts_recent, now);
  (void)send_bare(below, r, answer);
}

/// Everything ends silently, and the layer is as new; only the generations go on, so that old handles stay stale.
template <config C> template <class B> void layer<C>::abandon(B&& below) {
  for (slot& h : slots_)
    if (h.listener != 0) drop_half_open(h);
  while (oldest_record_ != 0) drop_time_wait(oldest_record_ - 1);
  for (u32 i = 0; i < fresh_; ++i) {
    connection& c = element(tcbs_, i);
    if (c.state != state::closed) (void)table_.erase(c.hash, value_of(kind::connection, i));
    wheel_.disarm(i);
    if (!c.is_buried) clear_queues(below, c);  // else its queues are gone, and send_head links the free
    c.state = state::closed;
    ++c.generation;
    c.is_open = false;
  }
  for (listener& l : anchored(listeners_)) {
    if (l.is_used) ++l.generation;
    l.is_used = false;
  }
  explicit_ports_.clear();
  freed_a_name();
  fresh_ = free_ = grave_ = in_use_ = 0;
  turn_head_ = turn_tail_ = retry_head_ = 0;
  if constexpr (C::writes.fair) line_ = {};
}

}  // namespace strata::inline STRATA_ABI::tcp
