// SPDX-License-Identifier: MIT
// How many bytes a driver may have in its ring: as few as keep it busy, so that the rest waits where a discipline still chooses who is next. Linux: BQL, dql.
//
//   starved   the ring ran empty while something was held back: the limit grows by what was done since
//   slack     bytes that never left the ring between two looks were of no use: after `hold` the limit shrinks by the least of them
//
// A Config chooses it by `using byte_limit = strata::qdisc::byte_limit`. A driver that copies has no ring and is never limited.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// No limit but the ring's own, and no code.
struct no_byte_limit {
  template <class C> struct of { static constexpr bool is_limited = false; };
};

struct byte_limit_options {
  u32 least = 2 * 1514;     ///< bytes: two Ethernet frames, one that leaves and one that is next. Here it begins
  u32 most = 1'048'576;     ///< bytes: 8 ms at a gigabit a second
  u32 hold_ms = 1'000;      ///< how long slack must last. Linux: DQL's slack_hold_time, HZ
};

template <byte_limit_options Options> struct byte_limit_of {
  static_assert(Options.least > 0 && Options.least <= Options.most, "a byte limit of nothing lets nothing out");

  template <class C> class of {
   public:
    using time_point = strata::time_point<typename C::tick>;
    static constexpr bool is_limited = true;
    struct counters {
      tally held_back = 0;  ///< the driver had as many bytes as it may have, and none came back
    };

    /// Whether one more frame may go to the driver; the last one may go over the limit, so that any frame may leave an empty ring.
    [[nodiscard]] bool may_send() const { return in_flight_ < limit_; }
    /// A frame was not let through.
    void held_back() {
      ++count_.held_back;
      was_held_back_ = true;
      retry_at_ = now_ + duration<typename C::tick>::us(100);
    }
    /// When to look again whether the driver is done with something: no interrupt says so. Nothing if no frame is held back.
    [[nodiscard]] std::optional<time_point> retry_at() const {
      if (!was_held_back_) return {};
      return retry_at_;
    }
    void sent(u32 bytes) { in_flight_ += bytes; }
    void at(time_point now) { now_ = now; }
    /// So many bytes came back, all that there were to take back now.
    void completed(u32 bytes) {
      in_flight_ -= smaller_of(bytes, in_flight_);
      if (was_held_back_ && in_flight_ == 0) {
        limit_ = bytes < Options.most - limit_ ? limit_ + bytes : Options.most;
        begin();
      } else {
        if (in_flight_ < slack_) slack_ = in_flight_;
        if (now_.since(since_) >= duration<typename C::tick>::ms(Options.hold_ms)) {
          limit_ = slack_ < limit_ - Options.least ? limit_ - slack_ : Options.least;
          begin();
        }
      }
      was_held_back_ = false;
    }
    /// The driver was closed: nothing comes back.
    void clear() {
      in_flight_ = 0;
      was_held_back_ = false;
      begin();
    }

    [[nodiscard]] const counters& counted() const { return count_; }
    [[nodiscard]] u32 limit() const { return limit_; }          ///< bytes
    [[nodiscard]] u32 in_flight() const { return in_flight_; }  ///< bytes

   private:
    void begin() {
      slack_ = ~u32{0};
      since_ = now_;
    }
    u32 limit_ = Options.least, in_flight_ = 0;
    u32 slack_ = ~u32{0};  // the fewest bytes that were left in the ring when others came back
    bool was_held_back_ = false;
    counters count_{};
    time_point now_{}, since_{}, retry_at_{};
  };
};
using byte_limit = byte_limit_of<byte_limit_options{}>;

}  // namespace strata::inline STRATA_ABI::qdisc
