// SPDX-License-Identifier: MIT
// Segments as they leave: header and checksum of a connection's own, and those without data: ACK, SYN, FIN, RST. RFC 9293 §3.1, §3.10.7.1.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// What a 32-bit word adds to a checksum: where sums have 64 bits the word itself, since 2^16 is 1 in one's complement (RFC 1071 §2 (C)).
template <config C> constexpr auto layer<C>::words_of(u32 word) -> sum_type {
  if constexpr (sizeof(sum_type) == 8) return word;
  else return (word >> 16) + (word & 0xffff);
}

/// Header and options in front of the payload; the checksum is folded from constants, the words that vary and the payload's sum.
/// Linux: tcp_v4_send_check.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline void layer<C>::emit_header(B&& below, connection& c, packet& p, serial32 seq, u8 flags, u32 payload_sum, time_point now) {
  const u32 length = static_cast<u32>(p.size());
  const u32 header_length = 20 + (timestamps && c.has_timestamps ? option_room : 0);
  std::byte* const at = p.push(header_length);
  p->transport = p->offset;
  const u16 window = advertise(c);
  const u32 rcv_nxt = c.rcv_nxt.value;  // once: what is written to the header could be anything, for all that a compiler knows
  const u32 control = header_length << 26 | static_cast<u32>(flags) << 16 | window;
  sum_type sum = sum_type{c.header_sum} + header_length + length + words_of(seq.value) + words_of(rcv_nxt) + words_of(control) + payload_sum;
  // Two by two: of four words side by side a compiler makes a vector, which takes longer.
  store_be<u64>(at, u64{c.local_port} << 48 | u64{c.remote_port} << 32 | seq.value);
  store_be<u64>(at + 8, u64{rcv_nxt} << 32 | control);
  if (timestamps && c.has_timestamps) {
    const u32 value = timestamp_clock(now) + c.ts_offset, echo = c.ts_recent.value;
    (void)wire::tcp_options::emit_timestamps(at + 20, value, echo);
    sum += 0x0101 + 0x080a + words_of(value) + words_of(echo);
  }
  if (buffer::leaves_checksum(below, c.way.link)) [[unlikely]] buffer::leave_checksum(p, at + 16, c.header_sum - c.local_port - c.remote_port + header_length + length, false);
  else store_be<u16>(at + 16, static_cast<u16>(~fold(sum))), buffer::keep_checksum(below, p);
  store_be<u16>(at + 18, 0);
  below.observe({.what = trace::step::tcp_header, .bytes = header_length + length, .seq = seq.value, .ack = c.rcv_nxt.value, .chunk = below.chunks().name(p.d()), .connection = index_of(c) + 1});
  below.observe({.what = trace::step::tcp_checksum, .bytes = header_length + length, .seq = seq.value, .ack = c.rcv_nxt.value, .chunk = below.chunks().name(p.d()), .connection = index_of(c) + 1});
}

/// A chunk for what makes others free or must not starve: an ACK, a FIN, a SYN, the front of a segment that is longer than the window. It may be one of
/// those that are kept for receiving, down to half of them: where each side's chunks wait for the other one's ACK, nobody would ever let go.
template <config C> template <class B> packet layer<C>::take_of_reserve(B&& below) {
  packet p = below.take();
  if (!p) p = below.chunks().take(body_offset(below), limits_.receive_reserve / 2);
  return p;
}

/// A segment without data: ACK, FIN, a probe. False if it could not leave; what it owes stays owed.
template <config C> template <class B> bool layer<C>::send_control(B&& below, connection& c, serial32 seq, u8 flags, time_point now) {
  packet p = take_of_reserve(below);
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
  if (!send_control(below, c, c.snd_nxt, wire::tcp::flag::fin | wire::tcp::flag::ack, now)) return;  // it is tried again
  if (c.snd_nxt == c.snd_una) c.first_unacked = now;
  c.fin_sent = true;
  ++c.snd_nxt;
  if (c.in_loss) c.resend = c.snd_nxt;
  if (!is_armed(c, retransmit_timer)) restart_retransmit_timer(c, now);
  disarm(c, persist_timer);
}

/// The timestamps option of a segment without data, where both sides have them. RFC 7323 §3.2.
template <config C> void layer<C>::stamp(tcp_options& o, bool has, u32 offset, u32 echo, time_point now) const {
  if constexpr (timestamps) {
    o.has_timestamps = has;
    o.ts_value = timestamp_clock(now) + offset;
    o.ts_echo = echo;
  }
}

/// The window of a SYN or SYN-ACK, never scaled (RFC 7323 §2.2). Where what follows is scaled it is whole units of that scale: an ACK between two of them
/// promises the same edge, which may not move left (RFC 9293 §3.8.6).
template <config C> constexpr u32 layer<C>::unscaled_window(u32 n, bool is_scaled_later) {
  if (n > 65535) n = 65535;
  if constexpr (receive_shift != 0)
    if (is_scaled_later) n &= ~u32{(1u << receive_shift) - 1};
  return n;
}

/// SYN, or SYN-ACK of a simultaneous open. RFC 9293 §3.5, RFC 7323 §2.2, §3.2.
template <config C> template <class B> void layer<C>::send_syn(B&& below, connection& c, time_point now) {
  const bool answers = c.state == state::syn_received;
  bare_segment s;
  tcp_options& o = s.options;
  o.mss = offered_mss(below, c.way);
  o.has_window_scale = !answers || c.rcv_shift != 0 || c.snd_shift != 0;
  o.window_scale = receive_shift;
  stamp(o, !answers || c.has_timestamps, c.ts_offset, answers ? c.ts_recent.value : 0, now);
  const u32 window = unscaled_window(receive_window(c), answers && c.rcv_shift != 0);
  if (answers) c.rcv_adv = c.rcv_nxt + window;
  if (!c.rtt_timed && c.backoff == 0) c.rtt_timed = true, c.rtt_start = now, c.rtt_seq = c.iss;
  s.header.source = c.local_port;
  s.header.destination = c.remote_port;
  s.header.seq = c.iss.value;
  s.header.ack = answers ? c.rcv_nxt.value : 0;
  s.header.flags = answers ? wire::tcp::flag::syn | wire::tcp::flag::ack : wire::tcp::flag::syn;
  s.header.window = static_cast<u16>(window);
  (void)send_bare(below, c.way, s);
  c.last_sent = now;
  c.resent_ts = timestamp_clock(now);
}

template <config C> template <class B> void layer<C>::send_reset(B&& below, connection& c, time_point now) {
  ++counters_.out_resets;
  bare_segment s;
  s.header.source = c.local_port;
  s.header.destination = c.remote_port;
  s.header.seq = c.snd_nxt.value;
  s.header.ack = c.rcv_nxt.value;
  s.header.flags = wire::tcp::flag::rst | wire::tcp::flag::ack;
  stamp(s.options, c.has_timestamps, c.ts_offset, c.ts_recent.value, now);  // RFC 7323 §3.2: SHOULD
  (void)send_bare(below, c.way, s);
}

/// A reset for a segment that belongs to nobody: RFC 9293 §3.10.7.1.
template <config C> template <class B> void layer<C>::refuse(B&& below, const pair& who, const segment& s) {
  if (s.has(wire::tcp::flag::rst)) return;
  bare_segment answer;
  answer.header.flags = wire::tcp::flag::rst;
  if (s.has(wire::tcp::flag::ack)) {
    answer.header.seq = s.ack.value;
  } else {
    answer.header.ack = (s.seq + s.span()).value;
    answer.header.flags = wire::tcp::flag::rst | wire::tcp::flag::ack;
  }
  if (send_bare(below, who, answer)) ++counters_.out_resets;
}

template <config C> template <class B>
bool layer<C>::send_bare(B&& below, path& way, bare_segment& s) {
  // What the application opens may have half of the chunks that are kept for receiving, as ACKs do; the answer to a peer's SYN a quarter, so that new peers are
  // turned away after data out of order is, and never take what ACKs need; and who belongs to nobody gets none of them.
  const bool is_syn = (s.header.flags & wire::tcp::flag::syn) != 0;
  packet p = below.take();
  if (!p && is_syn) p = below.chunks().take(body_offset(below), limits_.receive_reserve / 2 + ((s.header.flags & wire::tcp::flag::ack) != 0 ? limits_.receive_reserve / 4 : 0));
  if (!p) {
    ++counters_.no_chunk;
    return false;
  }
  const u32 size = 20 + static_cast<u32>(s.options.size());
  p.restart(below.headroom() + header_size);
  std::byte* const at = p.push(size);
  s.header.header_length = static_cast<u8>(size);
  s.header.emit(at);
  (void)s.options.emit(at + 20);
  const u32 pseudo = pseudo_header_sum(way.local, way.remote, protocol, size);
  if (buffer::leaves_checksum(below, way.link)) buffer::leave_checksum(p, at + 16, pseudo, false);
  else store_be<u16>(at + 16, static_cast<u16>(~fold(pseudo + ones_sum(p.bytes()))));
  p->transport = p->offset;
  for (const trace::step what : {trace::step::tcp_header, trace::step::tcp_checksum})
    below.observe({.what = what, .bytes = size, .seq = s.header.seq, .ack = s.header.ack, .chunk = below.chunks().name(p.d())});
  if (send_seldom(below, way, p) == sent::full) {
    ++counters_.ring_full;
    return false;
  }
  ++counters_.out_segments;
  return true;
}
/// The same for somebody who keeps no path; nothing, if there is no way.
template <config C> template <class B> bool layer<C>::send_bare(B&& below, const pair& who, bare_segment& s) {
  path way{};
  way.local = who.local;
  way.remote = who.remote;
  if (!below.route(way)) return false;
  s.header.source = who.local_port;
  s.header.destination = who.remote_port;
  return send_bare(below, way, s);
}

}  // namespace strata::inline STRATA_ABI::tcp
