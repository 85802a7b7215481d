// SPDX-License-Identifier: MIT
// One TCP connection, watched on the wire from both sides: what each may send follows from what it has sent and from what has arrived at it.
// Written from RFC 9293, RFC 7323, RFC 5681, RFC 6691; plain bytes in, rules that were broken out.
#pragma once
#include "octets.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace checker {

/// A segment taken apart. `fault` names what is wrong with its form; then nothing else is to be trusted.
struct tcp_segment {
  unsigned source = 0, destination = 0, flags = 0, window = 0, urgent = 0, header = 0;
  std::uint32_t seq = 0, ack = 0;
  octets data{};
  bool has_mss = false, has_scale = false, has_sack_permitted = false, has_times = false;
  unsigned mss = 0, scale = 0;
  std::uint32_t ts_value = 0, ts_echo = 0;
  const char* fault = nullptr;

  enum : unsigned { fin = 1, syn = 2, rst = 4, psh = 8, ack_bit = 16, urg = 32, ece = 64, cwr = 128 };
  [[nodiscard]] bool has(unsigned f) const { return (flags & f) != 0; }
  [[nodiscard]] std::uint32_t span() const { return static_cast<std::uint32_t>(data.size()) + (has(syn) ? 1u : 0u) + (has(fin) ? 1u : 0u); }
};

inline const char* read_options(octets o, tcp_segment& s) {
  for (std::size_t i = 0; i < o.size();) {
    const unsigned kind = at8(o, i);
    if (kind == 0) {  // RFC 9293 §3.1: what follows the end of the list is padding of zeros
      for (std::size_t j = i; j < o.size(); ++j)
        if (at8(o, j) != 0) return "tcp.option_padding";
      return nullptr;
    }
    if (kind == 1) { ++i; continue; }
    if (i + 1 >= o.size()) return "tcp.option_length";
    const unsigned length = at8(o, i + 1);
    if (length < 2 || i + length > o.size()) return "tcp.option_length";
    const auto is = [&](unsigned wanted, bool& seen) { return length == wanted && !std::exchange(seen, true); };
    switch (kind) {
      case 2:
        if (!is(4, s.has_mss)) return "tcp.option_mss";
        s.mss = at16(o, i + 2);
        break;
      case 3:
        if (!is(3, s.has_scale)) return "tcp.option_scale";
        s.scale = at8(o, i + 2);
        break;
      case 4:
        if (!is(2, s.has_sack_permitted)) return "tcp.option_sack_permitted";
        break;
      case 8:
        if (!is(10, s.has_times)) return "tcp.option_timestamps";
        s.ts_value = at32(o, i + 2);
        s.ts_echo = at32(o, i + 6);
        break;
      default: return "tcp.option_unknown";
    }
    i += length;
  }
  return nullptr;
}

/// A segment as it lies in an IP datagram from `from` to `to`.
inline tcp_segment read_segment(octets b, std::uint32_t from, std::uint32_t to) {
  tcp_segment s;
  if (b.size() < 20) return s.fault = "tcp.length", s;
  s.source = at16(b, 0), s.destination = at16(b, 2), s.seq = at32(b, 4), s.ack = at32(b, 8);
  s.header = (at8(b, 12) >> 4) * 4, s.flags = at8(b, 13), s.window = at16(b, 14), s.urgent = at16(b, 18);
  if (!adds_up(b, pseudo_header(from, to, 6, b.size()))) return s.fault = "tcp.checksum", s;
  if (s.header < 20 || s.header > b.size()) return s.fault = "tcp.data_offset", s;
  if ((at8(b, 12) & 15) != 0) return s.fault = "tcp.reserved_bits", s;
  s.data = b.subspan(s.header);
  s.fault = read_options(b.subspan(20, s.header - 20), s);
  return s;
}

class flow_checker {
 public:
  /// What `side` puts on the wire. Calls report(rule, text) for each rule that is broken. `mtu` is in bytes of IP packet.
  template <class Report> void sent(int side, const tcp_segment& s, unsigned ip_length, unsigned mtu, bool loses_below, Report&& report) {
    half& me = halves_[side];
    half& peer = halves_[1 - side];
    const auto bad = [&](const char* rule, std::string why) { report(rule, std::move(why) + " " + text(s, me)); };
    if (ip_length > mtu) bad("ip.mtu", "larger than the link carries");
    if (ip_length > me.path_mtu && !loses_below) bad("tcp.path_mtu", "larger than a router said that it carries (RFC 1191 §6.4)");
    form(s, bad);
    if (s.has(tcp_segment::rst)) return reset(me, s, loses_below, bad);
    if (s.has(tcp_segment::syn)) return synchronise(me, peer, s, bad);
    if (!me.has_syn) return bad("tcp.no_syn", "a segment of a connection that never began");
    if (me.is_reset) return bad("tcp.after_reset", "a segment after the connection was reset");
    if (!s.has(tcp_segment::ack_bit)) return bad("tcp.no_ack_bit", "every segment behind the SYN carries ACK");
    timestamps(me, peer, s, bad);
    acknowledgment(me, s, bad);
    data(me, peer, s, loses_below, bad);
  }

  /// What the NIC of `side` handed up: from now on `side` may know it. The segment is whole (its checksums were right).
  void arrived(int side, const tcp_segment& s) {
    half& me = halves_[side];
    half& peer = halves_[1 - side];
    may_be_answered(side, s);
    if (s.has(tcp_segment::rst)) return;
    if (s.has(tcp_segment::syn)) {
      if (!peer.has_syn || s.seq != peer.iss) return;  // of an earlier connection
      if (me.has_syn && me.heard_syn && s.seq != me.heard_iss) {  // of the next one, of which this side says nothing before its own SYN
        if (me.next_iss != s.seq) me.next_times.clear();
        me.next_iss = s.seq;
        me.next_times.insert(s.ts_value);
        return;
      }
      me.heard_syn = true, me.heard_iss = s.seq;
    }
    if (!me.heard_syn) return;  // else of the life that this side knows, even when the peer has begun the next one meanwhile
    me.take(s.seq, s.seq + s.span());
    if (s.has_times) me.heard_times.insert(s.ts_value);
    if (!s.has(tcp_segment::ack_bit) || !me.has_syn || before(s.ack, me.iss) || after(s.ack, me.next)) return;
    me.heard_acks.insert(s.ack);
    if (!me.knows_edge || after(s.ack, me.heard_ack)) me.heard_ack = s.ack;
    const std::uint32_t edge = s.ack + (s.window << (s.has(tcp_segment::syn) ? 0 : scale_of(peer, me)));
    if (!me.knows_edge || after(edge, me.heard_edge)) me.heard_edge = edge;
    me.knows_edge = true;
  }

  /// A router told `side` of a smaller MTU, about a segment that is outstanding (RFC 5927 §4.1). Below 576 a host need not follow.
  void too_big(int side, std::uint32_t seq, unsigned mtu) {
    half& me = halves_[side];
    const bool is_outstanding = me.has_syn && !before(seq, me.knows_edge ? me.heard_ack : me.iss) && before(seq, me.next);
    if (is_outstanding && mtu >= 576 && mtu < me.path_mtu) me.path_mtu = mtu;
  }

  /// `side` may answer with a reset: RFC 9293 §3.5.2.
  void may_be_answered(int side, const tcp_segment& s) { halves_[side].answerable.insert(s.has(tcp_segment::ack_bit) ? s.ack : s.seq + s.span()); }

  /// Payload bytes that `side` has sent at least once.
  [[nodiscard]] std::size_t bytes_sent(int side) const { return halves_[side].stream.size(); }

 private:
  struct half {
    bool has_syn = false, was_acked = false, has_acked = false, has_fin = false, is_reset = false, offers_times = false, offers_scale = false, has_edge = false, has_time = false;
    std::uint32_t iss = 0, next = 0, fin = 0;      // next: behind everything sent
    unsigned mss = 536, scale = 0, path_mtu = 65535;
    std::vector<std::byte> stream;                 // from iss + 1
    std::vector<bool> is_seen;                     // of each byte of it, whether it was on the wire
    std::uint32_t last_ack = 0, edge = 0;          // what we acknowledged and offered
    std::uint32_t last_time = 0, last_echo = 0;
    // What arrived from the other side.
    bool heard_syn = false, knows_edge = false;
    std::uint32_t contiguous = 0;                  // behind everything that arrived without a gap
    std::map<std::uint32_t, std::uint32_t> ahead;  // what arrived beyond it, begin -> end
    std::uint32_t heard_ack = 0, heard_edge = 0, heard_iss = 0;
    std::uint32_t next_iss = 0;                    // of the peer's next life
    std::set<std::uint32_t> next_times;
    std::set<std::uint32_t> heard_acks, heard_times, answerable;

    void take(std::uint32_t begin, std::uint32_t end) {
      if (contiguous_is_new) contiguous = begin, contiguous_is_new = false;
      if (!after(end, contiguous)) return;
      const auto [place, is_new] = ahead.try_emplace(begin, end);
      if (!is_new && after(end, place->second)) place->second = end;
      for (bool again = true; again;) {
        again = false;
        for (auto i = ahead.begin(); i != ahead.end();) {
          if (after(i->first, contiguous)) { ++i; continue; }
          if (after(i->second, contiguous)) contiguous = i->second, again = true;
          i = ahead.erase(i);
        }
      }
    }
    bool contiguous_is_new = true;
  };

  /// RFC 7323 §2.2: both SYNs must have offered it.
  [[nodiscard]] static unsigned scale_of(const half& offering, const half& other) { return offering.offers_scale && other.offers_scale ? offering.scale : 0; }

  template <class Bad> static void form(const tcp_segment& s, Bad&& bad) {
    if (s.source == 0 || s.destination == 0) bad("tcp.port", "port zero");
    if (s.has(tcp_segment::urg) || s.urgent != 0) bad("tcp.urgent", "nobody sends urgent data");
    if (s.has(tcp_segment::ece) || s.has(tcp_segment::cwr)) bad("tcp.ecn", "ECN was not negotiated (RFC 3168 §6.1.1)");
    if (s.has(tcp_segment::syn) && (s.has(tcp_segment::fin) || s.has(tcp_segment::rst))) bad("tcp.flags", "SYN with FIN or RST");
    if (s.has(tcp_segment::fin) && s.has(tcp_segment::rst)) bad("tcp.flags", "FIN with RST");
    if (!s.has(tcp_segment::syn) && (s.has_mss || s.has_scale || s.has_sack_permitted)) bad("tcp.syn_option", "an option of SYN segments only (RFC 9293 §3.7.1, RFC 7323 §2.2)");
    if (s.has_scale && s.scale > 14) bad("tcp.scale", "a shift above 14 (RFC 7323 §2.3)");
    if (s.has_mss && s.mss < 64) bad("tcp.mss", "an MSS that no link has");
  }

  template <class Bad> static void reset(half& me, const tcp_segment& s, bool loses_below, Bad&& bad) {
    if (!s.data.empty()) bad("tcp.reset_data", "RST with data");
    const bool of_us = me.has_syn && (s.seq == me.next || (loses_below && after(s.seq, me.next)));                            // RFC 9293 §3.10.5: SND.NXT
    const bool answers_ack = !s.has(tcp_segment::ack_bit) && me.answerable.contains(s.seq);   // §3.5.2: <SEQ=SEG.ACK><CTL=RST>
    const bool answers_none = s.has(tcp_segment::ack_bit) && s.seq == 0 && me.answerable.contains(s.ack);  // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    if (!of_us && !answers_ack && !answers_none) bad("tcp.reset", "RST with a sequence number that nothing explains");
    if (of_us && s.has(tcp_segment::ack_bit)) {
      if (me.heard_syn && after(s.ack, me.contiguous)) bad("tcp.ack_unseen", "RST acknowledges what never came");
      me.is_reset = true;
    }
  }

  template <class Bad> static void synchronise(half& me, half& peer, const tcp_segment& s, Bad&& bad) {
    const bool answers = s.has(tcp_segment::ack_bit);
    if (me.has_syn && s.seq != me.iss) {  // the next connection of the same name
      half fresh{};
      fresh.answerable = me.answerable;
      if (answers && me.next_iss == peer.iss) {
        fresh.heard_syn = true, fresh.heard_iss = peer.iss, fresh.contiguous = peer.iss + 1, fresh.contiguous_is_new = false;
        fresh.heard_times = me.next_times;
      } else if (answers && me.heard_syn && me.heard_iss == peer.iss) {  // it gave the half-open one up, and the same SYN came again
        fresh.heard_syn = true, fresh.heard_iss = peer.iss, fresh.contiguous = peer.iss + 1, fresh.contiguous_is_new = false;
        fresh.heard_times = std::move(me.heard_times);
      }
      me = std::move(fresh);
    }
    if (!s.data.empty()) bad("tcp.syn_data", "SYN with data");
    if (!s.has_mss) bad("tcp.no_mss", "SYN without MSS (RFC 9293 §3.7.1: SHOULD)");
    if (me.has_syn) {
      if (me.is_reset) bad("tcp.after_reset", "a SYN after the connection was reset");
      if (s.mss != me.mss || s.has_times != me.offers_times || s.has_scale != me.offers_scale) {
        if (!(answers && !me.was_acked)) bad("tcp.syn_changed", "a repeated SYN with other options");
      }
    } else {
      me.next = s.seq + 1;
    }
    me.has_syn = true;
    me.iss = s.seq;
    me.mss = s.has_mss ? s.mss : 536;
    me.offers_times = s.has_times, me.offers_scale = s.has_scale, me.scale = s.scale;
    if (!answers) {
      if (s.has_times && s.ts_echo != 0) bad("tcp.echo", "TSecr without ACK is zero (RFC 7323 §3.2)");
      return;
    }
    me.was_acked = true;
    if (!me.heard_syn) return bad("tcp.ack_unseen", "a SYN-ACK without a SYN");
    if (s.ack != peer.iss + 1) bad("tcp.ack", "a SYN-ACK acknowledges the SYN and nothing else");
    if (s.has_times && !peer.offers_times) bad("tcp.timestamps", "timestamps that were not offered (RFC 7323 §3.2)");
    if (s.has_scale && !peer.offers_scale) bad("tcp.scale", "a window scale that was not offered (RFC 7323 §2.2)");
    if (s.has_times) echo(me, s, bad);
    me.last_ack = s.ack, me.has_acked = true;
    offer(me, s.ack + s.window, false, bad);
  }

  template <class Bad> static void echo(half& me, const tcp_segment& s, Bad&& bad) {
    if (me.has_time && before(s.ts_value, me.last_time)) bad("tcp.time", "TSval goes back (RFC 7323 §5.4)");
    if (!me.heard_times.contains(s.ts_echo)) bad("tcp.echo", "TSecr that never came (RFC 7323 §4.3)");
    if (me.has_time && before(s.ts_echo, me.last_echo)) bad("tcp.echo", "TSecr goes back");
    me.last_time = s.ts_value, me.last_echo = s.ts_echo, me.has_time = true;
  }
  template <class Bad> static void timestamps(half& me, const half& peer, const tcp_segment& s, Bad&& bad) {
    const bool negotiated = me.offers_times && peer.offers_times;
    if (s.has_times != negotiated) return bad("tcp.timestamps", negotiated ? "a segment without timestamps" : "timestamps that were not negotiated");
    if (negotiated) echo(me, s, bad);
  }

  template <class Bad> void acknowledgment(half& me, const tcp_segment& s, Bad&& bad) {
    half& peer = &me == &halves_[0] ? halves_[1] : halves_[0];
    if (!me.heard_syn) return bad("tcp.ack_unseen", "an ACK before the peer's SYN");
    if (after(s.ack, me.contiguous)) bad("tcp.ack_unseen", "acknowledges " + std::to_string(s.ack - me.contiguous) + " more than came");
    if (me.has_acked && before(s.ack, me.last_ack)) bad("tcp.ack_back", "the ACK goes back");
    else me.last_ack = s.ack, me.has_acked = true;
    const bool is_over = peer.has_fin && s.ack == peer.fin + 1;  // nothing can come any more: the window means nothing
    offer(me, s.ack + (s.window << scale_of(me, peer)), is_over, bad);
  }
  template <class Bad> static void offer(half& me, std::uint32_t edge, bool is_over, Bad&& bad) {
    if (me.has_edge && before(edge, me.edge)) {
      if (!is_over) bad("tcp.window_shrinks", "the right edge moves left by " + std::to_string(me.edge - edge) + " (RFC 9293 §3.8.6)");
      return;
    }
    me.edge = edge, me.has_edge = true;
  }

  template <class Bad> static void data(half& me, const half& peer, const tcp_segment& s, bool loses_below, Bad&& bad) {
    const std::uint32_t length = static_cast<std::uint32_t>(s.data.size());
    if (length + s.header - 20 > peer.mss) bad("tcp.mss", "more than the peer's MSS of " + std::to_string(peer.mss) + " (RFC 6691 §2)");
    if (s.span() == 0) {
      // SND.NXT, or one number before what the peer wants: a probe of its window (RFC 9293 §3.8.6.1) or its life (§3.8.4).
      if (loses_below && after(s.seq, me.next)) return;
      if (s.seq != me.next && !me.heard_acks.contains(s.seq + 1)) bad("tcp.seq", "an empty segment that is neither at SND.NXT nor a probe");
      return;
    }
    if (after(s.seq, me.next) && !loses_below) return bad("tcp.gap", "leaves " + std::to_string(s.seq - me.next) + " numbers out");
    if (!after(s.seq, me.iss)) return bad("tcp.seq", "data before the first number");
    const std::uint32_t end = s.seq + length;
    if (me.has_fin && (after(end, me.fin) || (s.has(tcp_segment::fin) && end != me.fin))) bad("tcp.after_fin", "data behind FIN, or FIN elsewhere");
    if (s.has(tcp_segment::fin) && before(end, me.iss + 1 + static_cast<std::uint32_t>(me.stream.size()))) bad("tcp.fin", "FIN in front of data that was sent");
    if (!me.knows_edge) bad("tcp.window", "data before the peer's window is known");
    else if (const std::uint32_t last = s.seq + s.span(); after(last, me.heard_edge)) {
      const bool is_probe = me.heard_edge == me.heard_ack && s.span() == 1 && s.seq == me.heard_edge;
      if (!is_probe) bad("tcp.window", std::to_string(last - me.heard_edge) + " beyond the window that the peer offered");
    }
    const std::uint32_t from = s.seq - (me.iss + 1);
    if (from + length > me.stream.size()) me.stream.resize(from + length), me.is_seen.resize(from + length);
    for (std::uint32_t i = 0; i < length; ++i) {
      if (!me.is_seen[from + i]) me.stream[from + i] = s.data[i], me.is_seen[from + i] = true;
      if (me.stream[from + i] == s.data[i]) continue;
      bad("tcp.changed", "byte " + std::to_string(from + i) + " was sent with another value before");
      break;
    }
    if (s.has(tcp_segment::fin)) me.has_fin = true, me.fin = end;
    if (after(s.seq + s.span(), me.next)) me.next = s.seq + s.span();
  }

  static std::string text(const tcp_segment& s, const half& me) {
    std::string t = "[" + std::to_string(s.source) + ">" + std::to_string(s.destination) + " ";
    constexpr const char* names = "FSRPAUEC";
    for (unsigned i = 0; i < 8; ++i)
      if ((s.flags >> i & 1) != 0) t += names[i];
    return t + " seq " + std::to_string(static_cast<std::int32_t>(s.seq - me.iss)) + " length " + std::to_string(s.data.size()) + " ack " + std::to_string(s.ack) +
           " window " + std::to_string(s.window) + "; next " + std::to_string(me.next - me.iss) + " acked " + std::to_string(me.heard_ack - me.iss) + "]";
  }

  half halves_[2];
};

}  // namespace checker
