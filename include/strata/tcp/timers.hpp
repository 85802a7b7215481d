// SPDX-License-Identifier: MIT
// Turns and timers. A turn tells each connection's events once and settles it: ACK decision, output, the end. One wheel timer serves a control
// block; deadlines that move back are only stored, and the wheel is asked again when it fires. RFC 6298 §5, RFC 9293 §3.8.3, §3.8.6.1.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::add_to_turn(connection& c) {
  if (c.in_turn) [[unlikely]] return;
  c.in_turn = true;
  c.turn_next = 0;
  const u32 name = index_of(c) + 1;
  if (turn_tail_ != 0) [[unlikely]] tcbs_[turn_tail_ - 1].turn_next = name;
  else turn_head_ = name;
  turn_tail_ = name;
}
/// What met a full ring tries again in the next turn, not in this one.
template <config C> void layer<C>::add_to_retry(connection& c) {
  if (c.ring_full) return;
  ++counters_.ring_full;
  c.ring_full = true;
  c.retry_next = retry_head_;
  retry_head_ = index_of(c) + 1;
}

template <config C> template <class B> STRATA_ALWAYS_INLINE inline std::optional<stream_events> layer<C>::pending(B&& below, time_point now) {
  const auto has_next = [&]() STRATA_INLINE_LAMBDA {
    if (turn_head_ != 0) [[likely]] return true;
    if constexpr (C::writes.fair) return serve_line(below);
    else return false;
  };
  if constexpr (corks_itself<typename C::coalescing>) {
    if (!corked_.was_looked_at) look_for_completions(below);
  }
  while (has_next()) {
    const u32 index = turn_head_ - 1;
    connection& c = element(tcbs_, index);
    turn_head_ = c.turn_next;
    if (turn_head_ == 0) turn_tail_ = 0;
    c.in_turn = false;
    if (c.state == state::closed) [[unlikely]] {
      if (!c.is_open) {
        if (!c.is_buried) release(below, c);
        continue;
      }
    }
    if (is_held(c)) continue;  // its release brings it back
    u8 bits = c.events;
    c.events = 0;
    c.cancelled = false;
    if (c.detached) [[unlikely]] bits = static_cast<u8>(bits & ~(stream_events::readable | stream_events::writable | stream_events::peer_closed | stream_events::error));
    if (c.unread == 0) [[unlikely]] bits = static_cast<u8>(bits & ~stream_events::readable);
    if ((bits & stream_events::peer_closed) != 0) [[unlikely]] c.peer_closed_told = true;
    if (bits == 0) {
      settle(below, c, now);
      continue;
    }
    u8 from = 0;
    if ((bits & stream_events::accepted) != 0) [[unlikely]] {
      from = static_cast<u8>(c.listener - 1);
      --listeners_[from].waiting;
      c.listener = 0;
    }
    return event{{index, c.generation}, bits, c.why, from};
  }
  return {};
}

template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::finish(B&& below, const event& e, time_point now) {
  connection* c = find(e.id);
  if (c == nullptr) [[unlikely]] return;
  if ((e.bits & stream_events::closed) != 0) [[unlikely]] release(below, *c);
  else settle(below, *c, now);
}

/// The end of a connection's turn. Linux: tcp_rcv_established's tail, release_sock.
template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::settle(B&& below, connection& c, time_point now) {
  if (!C::header_prediction || c.state != state::established || c.send_next != 0 || c.has_any({.in_loss = true, .fin_queued = true, .wants_write = true}) ||
      c.ack_pending || c.ack_now) [[unlikely]]
    return settle_what_is_left(below, c, now);
  c.limit = limited_by::application;
}
template <config C> template <class B> void layer<C>::settle_what_is_left(B&& below, connection& c, time_point now) {
  if (c.state == state::closed) return;
  if (c.send_next != 0 || c.has_any({.in_loss = true, .fin_queued = true})) output(below, c, now);
  else c.limit = limited_by::application;
  decide_ack(below, c, now);
  if (is_over(c) && (c.detached || (c.unread == 0 && c.peer_closed_told))) {
    if (c.state == state::time_wait) leave_for_time_wait(below, c, now);
    else end(below, c, close_reason::orderly);
    return;
  }
  if (c.wants_write && has_room(c)) {
    if (below.chunks().available() > limits_.receive_reserve && is_line_empty()) {
      c.wants_write = false;
      raise(c, stream_events::writable);
    } else if constexpr (C::writes.fair) {
      stand_in_line(c);
    } else if (c.send_count == 0) {
      add_to_retry(c);  // nothing of ours comes back: others must let go of chunks first
    }
  }
}

template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::end_of_turn(B&&, time_point) {
  if (corks_itself<typename C::coalescing> || (retry_head_ | grave_) != 0) [[unlikely]] look_at_retries_and_grave();
}
template <config C> STRATA_OFF_PATH void layer<C>::look_at_retries_and_grave() {
  for (u32 at = std::exchange(retry_head_, 0); at != 0;) {
    connection& c = element(tcbs_, at - 1);
    at = c.retry_next;
    c.ring_full = false;
    if (c.is_open) add_to_turn(c);
  }
  if constexpr (corks_itself<typename C::coalescing>) {
    if (grave_ != 0) forget_buried();
    corked_.was_looked_at = false;
  }
  u32 kept = 0;
  while (grave_ != 0) {
    connection& c = element(tcbs_, grave_ - 1);
    const u32 name = grave_;
    grave_ = c.send_head;
    u32& list = c.in_turn ? kept : free_;  // one that is still on the list of the next turn must not live again before it was taken off
    c.send_head = list;
    list = name;
    if (!c.in_turn) --in_use_;
  }
  grave_ = kept;
}

// ---- timers ----

template <config C> void layer<C>::arm(connection& c, timer_index which, time_point at) {
  c.deadline[which] = at;
  c.armed = static_cast<u8>(c.armed | 1u << which);
  const u32 index = index_of(c);
  if (!wheel_.is_armed(index) || at.is_before(wheel_.deadline(index))) wheel_.arm(index, at);
}
/// The wheel follows the earliest deadline that is left.
template <config C> void layer<C>::rearm_wheel(connection& c) {
  bool any = false;
  time_point first{};
  for (u32 i = 0; i < timer_count; ++i) {
    if ((c.armed >> i & 1) == 0) continue;
    first = any ? earlier_of(first, c.deadline[i]) : c.deadline[i];
    any = true;
  }
  if (any) wheel_.arm(index_of(c), first);
}

template <config C> auto layer<C>::backed_off(duration rto, u32 times) -> duration {  // RFC 6298 (5.5)
  for (; times != 0; --times) [[unlikely]] {
    if (rto > rtt_estimator<tick>::most / 2) return rtt_estimator<tick>::most;
    rto = rto * 2;
  }
  return rto;
}
template <config C> auto layer<C>::user_deadline(const connection& c, time_point now) -> time_point {
  const time_point at = c.first_unacked + duration::from_ms(c.user_timeout_ms);
  return at.is_before(now) ? now : at;
}
template <config C> void layer<C>::restart_retransmit_timer(connection& c, time_point now) {
  time_point at = now + backed_off(c.rtt.rto(), c.backoff);
  // RFC 9293 §3.9.1.1: the user timeout ends it when it says, and not at the next backed-off timeout behind it. Linux: tcp_clamp_rto_to_user_timeout.
  if (c.user_timeout_ms != 0) [[unlikely]] at = earlier_of(at, user_deadline(c, now));
  arm(c, retransmit_timer, at);
}

template <config C> std::optional<time_point<typename C::tick>> layer<C>::next_deadline() const {
  std::optional<time_point> first = wheel_.next_deadline();
  if (oldest_record_ != 0) {
    const time_point at = records_[oldest_record_ - 1].expires;
    if (!first || at.is_before(*first)) first = at;
  }
  return first;
}

template <config C> template <class B> void layer<C>::advance(B&& below, time_point now) {
  run_clock(now);
  wheel_.advance(now);
  for (u32 n = 0; n < timers_per_turn; ++n) {
    const auto due = wheel_.next_due();
    if (!due) break;
    if (*due < limits_.connections) on_timer(below, element(tcbs_, *due), now);
    else on_half_open_timer(below, anchored(slots_[*due - limits_.connections]), now);
  }
  for (u32 n = 0; n < timers_per_turn && oldest_record_ != 0 && now.reached(records_[oldest_record_ - 1].expires); ++n) drop_time_wait(oldest_record_ - 1);
}

template <config C> template <class B> void layer<C>::on_timer(B&& below, connection& c, time_point now) {
  if (c.state == state::closed) return;
  if constexpr (is_shared<C>) {
    if (is_held(c) && defer(c, owner_word::timer)) return;
  }
  u8 due = 0;
  for (u32 i = 0; i < timer_count; ++i)
    if ((c.armed >> i & 1) != 0 && now.reached(c.deadline[i])) due = static_cast<u8>(due | 1u << i);
  c.armed = static_cast<u8>(c.armed & ~due);
  if ((due >> application_timer & 1) != 0) raise(c, stream_events::timer);
  if ((due >> ack_timer & 1) != 0 && c.ack_pending) {
    c.ack_now = true;
    add_to_turn(c);
  }
  if constexpr (C::pacing::is_paced) {
    if ((due >> pacing_timer & 1) != 0) {
      c.pace.credit = now.since(c.deadline[pacing_timer]);
      if (c.send_next != 0 || c.in_loss) add_to_turn(c);
    }
  }
  if constexpr (waits_for_completions) {
    if ((due >> completion_timer & 1) != 0 && c.send_next != 0) add_to_turn(c);
  }
  if ((due >> linger_timer & 1) != 0) {  // the peer never sent its FIN, or has not acknowledged ours in the time that option::linger gave
    if (C::linger && c.state != state::fin_wait_2) send_reset(below, c, now);
    end(below, c, close_reason::timed_out);
    return;
  }
  if ((due >> retransmit_timer & 1) != 0) on_retransmit_timer(below, c, now);
  if (c.state != state::closed && (due >> persist_timer & 1) != 0) on_persist_timer(below, c, now);
  if constexpr (C::keep_alive) {
    if (c.state != state::closed && (due >> keep_alive_timer & 1) != 0) on_keep_alive_timer(below, c, now);
  }
  if (c.state != state::closed) rearm_wheel(c);
}

template <config C> void layer<C>::begin_time(time_point now) {
  for (u32 i = 0; i < fresh_; ++i) {
    connection& c = element(tcbs_, i);
    if (!c.is_open) continue;
    for (time_point& d : c.deadline) d.count = static_cast<typename tick::rep>(d.count + now.count);
    c.first_unacked = c.last_sent = c.rtt_start = now;
    wheel_.disarm(i);
    rearm_wheel(c);
  }
}

/// RFC 6298 (5.4)-(5.7). Linux: tcp_retransmit_timer.
template <config C> template <class B> void layer<C>::on_retransmit_timer(B&& below, connection& c, time_point now) {
  const bool is_syn = c.state == state::syn_sent || c.state == state::syn_received;
  if (!is_syn && c.snd_una == c.snd_nxt) return;
  ++counters_.timeouts;
  const duration waited = now.since(c.first_unacked);
  const duration allowed = c.user_timeout_ms != 0 ? duration::from_ms(c.user_timeout_ms) : duration::max();
  if (c.unanswered >= max_backoff || (!is_syn && waited >= allowed)) {  // RFC 9293 §3.8.3, R2
    end(below, c, close_reason::timed_out);
    return;
  }
  if (is_syn && (c.unanswered >= max_syn_retries || waited >= allowed)) {
    ++counters_.attempt_fails;
    end(below, c, close_reason::timed_out);
    return;
  }
  const bool is_first = c.unanswered == 0;
  if (is_first && !is_syn) c.why = close_reason::none;  // it was said of what has been acknowledged since
  ++c.unanswered;
  if (c.unanswered == first_advice) raise(c, stream_events::error);  // RFC 9293 §3.8.3 (e), §3.9.1.8: R1 is reached
  if (c.backoff < max_backoff) ++c.backoff;
  c.rtt_timed = false;
  if (is_syn) {
    count_retransmission(c);
    send_syn(below, c, now);
    restart_retransmit_timer(c, now);
    return;
  }
  // RFC 5681 §3.1 (4): half of what was in flight; held where it is when the same segment times out again.
  // RFC 5681 §4.3: what fast recovery sent again was lost as well, which lowers ssthresh a second time.
  const u32 held = c.congestion.ssthresh(), flight = c.snd_nxt - c.snd_una;
  c.congestion.on_timeout(is_first ? (c.in_recovery ? smaller_of(held, flight) : flight) : held > 0x7fff'ffff ? held : 2 * held, c.mss);
  c.in_loss = true;
  c.in_recovery = false;
  c.recover = c.snd_nxt;  // RFC 6582 §3.2 (4)
  retransmit_head(below, c, now);
  if (const buffer::descriptor* d = below.chunks().named(c.send_head); d != nullptr) {
    c.resend = serial32{d->seq} + d->body_length;
    if (d->queue == 0 && c.fin_sent) ++c.resend;  // FIN went with it
  } else {
    c.resend = c.snd_nxt;
  }
  restart_retransmit_timer(c, now);
}

/// A closed window is probed for as long as the peer answers: RFC 9293 §3.8.6.1, RFC 6429 §3. The same timer ends what small-segment rules hold back.
template <config C> template <class B> void layer<C>::on_persist_timer(B&& below, connection& c, time_point now) {
  if (c.snd_una != c.snd_nxt) return;  // something is outstanding: the retransmission timer serves
  const bool waits = c.send_next != 0 || (c.fin_queued && !c.fin_sent);
  if (!waits) return;
  if (c.snd_wnd != 0) {  // held back, not closed: the override timeout of RFC 9293 §3.8.6.2.1
    c.more = false;
    output(below, c, now, true);
    return;
  }
  if (c.unanswered >= max_backoff) {  // nobody answers the probes
    end(below, c, close_reason::timed_out);
    return;
  }
  ++c.unanswered;
  if (c.probes < max_backoff) ++c.probes;
  ++counters_.zero_window_probes;
  // One number before the window: the peer must answer an unacceptable segment (RFC 9293 §3.10.7.4). Linux: tcp_xmit_probe_skb.
  (void)send_control(below, c, c.snd_una - 1, wire::tcp::flag::ack, now);
  arm(c, persist_timer, now + backed_off(c.rtt.rto(), c.probes));
}

template <config C> template <class B> void layer<C>::on_half_open_timer(B&& below, slot& h, time_point now) {
  if (h.listener == 0) return;
  if (h.retries >= max_syn_ack_retries) {
    ++counters_.syn_ack_timeouts;
    ++counters_.attempt_fails;
    drop_half_open(h);
    return;
  }
  ++h.retries;
  h.was_resent = true;
  ++counters_.retransmitted;
  send_syn_ack(below, h, now);
  wheel_.arm(limits_.connections + static_cast<u32>(&h - slots_), now + backed_off(rtt_estimator<tick>::initial, h.retries));
}

}  // namespace strata::inline STRATA_ABI::tcp
