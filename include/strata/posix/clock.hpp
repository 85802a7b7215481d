// SPDX-License-Identifier: MIT
// Where a hosted program gets its time. The stack never asks: poll and advance are given a moment.
#pragma once
#include <strata/core/time.hpp>

#include <ctime>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace strata::inline STRATA_ABI::posix {

/// Nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] inline u64 monotonic_ns() {
  timespec t{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec);
}

/// What to add to monotonic_ns() for nanoseconds since 1970, as nic::pcap's start_ns wants it.
[[nodiscard]] inline u64 epoch_offset_ns() {
  timespec t{};
  (void)::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec) - monotonic_ns();
}

/// Nanoseconds as a moment of `Tick`, rounded down; a narrow tick wraps on its circle.
template <class Tick = nanoseconds64> [[nodiscard]] constexpr time_point<Tick> moment(u64 ns) {
  static_assert(1'000'000'000 % Tick::per_second == 0, "a tick is a whole number of nanoseconds");
  return {static_cast<typename Tick::rep>(ns / (1'000'000'000 / Tick::per_second))};
}

/// Now, for poll().
template <class Tick = nanoseconds64> [[nodiscard]] inline time_point<Tick> now() { return moment<Tick>(monotonic_ns()); }

/// The system's monotonic clock.
struct clock {
  [[nodiscard]] u64 ns() const { return monotonic_ns(); }
  template <class Tick = nanoseconds64> [[nodiscard]] time_point<Tick> now() const { return moment<Tick>(ns()); }
};

/// The processor's time stamp counter, scaled to nanoseconds of CLOCK_MONOTONIC: a read costs some ten cycles and no call. Calibrated while it is
/// constructed, which takes 2 x `calibration_ms`; the rate is right to a few parts in a million, so it drifts from CLOCK_MONOTONIC by microseconds a second.
/// Where the counter cannot be trusted it falls back to CLOCK_MONOTONIC, and reason() says why.
class tsc_clock {
 public:
  explicit tsc_clock(u32 calibration_ms = 10) {
#if defined(__x86_64__)
    if (!is_invariant()) {
      reason_ = "the processor does not promise an invariant time stamp counter";
      return;
    }
    const sample a = take_sample();
    sleep(calibration_ms);
    const sample b = take_sample();
    sleep(calibration_ms);
    const sample c = take_sample();
    const u64 first = scale(a, b), second = scale(b, c);
    const u64 apart = first > second ? first - second : second - first;
    if (first == 0 || apart > first / 2000) {
      reason_ = "two calibrations of the time stamp counter differ by more than 500 parts in a million";
      return;
    }
    start_ = c;
    scale_ = scale(a, c);
#else
    (void)calibration_ms;
    reason_ = "this processor has no time stamp counter that we can read";
#endif
  }

  [[nodiscard]] bool is_tsc() const { return scale_ != 0; }
  /// Why CLOCK_MONOTONIC is read instead; empty if it is not.
  [[nodiscard]] const char* reason() const { return reason_; }
  [[nodiscard]] u64 ns() const {
#if defined(__x86_64__)
    if (scale_ != 0) return start_.ns + static_cast<u64>((static_cast<wide>(counter() - start_.ticks) * scale_) >> 32);
#endif
    return monotonic_ns();
  }
  template <class Tick = nanoseconds64> [[nodiscard]] time_point<Tick> now() const { return moment<Tick>(ns()); }

 private:
  struct sample {
    u64 ticks = 0;
    u64 ns = 0;
  };
#if defined(__x86_64__)
  __extension__ using wide = unsigned __int128;

  [[nodiscard]] static u64 counter() { return __builtin_ia32_rdtsc(); }
  [[nodiscard]] static bool is_invariant() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
  }
  // The narrowest of eight brackets: an interrupt in between does not spoil the rate.
  [[nodiscard]] static sample take_sample() {
    sample best;
    u64 narrowest = ~u64{0};
    for (int i = 0; i < 8; ++i) {
      const u64 before = counter();
      const u64 ns = monotonic_ns();
      const u64 width = counter() - before;
      if (width < narrowest) {
        narrowest = width;
        best = {before + width / 2, ns};
      }
    }
    return best;
  }
  /// Nanoseconds per counter step, times 2^32; zero if the counter did not move.
  [[nodiscard]] static u64 scale(const sample& from, const sample& to) {
    return to.ticks > from.ticks ? static_cast<u64>((static_cast<wide>(to.ns - from.ns) << 32) / (to.ticks - from.ticks)) : 0;
  }
  static void sleep(u32 ms) {
    timespec t{static_cast<std::time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1'000'000};
    while (::nanosleep(&t, &t) != 0) {}
  }
#endif

  sample start_{};
  u64 scale_ = 0;
  const char* reason_ = "";
};

}  // namespace strata::inline STRATA_ABI::posix
