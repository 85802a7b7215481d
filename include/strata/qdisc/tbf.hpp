// SPDX-License-Identifier: MIT
// A token bucket: frames leave at a rate, and after a pause a burst of them at once. Linux: tbf.
//
//   bytes per second -> | bucket, at most `burst` bytes | -> a frame leaves when its bytes are in the bucket, and takes them out
//
// Inside is another discipline, which says who is next and how many may wait: `tbf<fifo_of<100>>`, `tbf<fq_codel>`. One frame, the next, waits here.
#pragma once
#include <strata/qdisc/fifo.hpp>

namespace strata::inline STRATA_ABI::qdisc {

struct tbf_options {
  u64 rate = 0;         ///< bytes of frames a second; zero: none is set yet, and nothing waits
  u32 burst = 32'768;   ///< bytes; what a timer of 10 ms lets through at 25 Mbit/s. A longer frame never leaves, so it is refused
};

template <tbf_options Options, class Inner> struct tbf_of {
  static_assert(Options.burst > 0, "a token bucket that holds nothing lets nothing out: burst is zero");

  template <class C> class of {
   public:
    using time_point = strata::time_point<typename C::tick>;
    using duration = strata::duration<typename C::tick>;
    using inner = typename Inner::template of<C>;
    static_assert(discipline_in<inner, time_point>, "what is inside of tbf is no strata::qdisc::discipline");
    static_assert(!inner::is_direct, "inside of tbf is a queue: qdisc::direct keeps nothing");
    static constexpr bool is_direct = false;
    static constexpr bool reads_headers = qdisc::reads_headers<inner>;
    /// Linux: tc -s qdisc.
    struct counters {
      tally too_long = 0;    ///< longer than the burst: refused
      tally overlimits = 0;  ///< how often the next frame was not due yet
    };

    /// Bytes a second, and how many of them at once; what is in the bucket stays. Precondition: burst > 0.
    void set_rate(u64 rate, u32 burst = Options.burst) {
      STRATA_EXPECTS(burst > 0);
      rate_ = rate;
      burst_ = burst;
      due_ = filled_at_;
      if (credit_ > full()) credit_ = full();
    }
    [[nodiscard]] u64 rate() const { return rate_; }
    void seed(const siphash_key& key) requires wants_a_key<inner> { inner_.seed(key); }

    [[nodiscard]] bool enqueue(packet& p, time_point now) {
      if (rate_ != 0 && p.size() > burst_) {
        ++count_.too_long;
        return false;
      }
      return put(inner_, p, now);
    }
    [[nodiscard]] packet dequeue(buffer::pool& chunks, time_point now) {
      if (next_ == nullptr) {
        packet p = get(inner_, chunks, now);
        if (!p || rate_ == 0) return p;
        if (p.as() != buffer::owner::qdisc) p.become(buffer::owner::qdisc);
        next_ = p.detach();
      }
      fill(now);
      const u64 cost = next_->length * second;
      if (rate_ != 0 && cost > credit_ && next_->length <= burst_) {  // one that is longer than a burst set later goes when it comes
        ++count_.overlimits;
        due_ = now + duration{static_cast<typename C::tick::rep>((cost - credit_ + rate_ - 1) / rate_)};
        return {};
      }
      credit_ -= smaller_of(cost, credit_);
      return packet::adopt(*std::exchange(next_, nullptr), buffer::owner::qdisc);
    }
    [[nodiscard]] std::optional<time_point> next_deadline() const {
      if (next_ != nullptr) return due_;
      return deadline_of<time_point>(inner_);
    }
    void clear(buffer::pool& chunks) {
      if (next_ != nullptr) packet::adopt(*std::exchange(next_, nullptr), buffer::owner::qdisc).reset();
      inner_.clear(chunks);
    }

    [[nodiscard]] u32 size() const { return inner_.size() + (next_ != nullptr ? 1 : 0); }  ///< packets
    [[nodiscard]] const counters& counted() const { return count_; }
    [[nodiscard]] auto& inside() { return inner_; }
    [[nodiscard]] const auto& inside() const { return inner_; }

   private:
    static constexpr u64 second = C::tick::per_second;  // the bucket counts bytes times this, and so a tick brings a whole number: the rate
    [[nodiscard]] u64 full() const { return burst_ * second; }
    void fill(time_point now) {
      const u64 passed = has_begun_ ? u64{now.since(filled_at_).count} : 0;
      if (!has_begun_) credit_ = full();
      has_begun_ = true;
      if (rate_ != 0 && passed >= (full() - credit_ + rate_ - 1) / rate_) credit_ = full();
      else credit_ += passed * rate_;
      filled_at_ = now;
    }

    [[no_unique_address]] inner inner_{};
    buffer::descriptor* next_ = nullptr;
    u64 rate_ = Options.rate, credit_ = 0;
    u32 burst_ = Options.burst;
    bool has_begun_ = false;
    time_point filled_at_{}, due_{};
    counters count_{};
  };
};

/// A rate that the program sets: `net.at_interface().qdisc.set_rate(1'250'000)`.
template <class Inner = fifo> using tbf = tbf_of<tbf_options{}, Inner>;

}  // namespace strata::inline STRATA_ABI::qdisc
