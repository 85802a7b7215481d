// SPDX-License-Identifier: MIT
// A few timers with the calls of timer_wheel: an array of deadlines and two words of bits, walked through when the clock moves. With sixteen of them that
// costs less than the wheel's lists, in time as in code and memory: what a microcontroller wants.
#pragma once
#include <strata/core/timer_wheel.hpp>

#include <type_traits>

namespace strata::inline STRATA_ABI {

/// Timers are named 0 .. Timers - 1. A timer is due at the first advance(now) with now >= its deadline, never before it. The longest delay is
/// Tick::horizon, and advance() must be called at least that often while a timer is armed.
template <class Tick, u32 Timers> class timer_list {
  static_assert(Timers > 0 && Timers <= 32, "one bit each in a word");

 public:
  using moment = time_point<Tick>;
  static constexpr u32 timers = Timers;

  /// Arms `timer` for `at`, or re-arms it. A time in the past counts as now and is due at the next advance().
  constexpr void arm(u32 timer, moment at) {
    STRATA_EXPECTS(timer < Timers);
    deadlines_[timer] = started_ && now_.reached(at) ? now_ : at;
    armed_ |= 1u << timer;
    due_ &= ~(1u << timer);
  }
  /// Nothing happens if it is not armed.
  constexpr void disarm(u32 timer) {
    STRATA_EXPECTS(timer < Timers);
    armed_ &= ~(1u << timer);
    due_ &= ~(1u << timer);
  }
  /// Whether it was armed and not yet taken by next_due().
  [[nodiscard]] constexpr bool is_armed(u32 timer) const { return (armed_ >> timer & 1) != 0; }
  /// When it is, or was last, to be due.
  [[nodiscard]] constexpr moment deadline(u32 timer) const { return deadlines_[timer]; }
  [[nodiscard]] constexpr u32 armed() const {
    u32 n = 0;
    for (u32 left = armed_; left != 0; left &= left - 1) ++n;
    return n;
  }

  /// Moves the clock: what is due by then is handed out by next_due(). Time that runs back is ignored.
  constexpr void advance(moment now) {
    if (started_ && armed_ != 0 && now.is_before(now_)) return;
    now_ = now;
    started_ = true;
    for (u32 i = 0; i < Timers; ++i)
      if (is_armed(i) && now.reached(deadlines_[i])) due_ |= 1u << i;
  }
  /// Whether advance(now) would find something, or has a clock to move: if not, it need not be called.
  [[nodiscard]] constexpr bool is_due(moment) const { return true; }

  /// Takes one timer that is due, which is then disarmed; nothing if there is none. What the caller does not take stays due.
  [[nodiscard]] constexpr std::optional<u32> next_due() {
    if (due_ == 0) return {};
    u32 i = 0;
    while ((due_ >> i & 1) == 0) ++i;
    disarm(i);
    return i;
  }
  /// The earliest deadline; the current time if there is work now; nothing if no timer is armed.
  [[nodiscard]] constexpr std::optional<moment> next_deadline() const {
    if (armed_ == 0) return {};
    if (due_ != 0) return now_;
    u32 first = Timers;
    for (u32 i = 0; i < Timers; ++i)
      if (is_armed(i) && (first == Timers || deadlines_[i].is_before(deadlines_[first]))) first = i;
    return deadlines_[first];
  }

 private:
  moment now_{};
  bool started_ = false;
  u32 armed_ = 0;
  u32 due_ = 0;  // of those that are armed
  moment deadlines_[Timers]{};
};

/// The timers for a number of them that a Config states.
template <class Tick, u32 Timers> using timers_for = std::conditional_t<(Timers <= 16), timer_list<Tick, Timers>, timer_wheel<Tick, Timers>>;

}  // namespace strata::inline STRATA_ABI
