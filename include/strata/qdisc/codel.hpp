// SPDX-License-Identifier: MIT
// CoDel, RFC 8289: a queue is bad when no packet of it waited less than `target` for an `interval`; then one is dropped, or marked, and the next ones after
// interval / sqrt(count), which makes the rate of drops grow until the delay is back at the target. Linux: codel.
//
// Here is the law for one queue; fq_codel.hpp has many. RFC 8289 §5.3, §5.4 and §5.5 say what is done when.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::qdisc {

struct codel_options {
  u32 target_us = 5'000;      ///< RFC 8289 §4.3: 5 per cent of the interval
  u32 interval_us = 100'000;  ///< RFC 8289 §4.2: as long as the longest usual round trip
  u32 mtu = 1514;             ///< bytes; a queue that holds no more is never bad: a frame may wait for the one before it
};

/// When each chunk's packet came, beside the descriptors: the descriptor is one cache line and full. In units of 1,024 ticks where these are nanoseconds.
template <class C> class arrival_times {
 public:
  using time_point = strata::time_point<typename C::tick>;
  void note(const packet& p, time_point now) { at_[p->home->name(p.d()) - 1] = static_cast<u32>(now.count >> shift); }
  /// How long it has waited.
  [[nodiscard]] duration<typename C::tick> waited(const packet& p, time_point now) const {
    const u32 passed = static_cast<u32>(now.count >> shift) - at_[p->home->name(p.d()) - 1];
    return {static_cast<typename C::tick::rep>(static_cast<typename C::tick::rep>(passed) << shift)};
  }

 private:
  static constexpr u32 shift = sizeof(typename C::tick::rep) > 4 ? 10 : 0;
  u32 at_[descriptors_of(C::limits)]{};
};

/// The largest number whose square is not above `n`.
[[nodiscard]] constexpr u64 square_root(u64 n) {
  u64 root = 0;
  for (u64 bit = u64{1} << 31; bit != 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= n) root |= bit;
  return root;
}

/// What one queue remembers between two packets.
template <class Tick, codel_options Options> class codel {
 public:
  using time_point = strata::time_point<Tick>;
  using duration = strata::duration<Tick>;
  static_assert(Options.target_us > 0 && Options.target_us < Options.interval_us, "codel's target is a part of its interval (RFC 8289 §4.3)");
  static_assert(Options.interval_us <= 4'000'000, "codel's interval is at most 4 s: its square is a number of 64 bits");
  static constexpr duration target = duration::us(Options.target_us), interval = duration::us(Options.interval_us);
  /// One call of next() drops at most so many; more are due only after the queue was not asked for long, and those go in the next calls.
  static constexpr u32 most_drops = 64;

  /// The next packet that leaves. take() is the queue's: the packet at its head, with how long it has waited and how many bytes are behind it; empty if none is.
  /// mark(p) says whether it could mark, drop(p) ends it.
  struct head {
    packet p{};
    duration waited{};
    u32 bytes_behind = 0;
  };
  [[nodiscard]] packet next(time_point now, auto&& take, auto&& mark, auto&& drop) {
    head h = take();
    const bool is_bad = judge(h, now);
    if (is_dropping_) {
      if (!is_bad) {
        is_dropping_ = false;
        return std::move(h.p);
      }
      for (u32 drops = 0; is_dropping_ && now.reached(drop_next_) && drops < most_drops; ++drops) {
        overflowed(1);
        const bool is_marked = mark(h.p);
        if (!is_marked) {
          drop(std::move(h.p));
          h = take();
          is_dropping_ = judge(h, now);
        }
        if (is_dropping_) drop_next_ = drop_next_ + spacing(count_);
        if (is_marked) break;
      }
      return std::move(h.p);
    }
    if (!is_bad) return std::move(h.p);
    if (!mark(h.p)) {
      drop(std::move(h.p));
      h = take();
      (void)judge(h, now);
    }
    // RFC 8289 §5.4: back in this state soon after it was left, the rate goes on from where it was good.
    const u32 more = count_ - last_count_;
    is_dropping_ = true;
    count_ = more > 1 && now.since(drop_next_) < interval * 16 ? more : 1;
    last_count_ = count_;
    drop_next_ = now + spacing(count_);
    return std::move(h.p);
  }
  /// Packets were dropped from this queue for want of room: that is a sign as well.
  void overflowed(u32 drops) { count_ = count_ > ~drops ? ~u32{0} : count_ + drops; }

  /// interval / sqrt(count).
  [[nodiscard]] static constexpr duration spacing(u32 count) {
    const u64 whole = interval.count;
    return {static_cast<typename Tick::rep>(square_root(whole * whole / count))};
  }

 private:
  /// Whether the queue was bad for an interval, up to this packet. RFC 8289 §5.3: dodequeue.
  [[nodiscard]] bool judge(const head& h, time_point now) {
    if (!h.p || h.waited < target || h.bytes_behind + h.p->length <= Options.mtu) return is_above_ = false;
    if (!is_above_) {
      is_above_ = true;
      bad_at_ = now + interval;
      return false;
    }
    return now.reached(bad_at_);
  }

  u32 count_ = 0, last_count_ = 0;
  bool is_dropping_ = false, is_above_ = false;
  time_point bad_at_{}, drop_next_{};
};

}  // namespace strata::inline STRATA_ABI::qdisc
