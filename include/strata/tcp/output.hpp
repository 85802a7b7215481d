// SPDX-License-Identifier: MIT
// The way down: segments out of the send queue. RFC 9293 §3.7, §3.8. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// The send loop: one predicate after the other, and `limit` remembers which one stopped it. `overrides`: the override timeout fired, and whatever the
/// window takes leaves. Linux: tcp_write_xmit.
template <config C> template <class B> void layer<C>::output(B&& below, connection& c, time_point now, bool overrides) {
  switch (c.state) {
    case state::established:
    case state::close_wait:
    case state::fin_wait_1:
    case state::closing:
    case state::last_ack: break;
    default: return;
  }
  if (c.in_loss) resend_lost(below, c, now);
  buffer::pool& chunks = below.chunks();
  c.limit = limited_by::application;
  if (c.send_next != 0) {
    below.observe({.what = trace::step::write_loop, .bytes = c.snd_end - c.snd_nxt, .connection = index_of(c) + 1});
    // RFC 5681 §4.1: after an idle RTO the window starts again.
    if (c.snd_nxt == c.snd_una && now.since(c.last_sent) > rtt_estimator<tick>::least && now.since(c.last_sent) > c.rtt.rto()) {
      if constexpr (requires { below.link_mtu(c.way); }) {
        if (c.way.mtu < below.link_mtu(c.way) && below.route(c.way)) c.mss = mss_of(below, c);  // the path may carry more again: RFC 1191 §6.3
      }
      c.congestion.on_idle(c.mss);
    }
  }
  if (c.in_loss && c.resend < c.snd_nxt) {  // what was lost comes first: nothing new leaves before it
    c.limit = limited_by::congestion_window;
    return;
  }
  [[maybe_unused]] std::conditional_t<has_trains, train_to_be, nothing<train_to_be>> train{};
  [[maybe_unused]] u32 held_below = 0;
  if constexpr (C::small_queue != 0) held_below = bytes_below(chunks, c);
  while (buffer::descriptor* d = chunks.named(c.send_next)) {
    if (d->body_length > c.mss && (d = split(below, c, *d, c.mss)) == nullptr) {
      c.limit = limited_by::chunks;
      break;
    }
    if (!fits_cwnd(c, d->body_length)) {
      stop(c, limited_by::congestion_window, counters_.limited_by_cwnd);
      break;
    }
    const u32 usable = usable_window(c);
    if (!overrides && !fits_window(c, usable)) {
      stop(c, limited_by::receive_window, counters_.limited_by_window);
      break;
    }
    if (d->body_length > usable && (usable == 0 || (d = split(below, c, *d, usable)) == nullptr)) {
      stop(c, limited_by::receive_window, counters_.limited_by_window);
      break;
    }
    if (!may_leave(c, d->body_length)) {
      stop(c, limited_by::coalescing, counters_.limited_by_coalescing);
      break;
    }
    if constexpr (corks_itself<typename C::coalescing>) {
      if (!overrides && awaits_completion(chunks, c)) {
        stop(c, limited_by::coalescing, counters_.auto_corked);
        wait_for_completion(c, now);
        break;
      }
    }
    if constexpr (C::pacing::is_paced) {
      if (starts(train) && must_wait(c, now)) {
        stop(c, limited_by::pacing, counters_.limited_by_pacing);
        break;
      }
    }
    if constexpr (C::small_queue != 0) {
      const u32 limit = small_queue_limit(c);
      if (starts(train) && held_below + d->body_length > limit && (held_below = bytes_below(chunks, c)) != 0 && held_below + d->body_length > limit) {
        stop(c, limited_by::small_queue, counters_.limited_by_small_queue);
        // No event tells of a completion. What may wait below is a millisecond's worth: then there is room again.
        if (!is_armed(c, completion_timer)) arm(c, completion_timer, now + duration::ms(1));
        break;
      }
    }
    if constexpr (C::tso_deferral) {
      if (starts(train) && should_defer(c, usable, train_bytes(below, c), now)) {
        stop(c, limited_by::deferral, counters_.limited_by_deferral);
        break;
      }
    }
    const bool with_fin = d->queue == 0 && c.fin_queued && d->body_length < usable;
    sent what;
    if constexpr (has_trains) what = join(below, c, *d, with_fin, now, train);
    else what = transmit(below, c, *d, with_fin, now);
    if (what == sent::full) {
      c.limit = limited_by::ring;
      add_to_retry(c);
      break;
    }
    if constexpr (C::small_queue != 0) held_below += d->body_length;
    if constexpr (!has_trains) note_sent(c, *d, with_fin, now);
  }
  if constexpr (has_trains) {
    if (train.parts != 0 && depart(below, c, now, train) == sent::full) c.limit = limited_by::ring, add_to_retry(c);
  }
  if (c.fin_queued && !c.fin_sent && c.send_next == 0 && c.snd_una + c.snd_wnd > c.snd_nxt) send_fin(below, c, now);
  // RFC 9293 §3.8.6.1: a closed window is probed. The same timer ends what coalescing and silly window avoidance hold back with nothing in flight.
  const bool waits = c.send_next != 0 || (c.fin_queued && !c.fin_sent);
  if (waits && c.snd_nxt == c.snd_una && c.limit != limited_by::ring && !is_armed(c, persist_timer)) arm(c, persist_timer, now + backed_off(c.rtt.rto(), c.probes));
}

/// The send loop for a segment that none of its predicates stops, and behind which nothing waits.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::send_at_once(B&& below, connection& c, buffer::descriptor& d, time_point now) {
  below.observe({.what = trace::step::write_loop, .bytes = c.snd_end - c.snd_nxt, .connection = index_of(c) + 1});
  c.limit = limited_by::application;
  if (transmit(below, c, d, false, now) == sent::full) [[unlikely]] {
    c.limit = limited_by::ring;
    add_to_retry(c);
    return;
  }
  note_sent(c, d, false, now);
}

/// The first unsent chunk has left.
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::note_sent(connection& c, const buffer::descriptor& d, bool with_fin, time_point now) {
  if (c.snd_nxt == c.snd_una) c.first_unacked = now;
  if (!c.rtt_timed) {
    c.rtt_timed = true;
    c.rtt_start = now;
    c.rtt_seq = c.snd_nxt;
  }
  c.snd_nxt += d.body_length;
  if (d.body_length < c.mss) c.small_unacked = true, c.small_end = c.snd_nxt;
  if (with_fin) [[unlikely]] c.fin_sent = true, ++c.snd_nxt;
  if constexpr (corks_itself<typename C::coalescing>) c.last_down.name = d.home->name(d);
  c.send_next = d.queue;
  if (c.in_loss) [[unlikely]] c.resend = c.snd_nxt;
  if (!is_armed(c, retransmit_timer)) [[likely]] restart_retransmit_timer(c, now);
  disarm(c, persist_timer);
}

/// Segments went down, and with them what was owed to the peer.
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::left_with_ack(connection& c, u32 segments, [[maybe_unused]] u32 bytes, time_point now) {
  counters_.out_segments += segments;
  if constexpr (C::pacing::is_paced) charge(c, segments, bytes, now);
  c.last_sent = now;
  if constexpr (adaptive_ack_policy<typename C::acks>) {
    if (c.ack_pending) c.rhythm.quick = 0;  // the two talk in turn: answers carry the ACKs
  }
  c.ack_pending = c.ack_now = false;
  disarm(c, ack_timer);
}

/// Bytes that were acknowledged leave the chunk before it is sent again: the header will be written over them. The sum is that of the whole without the front, or made
/// anew, whichever reads less. RFC 1071 §2 (B): behind an odd front bytes change places.
template <config C> STRATA_OFF_PATH void layer<C>::drop_front(buffer::descriptor& d) {
  const std::byte* const body = d.chunk + d.body;
  const u32 done = d.done, left = d.body_length - done;
  if (!subtracts) {
    d.marks = static_cast<u16>(d.marks & ~mark_sum_known);
  } else if (done > left) {
    d.sum = ones_sum({body + done, left});
  } else {
    const u32 rest = u32{fold(d.sum)} + static_cast<u16>(~fold(ones_sum({body, done})));
    d.sum = (done & 1) != 0 ? swap_odd(rest) : rest;
  }
  d.seq += done;
  d.body = static_cast<u16>(d.body + done);
  d.body_length = static_cast<u16>(left);
  d.done = 0;
}

/// One chunk as one segment. The chunk stays in the send queue; what goes down is one more owner of the same bytes. Linux: tcp_transmit_skb.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline sent layer<C>::transmit(B&& below, connection& c, buffer::descriptor& d, bool with_fin, time_point now) {
  if (d.owners != packet::bit(buffer::owner::send_queue)) [[unlikely]] return sent::full;  // the law of the frame: it is still below
  if (d.done != 0) [[unlikely]] drop_front(d);
  packet queue = packet::adopt(d, buffer::owner::send_queue);
  packet p = queue.share(buffer::owner::application);
  (void)queue.detach();
  const u32 length = d.body_length;
  p.restart(d.body);
  p.extend(length);
  static_assert(mark_push << 2 == wire::tcp::flag::psh);
  const u8 flags = static_cast<u8>(wire::tcp::flag::ack | (d.marks & mark_push) << 2 | (with_fin ? wire::tcp::flag::fin : 0));
  u32 sum = 0;
  if (!buffer::leaves_checksum(below, c.way.link)) sum = (d.marks & (mark_sum_known | mark_sum_left)) == mark_sum_known ? d.sum : ones_sum(p.bytes());
  return transmit_payload(below, c, std::move(p), serial32{d.seq}, length, flags, sum, now);
}
/// The clone `p`, whose frame is the payload.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline sent layer<C>::transmit_payload(B&& below, connection& c, packet&& p, serial32 seq, u32 length, u8 flags, u32 sum, time_point now) {
  below.observe({.what = trace::step::clone, .bytes = length, .seq = seq.value, .chunk = below.chunks().name(p.d()), .connection = index_of(c) + 1});
  emit_header(below, c, p, seq, flags, sum, now);
  const sent what = below.send(c.way, std::move(p), protocol);
  if (what != sent::full) [[likely]] left_with_ack(c, 1, length, now);
  return what;
}

/// A chunk that was sent before, with the FIN if that went with it.
template <config C> template <class B> STRATA_OFF_PATH sent layer<C>::transmit_again(B&& below, connection& c, buffer::descriptor& d, time_point now) {
  return transmit(below, c, d, d.queue == 0 && c.fin_sent, now);
}

/// The first unacknowledged segment again: RFC 6298 (5.4), RFC 5681 §3.2 (3), RFC 6582 §3.2 (3). Linux: tcp_retransmit_skb.
template <config C> template <class B> STRATA_OFF_PATH void layer<C>::retransmit_head(B&& below, connection& c, time_point now) {
  c.rtt_timed = false;  // Karn: RFC 6298 §3
  c.resent_ts = timestamp_clock(now);
  buffer::descriptor* d = below.chunks().named(c.send_head);
  if (d == nullptr) {  // all that was written is acknowledged
    if (c.fin_sent) (void)send_control(below, c, c.snd_end, wire::tcp::flag::fin | wire::tcp::flag::ack, now), count_retransmission(c);
    return;
  }
  u32 length = static_cast<u32>(d->body_length) - d->done;
  if (length > c.mss) {
    d = split(below, c, *d, c.mss);
    if (d == nullptr) {
      ++counters_.still_below;
      return;
    }
    length = c.mss;
  } else if constexpr (C::writes.collapse) {
    take_in_sent(below.chunks(), c, *d);
    length = static_cast<u32>(d->body_length) - d->done;
  }
  below.observe({.what = trace::step::retransmit, .bytes = length, .seq = d->seq + d->done, .chunk = below.chunks().name(*d), .connection = index_of(c) + 1});
  if (d->owners != packet::bit(buffer::owner::send_queue)) {  // Linux: skb_still_in_host_queue
    ++counters_.still_below;
    if ((d->marks & mark_waited_an_rto) == 0) {
      d->marks = static_cast<u16>(d->marks | mark_waited_an_rto);
      return;
    }
    if (transmit_copy(below, c, *d, now) != sent::full) count_retransmission(c);
    return;
  }
  if (transmit_again(below, c, *d, now) != sent::full) count_retransmission(c);
}

/// After a timeout everything outstanding counts as lost and is sent again as the window opens: from `resend` up to snd_nxt.
template <config C> template <class B> STRATA_OFF_PATH void layer<C>::resend_lost(B&& below, connection& c, time_point now) {
  buffer::pool& chunks = below.chunks();
  if (c.resend < c.snd_una) c.resend = c.snd_una;
  if (c.resend >= c.snd_nxt) return;
  buffer::descriptor* d = chunks.named(c.send_head);
  while (d != nullptr && serial32{d->seq} + d->body_length <= c.resend) d = chunks.named(d->queue);
  for (; d != nullptr && serial32{d->seq} < c.snd_nxt; d = chunks.named(d->queue)) {
    if constexpr (C::writes.collapse) take_in_sent(chunks, c, *d);
    const u32 whole = static_cast<u32>(d->body_length) - d->done, length = smaller_of(whole, c.mss);
    if (c.resend - c.snd_una + length > c.congestion.cwnd() && c.resend != c.snd_una) return;
    if constexpr (C::pacing::is_paced) {
      if (must_wait(c, now)) return ++counters_.limited_by_pacing, void();
    }
    if (whole > c.mss) {
      d = split(below, c, *d, c.mss);
      if (d == nullptr) return;
    }
    if (serial32{d->seq} + d->done - c.snd_una >= c.snd_wnd && serial32{d->seq} + d->done != c.snd_una) return;
    if (d->owners != packet::bit(buffer::owner::send_queue)) {
      ++counters_.still_below;
      return;  // its completion or the next timeout goes on
    }
    c.rtt_timed = false;
    if (c.resend == c.snd_una) c.resent_ts = timestamp_clock(now);
    if (transmit_again(below, c, *d, now) == sent::full) {
      add_to_retry(c);
      return;
    }
    count_retransmission(c);
    c.resend = serial32{d->seq} + d->body_length;
    if (d->queue == 0 && c.fin_sent) ++c.resend;
  }
  if (d == nullptr && c.fin_sent && c.resend == c.snd_end) {
    if (send_control(below, c, c.snd_end, wire::tcp::flag::fin | wire::tcp::flag::ack, now)) ++c.resend, count_retransmission(c);
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
