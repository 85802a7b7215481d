// SPDX-License-Identifier: MIT
// Fragments of a datagram to us become the datagram (RFC 791 §3.2, RFC 1122 §3.3.2). They stay in the chunks that they came in, as the parts of a train in their
// order (RFC 815 keeps holes, we keep what is there); where no train may go up they are copied into one chunk, if that holds them.  Linux: ip_defrag.
//
// Fragments that overlap are an attack or a fault: the datagram is dropped, and what comes of it later, too (RFC 5722, which Linux obeys for IPv4 as well); only an
// exact copy is passed over. Each bound is a number: slots, slots of one source, fragments of a datagram.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/ip/config.hpp>
#include <strata/wire/ipv4.hpp>

#include <bit>

namespace strata::inline STRATA_ABI::ip {

/// Named as in /proc/net/snmp (Ip:); fragments that were dropped count as reasm_fails of ip::counters.
struct reassembly_counters {
  u32 reasm_reqds = 0;     ///< fragments that came
  u32 reasm_oks = 0;       ///< datagrams that were whole
  u32 reasm_timeout = 0;   ///< datagrams that were not within 30 s
  u32 reasm_overlaps = 0;  ///< datagrams whose fragments overlapped
  u32 reasm_evicted = 0;   ///< datagrams that made room for others
  u32 reasm_copied = 0;    ///< datagrams that were copied to be one piece
};

template <config C> class reassembler {
 public:
  using address = typename C::family::address;
  using moment = time_point<typename C::tick>;
  static constexpr u32 slots = C::limits.fragments;
  static constexpr u32 slots_of_a_source = slots < 4 ? 1 : slots / 4;
  static constexpr u8 not_ect = 1 << 0;  // a bit of slot::ecns
  static constexpr u32 most_pieces = buffer::most_train_parts;
  [[nodiscard]] static constexpr auto timeout() { return duration<typename C::tick>::from_ms(30'000); }  ///< Linux: ipfrag_time

  /// A fragment, its IP header `h` in front. True: it was the last that was missing, and `p` is the datagram: the first fragment, its header with it, and the others
  /// behind it as a train, their headers off. `ecn`: congestion experienced if any of them says so; where some say that their
  /// sender knows nothing of ECN and some that he does, the datagram is dropped (RFC 3168 §5.3).
  [[nodiscard]] [[gnu::noinline]] bool on_fragment(links<address> auto&& below, packet& p, const wire::ipv4& h, moment now, u8& ecn, counters& count) {
    ++count_.reasm_reqds;
    const u32 offset = h.fragment_offset, bytes = h.payload_length();
    // RFC 791 §3.2: all but the last are multiples of eight. Nothing of a datagram lies beyond 65,535 bytes (the ping of death).
    if ((h.more_fragments && bytes % 8 != 0) || bytes == 0 || !h.fits_a_datagram()) return refuse(count);
    slot* s = find(h);
    if (s == nullptr) s = open(p->home, h, now);
    if (s == nullptr || s->pieces == most_pieces || p->home->available() < C::limits.receive_reserve) return refuse(count);
    if constexpr (sizeof(void*) < 8) {
      if ((p->flags & buffer::descriptor::borrowed) != 0) return refuse(count);  // the link of a train and the lender share their place
    }
    if (s->is_dead) return refuse(count);
    if (!h.more_fragments) {
      if ((s->total != 0 && s->total != offset + bytes) || s->end > offset + bytes) return kill(*s, *p->home, count);
      s->total = offset + bytes;
    } else if (s->total != 0 && offset + bytes > s->total) {
      return kill(*s, *p->home, count);
    }
    p->network = p->offset;
    p.trim(h.total_length);
    p.pull(h.header_length);
    p->seq = offset;
    switch (insert(*s, p)) {
      case placed::copy: return refuse(count);
      case placed::overlap: return kill(*s, *p->home, count);
      case placed::yes: break;
    }
    if (offset + bytes > s->end) s->end = offset + bytes;
    s->bytes += bytes;
    s->ecns = static_cast<u8>(s->ecns | 1u << h.ecn());
    if (s->total == 0 || s->bytes != s->total) return false;
    if ((s->ecns & not_ect) != 0 && s->ecns != not_ect) {  // some are of a sender that knows ECN, and some are not. Linux: ip_frag_ecn_table
      count.reasm_fails += s->pieces;
      close(*s, below.chunks());
      return false;
    }
    ecn = static_cast<u8>(std::bit_width(s->ecns) - 1);  // congestion experienced is the highest
    return finish(below, *s, p, count);
  }

  /// Datagrams whose time is over are dropped; tell(first fragment): of each of which the first fragment came (RFC 792: time exceeded, code 1).  Linux: ip_expire.
  void advance(buffer::pool& chunks, moment now, counters& count, auto&& tell) {
    look_at_ = now + timeout();
    if (open_ == 0) return;
    for (slot& s : slots_) {
      if (!s.is_used) continue;
      if (!now.reached(s.since + timeout())) {
        look_at_ = earlier_of(look_at_, s.since + timeout());
        continue;
      }
      ++count_.reasm_timeout;
      count.reasm_fails += s.pieces;
      if (buffer::descriptor* d = chunks.named(s.first); d != nullptr && d->seq == 0) {
        packet first = packet::adopt(*d, buffer::owner::holder);
        s.first = std::exchange(first->train, 0u);
        tell(first);
      }
      close(s, chunks);
    }
  }
  /// When to call it: not after the oldest datagram's time is over, and perhaps before.
  [[nodiscard]] std::optional<moment> next_deadline() const {
    if (open_ == 0) return {};
    return look_at_;
  }
  [[nodiscard]] bool is_due(moment now) const { return open_ != 0 && now.reached(look_at_); }
  void clear(buffer::pool& chunks) {
    for (slot& s : slots_)
      if (s.is_used) close(s, chunks);
  }
  [[nodiscard]] const reassembly_counters& counted() const { return count_; }

 private:
  struct slot {
    ipv4_address source{}, destination{};
    u16 id = 0;
    u8 protocol = 0;
    u8 ecns = 0;             // what its fragments said, a bit each
    bool is_used = false;
    bool is_dead = false;    // fragments overlapped: nothing of it is taken any more
    u32 first = 0;           // pieces in the order of their offsets, which stand in descriptor::seq
    u32 pieces = 0;
    u32 bytes = 0;           // that came
    u32 end = 0;             // behind the last byte that came
    u32 total = 0;           // bytes, known from the last fragment; zero: not yet
    moment since{};
  };
  enum class placed : u8 { yes, copy, overlap };

  [[nodiscard]] slot* find(const wire::ipv4& h) {
    for (slot& s : slots_)
      if (s.is_used && s.id == h.id && s.source == h.source && s.destination == h.destination && s.protocol == h.protocol) return &s;
    return nullptr;
  }
  /// A slot for a new datagram: a free one, or the oldest of a source that has its share, or the oldest of all.
  [[nodiscard]] slot* open(buffer::pool* chunks, const wire::ipv4& h, moment now) {
    slot* free = nullptr;
    slot* oldest = nullptr;
    slot* oldest_of_source = nullptr;
    u32 of_source = 0;
    for (slot& s : slots_) {
      if (!s.is_used) {
        if (free == nullptr) free = &s;
        continue;
      }
      if (oldest == nullptr || s.since.is_before(oldest->since)) oldest = &s;
      if (s.source != h.source) continue;
      ++of_source;
      if (oldest_of_source == nullptr || s.since.is_before(oldest_of_source->since)) oldest_of_source = &s;
    }
    slot* s = of_source >= slots_of_a_source ? oldest_of_source : free != nullptr ? free : oldest;
    if (s->is_used) {
      ++count_.reasm_evicted;
      close(*s, *chunks);
    }
    *s = slot{.source = h.source, .destination = h.destination, .id = h.id, .protocol = h.protocol, .is_used = true, .since = now};
    if (open_++ == 0) look_at_ = now + timeout();
    return s;
  }
  /// Puts a piece where its offset says.
  [[nodiscard]] static placed insert(slot& s, packet& p) {
    buffer::pool& chunks = *p->home;
    buffer::descriptor* before = nullptr;
    buffer::descriptor* behind = chunks.named(s.first);
    for (; behind != nullptr && behind->seq < p->seq; behind = chunks.named(behind->train)) before = behind;
    if (behind != nullptr && behind->seq == p->seq && behind->length == p->length) return placed::copy;
    if ((before != nullptr && before->seq + before->length > p->seq) || (behind != nullptr && p->seq + p->length > behind->seq)) return placed::overlap;
    const u32 name = chunks.name(p.d());
    p->train = behind != nullptr ? chunks.name(*behind) : 0;
    if (before != nullptr) before->train = name;
    else s.first = name;
    ++s.pieces;
    STRATA_EXPECTS(p.as() == buffer::owner::holder);
    (void)p.detach();
    return placed::yes;
  }
  [[nodiscard]] bool finish(links<address> auto&& below, slot& s, packet& p, counters& count) {
    buffer::pool& chunks = below.chunks();
    packet head = packet::adopt(*chunks.named(std::exchange(s.first, 0u)), buffer::owner::holder);
    s.is_used = false;
    --open_;
    head->segment_size = 0;
    if constexpr (!buffer::may_be_trains<decltype(below)>) {
      const u32 bytes = buffer::train_bytes(head.d()), header = static_cast<u32>(head->offset - head->network);
      packet whole = chunks.take_receive(0);
      if (!whole || whole.room().size() < bytes + header) {
        count.reasm_fails += s.pieces;
        buffer::drop_train(head);
        return false;
      }
      std::byte* to = whole.room().data();
      copy_bytes(to, head->chunk + head->network, header);
      to += header;
      buffer::each_part(head.d(), [&](buffer::descriptor& d) {
        copy_bytes(to, d.chunk + d.offset, d.length);
        to += d.length;
      });
      whole.extend(bytes + header);
      whole->network = whole->offset;
      whole.pull(header);
      buffer::drop_train(head);
      head = std::move(whole);
      ++count_.reasm_copied;
    }
    ++count_.reasm_oks;
    p = std::move(head);
    return true;
  }
  [[nodiscard]] static bool refuse(counters& count) { return ++count.reasm_fails, false; }
  [[nodiscard]] bool kill(slot& s, buffer::pool& chunks, counters& count) {
    ++count_.reasm_overlaps;
    count.reasm_fails += s.pieces + 1;
    drop_pieces(s, chunks);
    s.is_dead = true;
    return false;
  }
  static void drop_pieces(slot& s, buffer::pool& chunks) {
    if (buffer::descriptor* const d = chunks.named(std::exchange(s.first, 0u)); d != nullptr) {
      packet head = packet::adopt(*d, buffer::owner::holder);
      buffer::drop_train(head);
    }
    s.pieces = 0;
  }
  void close(slot& s, buffer::pool& chunks) {
    drop_pieces(s, chunks);
    s.is_used = false;
    --open_;
  }

  slot slots_[slots]{};
  u32 open_ = 0;      // slots in use
  moment look_at_{};  // no slot's time is over before
  reassembly_counters count_{};
};

}  // namespace strata::inline STRATA_ABI::ip
