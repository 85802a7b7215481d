// SPDX-License-Identifier: MIT
// A NIC in virtual time whose link delays, limits, loses, doubles, reorders and corrupts, and which itself misbehaves: completions come late, in part or
// never, the ring is full for a while, the doorbell must be rung again.
//
//   transmit -> | ring | -- flush --> | queue, rate | -> faults -> | in flight | -- due --> receive
//                  \-> reclaim, when the completion is due
#pragma once
#include <strata/nic/simulated_link.hpp>

namespace strata::inline STRATA_ABI::nic {

/// One end. A name of the link's side: it owns nothing and its destructor is trivial; close() returns what its ring holds.
template <u32 Frames, u32 Bytes> class simulated_end {
 public:
  using link_type = simulated_link_of<Frames, Bytes>;
  using way = typename link_type::way;
  using flight = typename link_type::flight;

  static constexpr std::size_t ring_bytes = sizeof(link_type) / 2;
  static constexpr capabilities may{};
  /// Where a received frame starts in its chunk, bytes; behind an Ethernet header the IP header is aligned to four.
  static constexpr u32 receive_headroom = 2;

  constexpr simulated_end() = default;
  /// `side` is 0 or 1. Without `mac` the address is locally administered: 02:00:00:00:00:01 for side 0, :02 for side 1.
  constexpr simulated_end(link_type& link, u32 side, mac_address mac = {})
      : link_(&link), side_(static_cast<u8>(side)), mac_(mac.is_zero() ? mac_address{{2, 0, 0, 0, 0, static_cast<u8>(side + 1)}} : mac) {
    STRATA_EXPECTS(side < 2);
  }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    way& from = incoming();
    from.is_deaf = false;
    std::size_t n = 0;
    while (n < batch.size() && from.first != 0 && from.flights[from.first - 1].due <= link_->now_ns) {
      const flight& f = from.flights[from.first - 1];
      if (receive_headroom + std::size_t{f.length} > chunks.chunk_size()) {
        ++from.count.oversized;
        from.land();
        continue;
      }
      packet p = chunks.take_receive(receive_headroom);
      if (!p) break;  // no chunk: the frame stays where it is
      copy_bytes(p->chunk + receive_headroom, f.bytes, f.length);
      p->length = f.length;
      if (f.order < from.received_order) ++from.count.overtaken;
      else from.received_order = f.order;
      from.land();
      ++from.count.received;
      batch[n++] = std::move(p);
    }
    return n;
  }

  std::size_t transmit(std::span<packet> batch) {
    way& to = outgoing();
    const bool becomes_full = to.happens(to.faults.full, side_);
    if (becomes_full && to.full_until <= link_->now_ns) to.full_until = link_->now_ns + to.faults.full_ns;
    const u32 size = to.faults.ring != 0 && to.faults.ring < Frames ? to.faults.ring : Frames;
    std::size_t n = 0;
    if (to.full_until <= link_->now_ns)
      for (; n < batch.size() && to.in_ring < size; ++n) {
        STRATA_EXPECTS(batch[n].as() == buffer::owner::nic);
        to.ring[to.in_ring++] = {batch[n].detach(), 0, false};
      }
    to.count.transmitted += n;
    if (n < batch.size()) ++to.count.ring_full;
    return n;
  }

  /// What was posted leaves now, and not before: a stack that forgets its doorbell sends nothing.
  kick flush() {
    way& to = outgoing();
    if (to.happens(to.faults.kick_again, side_)) {
      ++to.count.kicked_again;
      return kick::again;
    }
    for (u32 i = 0; i < to.in_ring; ++i)
      if (!to.ring[i].has_left) leave(to, to.ring[i]);
    return to.faults.is_down ? kick::link_down : kick::done;
  }

  std::size_t reclaim(std::span<packet> batch) {
    way& to = outgoing();
    std::size_t most = batch.size();
    const bool is_partial = to.happens(to.faults.partial, side_);
    const u64 some = to.draw(side_);
    if (is_partial && to.in_ring > 0) {
      most = most < to.in_ring ? most : to.in_ring;
      most = static_cast<std::size_t>(some % (most + 1));
    }
    std::size_t n = 0;
    u32 kept = 0;
    bool was_cut = false;
    for (u32 i = 0; i < to.in_ring; ++i) {
      const bool is_done = to.ring[i].has_left && to.ring[i].completes <= link_->now_ns;
      if (is_done && n < most) batch[n++] = packet::adopt(*to.ring[i].d, buffer::owner::nic);
      else {
        was_cut |= is_done && n < batch.size();
        to.ring[kept++] = to.ring[i];
      }
    }
    to.in_ring = kept;
    if (was_cut) ++to.count.partial;
    return n;
  }

  [[nodiscard]] u16 mtu() const { return link_->mtu != 0 ? link_->mtu : link_type::default_mtu; }
  [[nodiscard]] mac_address address() const { return mac_; }
  [[nodiscard]] capabilities has() const { return {}; }

  /// Returns every packet of this side, those too whose completion is missing. Frames that have left arrive all the same; those for this side are lost,
  /// until a new end of it receives.
  void close() {
    if (link_ == nullptr) return;
    way& to = outgoing();
    while (to.in_ring > 0) packet::adopt(*to.ring[--to.in_ring].d, buffer::owner::nic).reset();
    way& from = incoming();
    from.is_deaf = true;
    for (; from.first != 0; from.land()) ++from.count.lost_down;
  }

 private:
  way& outgoing() { STRATA_EXPECTS(link_ != nullptr); return link_->ways[side_]; }
  way& incoming() { STRATA_EXPECTS(link_ != nullptr); return link_->ways[1 - side_]; }

  void leave(way& to, typename link_type::posted& p) {
    const impairment& f = to.faults;
    const u64 now = link_->now_ns;
    simulated_counters& count = to.count;
    // All draws first, so that no fault moves another one's.
    const bool begins = to.happens(f.burst_begin, side_), ends = to.happens(f.burst_end, side_), is_lost = to.happens(f.loss, side_);
    const bool is_double = to.happens(f.duplication, side_), is_late = to.happens(f.reordering, side_), is_corrupt = to.happens(f.corruption, side_);
    const bool is_marked = to.happens(f.marking, side_), completes_late = to.happens(f.late, side_), is_missing = to.happens(f.missing, side_);
    const u64 jitter = f.jitter_ns == 0 ? (void(to.draw(side_)), u64{0}) : to.draw(side_) % (f.jitter_ns + 1);
    entropy::seeded where{to.draw(side_)};

    ++count.left;
    p.has_left = true;
    p.completes = now;
    const std::span<const std::byte> frame{p.d->chunk + p.d->offset, p.d->length};
    u64 departure = now;
    bool is_dropped = false;
    if (f.rate != 0) {
      const u64 start = to.busy_until > now ? to.busy_until : now;
      const u64 waits_at_most = u64{f.queue_bytes} * 8'000'000'000 / f.rate;
      if (f.queue_bytes != 0 && start - now > waits_at_most) {
        ++count.queue_full;
        is_dropped = true;
      } else {
        to.busy_until = departure = start + frame.size() * 8'000'000'000 / f.rate;
      }
    }
    p.completes = departure;
    if (is_missing) {
      ++count.missing;
      p.completes = f.give_up_ns == 0 ? link_type::never : departure + f.give_up_ns;
    } else if (completes_late) {
      ++count.late;
      p.completes = departure + f.late_ns;
    }

    if (begins) to.is_in_burst = true;
    const bool is_in_burst = to.is_in_burst;
    if (ends) to.is_in_burst = false;
    ++to.sent_order;
    if (is_dropped) return;
    if (f.is_down || to.is_deaf) return void(++count.lost_down);
    if (is_in_burst) return void(++count.lost_in_burst);
    if (f.carries != 0 && frame.size() > f.carries + (link_->is_raw_ip ? 0u : 14u)) return void(++count.too_long);
    if (is_lost && (f.loss_up_to == 0 || frame.size() <= f.loss_up_to)) return void(++count.lost);

    u64 due = departure + f.delay_ns + jitter;
    if (due < to.last_due) due = to.last_due;
    if (is_late) due += f.reorder_ns;
    else to.last_due = due;
    flight* const one = to.fly(frame, due);
    if (one == nullptr) return;
    if (is_marked) to.mark(*one, link_->is_raw_ip);
    if (is_corrupt) to.corrupt(*one, where);
    if (is_double && to.fly({one->bytes, one->length}, due) != nullptr) ++count.duplicated;
  }

  link_type* link_ = nullptr;
  u8 side_ = 0;
  mac_address mac_{};
};
using simulated = simulated_end<256, 2048>;

static_assert(driver<simulated> && can_be_closed<simulated> && std::is_trivially_destructible_v<simulated>);

}  // namespace strata::inline STRATA_ABI::nic
