// SPDX-License-Identifier: MIT
// Serial number arithmetic modulo 2^32 (RFC 1982 §3, RFC 9293 §3.4): a comparison is right while the two are less than 2^31 apart.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

/// A sequence number or timestamp. Differences are plain u32; order is circular.
struct serial32 {
  u32 value = 0;

  friend constexpr bool operator==(serial32, serial32) = default;
  friend constexpr bool operator<(serial32 a, serial32 b) { return static_cast<i32>(a.value - b.value) < 0; }
  friend constexpr bool operator>(serial32 a, serial32 b) { return b < a; }
  friend constexpr bool operator<=(serial32 a, serial32 b) { return !(b < a); }
  friend constexpr bool operator>=(serial32 a, serial32 b) { return !(a < b); }
  friend constexpr serial32 operator+(serial32 a, u32 n) { return {a.value + n}; }
  friend constexpr serial32 operator-(serial32 a, u32 n) { return {a.value - n}; }
  friend constexpr u32 operator-(serial32 a, serial32 b) { return a.value - b.value; }
  constexpr serial32& operator+=(u32 n) { value += n; return *this; }
  constexpr serial32& operator++() { ++value; return *this; }
};

[[nodiscard]] constexpr serial32 later_of(serial32 a, serial32 b) { return a < b ? b : a; }
[[nodiscard]] constexpr serial32 earlier_of(serial32 a, serial32 b) { return a < b ? a : b; }
/// first <= x < first + length, on the circle.
[[nodiscard]] constexpr bool in_range(serial32 x, serial32 first, u32 length) { return x - first < length; }

}  // namespace strata::inline STRATA_ABI
