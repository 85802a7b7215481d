// SPDX-License-Identifier: MIT
// Connections between SYN and the ACK that completes them, in records of their own: RFC 9293 §3.10.7.2, §3.10.7.4 in SYN-RECEIVED, RFC 4987 §3.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// A SYN for one of our ports: RFC 9293 §3.10.7.2. The record is small, so that a flood costs little (RFC 4987 §3.1).
template <config C> template <class B>
void layer<C>::on_syn(B&& below, const pair& who, const segment& s, const tcp_options& o, time_point now, std::optional<serial32> above) {
  listener* l = find_listener(who.local, who.local_port);
  if (l == nullptr) {
    ++counters_.no_listener;
    refuse(below, who, s);
    return;
  }
  const u8 name = static_cast<u8>(l - listeners_ + 1);
  const bool is_overflow = l->waiting >= l->backlog, is_full = free_slots_ == 0 && fresh_slots_ == limits_.syn_slots;
  if ((is_overflow || is_full) && !recycle_half_open(is_overflow ? name : u8{0})) {  // dropped, not refused: the client tries again. Linux: tcp_abort_on_overflow = 0
    ++(is_overflow ? counters_.listen_overflows : counters_.syn_slots_full);
    return;
  }
  u32 index;
  if (free_slots_ != 0) {
    index = free_slots_ - 1;
    free_slots_ = slots_[index].next;
  } else {
    index = fresh_slots_++;
  }
  slot& h = anchored(slots_[index]);
  h = slot{};
  static_cast<pair&>(h) = who;
  const u64 hash = hash_of(who);
  h.hash = static_cast<u32>(hash);
  if (!table_.insert(h.hash, value_of(kind::half_open, index))) {
    ++counters_.table_full;
    h.next = free_slots_;
    free_slots_ = index + 1;
    return;
  }
  h.iss = initial_sequence_number(hash, h.local, now);
  // RFC 9293 §3.10.7.4 (MUST): above all that the former life sent, however fast that was. Linux: tcp_timewait_state_process.
  if (above && h.iss < *above + 65537) h.iss = *above + 65537;
  h.irs = s.seq;
  h.peer_mss = o.mss.value_or(default_mss(h.remote));
  h.has_scale = o.has_window_scale;
  h.snd_shift = o.window_scale;
  h.has_timestamps = o.has_timestamps;
  h.ts_recent = o.ts_value;
  h.ts_offset = timestamp_offset(h.remote);
  h.listener = name;
  ++l->waiting;
  ++half_open_;
  send_syn_ack(below, h, now);
  wheel_.arm(limits_.connections + index, now + rtt_estimator<tick>::initial);
}

template <config C> template <class B> void layer<C>::send_syn_ack(B&& below, slot& h, time_point now) {
  path way{};
  way.local = h.local;
  way.remote = h.remote;
  if (!below.route(way)) return;  // the client's SYN will come again
  bare_segment answer;
  tcp_options& o = answer.options;
  const u16 mss = offered_mss(below, way);
  o.mss = mss;
  o.has_window_scale = h.has_scale;
  o.window_scale = receive_shift;
  stamp(o, h.has_timestamps, h.ts_offset, h.ts_recent, now);
  static_assert(limits_.receive_chunks <= 0xffff, "receive chunks are counted in 16 bits");
  h.window = static_cast<u16>(unscaled_window(limits_.receive_chunks * mss, h.has_scale));
  h.sent_at = now;
  answer.header.source = h.local_port;
  answer.header.destination = h.remote_port;
  answer.header.seq = h.iss.value;
  answer.header.ack = (h.irs + 1).value;
  answer.header.flags = wire::tcp::flag::syn | wire::tcp::flag::ack;
  answer.header.window = h.window;
  (void)send_bare(below, way, answer);
}

/// The plain ACK that answers an unacceptable segment, RFC 9293 §3.10.7.4 (first).
template <config C> template <class B> void layer<C>::acknowledge_half_open(B&& below, const slot& h, time_point now) {
  bare_segment answer;
  answer.header.seq = (h.iss + 1).value;
  answer.header.ack = (h.irs + 1).value;
  answer.header.flags = wire::tcp::flag::ack;
  answer.header.window = static_cast<u16>(h.window >> (h.has_scale ? receive_shift : 0));
  stamp(answer.options, h.has_timestamps, h.ts_offset, h.ts_recent, now);
  (void)send_bare(below, h, answer);
}

template <config C> void layer<C>::drop_half_open(slot& h) {
  const u32 index = static_cast<u32>(&h - slots_);
  (void)table_.erase(h.hash, value_of(kind::half_open, index));
  wheel_.disarm(limits_.connections + index);
  --listeners_[h.listener - 1].waiting;
  h.listener = 0;
  h.next = free_slots_;
  free_slots_ = index + 1;
  --half_open_;
}

/// Where there is no room left, who has not answered for a second makes some: a client that is there answered long before, and one whose SYN-ACK was lost asks
/// again. `of` a listener, or zero for whichever. A flood of SYNs from nowhere is over with its last second then. RFC 4987 §3.3; Linux: reqsk_timer_handler.
template <config C> bool layer<C>::recycle_half_open(u8 of) {
  for (u32 looks = 8; looks != 0; --looks) {
    if (recycle_at_ >= fresh_slots_) recycle_at_ = 0;
    slot& h = anchored(slots_[recycle_at_++]);
    if (h.listener == 0 || h.retries == 0 || (of != 0 && h.listener != of)) continue;
    ++counters_.half_open_recycled;
    ++counters_.attempt_fails;
    drop_half_open(h);
    return true;
  }
  return false;
}

/// Whether the policy of the stack lets the listener's owner have this connection.  Linux: security_socket_accept.
template <config C> template <class B> bool layer<C>::may_accept(B&& below, const slot& h) const {
  if constexpr (asks_permission<B>)
    return below.permits_accept(endpoint<address>{h.local, h.local_port}, endpoint<address>{h.remote, h.remote_port}, listeners_[h.listener - 1].identity);
  else return (void)below, (void)h, true;
}

/// A segment for a half-open connection: RFC 9293 §3.10.7.4 in state SYN-RECEIVED, for one that was opened passively.
template <config C> template <class B>
void layer<C>::on_half_open(B&& below, slot& h, packet& p, segment& s, time_point now) {
  if (s.has(wire::tcp::flag::syn) && !s.has(wire::tcp::flag::ack) && !s.has(wire::tcp::flag::rst) && s.seq == h.irs) {  // our SYN-ACK was lost
    if (timestamps && s.has_timestamps && serial32{s.ts_value} > serial32{h.ts_recent}) h.ts_recent = s.ts_value;
    h.was_resent = true;
    send_syn_ack(below, h, now);
    return;
  }
  if (timestamps && h.has_timestamps && !s.has(wire::tcp::flag::rst)) {
    if (!s.has_timestamps || serial32{s.ts_value} < serial32{h.ts_recent}) {  // RFC 7323 §3.2, §5.3
      ++counters_.paws_rejected;
      if (s.has_timestamps) acknowledge_half_open(below, h, now);
      return;
    }
  }
  if (!in_range(s.seq, h.irs + 1, h.window)) {
    ++counters_.out_of_window;
    if (!s.has(wire::tcp::flag::rst)) acknowledge_half_open(below, h, now);
    return;
  }
  if (s.has(wire::tcp::flag::rst)) {  // RFC 5961 §3.2: exactly the next number ends it, any other in the window is challenged
    if (s.seq == h.irs + 1) ++counters_.attempt_fails, drop_half_open(h);
    else ++counters_.challenge_acks, acknowledge_half_open(below, h, now);
    return;
  }
  if (s.has(wire::tcp::flag::syn)) {  // RFC 9293 §3.10.7.4 (fourth): it was opened passively, so back to LISTEN
    ++counters_.attempt_fails;
    drop_half_open(h);
    return;
  }
  if (!s.has(wire::tcp::flag::ack)) return;
  if (s.ack != h.iss + 1) {  // RFC 9293 §3.10.7.4: an unacceptable ACK is answered by a reset
    refuse(below, h, s);
    return;
  }
  if (!may_accept(below, h)) {
    ++counters_.attempt_fails;
    refuse(below, h, s);
    drop_half_open(h);
    return;
  }
  path way{};
  way.local = h.local;
  way.remote = h.remote;
  connection* c = below.route(way) ? allocate() : nullptr;
  if (c == nullptr) {  // the client's data or our SYN-ACK's retransmission brings its ACK again
    ++counters_.listen_overflows;
    return;
  }
  c->way = way;
  c->local_port = h.local_port;
  c->remote_port = h.remote_port;
  c->hash = h.hash;
  if (!table_.insert(c->hash, value_of(kind::connection, index_of(*c)))) {
    ++counters_.table_full;
    put_back(*c);
    return;
  }
  prepare(below, *c, now);
  c->is_passive = true;
  c->iss = h.iss;
  c->snd_una = h.iss;
  c->snd_nxt = c->snd_end = h.iss + 1;
  c->recover = h.iss;
  c->rcv_nxt = c->last_ack_sent = h.irs + 1;
  c->peer_mss = h.peer_mss;
  c->ts_recent = {h.has_timestamps ? s.ts_value : 0};  // RFC 7323 §4.3 (2): it is what we acknowledged last
  c->ts_recent_at = now;
  negotiate(below, *c, h.has_scale, h.snd_shift, h.has_timestamps, h.retries);
  c->rcv_adv = c->rcv_nxt + h.window;  // what the SYN-ACK said, unscaled
  if (h.was_resent) c->resent_ts = timestamp_clock(now) - now.since(h.sent_at).in_ms() - 1;  // Karn: RFC 6298 §3; what is measured is left to the echo
  else c->rtt.sample(now.since(h.sent_at));
  c->listener = h.listener;
  c->identity = listeners_[h.listener - 1].identity;
  ++listeners_[h.listener - 1].waiting;  // the open one waits now; the half-open one is counted off below
  drop_half_open(h);
  c->state = state::syn_received;
  c->is_open = true;
  ++counters_.passive_opens;
  raise(*c, stream_events::accepted);
  after_ack(below, *c, p, s, now);
}

}  // namespace strata::inline STRATA_ABI::tcp
