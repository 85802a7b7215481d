// SPDX-License-Identifier: MIT
// Acknowledgments: what leaves the send queue, round-trip times, congestion, recovery. RFC 9293 §3.10.7.4 (fifth), RFC 5681 §3, RFC 6582 §3, RFC 6298.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// The ACK field of an acceptable segment; false if the rest of the segment is to be dropped. Linux: tcp_ack.
template <config C> template <class B> bool layer<C>::on_ack(B&& below, connection& c, const segment& s, time_point now) {
  if (s.ack > c.snd_nxt) {  // of something that was never sent
    ++counters_.bad_ack;
    challenge(below, c, now);  // throttled (RFC 5961 §5.2, §10): two sides that disagree would answer each other for ever
    return false;
  }
  const u32 most = larger_of(c.snd_wnd_max, 65535);
  if (s.ack < c.snd_una && c.snd_una - s.ack > most) {  // RFC 5961 §5.2
    ++counters_.bad_ack;
    challenge(below, c, now);
    return false;
  }
  below.observe({.what = trace::step::acknowledge, .seq = s.seq.value, .ack = s.ack.value, .connection = index_of(c) + 1});
  if (c.snd_una < s.ack) {
    on_new_ack(below, c, s.ack, s.ts_echo, now);
    if (c.state == state::closed) return true;
  } else if (s.ack == c.snd_una && c.snd_nxt != c.snd_una && s.length == 0 && !s.has(wire::tcp::flag::fin) && s.window << c.snd_shift == c.snd_wnd) {
    on_duplicate_ack(below, c, now);  // RFC 5681 §2, all five conditions
  }
  update_window(c, s);
  return true;
}

/// RFC 9293 §3.10.7.4: the window of the newest segment.
template <config C> void layer<C>::update_window(connection& c, const segment& s) {
  if (s.ack < c.snd_una) return;
  // An ACK beyond that of the last update was sent later, whatever its sequence number: a retransmission has an old one. Linux: tcp_may_update_window.
  if (!(c.snd_wl2 < s.ack || c.snd_wl1 <= s.seq)) return;
  const u32 window = s.has(wire::tcp::flag::syn) ? s.window : s.window << c.snd_shift;
  c.unanswered = 0;  // a probe was answered: RFC 9293 §3.8.6.1, as long as that goes on the connection lives
  if (window != 0 && c.snd_wnd == 0) {  // it opens: the probes end, and their back-off
    disarm(c, persist_timer);
    c.probes = 0;
  }
  c.snd_wnd = window;
  if (window > c.snd_wnd_max) c.snd_wnd_max = window;
  c.snd_wl1 = s.seq;
  c.snd_wl2 = s.ack;
}

template <config C> template <class B> STRATA_ALWAYS_INLINE inline void layer<C>::on_new_ack(B&& below, connection& c, serial32 ack, u32 ts_echo, time_point now) {
  const u32 flight = c.snd_nxt - c.snd_una;
  u32 acked = ack - c.snd_una;
  acked -= c.snd_una == c.iss ? 1u : 0u;  // the SYN
  if (c.rtt_timed && ack > c.rtt_seq) [[likely]] {
    c.rtt.sample(now.since(c.rtt_start));
    c.rtt_timed = false;
    c.backoff = 0;  // RFC 6298 §5: the timeout collapses with a measurement, and with nothing else
  } else if (timestamps && !c.rtt_timed && c.has_timestamps && ts_echo != 0 && (c.in_loss || c.in_recovery || !c.rtt.has_sample())) {
    // RFC 7323 §4.1: the echo of what was sent again says that this was heard. An older one says nothing: the first copy had come, its ACK was lost, and the
    // answer to the second one repeats what the first one said (§4.3), so that it is as old as the timeout, and the timeout would feed itself.
    const u32 clock = timestamp_clock(now), age = clock - (ts_echo - c.ts_offset);
    if (age <= clock - c.resent_ts) c.rtt.sample(duration::from_ms(age == 0 ? 1 : age)), c.backoff = 0;
  }
  c.snd_una = ack;
  c.unanswered = 0;
  c.first_unacked = now;
  bool fin_acked = false;
  if (c.fin_sent) [[unlikely]] fin_acked = c.snd_una == c.snd_end + 1;
  if (fin_acked) [[unlikely]] --acked;
  c.bytes_acked += acked;
  // What is covered leaves the queue; a chunk that the NIC still holds goes back to the pool when that is done too.
  buffer::pool& chunks = below.chunks();
  while (buffer::descriptor* d = chunks.named(c.send_head)) {
    if (serial32{d->seq} + d->body_length > c.snd_una) [[unlikely]] {
      if (serial32{d->seq} < c.snd_una) d->done = static_cast<u16>(c.snd_una - serial32{d->seq});  // a stream field: it is folded in when it leaves again
      break;
    }
    c.send_head = d->queue;
    if (c.send_head == 0) c.send_tail = 0;
    vacate(c, *d);
    packet::adopt(*d, buffer::owner::send_queue).reset();
  }
  if (c.small_unacked && c.snd_una >= c.small_end) c.small_unacked = false;
  if (c.in_recovery) [[unlikely]] {
    if (c.snd_una >= c.recover) {  // RFC 6582 §3.2 (3), full acknowledgment
      c.in_recovery = false;
      c.duplicate_acks = 0;
      c.congestion.on_recovered(c.snd_nxt - c.snd_una, c.mss);
    } else {                       // partial: the next hole
      c.congestion.on_partial(acked, c.mss);
      retransmit_head(below, c, now);
    }
  } else {
    c.duplicate_acks = 0;
    if (c.in_loss) [[unlikely]] {
      if (c.resend < c.snd_una) c.resend = c.snd_una;
      if (c.snd_una >= c.recover) c.in_loss = false;
    }
    // Where the window is what stopped the last send loop, it was full, however many ACKs of the same batch have come since: nothing is sent between them.
    const bool was_full = c.limit == limited_by::congestion_window || (C::tso_deferral && c.limit == limited_by::deferral);
    u32 in_flight = flight;
    if (was_full) [[unlikely]] in_flight = c.congestion.cwnd();
    if (acked != 0) [[likely]] c.congestion.on_ack(acked, in_flight, c.mss);
  }
  below.confirm(c.way);
  disarm(c, retransmit_timer);                                          // RFC 6298 (5.2)
  if (ack != c.snd_nxt) [[unlikely]] restart_retransmit_timer(c, now);  // RFC 6298 (5.3)
  if (fin_acked) [[unlikely]] {
    if (c.state == state::closing) enter_time_wait(c);
    if (c.state == state::fin_wait_1) {
      c.state = state::fin_wait_2;
      if (c.detached) arm(c, linger_timer, now + linger_length);
    }  // and settle() ends LAST-ACK, as soon as the application has read what there is
  }
}

/// RFC 5681 §3.2, with the test of RFC 6582 §3.2 (2) that keeps one loss from being found twice.
template <config C> template <class B> void layer<C>::on_duplicate_ack(B&& below, connection& c, time_point now) {
  if (c.in_loss) return;
  if (c.duplicate_acks < 255) ++c.duplicate_acks;
  if (c.in_recovery) {
    c.congestion.on_duplicate(c.mss);
    return;
  }
  // Now, and not at the end of the turn: what the ACKs before it in the same batch let out, and a segment for itself (RFC 3042 §2), is outstanding when the third
  // one comes. Else FlightSize would be what one batch of ACKs left over.
  if (c.duplicate_acks < duplicate_threshold) return output(below, c, now);
  if (c.duplicate_acks != duplicate_threshold || !(c.snd_una > c.recover)) return;
  ++counters_.fast_retransmits;
  c.in_recovery = true;
  c.recover = c.snd_nxt;
  // RFC 5681 §3.2 (2): what limited transmit sent beyond cwnd does not count.
  const u32 flight = c.snd_nxt - c.snd_una, window = c.congestion.cwnd();
  c.congestion.on_recovery(smaller_of(flight, window), c.mss);
  retransmit_head(below, c, now);
  restart_retransmit_timer(c, now);
}

}  // namespace strata::inline STRATA_ABI::tcp
