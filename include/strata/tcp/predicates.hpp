// SPDX-License-Identifier: MIT
// What the send loop asks before each segment. A predicate that says no stops the loop, is what info().limit says, and is counted. RFC 9293 §3.7.4, §3.8.6,
// RFC 5681 §3.1, RFC 3042. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// RFC 5681 §3.1: what is outstanding stays within cwnd; one segment may always be. Linux: tcp_cwnd_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::fits_cwnd(const connection& c, u32 length) {
  const u32 outstanding = pipe(c), cwnd = c.congestion.cwnd();
  if (outstanding == 0 || outstanding + length <= cwnd) return true;
  // RFC 3042: the first two duplicate ACKs each let one new segment out.
  return !c.in_recovery && !c.in_loss && c.duplicate_acks < duplicate_threshold && outstanding + length <= cwnd + c.duplicate_acks * u32{c.mss};
}

/// RFC 9293 §3.8.6.2.1: a window smaller than a segment is used for the last bytes, or if it is half of the largest seen. Linux: tcp_snd_wnd_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::fits_window(const connection& c, u32 usable) {
  return usable >= c.mss || c.snd_end - c.snd_nxt <= usable || usable >= c.snd_wnd_max / 2;
}

/// RFC 9293 §3.7.4: less than a segment, in however many chunks, waits for `more`, or while the coalescing policy says so. Linux: tcp_nagle_test.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::may_leave(const connection& c, u32 length) {
  if (length >= c.mss || c.snd_end - c.snd_nxt >= c.mss || c.fin_queued) return true;
  if (c.more) return false;
  return c.no_delay || typename C::coalescing{}.may_send(c.snd_nxt != c.snd_una, c.small_unacked);
}

/// All of them at once for the usual write: one segment, the only one that is unsent, of an open connection without troubles. False says nothing: the send loop
/// asks one after the other. Linux: tcp_push_one.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::is_unstopped(const connection& c, u32 length, time_point now) {
  const u32 in_flight = c.snd_nxt - c.snd_una;
  if (c.state != state::established || c.has_any({.detached = true, .in_loss = true, .fin_queued = true}) || length > c.mss) [[unlikely]] return false;
  if (in_flight + length > c.congestion.cwnd() || in_flight + length > c.snd_wnd) [[unlikely]] return false;
  if (in_flight == 0) [[likely]] {
    if (now.since(c.last_sent) > rtt_estimator<tick>::least) [[unlikely]] return false;  // the window may start again
  }
  return c.no_delay || typename C::coalescing{}.may_send(in_flight != 0, c.small_unacked);
}

/// Whether a write of `bytes` is one segment in one chunk, before which nothing waits and which nothing stops. False says nothing.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline bool layer<C>::is_usual_write(B&& below, const connection& c, std::size_t bytes, send_flags flags, time_point now) const {
  if (c.send_next != 0 || bytes == 0 || bytes > c.mss || bytes > chunk_limit(below) || flags.more || c.corked || is_held(c)) [[unlikely]] return false;
  return is_unstopped(c, static_cast<u32>(bytes), now);
}

/// Whether the time of the next segment has not come: the pacing timer wakes the connection. Linux: tcp_pacing_check.
template <config C> bool layer<C>::must_wait(const connection& c, time_point now) requires(C::pacing::is_paced) {
  return is_armed(c, pacing_timer) && !now.reached(c.deadline[pacing_timer]);
}
/// Bytes per second; zero: no rate is known yet. Linux: tcp_update_pacing_rate.
template <config C> u64 layer<C>::pacing_rate(const connection& c) requires(C::pacing::is_paced) {
  u64 rate = 0;
  if constexpr (states_its_rate<typename C::congestion_control>) rate = c.congestion.pacing_rate();
  const u32 cwnd = c.congestion.cwnd();
  if (rate == 0) rate = c.pace.rate_of(cwnd, cwnd < c.congestion.ssthresh() / 2 ? C::pacing::slow_start_percent : C::pacing::avoidance_percent, c.rtt.srtt());
  return c.pace.limited(rate);
}
/// `bytes` left now: when the next may. Linux: tcp_update_skb_after_send.
template <config C> void layer<C>::charge(connection& c, u32 segments, u32 bytes, time_point now) requires(C::pacing::is_paced) {
  if (c.pace.free < C::pacing::free_segments && c.pace.most == 0) {
    const u32 left = C::pacing::free_segments - c.pace.free;
    c.pace.free = static_cast<u8>(c.pace.free + smaller_of(segments, left));
    return;
  }
  const u64 rate = pacing_rate(c);
  if (rate == 0) return;
  duration credit = c.pace.credit;
  if (is_armed(c, pacing_timer)) credit = now.reached(c.deadline[pacing_timer]) ? now.since(c.deadline[pacing_timer]) : duration{};
  if (credit > c.pace.most_credit) credit = c.pace.most_credit;
  c.pace.credit = {};
  const time_point from = is_armed(c, pacing_timer) && !now.reached(c.deadline[pacing_timer]) ? c.deadline[pacing_timer] : now;
  const duration span = c.pace.span_of(bytes, rate);
  if (credit < span) arm(c, pacing_timer, from + duration{static_cast<typename tick::rep>(span.count - credit.count)});
  else disarm(c, pacing_timer), c.pace.credit = duration{static_cast<typename tick::rep>(credit.count - span.count)};
}

/// Bytes of this connection that qdisc and NIC hold. Linux: sk_wmem_alloc.
template <config C> u32 layer<C>::bytes_below(const buffer::pool& chunks, const connection& c) requires(C::small_queue != 0) {
  u32 n = 0;
  for (u32 name = c.send_head; name != 0 && name != c.send_next;) {
    const buffer::descriptor& d = *chunks.named(name);
    if ((d.owners & (packet::bit(buffer::owner::qdisc) | packet::bit(buffer::owner::nic))) != 0) n += d.body_length;
    name = d.queue;
  }
  return n;
}
/// A millisecond's worth where the rate is known, two segments at least, small_queue at most. Linux: tcp_small_queue_check.
template <config C> u32 layer<C>::small_queue_limit(const connection& c) requires(C::small_queue != 0) {
  u64 limit = C::small_queue;
  if constexpr (C::pacing::is_paced) {
    if (const u64 rate = pacing_rate(c); rate != 0 && rate / 1024 < limit) limit = rate / 1024;
  }
  const u32 least = 2 * u32{c.mss};
  return static_cast<u32>(larger_of(limit, least));
}

/// Whether a small segment waits since the one before it has not left the machine. Linux: tcp_should_autocork.
template <config C> STRATA_ALWAYS_INLINE inline bool layer<C>::awaits_completion(buffer::pool& chunks, const connection& c) requires corks_itself<typename C::coalescing> {
  if (c.snd_end - c.snd_nxt >= c.mss || c.fin_queued || c.snd_nxt == c.snd_una) return false;
  // While something is unacknowledged the last one sent is in the send queue.
  const buffer::descriptor* d = chunks.named(c.last_down.name);
  return d != nullptr && d->owners != packet::bit(buffer::owner::send_queue);
}
/// The next turn looks for the completion, after a millisecond at the latest: no event tells of one.
template <config C> void layer<C>::wait_for_completion(connection& c, time_point now) requires corks_itself<typename C::coalescing> {
  if (!is_armed(c, completion_timer)) arm(c, completion_timer, now + duration::ms(1));
  if (c.last_down.waits) return;
  c.last_down.waits = true;
  c.last_down.next = std::exchange(corked_.head, index_of(c) + 1);
}
/// Once in a turn: those that need not wait any longer have something to do in it.
template <config C> template <class B> void layer<C>::look_for_completions(B&& below) requires corks_itself<typename C::coalescing> {
  corked_.was_looked_at = true;
  for (u32 at = std::exchange(corked_.head, 0); at != 0;) {
    const u32 name = at;
    connection& c = element(tcbs_, name - 1);
    at = c.last_down.next;
    c.last_down.waits = c.state != state::closed && c.send_next != 0 && awaits_completion(below.chunks(), c);
    if (c.last_down.waits) c.last_down.next = std::exchange(corked_.head, name);
    else if (c.state != state::closed) add_to_turn(c);
  }
}
/// A control block that will be another connection's is on no list.
template <config C> void layer<C>::forget_buried() requires corks_itself<typename C::coalescing> {
  for (u32 at = std::exchange(corked_.head, 0); at != 0;) {
    const u32 name = at;
    connection& c = element(tcbs_, name - 1);
    at = c.last_down.next;
    c.last_down.waits = !c.is_buried;
    if (c.last_down.waits) c.last_down.next = std::exchange(corked_.head, name);
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
