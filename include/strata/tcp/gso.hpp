// SPDX-License-Identifier: MIT
// Trains: the send loop's segments leave together, behind one header. Each passes the same predicates as without, and the train ends where the header of the
// next one would differ in more than its sequence number: so the frames on the wire are the same. Linux: GSO, tcp_tso_should_defer. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// The next segment of the loop, which leaves at once or when its train is complete. `full`: nothing of the train has left, and all is as before it.
template <config C> template <class B>
sent layer<C>::join(B&& below, connection& c, buffer::descriptor& d, bool with_fin, time_point now, train_to_be& t) requires(has_trains) {
  if (d.owners != packet::bit(buffer::owner::send_queue)) return sent::full;  // the law of the frame: it is still below
  if (t.parts == 0) {
    t.head = &d;
    t.bytes = 0;
    t.most = train_bytes(below, c);
    t.before = {c.snd_nxt, c.resend, c.small_end, c.send_next, c.armed, c.rtt_timed, c.small_unacked, c.fin_sent};
  }
  ++t.parts;
  t.bytes += d.body_length;
  t.with_fin = with_fin;
  note_sent(c, d, with_fin, now);
  const buffer::descriptor* next = below.chunks().named(d.queue);
  const bool goes_on = d.body_length == c.mss && (d.marks & mark_push) == 0 && next != nullptr && next->body_length <= c.mss && t.bytes + next->body_length <= t.most && t.parts < buffer::most_train_parts &&
                       next->owners == packet::bit(buffer::owner::send_queue);
  return goes_on ? sent::sent : depart(below, c, now, t);
}

/// How long a train may be. A paced one is a millisecond's worth, and two segments at least. Linux: tcp_tso_autosize.
template <config C> template <class B> u32 layer<C>::train_bytes(B&& below, const connection& c) requires(has_trains) {
  u32 most = below.train_limit(std::as_const(c.way));
  if constexpr (C::pacing::is_paced) {
    const u64 rate = pacing_rate(c), burst = larger_of(rate / 1024, 2 * u64{c.mss});
    if (rate != 0 && burst < most) most = static_cast<u32>(burst);
  }
  if constexpr (C::small_queue != 0) most = smaller_of(small_queue_limit(c), most);
  return most;
}

/// What was put together leaves.
template <config C> template <class B> sent layer<C>::depart(B&& below, connection& c, time_point now, train_to_be& t) requires(has_trains) {
  const u32 parts = std::exchange(t.parts, 0);
  const sent what = parts == 1 ? transmit(below, c, *t.head, t.with_fin, now) : transmit_train(below, c, *t.head, parts, t.with_fin, now);
  if (what == sent::full) {
    const auto& b = t.before;
    c.snd_nxt = b.snd_nxt, c.resend = b.resend, c.small_end = b.small_end, c.send_next = b.send_next, c.armed = b.armed;
    c.rtt_timed = b.rtt_timed, c.small_unacked = b.small_unacked, c.fin_sent = b.fin_sent;
  }
  return what;
}

/// `parts` chunks of the send queue from `head` on, of which all but the last are full. Linux: tcp_transmit_skb of a GSO packet.
template <config C> template <class B>
sent layer<C>::transmit_train(B&& below, connection& c, buffer::descriptor& head, u32 parts, bool with_fin, time_point now) requires(has_trains) {
  buffer::pool& chunks = below.chunks();
  const bool leaves_sum = buffer::leaves_checksum(below, c.way.link);
  const auto clone = [&](buffer::descriptor& d) {
    packet queue = packet::adopt(d, buffer::owner::send_queue);
    packet p = queue.share(buffer::owner::application);
    (void)queue.detach();
    p.restart(d.body);
    p.extend(d.body_length);
    if (!leaves_sum && (d.marks & (mark_sum_known | mark_sum_left)) != mark_sum_known) d.sum = ones_sum(p.bytes()), d.marks = static_cast<u16>((d.marks & ~mark_sum_left) | mark_sum_known);
    return p;
  };
  packet p = clone(head);
  buffer::descriptor* last = &head;
  for (u32 n = 1; n < parts; ++n) {
    buffer::descriptor* const next = chunks.named(last->queue);
    buffer::couple(*last, clone(*next));
    last = next;
  }
  const u32 bytes = buffer::train_bytes(head);
  below.observe({.what = trace::step::clone, .bytes = bytes, .seq = head.seq, .chunk = chunks.name(head), .connection = index_of(c) + 1});
  const u8 flags = static_cast<u8>(wire::tcp::flag::ack | (last->marks & mark_push) << 2 | (with_fin ? wire::tcp::flag::fin : 0));
  emit_header(below, c, p, serial32{head.seq}, flags, head.sum, now);
  const sent what = below.send(c.way, std::move(p), protocol);
  if (what != sent::sent) {  // the parts were nobody else's
    packet first = packet::adopt(head, buffer::owner::application);
    buffer::drop_parts(first);
    (void)first.detach();
  }
  if (what != sent::full) {
    ++counters_.out_trains;
    left_with_ack(c, parts, bytes, now);
  }
  return what;
}

/// Whether it pays to wait: cwnd or the peer's window lets less than a third of itself out, there is more to send, and the ACK that opens it is near.
/// Linux: tcp_tso_should_defer.
template <config C> bool layer<C>::should_defer(const connection& c, u32 usable, u32 most, time_point now) requires(C::tso_deferral) {
  if (c.snd_nxt == c.snd_una || c.in_recovery || c.in_loss || c.fin_queued) return false;
  if (now.since(c.last_sent) > duration::ms(1)) return false;  // bursts stay short
  const u32 cwnd = c.congestion.cwnd(), outstanding = pipe(c), open = excess_of(cwnd, outstanding);
  const u32 room = smaller_of(open, usable), all = smaller_of(c.snd_wnd, cwnd);
  if (room >= most || room >= c.snd_end - c.snd_nxt || room >= all / 3) return false;
  // The oldest outstanding segment is the one that is being timed, or an older one, whose ACK is nearer.
  return !c.rtt_timed || c.snd_una < c.rtt_seq || now.since(c.rtt_start) >= duration{static_cast<typename tick::rep>(c.rtt.srtt().count / 2)};
}

}  // namespace strata::inline STRATA_ABI::tcp
