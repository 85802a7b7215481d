// SPDX-License-Identifier: MIT
// A wrapper around the driver of one core, whose stack shares its address with those of other cores: each has a queue of the NIC, and sends by it. What the NIC
// brings to the wrong core goes over to the right one by copy (crossing.hpp, frame_owner.hpp); Linux does it by RPS, enqueue_to_backlog.
//
//   static strata::nic::crossing<8> between{{.cores = 2, .key = key}};
//   struct mine : strata::presets::server { using nic = strata::nic::spread<strata::nic::af_xdp, decltype(between)>; };
//   ...                                                    // core k, in its thread: .nic = {std::move(*queue_k), between, k}
//
// Each core has a whole stack, and nothing in common with the others but the crossing. A loop that sleeps is woken by its bell: posix/cores.hpp.
#pragma once
#include <strata/nic/crossing.hpp>
#include <strata/nic/driver.hpp>

namespace strata::inline STRATA_ABI::nic {

struct spread_counters {
  u64 kept = 0;         ///< frames that came where they belong
  u64 handed_over = 0;  ///< copied to another core, each copy
  u64 for_all = 0;      ///< of those that were kept: copied to all other cores
  u64 taken_over = 0;   ///< received from other cores
  u64 full = 0;         ///< dropped: that core's ring had no room
  u64 too_long = 0;     ///< dropped: longer than a place of the ring
  u64 orphans = 0;      ///< dropped: fragments without the first one
};

template <driver Driver, class Crossing, frame_start Starts = frame_start::ethernet> class spread {
 public:
  static constexpr std::size_t ring_bytes = Driver::ring_bytes;
  static constexpr capabilities may = Driver::may;
  static constexpr std::size_t transmit_headroom = [] {
    if constexpr (writes_in_front<Driver>) return std::size_t{Driver::transmit_headroom};
    else return std::size_t{0};
  }();

  constexpr spread(Driver inner, Crossing& between, u32 core) : inner_(std::move(inner)), between_(&between), core_(core), owner_(between.options()) {
    STRATA_EXPECTS(core < between.cores());
  }

  /// What others handed over has half of the batch, as long as the NIC has frames as well.
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = take_over(chunks, batch.first((batch.size() + 1) / 2));
    u64 rung = 0;
    for (std::size_t looked_at = 0;;) {
      const std::span<packet> rest = batch.subspan(n);
      const std::size_t came = inner_.receive(chunks, rest);
      n += keep(rest.first(came), rung);
      looked_at += came;
      // A queue full of frames for others does not keep us here, nor does it look empty.
      if (came < rest.size() || n == batch.size() || looked_at >= 2 * batch.size()) break;
    }
    for (; rung != 0; rung &= rung - 1) between_->ring(static_cast<u32>(__builtin_ctzll(rung)));
    return n + take_over(chunks, batch.subspan(n));
  }
  STRATA_ALWAYS_INLINE std::size_t transmit(std::span<packet> batch) { return inner_.transmit(batch); }
  std::size_t transmit(std::span<packet> batch, u32 queue) requires has_queues<Driver> { return inner_.transmit(batch, queue); }
  [[nodiscard]] u32 queues() const requires has_queues<Driver> { return inner_.queues(); }
  std::size_t reclaim(std::span<packet> batch) { return inner_.reclaim(batch); }
  kick flush() { return inner_.flush(); }
  [[nodiscard]] u16 mtu() const { return inner_.mtu(); }
  [[nodiscard]] mac_address address() const { return inner_.address(); }
  [[nodiscard]] capabilities has() const { return inner_.has(); }
  [[nodiscard]] int descriptor() const requires can_be_waited_for<Driver> { return inner_.descriptor(); }
  void close() requires can_be_closed<Driver> { inner_.close(); }
  void at(u64 ns) requires wants_the_time<Driver> { inner_.at(ns); }
  bool claim(std::span<const u8> address) requires claims_addresses<Driver> { return inner_.claim(address); }
  [[nodiscard]] bool holds(region memory, u32 chunk_size) const requires is_bound_to_memory<Driver> { return inner_.holds(memory, chunk_size); }
  [[nodiscard]] u32 chunks_kept() const requires keeps_chunks<Driver> { return inner_.chunks_kept(); }

  /// Whether a port that nobody asked for may be this one: the answers to it come to this core.
  [[nodiscard]] bool owns_port(u16 port) const { return owner_.owns_port(port, core_); }

  [[nodiscard]] Driver& inner() { return inner_; }
  [[nodiscard]] const spread_counters& spread_counted() const { return count_; }
  [[nodiscard]] u32 core() const { return core_; }

 private:
  using kind = frame_owner::kind;

  std::size_t take_over(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (u32 i = between_->cores(); n < batch.size() && i > 0; --i) {
      if (++turn_ >= between_->cores()) turn_ = 0;
      if (turn_ == core_) continue;
      while (n < batch.size() && (batch[n] = between_->take(turn_, core_, chunks))) ++n;
    }
    count_.taken_over += n;
    return n;
  }
  /// Ours stay, moved to the front; how many. `rung` gets the cores that have something to look at.
  std::size_t keep(std::span<packet> came, u64& rung) {
    std::size_t n = 0;
    for (packet& p : came) {
      const frame_owner::decision d = owner_.of(p.bytes(), Starts);
      if (d.whose == kind::any || (d.whose == kind::one && d.core == core_)) {
        ++count_.kept;
      } else if (d.whose == kind::all) {
        ++count_.kept;
        ++count_.for_all;
        for (u32 core = 0; core < between_->cores(); ++core)
          if (core != core_) give(p, core, rung);
      } else {
        if (d.whose == kind::one) give(p, d.core, rung);
        else ++count_.orphans;
        if constexpr (may.trains) buffer::drop_train(p);
        else p.reset();
        continue;
      }
      if (&p != &came[n]) came[n] = std::move(p);
      ++n;
    }
    return n;
  }
  void give(packet& p, u32 core, u64& rung) {
    switch (between_->give(core_, core, p.d())) {
      case Crossing::result::done:
        ++count_.handed_over;
        rung |= u64{1} << core;
        break;
      case Crossing::result::full: ++count_.full; break;
      case Crossing::result::too_long: ++count_.too_long; break;
    }
  }

  Driver inner_;
  Crossing* between_;
  u32 core_;
  u32 turn_ = 0;
  frame_owner owner_;
  spread_counters count_{};
};

}  // namespace strata::inline STRATA_ABI::nic
