// SPDX-License-Identifier: MIT
// Segments, in the order of RFC 9293 §3.10.7. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// From the network: checks what every segment must pass and finds whose it is. Linux: tcp_v4_rcv.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline std::optional<stream_events> layer<C>::on_datagram(B&& below, const info_type& info, packet& p, time_point now) {
  ++counters_.in_segments;
  if (info.is_broadcast) [[unlikely]] {  // RFC 9293 §3.9.2.3
    ++counters_.in_broadcast;
    return {};
  }
  const auto bytes = p.bytes();
  const u32 size = static_cast<u32>(buffer::received_bytes<B>(p));
  wire::tcp header;
  if (!wire::tcp::read(bytes, header)) [[unlikely]] {
    ++counters_.in_errors;
    return {};
  }
  const u32 pseudo = pseudo_header_sum(info.local, info.remote, protocol, size);
  if (!buffer::checksum_is_good<B>(p, header.checksum, pseudo, [&]() STRATA_INLINE_LAMBDA {
        if constexpr (buffer::may_be_trains<B>)
          if (buffer::is_train(p.d())) return fold(buffer::train_sum(p.d()) + pseudo) == 0xffff;
        return checksum_is_valid(bytes, pseudo);
      })) [[unlikely]] {
    ++counters_.in_checksum_errors;
    return {};
  }
  // The connection of the segment before is looked at first: trains of segments need no hash.
  connection* c = nullptr;
  if (recent_ == 0 || !is_between(*(c = &element(tcbs_, recent_ - 1)), info, header)) [[unlikely]] {
    find_recent(info.local, header.destination, info.remote, header.source);
    c = recent();
  }
  below.observe({.what = trace::step::lookup, .bytes = size, .seq = header.seq, .ack = header.ack, .connection = recent_});
  if constexpr (is_shared<C>) {
    if (c != nullptr && is_held(*c)) {
      put_in_backlog(below, *c, p);
      return {};
    }
  }
  if constexpr (C::gro) {
    if (join(below, info, header, p, size, now)) return {};
    c = recent();  // which what waited may have ended
  }
  if constexpr (buffer::may_be_trains<B>) {
    if (buffer::is_joined(p.d())) {
      on_train(below, info, header, p, size, now);
      return {};
    }
  }
  on_found(below, c, info, header, p, size, now);
  return {};
}

/// One segment; `recent_` is its connection, or zero, and `c` that connection.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline void layer<C>::on_found(B&& below, connection* c, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now) {
  if constexpr (C::header_prediction) {
    if (c != nullptr && is_expected(*c, header, p.bytes(), size)) [[likely]] {
      on_expected(below, *c, p, header, size, now);
      return;
    }
    const info_type info_again = info;  // a copy, so that what the usual segment looks at stays in registers
    on_unexpected(below, info_again, p, now);
  } else {
    (void)c, on_other(below, info, header, p, now);
  }
}

/// Looks an open connection up in the table, as `recent_`; zero if there is none.
template <config C> STRATA_OFF_PATH void layer<C>::find_recent(address local, u16 local_port, address remote, u16 remote_port) {
  const auto found = lookup({local, remote, local_port, remote_port});
  recent_ = found && static_cast<kind>(*found >> 30) == kind::connection ? *found + 1 : 0;
}

/// Header prediction: whether a segment of an open connection without troubles brings just the next data, or news for the sender, so that all checks of
/// RFC 9293 §3.10.7.4 are passed by one look each. Linux: tcp_rcv_established.
template <config C>
STRATA_ALWAYS_INLINE inline bool layer<C>::is_expected(const connection& c, const wire::tcp& header, std::span<const std::byte> bytes, u32 size) const {
  const serial32 seq{header.seq}, ack{header.ack};
  const u32 length = size - header.header_length;
  // One after the other: what a compiler has to bring together as truth values it makes all of.
  if (c.state != state::established || c.ahead_head != 0 || c.duplicate_acks != 0) [[unlikely]] return false;
  if (c.has_any({.fin_ahead = true, .in_recovery = true, .urgent = C::urgent, .detached = true, .receive_shut = C::shutdown_receive, .in_loss = true})) [[unlikely]] return false;
  if ((header.flags & ~wire::tcp::flag::psh) != wire::tcp::flag::ack || header.window == 0 || c.snd_wnd == 0) [[unlikely]] return false;
  // A pure ACK may have come before the data that it follows: then its window is the newer one (RFC 9293 §3.10.7.4, SND.WL1).
  if (seq != c.rcv_nxt || seq < c.snd_wl1 || length > c.rcv_adv - c.rcv_nxt || ack - c.snd_una > c.snd_nxt - c.snd_una) [[unlikely]] return false;
  if (length == 0 && ack == c.snd_una) [[unlikely]] return false;
  if (!timestamps || !c.has_timestamps) return header.header_length == wire::tcp::header_size;
  // RFC 7323 §5.3 R1.
  const auto options = bytes.subspan(wire::tcp::header_size, header.header_length - wire::tcp::header_size);
  return wire::tcp_options::is_only_timestamps(options) && serial32{load_be<u32>(options.data() + 4)} >= c.ts_recent;
}
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline void layer<C>::on_expected(B&& below, connection& c, packet& p, const wire::tcp& header, u32 size, time_point now) {
  const u32 length = size - header.header_length;
  on_expected_ack(below, c, p, header, length, now);
  if (length != 0) [[likely]] {
    if (receive_next(below, c, p, serial32{header.seq}, u32{p->offset} + header.header_length, length, now)) [[likely]] return;
  }
  add_to_turn(c);
}
/// All of it but the data.
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline void layer<C>::on_expected_ack(B&& below, connection& c, const packet& p, const wire::tcp& header, u32 length, time_point now) {
  const serial32 seq{header.seq}, ack{header.ack};
  below.observe({.what = trace::step::fast_path, .bytes = length, .seq = seq.value, .ack = ack.value, .connection = index_of(c) + 1});
  u32 ts_echo = 0;
  if (timestamps && c.has_timestamps) {
    if (seq <= c.last_ack_sent) {  // RFC 7323 §4.3 (2)
      c.ts_recent = {load_be<u32>(p.bytes().data() + wire::tcp::header_size + 4)};
      c.ts_recent_at = now;
    }
    ts_echo = load_be<u32>(p.bytes().data() + wire::tcp::header_size + 8);
  }
  if constexpr (C::keep_alive) c.alive.last_heard = now;
  c.snd_wnd = u32{header.window} << c.snd_shift;
  c.snd_wnd_max = larger_of(c.snd_wnd_max, c.snd_wnd);
  c.snd_wl1 = seq;
  c.snd_wl2 = ack;
  if (ack != c.snd_una) {
    below.observe({.what = trace::step::acknowledge, .seq = seq.value, .ack = ack.value, .connection = index_of(c) + 1});
    on_new_ack(below, c, ack, ts_echo, now);
  }
}

/// The same, where the usual segment's header was not kept: it is read once more.
template <config C> template <class B> STRATA_OFF_PATH void layer<C>::on_unexpected(B&& below, const info_type& info, packet& p, time_point now) {
  wire::tcp header;
  if (wire::tcp::read(p.bytes(), header)) on_other(below, info, header, p, now);
}
/// Any other segment, whose checksum is good.
template <config C> template <class B> STRATA_OFF_PATH void layer<C>::on_other(B&& below, const info_type& info, const wire::tcp& header, packet& p, time_point now) {
  segment s;
  s.seq = {header.seq};
  s.ack = {header.ack};
  s.flags = header.flags;
  s.window = header.window;
  s.urgent = header.urgent;
  s.length = static_cast<u32>(p.size()) - header.header_length;
  s.body = static_cast<u32>(p->offset) + header.header_length;
  on_parsed(below, info, header, p.bytes().subspan(wire::tcp::header_size, header.header_length - wire::tcp::header_size), p, s, now);
}
template <config C> template <class B>
STRATA_ALWAYS_INLINE inline void layer<C>::on_parsed(B&& below, const info_type& info, const wire::tcp& header, std::span<const std::byte> options, packet& p,
                                                     segment& s, time_point now) {
  connection* c = recent_ != 0 ? &tcbs_[recent_ - 1] : nullptr;
  if (c != nullptr && c->state != state::syn_sent) {
    const bool is_stamped = timestamps && wire::tcp_options::is_only_timestamps(options);
    if (is_stamped) {
      s.has_timestamps = true;
      s.ts_value = load_be<u32>(options.data() + 4);
      s.ts_echo = load_be<u32>(options.data() + 8);
    }
    if (is_stamped || options.empty()) {
      on_segment(below, *c, p, s, now);
      return;
    }
  }
  on_segment_with_options(below, c, info, p, s, header, options, now);
}

/// A segment whose options must be read, or that no connection is waiting for: RFC 9293 §3.10.7.1, §3.10.7.2.
template <config C> template <class B>
STRATA_OFF_PATH void layer<C>::on_segment_with_options(B&& below, connection* c, const info_type& info, packet& p, segment& s, const wire::tcp& header,
                                                         std::span<const std::byte> options, time_point now) {
  tcp_options o = tcp_options::parse(options);
  o.has_timestamps = o.has_timestamps && timestamps;
  s.has_timestamps = o.has_timestamps;
  s.ts_value = o.ts_value;
  s.ts_echo = o.ts_echo;
  if (c != nullptr) {
    if (c->state == state::syn_sent) on_syn_sent(below, *c, p, s, o, now);
    else on_segment(below, *c, p, s, now);
    return;
  }
  const pair who{info.local, info.remote, header.destination, header.source};
  if (const auto found = lookup(who)) {
    const u32 index = *found & 0x3fff'ffff;
    if (static_cast<kind>(*found >> 30) == kind::half_open) on_half_open(below, anchored(slots_[index]), p, s, now);
    else on_time_wait(below, index, s, o, now);
    return;
  }
  if (s.has(wire::tcp::flag::rst)) return;
  if (s.has(wire::tcp::flag::syn) && !s.has(wire::tcp::flag::ack) && !s.has(wire::tcp::flag::fin)) on_syn(below, who, s, o, now);
  else if (s.has(wire::tcp::flag::ack) || find_listener(who.local, who.local_port) == nullptr) refuse(below, who, s);
  else ++counters_.unfit_for_listener;  // RFC 9293 §3.10.7.2, fourth; SYN with FIN is dropped by Linux too (tcp_rcv_state_process)
}

/// RFC 9293 §3.10.7.3 and §3.10.7.4: the checks in their order, then the ACK, the data, the FIN.
template <config C> template <class B>
STRATA_OFF_PATH void layer<C>::on_segment(B&& below, connection& c, packet& p, segment& s, time_point now) {
  below.observe({.what = trace::step::slow_path, .bytes = s.length, .seq = s.seq.value, .ack = s.ack.value, .connection = index_of(c) + 1});
  // RFC 7323 §5.3 R1: PAWS comes before the sequence check.
  if (timestamps && c.has_timestamps && !s.has(wire::tcp::flag::rst)) {
    if (!s.has_timestamps) {  // RFC 7323 §3.2: a segment that lost its timestamps is dropped
      ++counters_.paws_rejected;
      return;
    }
    if (serial32{s.ts_value} < c.ts_recent && now.since(c.ts_recent_at) < paws_idle) {
      ++counters_.paws_rejected;
      answer_unacceptable(c, s, now);
      return;
    }
  }
  if (c.state == state::syn_received && s.has(wire::tcp::flag::syn) && !s.has(wire::tcp::flag::rst) && s.seq == c.irs) {  // SYNs crossed, RFC 9293 §3.5 figure 7
    if (!s.has(wire::tcp::flag::ack)) {  // ours was not heard
      send_syn(below, c, now);
      return;
    }
    if (s.ack != c.snd_nxt) return;
    // Its number lies before the window, so it is owed an ACK; that its ACK field opens the connection already saves waiting for another.
    ++s.seq;
    s.flags = static_cast<u8>(s.flags & ~wire::tcp::flag::syn);
    s.window >>= c.snd_shift;  // unscaled in a SYN, RFC 7323 §2.2
    c.ack_now = true;
  }
  if constexpr (C::keep_alive) c.alive.last_heard = now;
  // First, the sequence number. RFC 9293 §3.10.7.4, table 6; with a window of zero the ACK, RST and URG of an empty segment still count.
  const u32 window = c.rcv_adv - c.rcv_nxt;
  const u32 span = s.has(wire::tcp::flag::rst) ? 0 : s.span();  // a closed window lets a reset in, whatever text it carries (RFC 9293 §3.10.7.4)
  const serial32 last = s.seq + (span == 0 ? 0 : span - 1);
  // An ACK whose sender has filled the window lies at its right edge, which the table leaves out: if both sides did and lost some, neither's ACK would ever
  // count. Linux: tcp_sequence.
  const bool is_at_edge = s.seq == c.rcv_adv && !s.has(wire::tcp::flag::rst);
  const bool acceptable = span == 0 ? (s.seq == c.rcv_nxt || in_range(s.seq, c.rcv_nxt, window) || is_at_edge)
                                    : (window != 0 && (in_range(s.seq, c.rcv_nxt, window) || in_range(last, c.rcv_nxt, window)));
  if (!acceptable) {
    // A retransmission of what we have: its ACK field may still be news to nobody, but its sender wants ours.
    if (s.has(wire::tcp::flag::rst)) {
      ++counters_.out_of_window;
      return;
    }
    if (span != 0 && last < c.rcv_nxt) ++counters_.duplicate_data;
    else ++counters_.out_of_window;
    const bool only_closed_window = window == 0 && s.seq == c.rcv_nxt && s.has(wire::tcp::flag::ack) && !s.has(wire::tcp::flag::syn);
    answer_unacceptable(c, s, now);
    if (!only_closed_window) return;
    s.length = 0;  // a probe of a closed window: its data is refused, its ACK is taken (RFC 9293 §3.10.7.4)
    s.flags = static_cast<u8>(s.flags & ~(wire::tcp::flag::fin | wire::tcp::flag::psh));
  }
  // RFC 7323 §4.3 (2): TS.Recent moves with the segment that holds the last ACK sent.
  if (timestamps && c.has_timestamps && s.has_timestamps && s.seq <= c.last_ack_sent && (serial32{s.ts_value} >= c.ts_recent || now.since(c.ts_recent_at) >= paws_idle)) {
    c.ts_recent = {s.ts_value};
    c.ts_recent_at = now;
  }
  // Second, RST. RFC 9293 §3.10.7.4, RFC 5961 §3.2: only at exactly the next sequence number.
  if (s.has(wire::tcp::flag::rst)) {
    if (s.seq != c.rcv_nxt) {
      challenge(below, c, now);
      return;
    }
    if (is_over(c)) return;  // RFC 1337 §3, fix F1: what the application has not read yet stays
    ++counters_.established_resets;
    // Only our FIN's ACK is missing: the peer has all of it, and has forgotten us.
    const bool was_done = (c.state == state::closing || c.state == state::last_ack) && c.snd_una >= c.snd_end && c.unread == 0;
    end(below, c, c.state == state::syn_received && !c.is_passive ? close_reason::refused : was_done ? close_reason::orderly : close_reason::reset);
    return;
  }
  // Fourth, SYN. RFC 5961 §4.2: never a reset, always a challenge.
  if (s.has(wire::tcp::flag::syn)) {
    challenge(below, c, now);
    return;
  }
  // Fifth, ACK.
  if (!s.has(wire::tcp::flag::ack)) return;
  if (c.state == state::syn_received && !(c.snd_una < s.ack && s.ack <= c.snd_nxt)) {
    refuse(below, pair_of(c), s);
    return;
  }
  after_ack(below, c, p, s, now);
}

/// The rest of a segment whose sequence number, RST and SYN were looked at: ACK, URG, data, FIN.
template <config C> template <class B> void layer<C>::after_ack(B&& below, connection& c, packet& p, segment& s, time_point now) {
  if (c.state == state::syn_received) {
    c.snd_wl1 = s.seq;  // so that update_window() takes what this segment says: RFC 9293 §3.10.7.4, fifth
    become_established(below, c, now);
  }
  if (!on_ack(below, c, s, now)) return;
  if (c.state == state::closed) return;  // the ACK of our FIN ended it
  if (C::urgent && (s.has(wire::tcp::flag::urg) || c.urgent)) on_urgent(c, s);
  if (s.length != 0) {
    switch (c.state) {
      case state::established:
      case state::fin_wait_1:
      case state::fin_wait_2:
        if (c.detached && serial32{s.seq} + s.length > c.rcv_nxt) {  // RFC 9293 §3.6.1: nobody will read it, and the peer must know
          ++counters_.data_after_close;
          send_reset(below, c, now);
          end(below, c, close_reason::aborted);
          return;
        }
        receive_data(below, c, p, s, now);
        break;
      default: break;  // the peer sent FIN before: RFC 9293 §3.10.7.4 ignores it
    }
  }
  if (s.has(wire::tcp::flag::fin)) {
    const serial32 fin = s.seq + s.length;
    if (fin == c.rcv_nxt && !c.fin_received) {
      on_fin(c);
    } else if (fin > c.rcv_nxt) {  // data is missing in front of it
      c.fin_ahead = true;
      c.fin_at = fin;
      if (s.length == 0) c.ack_now = true;  // RFC 5681 §4.2; with data that was done
    } else {
      c.ack_now = true;
    }
  } else if (c.fin_ahead && c.fin_at == c.rcv_nxt && !c.fin_received) {
    on_fin(c);
  }
  add_to_turn(c);
}

/// RFC 9293 §3.10.7.3.
template <config C> template <class B>
void layer<C>::on_syn_sent(B&& below, connection& c, packet& p, segment& s, const tcp_options& o, time_point now) {
  const bool has_ack = s.has(wire::tcp::flag::ack);
  if (has_ack && !(c.iss < s.ack && s.ack <= c.snd_nxt)) {
    ++counters_.bad_ack;
    refuse(below, pair_of(c), s);
    return;
  }
  if (s.has(wire::tcp::flag::rst)) {
    if (!has_ack) return;
    ++counters_.attempt_fails;
    end(below, c, close_reason::refused);
    return;
  }
  if (!s.has(wire::tcp::flag::syn)) return;
  c.peer_mss = o.mss.value_or(default_mss(c.way.remote));
  c.irs = s.seq;
  c.rcv_nxt = c.last_ack_sent = s.seq + 1;
  c.rcv_adv = c.rcv_nxt + unscaled_window(receive_window(c), false);
  negotiate(below, c, o.has_window_scale, o.window_scale, s.has_timestamps, c.retransmitted);  // RFC 7323 §2.2, §3.2: from SYN segments only
  c.ts_recent = {s.ts_value};
  c.ts_recent_at = now;
  c.snd_wl1 = s.seq;  // update_window() will take the window of what has the ACK: of this segment, or of the next
  if (!has_ack) {  // simultaneous open, RFC 9293 §3.5 figure 7
    c.state = state::syn_received;
    c.backoff = 0;
    if constexpr (receive_shift != 0) {  // an ACK before the handshake ends offers no more than a SYN-ACK, sent again, can say
      constexpr u32 most = 65535 / limits_.receive_chunks;
      if (c.observed > most) c.observed = static_cast<u16>(most);
    }
    send_syn(below, c, now);
    restart_retransmit_timer(c, now);
    return;
  }
  become_established(below, c, now);
  c.ack_now = true;
  if (C::urgent && s.has(wire::tcp::flag::urg)) on_urgent(c, s);
  ++s.seq;  // the SYN is used up; data and FIN behind it are looked at as in ESTABLISHED
  if (on_ack(below, c, s, now) && (s.length != 0 || s.has(wire::tcp::flag::fin))) {
    if (s.length != 0) receive_data(below, c, p, s, now);
    if (s.has(wire::tcp::flag::fin) && s.seq + s.length == c.rcv_nxt) on_fin(c);
  }
}

template <config C> template <class B> void layer<C>::become_established(B&&, connection& c, time_point now) {
  c.state = state::established;
  c.backoff = 0;
  if constexpr (C::keep_alive) {
    c.alive.last_heard = now;
    start_keep_alive(c, now);
  }
  if (!c.is_passive) raise(c, stream_events::connected);
  if (c.fin_queued) c.state = state::fin_wait_1;  // close() before the handshake ended: data and FIN leave now
}

/// RFC 9293 §3.10.7.4, eighth.
template <config C> void layer<C>::on_fin(connection& c) {
  ++c.rcv_nxt;
  if (c.rcv_adv < c.rcv_nxt) c.rcv_adv = c.rcv_nxt;
  c.fin_received = true;
  c.fin_ahead = false;
  c.ack_now = true;
  if (c.unread == 0 && !c.peer_closed_told && !c.detached) raise(c, stream_events::peer_closed);
  switch (c.state) {
    case state::syn_received:
    case state::established: c.state = state::close_wait; break;
    case state::fin_wait_1: c.state = state::closing; break;  // our FIN's ACK was looked at before: it is still out
    case state::fin_wait_2: enter_time_wait(c); break;
    default: break;
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
