// SPDX-License-Identifier: MIT
// A cable between two stacks of one thread: the NIC of tests, examples and benchmarks. No time passes on it and nothing is lost.
//
//   side 0  transmit -> | posted | arrived | -> reclaim        side 0's own packets wait here until side 1 has received them, as in a DMA ring
//                            \-> receive  side 1
//
// copying: one copy a frame, out of the sender's chunk into one of the receiver's, which is what a DMA does.
// lending: no copy; the receiver reads in the sender's chunk, and the sender's completion comes when the receiver has given it back.
//
// An end with trains is what a veth pair is to the kernel: several segments behind one header cross as they are (buffer/train.hpp), and checksums may be left out.
//
// The ends are names of the wire's sides and own nothing, so that their destructor is trivial; close() returns what a side has in flight.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/nic/driver.hpp>

namespace strata::inline STRATA_ABI::nic {

enum class wire_mode : u8 { copying, lending };

/// The shared state, owned by the caller; it outlives both ends. All zero at the start. `Frames` is the size of each ring.
template <u32 Frames> struct wire_of {
  static_assert(Frames > 0 && (Frames & (Frames - 1)) == 0, "rings have a power of two frames");
  static constexpr u16 default_mtu = 1500;

  struct counters {
    u64 transmitted = 0;  ///< frames that this side handed to the wire
    u64 received = 0;     ///< of those, frames that the other side took
    u64 lost = 0;         ///< the other side was closed
    u64 oversized = 0;    ///< did not fit in a chunk of the other side
    u64 copied = 0;       ///< lending only: had to be copied, since too many were lent already or chunk sizes differ
  };

  /// From one side to the other. Indices count up; the ring holds [reclaimed, posted).
  struct way {
    struct loan {
      buffer::descriptor* lender = nullptr;    ///< the sender's, under its NIC bit
      buffer::descriptor* borrower = nullptr;  ///< the receiver's; null once the receiver is gone
      bool is_part = false;                    ///< of a train: it is not handed back, since the head stands for all
    };
    buffer::descriptor* ring[Frames] = {};  ///< null: was lent and is among the loans
    loan loans[Frames] = {};
    u32 posted = 0;
    u32 arrived = 0;
    u32 reclaimed = 0;
    u32 lent = 0;      ///< how many loans are out
    u32 next_loan = 0; ///< where the search for returned ones goes on
    bool is_deaf = false;  ///< the receiver was closed: frames are lost, not kept
    counters count{};
  };

  u16 mtu = 0;           ///< bytes of IP packet; zero: 1500
  bool poisons = false;  ///< received chunks are overwritten around the frame, so that whoever kept a view of a released chunk, or reads past a frame, sees it
  way ways[2] = {};      ///< by the transmitting side

  [[nodiscard]] const counters& of(u32 side) const { return ways[side].count; }
};
using wire = wire_of<256>;

/// One side of a wire. `Trains`: it takes them whole and hands them up.
template <wire_mode Mode, u32 Frames = 256, bool Trains = false> class wire_end {
 public:
  using wire_type = wire_of<Frames>;
  using way = typename wire_type::way;

  static constexpr std::size_t ring_bytes = sizeof(way);
  static constexpr capabilities may{.fills_in_checksum = Trains, .partial_checksum = Trains, .segments = Trains, .segments_datagrams = Trains, .trains = Trains};
  static_assert(!Trains || Mode == wire_mode::copying || sizeof(void*) >= 8, "where pointers have 32 bits a borrowed chunk has no room for the link of a train");
  /// Where a received frame starts in its chunk, bytes: behind an Ethernet header of 14 the IP header is aligned to four.
  static constexpr u32 receive_headroom = 2;

  constexpr wire_end() = default;
  /// `side` is 0 or 1. Without `mac` the address is locally administered: 02:00:00:00:00:01 for side 0, :02 for side 1.
  constexpr wire_end(wire_type& cable, u32 side, mac_address mac = {})
      : wire_(&cable), side_(static_cast<u8>(side)), mac_(mac.is_zero() ? mac_address{{2, 0, 0, 0, 0, static_cast<u8>(side + 1)}} : mac) {
    STRATA_EXPECTS(side < 2);
  }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    way& lane = incoming();
    if (lane.is_deaf) lane.is_deaf = false;
    std::size_t n = 0;
    while (n < batch.size() && lane.arrived != lane.posted) {
      buffer::descriptor*& slot = lane.ring[lane.arrived % Frames];
      packet p;
      if constexpr (Mode == wire_mode::lending) p = lend(lane, slot, chunks);
      if (!p && slot != nullptr) {
        if (!fits(*slot, chunks)) {
          ++lane.count.oversized;
          ++lane.arrived;
          continue;
        }
        p = copy(*slot, chunks);
        if (!p) break;  // no chunk: the frame stays where it is
        if constexpr (Mode == wire_mode::lending) ++lane.count.copied;
      }
      batch[n++] = std::move(p);
      ++lane.arrived;
    }
    lane.count.received += n;
    return n;
  }

  /// A train is one frame: it is handed back by its head.
  STRATA_ALWAYS_INLINE std::size_t transmit(std::span<packet> batch) {
    way& lane = outgoing();
    std::size_t n = 0;
    for (; n < batch.size() && lane.posted - lane.reclaimed < Frames; ++n) {
      STRATA_EXPECTS(batch[n].as() == buffer::owner::nic);
      lane.ring[lane.posted++ % Frames] = batch[n].detach();
    }
    lane.count.transmitted += n;
    if (lane.is_deaf) lose(lane);
    return n;
  }

  std::size_t reclaim(std::span<packet> batch) {
    way& lane = outgoing();
    std::size_t n = 0;
    u32 at = lane.reclaimed;
    for (const u32 end = lane.arrived; n < batch.size() && at != end; ++at) {
      if (buffer::descriptor* d = std::exchange(lane.ring[at % Frames], nullptr)) batch[n++] = packet::adopt(*d, buffer::owner::nic);
    }
    lane.reclaimed = at;
    if constexpr (Mode == wire_mode::lending) n += reclaim_loans(lane, batch.subspan(n));
    return n;
  }

  kick flush() { return kick::done; }
  [[nodiscard]] u16 mtu() const { return wire_->mtu != 0 ? wire_->mtu : wire_type::default_mtu; }
  [[nodiscard]] mac_address address() const { return mac_; }
  [[nodiscard]] capabilities has() const { return may; }

  /// Returns every packet of this side and forgets every frame for it; the pool may go afterwards. What the other side still reads of a lent
  /// chunk becomes a copy in a chunk of its own. The other side may go on: what it sends is lost and completes at once, until a new end of this side receives.
  void close() {
    if (wire_ == nullptr) return;
    way& out = outgoing();
    for (; out.reclaimed != out.posted; ++out.reclaimed) {
      if (out.arrived == out.reclaimed) {
        ++out.arrived;
        ++out.count.lost;
      }
      if (buffer::descriptor* d = std::exchange(out.ring[out.reclaimed % Frames], nullptr)) {
        packet p = packet::adopt(*d, buffer::owner::nic);
        if constexpr (Trains) buffer::drop_parts(p);
      }
    }
    for (; out.lent > 0; --out.lent) {
      typename way::loan& l = out.loans[out.lent - 1];
      if (is_out(l)) make_it_a_copy(*l.borrower);
      packet::adopt(*l.lender, buffer::owner::nic).reset();
    }
    way& in = incoming();
    in.is_deaf = true;
    lose(in);
    for (u32 i = 0; i < in.lent; ++i) in.loans[i].borrower = nullptr;
  }

 private:
  // Of two there is one or the other: no address is multiplied.
  way& outgoing() { STRATA_EXPECTS(wire_ != nullptr); return side_ == 0 ? wire_->ways[0] : wire_->ways[1]; }
  way& incoming() { STRATA_EXPECTS(wire_ != nullptr); return side_ == 0 ? wire_->ways[1] : wire_->ways[0]; }

  static void lose(way& lane) {
    lane.count.lost += lane.posted - lane.arrived;
    lane.arrived = lane.posted;
  }

  static bool fits(const buffer::descriptor& d, const buffer::pool& chunks) {
    bool all = chunks.chunk_size() >= receive_headroom + std::size_t{d.length};
    if constexpr (Trains)
      for (const buffer::descriptor* part = d.home->named(d.train); part != nullptr; part = d.home->named(part->train)) all = all && part->length <= chunks.chunk_size();
    return all;
  }
  packet copy(const buffer::descriptor& from, buffer::pool& chunks) {
    if constexpr (Trains) {
      if (buffer::is_train(from) && chunks.available() < buffer::train_parts(from)) return {};
    }
    packet p = copy_one(from, chunks, receive_headroom);
    if constexpr (Trains) {
      if (!p) return p;
      mark(p.d(), from);
      buffer::descriptor* last = &p.d();
      for (const buffer::descriptor* d = from.home->named(from.train); d != nullptr; d = from.home->named(d->train)) {
        packet part = copy_one(*d, chunks, 0);
        buffer::descriptor* const next = &part.d();
        buffer::couple(*last, std::move(part));
        last = next;
      }
    }
    return p;
  }
  packet copy_one(const buffer::descriptor& from, buffer::pool& chunks, u32 headroom) {
    packet p = chunks.take_receive(headroom);
    if (!p) return p;
    if (wire_->poisons) __builtin_memset(p->chunk, 0xdb, chunks.chunk_size());
    copy_message(p->chunk + headroom, from.chunk + from.offset, from.length);
    p->length = from.length;
    return p;
  }
  /// What a NIC says of a frame beside its bytes.
  static void mark(buffer::descriptor& to, const buffer::descriptor& from) {
    to.flags = static_cast<u8>(to.flags | (from.flags & buffer::descriptor::checksum_partial));
    if (buffer::is_train(from)) to.segment_size = static_cast<u16>(buffer::sent_segment_size(from));
  }

  // Loans. A chunk is lent only if a close() of the sender could turn the loan into a copy, and never further than to one borrower.
  packet lend(way& lane, buffer::descriptor*& slot, buffer::pool& chunks) {
    if (lane.lent == Frames || (slot->flags & buffer::descriptor::borrowed) != 0 || chunks.chunk_size() < slot->home->chunk_size()) return {};
    if constexpr (Trains) {
      if (buffer::is_train(*slot)) return lend_train(lane, slot, chunks);
    }
    packet p = chunks.borrow(*slot, slot->offset, slot->length);
    if constexpr (Trains) {
      if (p) mark(p.d(), *slot);
    }
    if (p) lane.loans[lane.lent++] = {std::exchange(slot, nullptr), &p.d()};
    return p;
  }
  /// Part by part. The sender's chain ends with it: each loan comes back by itself, and the head stands for all.
  packet lend_train(way& lane, buffer::descriptor*& slot, buffer::pool& chunks) {
    const u32 parts = buffer::train_parts(*slot);
    bool may_lend = lane.lent + parts <= Frames && chunks.available() >= parts;
    buffer::each_part(*slot, [&](const buffer::descriptor& d) { may_lend = may_lend && (d.flags & buffer::descriptor::borrowed) == 0 && d.holders != 255; });
    if (!may_lend) return {};
    packet head;
    buffer::descriptor* last = nullptr;
    const buffer::descriptor& first = *slot;
    buffer::each_part(*slot, [&](buffer::descriptor& d) {
      packet p = chunks.borrow(d, d.offset, d.length);
      buffer::descriptor* const borrower = &p.d();
      if (last == nullptr) mark(*borrower, first), head = std::move(p);
      else buffer::couple(*last, std::move(p));
      d.train = 0;
      lane.loans[lane.lent++] = {&d, borrower, last != nullptr};
      last = borrower;
    });
    slot = nullptr;
    return head;
  }
  /// A borrower that was given back forgets its lender, and the lender is not posted again before we say so: one compare is exact.
  static bool is_out(const typename way::loan& l) {
    return l.borrower != nullptr && (l.borrower->flags & buffer::descriptor::borrowed) != 0 && l.borrower->lender == l.lender;
  }
  std::size_t reclaim_loans(way& lane, std::span<packet> batch) {
    std::size_t n = 0;
    // Bounded, since readers that keep what they were lent must not make every call walk over all of it.
    for (std::size_t looks = 2 * batch.size(); looks > 0 && n < batch.size() && lane.lent > 0;) {
      if (lane.next_loan >= lane.lent) lane.next_loan = 0;
      typename way::loan& l = lane.loans[lane.next_loan];
      if (is_out(l)) {
        ++lane.next_loan;
        --looks;
        continue;
      }
      packet p = packet::adopt(*l.lender, buffer::owner::nic);
      if (!Trains || !l.is_part) batch[n++] = std::move(p);
      l = lane.loans[--lane.lent];
    }
    return n;
  }
  static void make_it_a_copy(buffer::descriptor& borrower) {
    buffer::descriptor& lender = *borrower.lender;
    buffer::pool& home = *borrower.home;
    std::byte* const own = const_cast<std::byte*>(home.memory()) + std::size_t{home.name(borrower) - 1} * home.chunk_size();
    copy_bytes(own, borrower.chunk, lender.home->chunk_size());
    borrower.chunk = own;
    borrower.flags = static_cast<u8>(borrower.flags & ~buffer::descriptor::borrowed);
    borrower.lender = nullptr;
    packet::adopt(lender, buffer::owner::holder).reset();
  }

  wire_type* wire_ = nullptr;
  u8 side_ = 0;
  mac_address mac_{};
};

/// The usual end of a `wire`: copying, frame by frame. `wire_pair::lending` is the other kind, and there is each with trains; both ends of a wire are of one kind.
struct wire_pair : wire_end<wire_mode::copying> {
  using wire_end::wire_end;
  using copying = wire_pair;
  using lending = wire_end<wire_mode::lending>;
  using copying_trains = wire_end<wire_mode::copying, 256, true>;
  using lending_trains = wire_end<wire_mode::lending, 256, true>;
};

static_assert(driver<wire_pair> && driver<wire_pair::lending> && std::is_trivially_destructible_v<wire_pair>);
static_assert(driver<wire_pair::copying_trains>);
#if UINTPTR_MAX > 0xffffffff
static_assert(driver<wire_pair::lending_trains>);
#endif
static_assert(can_be_closed<wire_pair> && can_be_closed<wire_pair::lending>);

}  // namespace strata::inline STRATA_ABI::nic
