// SPDX-License-Identifier: MIT
// Peers that know the rules, and the bytes that make them break some: handshakes and segments with right checksums and numbers, of which an input
// changes single fields, so that deep states are reached. Every packet is written here by hand; strata's codecs have no part in it.
#include "script.hpp"

#include <sim/octets.hpp>

#include <algorithm>

namespace strata::fuzz {

namespace {

using checker::at16;
using checker::at32;
using checker::at8;

void put8(octets& f, unsigned value) { f.push_back(static_cast<std::byte>(value)); }
void put16(octets& f, unsigned value) { put8(f, value >> 8), put8(f, value); }
void put32(octets& f, std::uint32_t value) { put16(f, value >> 16), put16(f, value & 0xffff); }
void put(octets& f, bytes b) { f.insert(f.end(), b.begin(), b.end()); }
void set16(octets& f, std::size_t at, unsigned value) {
  if (f.size() < at + 2) return;
  f[at] = static_cast<std::byte>(value >> 8);
  f[at + 1] = static_cast<std::byte>(value);
}

class peers {
 public:
  peers(player& p, bool is_raw) : player_(p), is_raw_(is_raw) {
    for (unsigned i = 0; i < flow_count; ++i) {
      flow& f = flows_[i];
      f.peer = i % 4;
      f.peer_port = 5000 + i;
      f.local_port = 1000 + (i & 1);
      f.iss = 0xffff'f000u + i * 0x0123'4567u;  // the first wraps
    }
    absorb();
  }

  void take(step s, bool with_turn, reader& in) {
    switch (s) {
      case step::syn: {
        flow& f = flow_of(in.u8());
        const unsigned offer = in.u8(), mss = in.u16(), window = in.u16();
        send(syn(f, offer, mss, window));
        break;
      }
      case step::segment: {
        flow& f = flow_of(in.u8());
        const unsigned flags = in.u8(), length = in.u16() % 1400u;
        segment(f, flags, length, in.u8(), in);
        break;
      }
      case step::bulk: {
        flow& f = flow_of(in.u8());
        const unsigned n = 1 + in.u8() % 16u, length = in.u16() % 1400u;
        for (unsigned i = 0; i < n; ++i) {
          send(in_order(f, 16, length));
          turn();
        }
        break;
      }
      case step::open: {
        flow& f = flow_of(in.u8());
        send(syn(f, in.u8(), 1460, 65535));
        turn();
        send(in_order(f, 16, 0));
        break;
      }
      case step::arp: {
        const unsigned peer = in.u8();
        send(arp(peer & 7, in.u8()));
        break;
      }
      case step::icmp: {
        const unsigned type = in.u8(), code = in.u8(), rest = in.u16();
        send(icmp(type, code, rest, in.u8()));
        break;
      }
      case step::datagram: {
        const unsigned who = in.u8(), port = in.u8(), length = in.u16() % 1400u;
        send(datagram(who, port, length, in.u8()));
        break;
      }
      case step::damage: damage_ = in.u8(), damage_value_ = in.u8(); return;
      case step::habits: habits_ = in.u8(); return;
      case step::again:
        if (!delivered_.empty()) send(octets(delivered_[delivered_.size() - 1 - in.u8() % delivered_.size()]));
        break;
      case step::late: is_late_ = true; return;
      default: player_.take(s, in); with_turn = with_turn && (s == step::raw || s == step::mended); break;
    }
    if (with_turn) turn();
    else absorb();
  }

 private:
  static constexpr unsigned flow_count = 8;
  struct flow {
    unsigned peer = 0, peer_port = 0, local_port = 0;
    std::uint32_t iss = 0, next = 0;          // ours: the peer's side
    std::uint32_t heard = 0;                  // the next number that we want of the stack's
    bool is_opened_by_stack = false, has_times = false, owes_ack = false;
    std::uint32_t times = 1000, echo = 0;
    unsigned window = 65535;
  };
  [[nodiscard]] flow& flow_of(unsigned n) { return flows_[n % flow_count]; }

  void turn() {
    player_.turn(64);
    absorb();
  }
  void send(octets frame) {
    if (frame.empty()) return;
    delivered_.push_back(frame);
    if (delivered_.size() > 4) delivered_.erase(delivered_.begin());
    if (std::exchange(is_late_, false)) {
      held_ = std::move(frame);
      return;
    }
    player_.deliver(std::move(frame));
    if (!held_.empty()) player_.deliver(std::exchange(held_, {}));
  }

  // ---- what the stack sent ----

  void absorb() {
    // What a habit answers may make the stack send again: a few rounds, then it waits for the next step.
    for (unsigned rounds = 0; rounds < 6; ++rounds) {
      bool has_answered = false;
      for (const octets& frame : player_.w.take_sent()) has_answered = hear(frame) || has_answered;
      for (flow& f : flows_)
        if (std::exchange(f.owes_ack, false) && (habits_ & acknowledges) != 0) {
          send(in_order(f, 16, 0));
          has_answered = true;
        }
      if (!has_answered) return;
      player_.turn(64);
    }
  }
  bool hear(const octets& frame) {
    bytes p(frame);
    if (!is_raw_) {
      p = p.subspan(14);
      if (at16(frame, 12) == 0x0806) {
        if ((habits_ & answers_arp) == 0 || at16(p, 6) != 1) return false;
        const std::uint32_t target = at32(p, 24);
        for (unsigned peer = 0; peer < 8; ++peer)
          if (checker::at32(address_of(peer), 0) == target) return send(arp(peer, reply)), true;
        if (target == 0x0a00'00fe) return send(arp(6, reply)), true;
        return false;
      }
    }
    recent_.emplace_back(p.begin(), p.end());
    if (recent_.size() > 4) recent_.erase(recent_.begin());
    const seen_segment s = read_segment(p, true);
    if (!s.is_tcp) return false;
    flow* f = nullptr;
    for (flow& each : flows_)
      if (each.peer_port == s.remote_port && each.local_port == s.local_port && same_peer(each.peer, s.remote)) f = &each;
    const bool is_syn = (s.flags & 2) != 0, is_first = is_syn && (s.flags & 16) == 0;
    if (f == nullptr) {
      if (!is_first) return false;
      f = &flows_[5 + next_active_++ % 3];
      f->peer_port = s.remote_port;
      f->local_port = s.local_port;
      f->iss += 0x00ab'cdef;
      f->next = f->iss;
      for (unsigned peer = 0; peer < 8; ++peer)
        if (same_peer(peer, s.remote)) f->peer = peer;
    }
    if (is_first) f->is_opened_by_stack = true;
    if (is_syn) f->heard = s.seq;
    if ((s.flags & 4) == 0 && s.seq == f->heard) {
      f->heard += s.span();
      f->owes_ack = f->owes_ack || (s.span() != 0 && !is_syn);
    }
    if (s.has_times) f->echo = s.ts_value, f->has_times = f->has_times || is_syn;
    if (is_first && (habits_ & answers_syn) != 0) return send(syn(*f, offers_mss | offers_scale | offers_times, 1460, 65535)), true;
    return false;
  }

  // ---- addresses ----

  [[nodiscard]] octets address_of(unsigned peer) const {
    octets a;
    if (is_raw_) {
      put32(a, (peer & 7) < 6 ? 0xfd000000 : 0x20010db8);
      put32(a, 0), put32(a, 0), put32(a, 2 + (peer & 7));
    } else {
      put32(a, ((peer & 7) < 6 ? 0x0a000002 : 0xc0000202) + (peer & 7));
    }
    return a;
  }
  [[nodiscard]] octets our_address() const {
    octets a;
    if (is_raw_) put32(a, 0xfd000000), put32(a, 0), put32(a, 0), put32(a, 1);
    else put32(a, 0x0a000001);
    return a;
  }
  [[nodiscard]] bool same_peer(unsigned peer, bytes address) const {
    const octets a = address_of(peer);
    return std::equal(a.begin(), a.end(), address.begin(), address.end());
  }
  static void put_mac(octets& f, unsigned peer) { put32(f, 0x02000000), put8(f, 1), put8(f, peer); }
  [[nodiscard]] octets odd_source(unsigned n) const {
    static constexpr std::uint32_t four[] = {0, 0xffffffff, 0x7f000001, 0xe0000001, 0x0a0000ff, 0x0a000001, 0xf0000001, 0xc0000207};
    static constexpr std::uint32_t six[][4] = {{},
                                               {0xff020000, 0, 0, 1},
                                               {0, 0, 0, 1},
                                               {0, 0, 0xffff, 0x0a000002},
                                               {0xfd000000, 0, 0, 1},
                                               {0x20010db8, 0, 0, 9},
                                               {0, 0, 0xffff, 0},
                                               {0xfe800000, 0, 0, 1}};
    octets a;
    if (is_raw_) for (const std::uint32_t word : six[n & 7]) put32(a, word);
    else put32(a, four[n & 7]);
    return a;
  }
  [[nodiscard]] octets odd_destination(unsigned n) const {
    static constexpr std::uint32_t four[] = {0xffffffff, 0x0a0000ff, 0xe0000001, 0x0a00004d, 0xc0000201, 0, 0x7f000001, 0x0a000002};
    static constexpr std::uint32_t six[][4] = {
        {0xff020000, 0, 0, 1}, {0xfd000000, 0, 0, 0x4d},  {0, 0, 0, 1}, {0, 0, 0xffff, 0x0a000001}, {}, {0x20010db8, 0, 0, 9},
        {0xfd000000, 0, 0, 2}, {0, 0, 0xffff, 0xffffffff}};
    octets a;
    if (is_raw_) for (const std::uint32_t word : six[n & 7]) put32(a, word);
    else put32(a, four[n & 7]);
    return a;
  }

  // ---- frames ----

  /// Link and network header around a payload, and the damage that waits for it. `is_corrupt`: the payload's checksum is wrong.
  octets packet_of(unsigned peer, unsigned protocol, bytes payload, bool is_corrupt) {
    const unsigned what = std::exchange(damage_, 0u), value = damage_value_;
    octets f;
    if (!is_raw_) {
      if (what == link_destination) {
        static constexpr std::uint64_t others[] = {0xffffffffffff, 0x01005e000001, 0x020000000055, 0x333300000001};
        for (unsigned i = 6; i-- != 0;) put8(f, static_cast<unsigned>(others[value & 3] >> (8 * i)));
      } else {
        for (const u8 b : player_.w.far.mac.bytes) put8(f, b);
      }
      put_mac(f, peer);
      static constexpr unsigned types[] = {0x86dd, 0x8100, 0x0040, 0x0806};
      put16(f, what == ether_type ? types[value & 3] : 0x0800);
    }
    const std::size_t ip = f.size();
    const octets from = what == source ? odd_source(value) : address_of(peer), to = what == destination ? odd_destination(value) : our_address();
    if (what == fuzz::protocol) protocol = value;
    const bool is_six = is_raw_ && !(what == ether_type && (value & 3) == 0);
    if (is_six) {
      put32(f, 0x60000000), put16(f, 0), put8(f, protocol), put8(f, what == ttl ? value : 64);
      put(f, from), put(f, to);
    } else {
      static constexpr unsigned char lists[8][8] = {
          {1, 1, 1, 0},   {131, 7, 4, 1, 2, 3, 4, 0}, {137, 7, 4, 1, 2, 3, 4, 0}, {7, 1, 0, 0}, {7, 60, 4, 0}, {148, 4, 0, 0},
          {1, 1, 1, 130}, {68, 8, 5, 0, 0, 0, 0, 0}};
      const unsigned extra = what == options ? 8 : 0;
      put8(f, 0x45 + extra / 4), put8(f, 0), put16(f, 0), put16(f, ++id_);
      put16(f, what == fragment ? (value & 1 ? 0x2000u : 0u) | value >> 1 : 0x4000);
      put8(f, what == ttl ? value : 64), put8(f, protocol), put16(f, 0);
      put(f, bytes(from).first(4)), put(f, bytes(to).first(4));
      for (unsigned i = 0; i < extra; ++i) put8(f, lists[value & 7][i]);
    }
    put(f, payload);
    mend(f, ip);
    if (is_corrupt) f[f.size() - 1] ^= std::byte{0x40};
    std::size_t header = is_six ? 40 : 20;
    switch (what) {
      case version: f[ip] = static_cast<std::byte>(value); break;
      case header_length: f[ip] = static_cast<std::byte>((at8(f, ip) & 0xf0) | (value & 15)); break;
      case total_length: set16(f, ip + (is_six ? 4 : 2), value < 128 ? value : at16(f, ip + (is_six ? 4 : 2)) + (value - 160)); break;
      case header_checksum: f[ip + (is_six ? 7 : 11)] ^= std::byte{1}; break;
      case cut: f.resize(std::min<std::size_t>(f.size(), value)); break;
      case padding: f.resize(f.size() + value % 64, std::byte{0xa5}); break;
      default: break;
    }
    if (!is_six && (what == version || what == header_length || what == total_length) && f.size() >= ip + 20) {
      header = std::clamp<std::size_t>((at8(f, ip) & 15) * 4u, 20, f.size() - ip);
      set16(f, ip + 10, 0);
      set16(f, ip + 10, ~checker::sum_of_words(bytes(f).subspan(ip, header)) & 0xffff);
    }
    return f;
  }

  octets tcp_of(flow& f, std::uint32_t seq, std::uint32_t ack, unsigned flags, unsigned window, bytes options, unsigned length, unsigned changes) {
    octets t;
    put16(t, f.peer_port), put16(t, f.local_port), put32(t, seq), put32(t, (flags & 16) != 0 || (changes & moves_ack) != 0 ? ack : 0);
    const unsigned padded = static_cast<unsigned>((options.size() + 3) / 4 * 4);
    put16(t, (20 + padded) << 10 | ((changes & is_urgent) != 0 ? 0x0e20u : 0u) | flags), put16(t, window), put16(t, 0),
        put16(t, (changes & is_urgent) != 0 ? 3 : 0);
    put(t, options);
    t.resize(20 + padded);
    const std::uint32_t first = seq + ((flags & 2) != 0 ? 1 : 0);
    for (unsigned i = 0; i < length; ++i) t.push_back(pattern_at(first + i));
    return packet_of(f.peer, 6, t, (changes & is_corrupt) != 0);
  }
  octets times_of(flow& f, int delta) {
    octets o;
    f.times += 1;
    put32(o, 0x0101080a), put32(o, f.times + static_cast<std::uint32_t>(delta)), put32(o, f.echo);
    return o;
  }
  octets syn(flow& f, unsigned offer, unsigned mss, unsigned window) {
    const bool answers = f.is_opened_by_stack && f.heard != 0;
    if ((offer & offers_the_same) == 0) {
      f.iss += 0x0010'0001;
      f.times += 100;
      f.has_times = f.has_times && answers;
    }
    octets o;
    if ((offer & offers_mss) != 0) put16(o, 0x0204), put16(o, mss);
    if ((offer & offers_sack) != 0) put32(o, 0x01010402);
    if ((offer & (offers_scale | offers_much_scale)) != 0) put32(o, 0x01030300u | ((offer & offers_much_scale) != 0 ? 15 : 2));
    if ((offer & offers_times) != 0) put(o, times_of(f, 0));
    f.has_times = (offer & offers_times) != 0 && (!answers || f.has_times);
    const unsigned length = (offer & offers_data) != 0 ? 100 : 0, fin = (offer & offers_fin) != 0 ? 1 : 0;
    f.next = f.iss + 1 + (answers ? length + fin : 0);
    return tcp_of(f, f.iss, f.heard, 2 | fin | (answers ? 16u : 0u), window, o, length, 0);
  }
  octets in_order(flow& f, unsigned flags, unsigned length) {
    const std::uint32_t seq = f.next;
    f.next += length + (flags & 1) + (flags >> 1 & 1);
    return tcp_of(f, seq, f.heard, flags, f.window, f.has_times ? times_of(f, 0) : octets{}, length, 0);
  }
  void segment(flow& f, unsigned flags, unsigned length, unsigned changes, reader& in) {
    std::uint32_t seq = f.next, ack = f.heard;
    if ((changes & moves_seq) != 0) seq += static_cast<std::uint32_t>(static_cast<std::int16_t>(in.u16()));
    if ((changes & moves_ack) != 0) ack += static_cast<std::uint32_t>(static_cast<std::int16_t>(in.u16()));
    if ((changes & says_window) != 0) f.window = in.u16();
    int times = 0;
    bool has_times = f.has_times;
    if ((changes & moves_times) != 0) {
      times = static_cast<std::int16_t>(in.u16());
      has_times = times == 0x7fff ? false : true;
    }
    octets o;
    if ((changes & has_options) != 0) {
      const bytes given = in.take(in.u8() % 41u);
      o.assign(given.begin(), given.end());
    } else if (has_times) {
      o = times_of(f, times);
    }
    // The flow goes on behind what it sent in its place; what is in front or far ahead leaves it where it is.
    const std::uint32_t end = seq + length + (flags & 1) + (flags >> 1 & 1);
    if ((changes & is_corrupt) == 0 && checker::after(end, f.next) && !checker::after(seq, f.next)) f.next = end;
    octets frame = tcp_of(f, seq, ack, flags, f.window, o, length, changes);
    if ((changes & is_not_sent) == 0) send(std::move(frame));
  }

  octets arp(unsigned peer, unsigned kind) const {
    if (is_raw_) return {};
    octets f;
    const bool is_request = kind == request || kind == probe || kind == other_target || kind == zero_mac || kind == stranger;
    const std::uint32_t ours = 0x0a000001;
    const std::uint32_t from = peer == 6 ? 0x0a0000fe : at32(address_of(peer), 0);
    if (kind == broadcast_reply || kind == announcement) for (unsigned i = 0; i < 6; ++i) put8(f, 0xff);
    else for (const u8 b : player_.w.far.mac.bytes) put8(f, b);
    put_mac(f, peer);
    put16(f, 0x0806);
    put16(f, kind == other_hardware ? 6 : 1), put16(f, 0x0800), put16(f, 0x0604), put16(f, is_request ? 1 : 2);
    if (kind == zero_mac) for (unsigned i = 0; i < 6; ++i) put8(f, 0);
    else if (kind == group_sender) put32(f, 0x01005e00), put16(f, 1);
    else put_mac(f, kind == announcement ? peer + 16 : peer);
    put32(f, kind == probe ? 0 : kind == conflict ? ours : kind == stranger ? 0xe0000001 : from);
    for (unsigned i = 0; i < 6; ++i) put8(f, 0);
    put32(f, kind == other_target ? 0x0a00004d : kind == announcement ? from : ours);
    if (kind == short_one) f.resize(14 + 20);
    return f;
  }

  octets icmp(unsigned type, unsigned code, unsigned rest, unsigned quote) {
    octets m;
    put8(m, type), put8(m, code), put16(m, 0), put16(m, 0), put16(m, rest);
    const bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    if (!is_error) {
      for (unsigned i = 0; i < quote * 4; ++i) put8(m, i);
    } else if (!recent_.empty()) {
      octets inner = recent_[recent_.size() - 1 - (quote & 3) % recent_.size()];
      if ((quote & 8) != 0 && inner.size() > 15) inner[15] ^= std::byte{0x40};  // not our address
      if ((quote & 16) != 0 && inner.size() > 24) inner[24] ^= std::byte{0x40};  // a sequence number far away
      inner.resize(std::min<std::size_t>(inner.size(), (quote & 4) != 0 ? 24 : 60));
      put(m, inner);
    }
    if (is_error && (quote & 64) != 0) m.resize(6);
    return packet_of((quote & 128) != 0 ? 6 : 0, 1, m, is_error && (quote & 32) != 0);
  }

  octets datagram(unsigned who, unsigned port, unsigned length, unsigned changes) {
    octets d;
    put16(d, (who & 8) != 0 ? 53 : 6000 + who), put16(d, 3000 + port % 5), put16(d, 0), put16(d, 0);
    for (unsigned i = 0; i < length; ++i) put8(d, i);
    octets f = packet_of(who & 3, 17, d, (changes & 8) != 0);
    const std::size_t at = f.size() < length + 8 ? f.size() : f.size() - length - 8;
    if ((changes & 1) != 0) set16(f, at + 4, length + 9);
    if ((changes & 2) != 0) set16(f, at + 4, 7);
    if ((changes & 4) != 0) set16(f, at + 6, 0);
    return f;
  }

  player& player_;
  bool is_raw_;
  flow flows_[flow_count]{};
  unsigned habits_ = answers_arp, next_active_ = 0, id_ = 0;
  unsigned damage_ = 0, damage_value_ = 0;
  bool is_late_ = false;
  octets held_{};
  std::vector<octets> recent_{}, delivered_{};
};

}  // namespace

void structured(bytes input, octets* record) {
  reader in(input);
  const std::uint8_t first = in.u8();
  if (record != nullptr) record->assign(1, static_cast<std::byte>(first));
  const setting how = setting::from(first);
  const auto w = world::make(how);
  player p{*w, record};
  {
    peers them(p, how.is_raw);
    w->has_pattern = true;
    for (unsigned n = 0; n < most_steps && !in.empty(); ++n) {
      const std::uint8_t what = in.u8();
      const step s = static_cast<step>((what & 31) % all_steps);
      if (s == step::raw || s == step::mended) w->has_pattern = false;
      them.take(s, (what & no_turn) == 0, in);
    }
  }
  w->finish();
}

void stack_structured(bytes input) { structured(input, nullptr); }

}  // namespace strata::fuzz
