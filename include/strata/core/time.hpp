// SPDX-License-Identifier: MIT
// Time as an argument. The tick is a type of the Config: 64-bit nanoseconds on a server, 32-bit milliseconds or microseconds on a microcontroller.
// Points are compared on the circle, so a clock that wraps is no special case; a constant that does not fit the half circle does not compile.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

void the_constant_is_beyond_the_horizon_of_this_tick();  // never defined: constant evaluation that reaches it does not compile

/// Unit and width of time. `horizon` is the longest duration in ticks that can still be compared: what keeps such a clock must be told the time, by poll or
/// advance, at least once in it, also when nothing is due; a later time looks like an earlier one.
template <class Rep, u64 PerSecond> struct tick {
  using rep = Rep;
  static constexpr u64 per_second = PerSecond;
  static constexpr Rep horizon = static_cast<Rep>(static_cast<Rep>(-1) / 2);
};
using nanoseconds64 = tick<u64, 1'000'000'000>;
using microseconds32 = tick<u32, 1'000'000>;
using milliseconds32 = tick<u32, 1'000>;

template <class Tick> struct duration {
  using rep = typename Tick::rep;
  rep count = 0;  ///< ticks

  [[nodiscard]] static consteval duration ns(u64 n) { return of(n, 1'000'000'000); }
  [[nodiscard]] static consteval duration us(u64 n) { return of(n, 1'000'000); }
  [[nodiscard]] static consteval duration ms(u64 n) { return of(n, 1'000); }
  [[nodiscard]] static consteval duration seconds(u64 n) { return of(n, 1); }
  /// Milliseconds known at run time; what lies beyond the horizon becomes the horizon.
  [[nodiscard]] static constexpr duration from_ms(u32 n) {
    constexpr u64 per_ms = Tick::per_second / 1000;
    static_assert(per_ms > 0, "a tick of strata is a millisecond or shorter");
    return n > Tick::horizon / per_ms ? max() : duration{static_cast<rep>(static_cast<rep>(n) * static_cast<rep>(per_ms))};
  }
  [[nodiscard]] static constexpr duration max() { return {Tick::horizon}; }
  /// Whole milliseconds, rounded down.
  [[nodiscard]] constexpr u32 in_ms() const { return static_cast<u32>(count / static_cast<rep>(Tick::per_second / 1000)); }
  /// Microseconds, rounded down.
  [[nodiscard]] constexpr u32 in_us() const {
    if constexpr (Tick::per_second >= 1'000'000) return static_cast<u32>(count / static_cast<rep>(Tick::per_second / 1'000'000));
    else return static_cast<u32>(count * static_cast<rep>(1'000'000 / Tick::per_second));
  }

  friend constexpr bool operator==(duration, duration) = default;
  friend constexpr bool operator<(duration a, duration b) { return a.count < b.count; }
  friend constexpr bool operator>(duration a, duration b) { return b < a; }
  friend constexpr bool operator<=(duration a, duration b) { return !(b < a); }
  friend constexpr bool operator>=(duration a, duration b) { return !(a < b); }
  friend constexpr duration operator+(duration a, duration b) { return {static_cast<rep>(a.count + b.count)}; }
  friend constexpr duration operator-(duration a, duration b) { return {static_cast<rep>(a.count - b.count)}; }
  friend constexpr duration operator*(duration a, u32 n) { return {static_cast<rep>(a.count * n)}; }
  friend constexpr duration operator/(duration a, u32 n) { return {static_cast<rep>(a.count / n)}; }

 private:
  static consteval duration of(u64 n, u64 units) {
    // Rounded up: a short positive constant is never zero ticks.
    const u64 ticks = units >= Tick::per_second ? (n + units / Tick::per_second - 1) / (units / Tick::per_second) : n * (Tick::per_second / units);
    if (ticks > Tick::horizon) the_constant_is_beyond_the_horizon_of_this_tick();
    return {static_cast<rep>(ticks)};
  }
};

/// A moment, in ticks since an arbitrary start.
template <class Tick> struct time_point {
  using rep = typename Tick::rep;
  rep count = 0;

  friend constexpr bool operator==(time_point, time_point) = default;
  [[nodiscard]] constexpr bool is_before(time_point other) const { return static_cast<rep>(count - other.count) > Tick::horizon; }
  /// Whether this moment, as `now`, is at `deadline` or past it.
  [[nodiscard]] constexpr bool reached(time_point deadline) const { return !is_before(deadline); }
  /// Time since `earlier`; nothing if that lies ahead.
  [[nodiscard]] STRATA_SHORTER_INLINE constexpr duration<Tick> since(time_point earlier) const {
    if (is_before(earlier)) [[unlikely]] return {};
    return {static_cast<rep>(count - earlier.count)};
  }
  friend constexpr time_point operator+(time_point t, duration<Tick> d) { return {static_cast<rep>(t.count + d.count)}; }
  friend constexpr time_point operator-(time_point t, duration<Tick> d) { return {static_cast<rep>(t.count - d.count)}; }
};
template <class Tick> [[nodiscard]] constexpr time_point<Tick> earlier_of(time_point<Tick> a, time_point<Tick> b) { return b.is_before(a) ? b : a; }

}  // namespace strata::inline STRATA_ABI
