// SPDX-License-Identifier: MIT
// What the application does to a connection: RFC 9293 §3.9.1. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Whether a write may be queued now. RFC 9293 §3.10.2: before ESTABLISHED it waits, after CLOSE it is refused.
template <config C> template <class B> send_error layer<C>::may_write(B&&, connection* c) const {
  if (c == nullptr) return send_error::stale;
  if (c->has_any({.detached = true, .fin_queued = true})) return send_error::closed;
  if constexpr (is_shared<C>) {
    if (is_held(*c)) return c->wants_write = true, send_error::would_block;  // who calls may not wait: a handler
  }
  switch (c->state) {
    case state::syn_sent:
    case state::syn_received:
    case state::established:
    case state::close_wait: return send_error::none;
    default: return send_error::closed;
  }
}

template <config C> template <class B>
expected<std::size_t, send_error> layer<C>::send(B&& below, connection_id id, std::span<const std::byte> bytes, send_flags flags, time_point now) {
  connection* c = find(id);
  if constexpr (writes_at_once) {
    if (c != nullptr && is_usual_write(below, *c, bytes.size(), flags, now)) [[likely]] {
      if (write_at_once(below, *c, bytes, now)) [[likely]] return bytes.size();
    }
  }
  return send_any(below, c, bytes, flags, now);
}
template <config C> template <class B>
STRATA_OFF_PATH expected<std::size_t, send_error> layer<C>::send_any(B&& below, connection* c, std::span<const std::byte> bytes, send_flags flags, time_point now) {
  if (const send_error e = may_write(below, c); e != send_error::none) return e;
  if constexpr (C::writes.low_water || C::writes.records) return write(below, *c, std::span<const std::span<const std::byte>>(&bytes, 1), bytes.size(), flags, now);
  const std::size_t n = append(below, *c, bytes);
  c->wants_write = n < bytes.size();
  if (n != 0 || bytes.empty()) push(below, *c, flags, now);
  else return send_error::would_block;
  return n;
}

template <config C> template <class B, gathered Parts>
expected<std::size_t, send_error> layer<C>::send(B&& below, connection_id id, const Parts& parts, send_flags flags, time_point now) {
  connection* c = find(id);
  if (const send_error e = may_write(below, c); e != send_error::none) return e;
  return write(below, *c, parts, total_size(parts), flags, now);
}

/// All of `parts`, or as much as quota, pool and option::notsent_low_water allow; one push for all. Linux: tcp_sendmsg_locked.
template <config C> template <class B, class Parts>
expected<std::size_t, send_error> layer<C>::write(B&& below, connection& c, const Parts& parts, std::size_t size, send_flags flags, time_point now) {
  std::size_t n = 0;
  bool is_full = false;
  const bool held = c.more;
  for (std::span<const std::byte> part : parts) {
    while (!part.empty() && !is_full) {
      std::size_t most = part.size();
      if constexpr (C::writes.low_water) {
        if (unsent_room(c) == 0) push(below, c, {.more = true}, now);  // what may leave now makes room; the rest of this write follows it
        if (const std::size_t room = unsent_room(c); room < most) most = room;
      }
      const std::size_t taken = append(below, c, part.first(most));
      part = part.subspan(taken);
      n += taken;
      is_full = taken < most || most == 0;
    }
    if (is_full) break;
  }
  c.wants_write = n < size;
  if (n == 0 && size != 0) {
    c.more = held;
    return send_error::would_block;
  }
  end_write(below.chunks(), c, n == size, flags);
  if (n < size) flags.more = false;  // whoever has to wait for room has no more to give now
  push(below, c, flags, now);
  if constexpr (C::writes.low_water) {
    if (c.wants_write && has_room(c)) add_to_turn(c);  // room that this push made
  }
  return n;
}

template <config C> template <class B> expected<reservation, send_error> layer<C>::reserve(B&& below, connection_id id, u32 n, time_point) {
  connection* c = find(id);
  if (const send_error e = may_write(below, c); e != send_error::none) return e;
  if (n == 0 || n > c->mss) return send_error::too_big;
  if ((is_quota_full(*c) && !makes_place(below.chunks(), *c)) || unsent_room(*c) == 0) {
    c->wants_write = true;
    return send_error::would_block;
  }
  packet p = may_take_chunk(*c) ? take_for(below, body_offset(below) + n) : packet{};
  if (!p && makes_place(below.chunks(), *c)) p = take_for(below, body_offset(below) + n);
  if (!p) {
    ++counters_.no_chunk;
    c->wants_write = true;
    if constexpr (C::writes.fair) stand_in_line(*c);
    return send_error::would_block;
  }
  p.restart(body_offset(below));
  return reservation{std::move(p), n};
}

/// A chunk whose first `n` bytes of room were written by others, behind the send queue. `sum`: theirs, unless it is left to the NIC.
template <config C> STRATA_SHORTER_INLINE inline void layer<C>::enqueue_written(buffer::pool& chunks, connection& c, packet&& p, u32 n, u32 sum, bool sum_left) {
  buffer::descriptor& d = p.d();
  d.body = d.offset;
  d.body_length = static_cast<u16>(n);
  d.marks = static_cast<u16>(mark_sum_known | (sum_left ? mark_sum_left : 0));
  d.sum = sum;
  d.seq = c.snd_end.value;
  p.become(buffer::owner::send_queue);
  const u32 name = chunks.name(*p.detach());
  if (buffer::descriptor* last = chunks.named(c.send_tail)) last->queue = name;
  else c.send_head = name;
  c.send_tail = name;
  if (c.send_next == 0) c.send_next = name;
  occupy(c, d);
  c.snd_end += n;
}

template <config C> template <class B>
expected<std::size_t, send_error> layer<C>::commit(B&& below, connection_id id, reservation&& r, u32 n, send_flags flags, time_point now) {
  connection* c = find(id);
  const std::size_t most = r.room().size();
  packet p = r.release();
  if (const send_error e = may_write(below, c); e != send_error::none) return e;
  if (!p || n > most) return send_error::too_big;
  if (n == 0) return std::size_t{0};
  if constexpr (has_slots) {
    u32 room = 0;
    if (outgrows_slot(below.chunks(), *c, n)) (void)move_to_chunk(below, *c, *below.chunks().named(c->send_tail), room);
  }
  if (tail_takes(below.chunks(), *c, n)) {  // small ones that wait leave together, as those of send() do: RFC 9293 §3.7.4
    (void)append(below, *c, p.room().first(n));
    end_write(below.chunks(), *c, true, flags);
    push(below, *c, flags, now);
    return std::size_t{n};
  }
  if (is_quota_full(*c) && !makes_place(below.chunks(), *c)) {
    c->wants_write = true;
    return send_error::would_block;
  }
  const bool sum_left = buffer::leaves_checksum(below, c->way.link);
  enqueue_written(below.chunks(), *c, std::move(p), n, sum_left ? 0 : ones_sum({p->chunk + p->offset, n}), sum_left);
  end_write(below.chunks(), *c, true, flags);
  push(below, *c, flags, now);
  return std::size_t{n};
}

template <config C> template <class B> unread_view layer<C>::peek(B&& below, connection_id id) {
  const connection* c = find(id);
  return c == nullptr || is_held(*c) ? unread_view{} : unread_view{below.chunks(), c->receive_head, c->unread};
}

template <config C> template <class B>
expected<std::size_t, receive_error> layer<C>::consume(B&& below, connection_id id, std::size_t n, time_point now) {
  connection* c = find(id);
  if (c == nullptr) return receive_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::readable)) return std::size_t{0};
  }
  const u32 take = static_cast<u32>(smaller_of<std::size_t>(n, c->unread));
  drop_received(below, *c, take);
  (void)now;
  return std::size_t{take};
}

template <config C> template <class B>
expected<std::size_t, receive_error> layer<C>::receive(B&& below, connection_id id, std::span<std::byte> to, time_point) {
  connection* c = find(id);
  if (c == nullptr) return receive_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::readable)) return receive_error::would_block;
  }
  if (c->unread == 0) [[unlikely]] return c->fin_received || is_shut(*c) ? receive_error::end_of_stream : receive_error::would_block;
  if constexpr (C::header_prediction) {
    if (is_usual_read(*c, to.size())) [[likely]] return read_at_once(below, *c, to.data());
  }
  return read_some(below, *c, to);
}
template <config C> template <class B> STRATA_OFF_PATH std::size_t layer<C>::read_some(B&& below, connection& c, std::span<std::byte> to) {
  const std::size_t n = smaller_of(to.size(), c.unread);
  drop_received(below, c, static_cast<u32>(n), to.data());
  return n;
}

template <config C> template <class B> expected<owned_view, receive_error> layer<C>::take(B&& below, connection_id id, time_point) {
  connection* c = find(id);
  if (c == nullptr) return receive_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::readable)) return receive_error::would_block;
  }
  if (c->unread == 0) return c->fin_received || is_shut(*c) ? receive_error::end_of_stream : receive_error::would_block;
  buffer::descriptor& d = *below.chunks().named(c->receive_head);
  const u32 offset = static_cast<u32>(d.body) + d.done, n = static_cast<u32>(d.body_length) - d.done;
  packet whole = packet::adopt(d, buffer::owner::holder);
  packet kept = whole.hold();
  (void)whole.detach();
  if (!kept) return receive_error::would_block;
  owned_view view{std::move(kept), offset, n};
  drop_received(below, *c, n);
  return view;
}

template <config C> template <class B> expected<void, call_error> layer<C>::shutdown_send(B&& below, connection_id id, time_point now) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::shutdown_send)) return {};
  }
  start_closing(below, *c, now);
  return {};
}

template <config C> template <class B> expected<void, call_error> layer<C>::shutdown_receive(B&& below, connection_id id, time_point now)
  requires(C::shutdown_receive)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::shutdown_receive)) return {};
  }
  c->receive_shut = true;
  (void)consume(below, id, c->unread, now);
  return {};
}

/// RFC 9293 §3.10.4. With unread bytes the peer is told that they were lost (RFC 9293 §3.6.1, RFC 2525 §2.17).
template <config C> template <class B> expected<void, call_error> layer<C>::close(B&& below, connection_id id, time_point now) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::close)) return {};
  }
  if (c->detached) return {};
  if (c->state == state::syn_sent) {
    end(below, *c, close_reason::aborted);
    c->cancelled = true;
    return {};
  }
  const bool gives_up = C::linger && c->lingers && c->linger_ms == 0;
  if ((c->unread != 0 || gives_up) && c->state != state::closed) {
    if (c->unread != 0) ++counters_.data_after_close;
    if (!is_over(*c)) send_reset(below, *c, now);
    end(below, *c, close_reason::aborted);
    c->cancelled = true;
    return {};
  }
  if (c->state == state::closed) return {};
  c->detached = true;
  if (c->state == state::fin_wait_2) arm(*c, linger_timer, now + linger_length);  // it was half-closed before
  else if (C::linger && c->lingers) arm(*c, linger_timer, now + duration::from_ms(c->linger_ms));
  start_closing(below, *c, now);
  add_to_turn(*c);
  return {};
}

template <config C> template <class B> expected<void, call_error> layer<C>::abort(B&& below, connection_id id, time_point now) {
  connection* c = find(id);
  if (c == nullptr || c->state == state::closed) return call_error::stale;
  if constexpr (is_shared<C>) {
    if (is_held(*c) && defer(*c, owner_word::abort)) return {};
  }
  ++counters_.aborted;
  if (c->state != state::syn_sent && !is_over(*c)) send_reset(below, *c, now);
  end(below, *c, close_reason::aborted);
  c->cancelled = true;
  return {};
}

template <config C> expected<void, call_error> layer<C>::set_timer(connection_id id, duration after, time_point now) {
  connection* c = find(id);
  if (c == nullptr || c->state == state::closed) return call_error::stale;
  arm(*c, application_timer, now + smaller_of(after, duration::max()));
  return {};
}
template <config C> expected<void, call_error> layer<C>::cancel_timer(connection_id id) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  disarm(*c, application_timer);
  return {};
}

template <config C> std::optional<connection_info> layer<C>::info(connection_id id, time_point) const {
  const connection* c = find(id);
  if (c == nullptr) return {};
  connection_info i;
  i.state = c->state;
  i.limit = c->limit;
  i.send_window_scale = c->snd_shift;
  i.receive_window_scale = c->rcv_shift;
  i.has_timestamps = c->has_timestamps;
  i.in_recovery = c->in_recovery || c->in_loss;
  i.backoff = c->backoff;
  i.mss = c->mss;
  i.path_mtu = c->way.mtu;
  i.cwnd = c->congestion.cwnd();
  i.ssthresh = c->congestion.ssthresh();
  i.send_window = c->snd_wnd;
  i.receive_window = c->rcv_adv - c->rcv_nxt;
  i.unacked = c->snd_nxt - c->snd_una;
  i.unsent = excess_of(c->snd_end, c->snd_nxt);
  i.unread = c->unread;
  i.urgent = c->urgent ? excess_of(c->rcv_up, first_unread(*c)) : 0;
  i.send_chunks = (c->send_count + charge_of_a_chunk - 1) / charge_of_a_chunk;
  i.receive_chunks = c->receive_count;
  i.srtt_us = c->rtt.srtt().in_us();
  if constexpr (C::pacing::is_paced) i.pacing_rate = pacing_rate(*c);
  i.rttvar_us = c->rtt.rttvar().in_us();
  i.rto_us = backed_off(c->rtt.rto(), c->backoff).in_us();
  i.retransmitted = c->retransmitted;
  i.bytes_acked = c->bytes_acked;
  i.bytes_received = c->bytes_received;
  return i;
}

}  // namespace strata::inline STRATA_ABI::tcp
