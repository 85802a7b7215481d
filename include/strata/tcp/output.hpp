// SPDX-License-Identifier: MIT
// The way down: bytes into the send queue, segments out of it. RFC 9293 §3.7, §3.8, §3.10.2. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Appends to the tail chunk while it is unsent, has room and nobody below holds it; else takes a new one. How many bytes found room.
/// Linux: tcp_sendmsg_locked.
template <config C> template <class B> std::size_t layer<C>::append(B&& below, connection& c, std::span<const std::byte> bytes) {
  buffer::pool& chunks = below.chunks();
  std::size_t n = 0;
  below.observe({.what = trace::step::quota, .bytes = static_cast<u32>(bytes.size()), .connection = index_of(c) + 1});
  while (n < bytes.size()) {
    buffer::descriptor* d = c.send_next != 0 ? chunks.named(c.send_tail) : nullptr;
    if (d == nullptr || d->owners != packet::bit(buffer::owner::send_queue) || d->body_length >= c.mss || (d->marks & mark_sum_known) == 0) {
      if (c.send_count >= limits_.send_chunks) break;
      packet p = below.take();
      if (!p) {
        ++counters_.no_chunk;
        break;
      }
      p.restart(body_offset(below));
      p.become(buffer::owner::send_queue);
      buffer::descriptor& fresh = *p.detach();
      fresh.body = fresh.offset;
      fresh.seq = (c.snd_end).value;
      fresh.marks = mark_sum_known;
      const u32 name = chunks.name(fresh);
      below.observe({.what = trace::step::take_chunk, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
      if (buffer::descriptor* last = chunks.named(c.send_tail)) last->queue = name;
      else c.send_head = name;
      c.send_tail = name;
      if (c.send_next == 0) c.send_next = name;
      ++c.send_count;
      d = &fresh;
      below.observe({.what = trace::step::queue, .seq = fresh.seq, .chunk = name, .connection = index_of(c) + 1});
    }
    const u32 room = c.mss - d->body_length;
    const std::size_t left = bytes.size() - n;
    const u32 take = left < room ? static_cast<u32>(left) : room;
    const u32 sum = copy_and_sum(d->chunk + d->body + d->body_length, bytes.data() + n, take);
    d->sum = append_sum(fold(d->sum), sum, d->body_length);
    d->body_length = static_cast<u16>(d->body_length + take);
    c.snd_end += take;
    n += take;
    below.observe({.what = trace::step::append, .bytes = take, .seq = d->seq, .chunk = chunks.name(*d), .connection = index_of(c) + 1});
  }
  return n;
}

/// After a write: PSH on the last byte unless more follows, then the send loop. RFC 9293 §3.9.1.2. Linux: tcp_push.
template <config C> template <class B> void layer<C>::push(B&& below, connection& c, send_flags flags, time_point now) {
  c.more = flags.more;
  if (!flags.more)
    if (buffer::descriptor* last = below.chunks().named(c.send_tail)) last->marks = static_cast<u16>(last->marks | mark_push);
  below.observe({.what = trace::step::push, .bytes = c.snd_end - c.snd_nxt, .connection = index_of(c) + 1});
  output(below, c, now);
}

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
    if (c.snd_nxt == c.snd_una && now.since(c.last_sent) > rtt_estimator<tick>::least && now.since(c.last_sent) > c.rtt.rto()) c.congestion.on_idle(c.mss);
  }
  if (c.in_loss && c.resend < c.snd_nxt) {  // what was lost comes first: nothing new leaves before it
    c.limit = limited_by::congestion_window;
    return;
  }
  while (buffer::descriptor* d = chunks.named(c.send_next)) {
    u32 length = d->body_length;
    if (length > c.mss) {
      d = split(below, c, *d, c.mss);
      if (d == nullptr) { c.limit = limited_by::chunks; break; }
      length = c.mss;
    }
    const u32 in_flight = c.snd_nxt - c.snd_una;
    const u32 outstanding = pipe(c);
    // RFC 3042: the first two duplicate ACKs each let one new segment out.
    const u32 limited_transmit = !c.in_recovery && !c.in_loss && c.duplicate_acks < duplicate_threshold ? c.duplicate_acks * u32{c.mss} : 0;
    if (outstanding != 0 && outstanding + length > c.congestion.cwnd() + limited_transmit) { c.limit = limited_by::congestion_window; break; }
    const u32 usable = c.snd_wnd > in_flight ? c.snd_wnd - in_flight : 0;
    // RFC 9293 §3.8.6.2.1: a window smaller than a segment is used for the last bytes, or if it is half of the largest seen.
    if (usable < c.mss && c.snd_end - c.snd_nxt > usable && usable < c.snd_wnd_max / 2 && !overrides) {
      c.limit = limited_by::receive_window;
      break;
    }
    if (length > usable) {
      buffer::descriptor* part = usable == 0 ? nullptr : split(below, c, *d, usable);
      if (part == nullptr) {
        c.limit = limited_by::receive_window;
        break;
      }
      d = part;
      length = usable;
    }
    const bool is_last = d->queue == 0;
    if (length < c.mss && c.snd_end - c.snd_nxt < c.mss && !c.fin_queued) {  // RFC 9293 §3.7.4: less than a segment, in however many chunks
      const bool held_by_more = c.more;
      if (held_by_more || (!c.no_delay && !typename C::coalescing{}.may_send(in_flight != 0, c.small_unacked && c.snd_una < c.small_end))) {
        c.limit = limited_by::coalescing;
        break;
      }
    }
    const bool with_fin = is_last && c.fin_queued && length < usable;
    if (transmit(below, c, *d, with_fin, now) == sent::full) {
      c.limit = limited_by::ring;
      add_to_retry(c);
      break;
    }
    if (in_flight == 0) c.first_unacked = now;
    if (!c.rtt_timed) {
      c.rtt_timed = true;
      c.rtt_start = now;
      c.rtt_seq = c.snd_nxt;
    }
    c.snd_nxt += length;
    if (length < c.mss) c.small_unacked = true, c.small_end = c.snd_nxt;
    if (with_fin) c.fin_sent = true, ++c.snd_nxt;
    c.send_next = d->queue;
    if (c.in_loss) c.resend = c.snd_nxt;
    if (!is_armed(c, retransmit_timer)) restart_retransmit_timer(c, now);
    disarm(c, persist_timer);
  }
  if (c.fin_queued && !c.fin_sent && c.send_next == 0 && c.snd_una + c.snd_wnd > c.snd_nxt) send_fin(below, c, now);
  // RFC 9293 §3.8.6.1: a closed window is probed. The same timer ends what coalescing and silly window avoidance hold back with nothing in flight.
  const bool waits = c.send_next != 0 || (c.fin_queued && !c.fin_sent);
  if (waits && c.snd_nxt == c.snd_una && c.limit != limited_by::ring && !is_armed(c, persist_timer)) arm(c, persist_timer, now + backed_off(c.rtt.rto(), c.probes));
}

/// Cuts a chunk after the first `first` bytes that are not acknowledged; the shorter part is copied to a new chunk, PSH stays with the second part.
/// Returns the first part, or null if there is no chunk or somebody below still holds it. Linux: tso_fragment.
template <config C> template <class B> buffer::descriptor* layer<C>::split(B&& below, connection& c, buffer::descriptor& d, u32 first) {
  STRATA_EXPECTS(first != 0 && first + d.done < d.body_length);
  if (d.owners != packet::bit(buffer::owner::send_queue)) return nullptr;
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    return nullptr;
  }
  ++counters_.splits;
  buffer::pool& chunks = below.chunks();
  p.restart(body_offset(below));
  p.become(buffer::owner::send_queue);
  buffer::descriptor& fresh = *p.detach();
  fresh.body = fresh.offset;
  const u32 name = chunks.name(d), from = static_cast<u32>(d.done) + first, rest = d.body_length - from;
  const bool second_moves = rest <= first;
  if (second_moves) {
    copy_bytes(fresh.chunk + fresh.body, d.chunk + d.body + from, rest);
    fresh.seq = d.seq + from;
    fresh.body_length = static_cast<u16>(rest);
    fresh.marks = static_cast<u16>(d.marks & mark_push);
    fresh.queue = d.queue;
    d.queue = chunks.name(fresh);
    d.body_length = static_cast<u16>(from);
    d.marks = static_cast<u16>(d.marks & ~mark_push);
    if (c.send_tail == name) c.send_tail = d.queue;
  } else {
    copy_bytes(fresh.chunk + fresh.body, d.chunk + d.body + d.done, first);
    fresh.seq = d.seq + d.done;
    fresh.body_length = static_cast<u16>(first);
    fresh.queue = name;
    d.seq += from;
    d.body = static_cast<u16>(d.body + from);
    d.body_length = static_cast<u16>(rest);
    d.done = 0;
    const u32 fresh_name = chunks.name(fresh);
    if (c.send_head == name) {
      c.send_head = fresh_name;
    } else {
      buffer::descriptor* before = chunks.named(c.send_head);
      while (before->queue != name) before = chunks.named(before->queue);
      before->queue = fresh_name;
    }
    if (c.send_next == name) c.send_next = fresh_name;
  }
  for (buffer::descriptor* part : {&d, &fresh}) {
    part->sum = ones_sum({part->chunk + part->body, part->body_length});
    part->marks = static_cast<u16>(part->marks | mark_sum_known);
  }
  ++c.send_count;
  buffer::descriptor& front = second_moves ? d : fresh;
  below.observe({.what = trace::step::split, .bytes = first, .seq = front.seq, .chunk = chunks.name(front), .connection = index_of(c) + 1});
  return &front;
}

/// One chunk as one segment. The chunk stays in the send queue; what goes down is one more owner of the same bytes. Linux: tcp_transmit_skb.
template <config C> template <class B> sent layer<C>::transmit(B&& below, connection& c, buffer::descriptor& d, bool with_fin, time_point now) {
  if (d.owners != packet::bit(buffer::owner::send_queue)) return sent::full;  // the law of the frame: it is still below
  packet queue = packet::adopt(d, buffer::owner::send_queue);
  packet p = queue.share(buffer::owner::application);
  (void)queue.detach();
  const u32 length = static_cast<u32>(d.body_length) - d.done;
  p.restart(static_cast<u32>(d.body) + d.done);
  p.extend(length);
  const serial32 seq = serial32{d.seq} + d.done;
  u8 flags = wire::tcp::flag::ack;
  if ((d.marks & mark_push) != 0) flags |= wire::tcp::flag::psh;
  if (with_fin) flags |= wire::tcp::flag::fin;
  const u32 sum = (d.marks & mark_sum_known) != 0 && d.done == 0 ? d.sum : ones_sum(p.bytes());
  below.observe({.what = trace::step::clone, .bytes = length, .seq = d.seq, .chunk = below.chunks().name(d), .connection = index_of(c) + 1});
  emit_header(below, c, p, seq, flags, sum, now);
  const sent what = below.send(c.way, std::move(p), protocol);
  if (what != sent::full) {
    ++counters_.out_segments;
    c.last_sent = now;
    c.ack_pending = c.ack_now = false;  // it carried the ACK
    disarm(c, ack_timer);
  }
  return what;
}

/// The same bytes in another chunk: for a retransmission of what the NIC has not let go after a whole RTO.
template <config C> template <class B> sent layer<C>::transmit_copy(B&& below, connection& c, buffer::descriptor& d, time_point now) {
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    return sent::dropped;
  }
  const u32 length = static_cast<u32>(d.body_length) - d.done;
  p.restart(body_offset(below));
  const u32 sum = copy_and_sum(p.room().data(), d.chunk + d.body + d.done, length);
  p.extend(length);
  u8 flags = wire::tcp::flag::ack;
  if ((d.marks & mark_push) != 0) flags |= wire::tcp::flag::psh;
  if (d.queue == 0 && c.fin_sent) flags |= wire::tcp::flag::fin;
  ++counters_.retransmit_copies;
  emit_header(below, c, p, serial32{d.seq} + d.done, flags, sum, now);
  const sent what = below.send(c.way, std::move(p), protocol);
  if (what != sent::full) ++counters_.out_segments;
  return what;
}

/// The first unacknowledged segment again: RFC 6298 (5.4), RFC 5681 §3.2 (3), RFC 6582 §3.2 (3). Linux: tcp_retransmit_skb.
template <config C> template <class B> void layer<C>::retransmit_head(B&& below, connection& c, time_point now) {
  c.rtt_timed = false;  // Karn: RFC 6298 §3
  buffer::descriptor* d = below.chunks().named(c.send_head);
  if (d == nullptr || serial32{d->seq} >= c.snd_nxt) {
    if (c.fin_sent) (void)send_control(below, c, c.snd_end, wire::tcp::flag::fin | wire::tcp::flag::ack, now), ++counters_.retransmitted, ++c.retransmitted;
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
  }
  below.observe({.what = trace::step::retransmit, .bytes = length, .seq = d->seq + d->done, .chunk = below.chunks().name(*d), .connection = index_of(c) + 1});
  if (d->owners != packet::bit(buffer::owner::send_queue)) {  // Linux: skb_still_in_host_queue
    ++counters_.still_below;
    if ((d->marks & mark_waited_an_rto) == 0) {
      d->marks = static_cast<u16>(d->marks | mark_waited_an_rto);
      return;
    }
    if (transmit_copy(below, c, *d, now) != sent::full) ++counters_.retransmitted, ++c.retransmitted;
    return;
  }
  d->marks = static_cast<u16>(d->marks | mark_retransmitted);
  if (transmit(below, c, *d, d->queue == 0 && c.fin_sent, now) != sent::full) ++counters_.retransmitted, ++c.retransmitted;
}

/// After a timeout everything outstanding counts as lost and is sent again as the window opens: from `resend` up to snd_nxt.
template <config C> template <class B> void layer<C>::resend_lost(B&& below, connection& c, time_point now) {
  buffer::pool& chunks = below.chunks();
  if (c.resend < c.snd_una) c.resend = c.snd_una;
  if (c.resend >= c.snd_nxt) return;
  buffer::descriptor* d = chunks.named(c.send_head);
  while (d != nullptr && serial32{d->seq} + d->body_length <= c.resend) d = chunks.named(d->queue);
  for (; d != nullptr && serial32{d->seq} < c.snd_nxt; d = chunks.named(d->queue)) {
    const u32 whole = static_cast<u32>(d->body_length) - d->done, length = whole < c.mss ? whole : c.mss;
    if (c.resend - c.snd_una + length > c.congestion.cwnd() && c.resend != c.snd_una) return;
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
    d->marks = static_cast<u16>(d->marks | mark_retransmitted);
    if (transmit(below, c, *d, d->queue == 0 && c.fin_sent, now) == sent::full) {
      add_to_retry(c);
      return;
    }
    ++counters_.retransmitted, ++c.retransmitted;
    c.resend = serial32{d->seq} + d->body_length;
    if (d->queue == 0 && c.fin_sent) ++c.resend;
  }
  if (d == nullptr && c.fin_sent && c.resend == c.snd_end) {
    if (send_control(below, c, c.snd_end, wire::tcp::flag::fin | wire::tcp::flag::ack, now)) ++c.resend, ++counters_.retransmitted, ++c.retransmitted;
  }
}

/// Header and options in front of the payload; the checksum is folded from constants, the words that vary and the payload's sum.
/// Linux: tcp_v4_send_check.
template <config C> template <class B>
void layer<C>::emit_header(B&& below, connection& c, packet& p, serial32 seq, u8 flags, u32 payload_sum, time_point now) {
  const u32 length = static_cast<u32>(p.size());
  const u32 header_length = 20 + (timestamps && c.has_timestamps ? option_room : 0);
  std::byte* const at = p.push(header_length);
  const u16 window = advertise(c);
  const u32 control = header_length << 26 | static_cast<u32>(flags) << 16 | window;
  u32 sum = c.header_sum + header_length + length + (seq.value >> 16) + (seq.value & 0xffff) + (c.rcv_nxt.value >> 16) + (c.rcv_nxt.value & 0xffff) +
            (control >> 16) + (control & 0xffff) + fold(payload_sum);
  store_be<u32>(at, static_cast<u32>(c.local_port) << 16 | c.remote_port);
  store_be<u32>(at + 4, seq.value);
  store_be<u32>(at + 8, c.rcv_nxt.value);
  store_be<u32>(at + 12, control);
  if (timestamps && c.has_timestamps) {
    const u32 value = timestamp_clock(now) + c.ts_offset, echo = c.ts_recent.value;
    (void)wire::tcp_options::emit_timestamps(at + 20, value, echo);
    sum += 0x0101 + 0x080a + (value >> 16) + (value & 0xffff) + (echo >> 16) + (echo & 0xffff);
  }
  store_be<u16>(at + 16, static_cast<u16>(~fold(sum)));
  store_be<u16>(at + 18, 0);
  p->transport = p->offset;
  below.observe({.what = trace::step::tcp_header, .bytes = header_length + length, .seq = seq.value, .ack = c.rcv_nxt.value, .chunk = below.chunks().name(p.d()), .connection = index_of(c) + 1});
  below.observe({.what = trace::step::tcp_checksum, .bytes = header_length + length, .seq = seq.value, .ack = c.rcv_nxt.value, .chunk = below.chunks().name(p.d()), .connection = index_of(c) + 1});
}

/// A segment without data: ACK, FIN, a probe. False if it could not leave; what it owes stays owed.
template <config C> template <class B> bool layer<C>::send_control(B&& below, connection& c, serial32 seq, u8 flags, time_point now) {
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    add_to_retry(c);
    return false;
  }
  p.restart(body_offset(below));
  emit_header(below, c, p, seq, flags, 0, now);
  below.observe({.what = trace::step::ack_sent, .seq = seq.value, .ack = c.rcv_nxt.value, .connection = index_of(c) + 1});
  if (below.send(c.way, std::move(p), protocol) == sent::full) {
    add_to_retry(c);
    return false;
  }
  ++counters_.out_segments;
  c.ack_pending = c.ack_now = false;
  disarm(c, ack_timer);
  return true;
}

/// FIN by itself: the data that it follows is sent already.
template <config C> template <class B> void layer<C>::send_fin(B&& below, connection& c, time_point now) {
  if (!send_control(below, c, c.snd_nxt, wire::tcp::flag::fin | wire::tcp::flag::ack, now)) {
    add_to_retry(c);
    return;
  }
  if (c.snd_nxt == c.snd_una) c.first_unacked = now;
  c.fin_sent = true;
  ++c.snd_nxt;
  if (c.in_loss) c.resend = c.snd_nxt;
  c.last_sent = now;
  if (!is_armed(c, retransmit_timer)) restart_retransmit_timer(c, now);
  disarm(c, persist_timer);
}

/// SYN, or SYN-ACK of a simultaneous open. RFC 9293 §3.5, RFC 7323 §2.2, §3.2.
template <config C> template <class B> void layer<C>::send_syn(B&& below, connection& c, time_point now) {
  const bool answers = c.state == state::syn_received;
  wire::tcp_options o{};
  o.mss = static_cast<u16>(segment_limit(below, c.way));
  o.has_window_scale = !answers || c.rcv_shift != 0 || c.snd_shift != 0;
  o.window_scale = receive_shift;
  o.has_timestamps = timestamps && (!answers || c.has_timestamps);
  o.ts_value = timestamp_clock(now) + c.ts_offset;
  o.ts_echo = answers ? c.ts_recent.value : 0;
  const u32 window = receive_window(c) < 65535 ? receive_window(c) : 65535;  // never scaled in a SYN (RFC 7323 §2.2)
  if (answers) c.rcv_adv = c.rcv_nxt + window;
  if (!c.rtt_timed && c.backoff == 0) c.rtt_timed = true, c.rtt_start = now, c.rtt_seq = c.iss;
  const u8 flags = answers ? wire::tcp::flag::syn | wire::tcp::flag::ack : wire::tcp::flag::syn;
  (void)send_bare(below, c.way, c.local_port, c.remote_port, c.iss, answers ? c.rcv_nxt : serial32{}, flags, static_cast<u16>(window), o);
  c.last_sent = now;
}

template <config C> template <class B> void layer<C>::send_reset(B&& below, connection& c, time_point now) {
  ++counters_.out_resets;
  wire::tcp_options o{};
  o.has_timestamps = timestamps && c.has_timestamps;  // RFC 7323 §3.2: SHOULD
  o.ts_value = timestamp_clock(now) + c.ts_offset;
  o.ts_echo = c.ts_recent.value;
  (void)send_bare(below, c.way, c.local_port, c.remote_port, c.snd_nxt, c.rcv_nxt, wire::tcp::flag::rst | wire::tcp::flag::ack, 0, o);
}

/// A reset for a segment that belongs to nobody: RFC 9293 §3.10.7.1.
template <config C> template <class B> void layer<C>::refuse(B&& below, const info_type& info, const wire::tcp& header, const segment& s) {
  if (s.has(wire::tcp::flag::rst)) return;
  path way{};
  way.local = info.local;
  way.remote = info.remote;
  if (!below.route(way)) return;
  ++counters_.out_resets;
  if (s.has(wire::tcp::flag::ack)) (void)send_bare(below, way, header.destination, header.source, s.ack, {}, wire::tcp::flag::rst, 0, {});
  else (void)send_bare(below, way, header.destination, header.source, {}, s.seq + s.span(), wire::tcp::flag::rst | wire::tcp::flag::ack, 0, {});
}

template <config C> template <class B>
bool layer<C>::send_bare(B&& below, path& way, u16 from, u16 to, serial32 seq, serial32 ack, u8 flags, u16 window, const wire::tcp_options& options) {
  packet p = below.take();
  if (!p) {
    ++counters_.no_chunk;
    return false;
  }
  const u32 size = 20 + static_cast<u32>(options.size());
  p.restart(below.headroom() + header_size);
  std::byte* const at = p.push(size);
  wire::tcp header{};
  header.source = from;
  header.destination = to;
  header.seq = seq.value;
  header.ack = ack.value;
  header.header_length = static_cast<u8>(size);
  header.flags = flags;
  header.window = window;
  header.emit(at);
  (void)options.emit(at + 20);
  store_be<u16>(at + 16, static_cast<u16>(~fold(pseudo_header_sum(way.local, way.remote, protocol, size) + ones_sum(p.bytes()))));
  p->transport = p->offset;
  if (below.send(way, std::move(p), protocol) == sent::full) {
    ++counters_.ring_full;
    return false;
  }
  ++counters_.out_segments;
  return true;
}

}  // namespace strata::inline STRATA_ABI::tcp
