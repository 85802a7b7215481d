// SPDX-License-Identifier: MIT
// What lies between two nic::simulated: both directions of a link that misbehaves on purpose, in virtual time.
//
// Everything is drawn from the seed: the same calls at the same times give the same run. Each frame draws the same number of words whatever is switched
// on, so that adding one fault leaves the others where they were. Counters say what really happened, so that a test can insist on it.
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/entropy.hpp>
#include <strata/nic/driver.hpp>

namespace strata::inline STRATA_ABI::nic {

/// What happens to frames of one direction. Probabilities are parts per million of frames, or of calls where it says so. All zero: a perfect link.
struct impairment {
  static constexpr u32 always = 1'000'000;

  u64 delay_ns = 0;           ///< from the last bit sent to the arrival
  u64 jitter_ns = 0;          ///< 0..jitter more; does not reorder
  u64 rate = 0;               ///< bit/s; zero: infinite
  u32 queue_bytes = 0;        ///< with a rate: what may wait to be sent, at most 2^31; more is dropped. Zero: no limit
  u32 queue_frames = 0;       ///< what may be on its way at once, waiting or flying; more is dropped. Zero: all that the link can store
  u32 loss = 0;
  u32 loss_up_to = 0;         ///< bytes of frame: longer ones are spared by `loss`, as if only ACKs were lost. Zero: none is
  u32 carries = 0;            ///< bytes of IP packet: longer ones are lost on the way, behind a smaller MTU. Zero: none is
  u32 burst_begin = 0;        ///< a burst begins; in a burst every frame is lost
  u32 burst_end = 0;          ///< a burst ends, after each of its frames
  u32 duplication = 0;
  u32 reordering = 0;         ///< the frame comes reorder_ns later, and what is sent meanwhile overtakes it
  u64 reorder_ns = 0;
  u32 corruption = 0;
  u32 corrupt_bits = 0;       ///< bits that are flipped; zero: one, which no Internet checksum misses
  u32 corrupt_from = 0;       ///< the first byte that may be hit; 14 spares the Ethernet header
  u32 marking = 0;            ///< CE is set in IP packets that are ECN-capable (RFC 3168 §5)
  bool is_down = false;       ///< every frame is lost and flush() says link_down

  u32 ring = 0;               ///< frames that the sender's ring holds; zero: all there are
  u32 full = 0;               ///< of transmit calls: the ring is full for full_ns
  u64 full_ns = 0;
  u32 kick_again = 0;         ///< of flush calls: nothing leaves, and `again` is the answer
  u32 late = 0;               ///< the completion comes late_ns after the frame has left
  u64 late_ns = 0;
  u32 missing = 0;            ///< the completion comes give_up_ns after the frame has left; with zero never, but by close()
  u64 give_up_ns = 0;
  u32 partial = 0;            ///< of reclaim calls: not all that is done is handed out
};

/// What became of the frames of one direction.
struct simulated_counters {
  u64 transmitted = 0;   ///< taken by transmit()
  u64 left = 0;          ///< ... and rung for
  u64 received = 0;      ///< duplicates included
  u64 lost = 0;
  u64 lost_in_burst = 0;
  u64 lost_down = 0;     ///< the link was down, or the receiver closed
  u64 queue_full = 0;
  u64 too_long = 0;      ///< for `carries`
  u64 no_room = 0;       ///< more in flight than the link can store, or a frame longer than its slots
  u64 oversized = 0;     ///< did not fit in a chunk of the receiver
  u64 duplicated = 0;
  u64 overtaken = 0;     ///< received after a frame that was sent later
  u64 corrupted = 0;
  u64 marked = 0;
  u64 ring_full = 0;     ///< transmit calls that took fewer
  u64 kicked_again = 0;
  u64 late = 0;          ///< completions
  u64 missing = 0;       ///< completions
  u64 partial = 0;       ///< reclaim calls
};

/// Both directions, owned by the test; it outlives both ends. `Frames` each way, of at most `Bytes`. All zero at the start.
template <u32 Frames, u32 Bytes> struct simulated_link_of {
  static constexpr u16 default_mtu = 1500;
  static constexpr u64 never = ~u64{0};
  static_assert(Frames > 0 && Bytes <= 0xffff);

  struct flight {
    u64 due = 0;
    u64 order = 0;
    u32 next = 0;  // 1 + index
    u32 previous = 0;
    u16 length = 0;
    std::byte bytes[Bytes] = {};
  };
  struct posted {
    buffer::descriptor* d = nullptr;
    u64 completes = 0;
    bool has_left = false;
  };
  struct way {
    impairment faults{};
    simulated_counters count{};
    flight flights[Frames] = {};
    posted ring[Frames] = {};
    u32 first = 0, last = 0, free = 0, fresh = 0;  // flights by due time; 1 + index
    u32 in_ring = 0, flying = 0;
    u64 busy_until = 0, full_until = 0, last_due = 0, sent_order = 0, received_order = 0;
    bool is_in_burst = false, is_deaf = false;
    entropy::seeded random{};

    /// Whether an event of that probability happens; draws one word always.
    bool happens(u32 per_million, u64 salt) { return draw(salt) % impairment::always < per_million; }
    // The two directions read the one sequence of their seed at places far apart.
    u64 draw(u64 salt) {
      entropy::seeded here{random.state + salt * 0x5851f42d4c957f2d};
      random.state += 0x9e3779b97f4a7c15;
      return here.next();
    }

    /// Puts a copy into the flights, behind all that are due no later; most often that is the end. Null if there is no room, counted.
    flight* fly(std::span<const std::byte> frame, u64 due) {
      if (faults.queue_frames != 0 && flying >= faults.queue_frames) {
        ++count.queue_full;
        return nullptr;
      }
      if (frame.size() > Bytes || (free == 0 && fresh == Frames)) {
        ++count.no_room;
        return nullptr;
      }
      u32 name = free;
      if (name != 0) free = flights[name - 1].next;
      else name = ++fresh;
      flight& f = flights[name - 1];
      f.due = due;
      f.order = sent_order;
      f.length = static_cast<u16>(frame.size());
      copy_bytes(f.bytes, frame.data(), frame.size());
      u32 before = last;
      while (before != 0 && flights[before - 1].due > due) before = flights[before - 1].previous;
      u32& behind = before == 0 ? first : flights[before - 1].next;
      f.previous = before;
      f.next = behind;
      (f.next == 0 ? last : flights[f.next - 1].previous) = name;
      behind = name;
      ++flying;
      return &f;
    }
    /// The first flight is over.
    void land() {
      const u32 name = first;
      flight& f = flights[name - 1];
      first = f.next;
      (f.next == 0 ? last : flights[f.next - 1].previous) = 0;
      f.next = free;
      free = name;
      --flying;
    }

    /// Flips bits of a frame in flight.
    void corrupt(flight& f, entropy::seeded where) {
      const u32 from = faults.corrupt_from;
      if (from >= f.length) return;
      const u32 bits = faults.corrupt_bits == 0 ? 1 : faults.corrupt_bits;
      for (u32 i = 0; i < bits; ++i) {
        const u64 bit = where.below((f.length - from) * u64{8});
        f.bytes[from + bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      }
      ++count.corrupted;
    }

    /// CE, if the packet is ECN-capable and not marked yet. RFC 3168 §5; the IPv4 header checksum follows by RFC 1624 eqn. 3.
    void mark(flight& f, bool is_bare) {
      const u32 ip = is_bare ? 0 : 14;
      if (f.length < ip + 20u) return;
      const u16 type = is_bare ? u16{0} : load_be<u16>(f.bytes + 12);
      const u32 version = std::to_integer<u32>(f.bytes[ip]) >> 4;
      const u16 before = load_be<u16>(f.bytes + ip);
      if (version == 4 && (type == 0 || type == 0x0800)) {
        if ((before & 3) == 0 || (before & 3) == 3) return;
        const u16 after = static_cast<u16>(before | 3);
        u32 sum = static_cast<u16>(~load_be<u16>(f.bytes + ip + 10)) + u32{static_cast<u16>(~before)} + after;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        store_be<u16>(f.bytes + ip, after);
        store_be<u16>(f.bytes + ip + 10, static_cast<u16>(~sum));
      } else if (version == 6 && (type == 0 || type == 0x86dd)) {
        if ((before & 0x30) == 0 || (before & 0x30) == 0x30) return;
        store_be<u16>(f.bytes + ip, static_cast<u16>(before | 0x30));
      } else {
        return;
      }
      ++count.marked;
    }
  };

  u16 mtu = 0;            ///< bytes of IP packet; zero: 1500
  bool is_raw_ip = false; ///< frames begin with the IP header; matters to `marking`
  u64 now_ns = 0;
  way ways[2] = {};       ///< by the transmitting side

  constexpr simulated_link_of() = default;
  explicit constexpr simulated_link_of(u64 seed) { ways[0].random.state = ways[1].random.state = seed; }

  /// Time goes on; never back.
  void advance(u64 now) { if (now > now_ns) now_ns = now; }
  /// The next moment at which a frame arrives, a completion comes or a full ring opens, if one is ahead: what a simulation may jump to.
  [[nodiscard]] std::optional<u64> next_event() const {
    u64 t = never;
    const auto consider = [&](u64 x) { if (x > now_ns && x < t) t = x; };
    for (const way& w : ways) {
      for (u32 i = w.first; i != 0; i = w.flights[i - 1].next) {
        consider(w.flights[i - 1].due);
        if (w.flights[i - 1].due > now_ns) break;
      }
      for (u32 i = 0; i < w.in_ring; ++i)
        if (w.ring[i].has_left) consider(w.ring[i].completes);
      consider(w.full_until);
    }
    return t == never ? std::nullopt : std::optional<u64>(t);
  }
  [[nodiscard]] impairment& faults(u32 side) { return ways[side].faults; }  ///< of what `side` sends
  [[nodiscard]] const simulated_counters& of(u32 side) const { return ways[side].count; }
  /// Frames on their way from `side`.
  [[nodiscard]] u32 in_flight(u32 side) const { return ways[side].flying; }
};
using simulated_link = simulated_link_of<256, 2048>;

}  // namespace strata::inline STRATA_ABI::nic
