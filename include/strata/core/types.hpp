// SPDX-License-Identifier: MIT
// The integers by their short names, and the few small types that every layer speaks.
#pragma once
#include <strata/core/abi.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace strata::inline STRATA_ABI {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

/// What counters count with. On machines of 32 bits it wraps, as the Counter32 of SNMP does (RFC 2578 §7.1.6): there each 64-bit increment would cost three times the code.
using tally = std::conditional_t<(sizeof(std::size_t) >= 8), u64, u32>;

/// `object` itself. Where size counts (-Os) the compiler is kept from seeing where it lies in an array or a larger object: it would fold that offset into
/// each access, and a Cortex-M0 reaches only 31 to 124 bytes from a pointer with one instruction.
template <class T> [[nodiscard]] constexpr T& anchored(T& object) {
#if defined(__OPTIMIZE_SIZE__)
  if (!std::is_constant_evaluated()) {
    T* at = __builtin_addressof(object);
    __asm__("" : "+r"(at));
    return *at;
  }
#endif
  return object;
}

/// `table[at]`, whose address is made once: a compiler that sees where the object lies multiplies again for each member.
template <class T, std::size_t N> [[nodiscard]] STRATA_SHORTER_INLINE constexpr T& element(T (&table)[N], std::size_t at) {
  T* found = &table[at];
  if (!std::is_constant_evaluated()) __asm__("" : "+r"(found));
  return *found;
}

/// The smaller and the larger of two numbers. (std::min needs <algorithm>, which takes longer to compile than all of core.)
template <class T> [[nodiscard]] constexpr T smaller_of(T a, std::type_identity_t<T> b) { return b < a ? b : a; }
template <class T> [[nodiscard]] constexpr T larger_of(T a, std::type_identity_t<T> b) { return a < b ? b : a; }
/// By how much `a` is beyond `b`; 0 where it is not.
template <class T> [[nodiscard]] constexpr auto excess_of(T a, std::type_identity_t<T> b) { return b < a ? a - b : decltype(a - b){}; }

/// What became of a packet that was handed down.
enum class sent : u8 {
  sent,         ///< the NIC or the qdisc has it
  queued,       ///< it waits for its neighbour's address
  dropped,      ///< a hook, the qdisc or the lack of a chunk ate it; counted there
  unreachable,  ///< no route, or the neighbour failed
  full          ///< the NIC's ring is full; the caller still owns what it wanted to send
};

/// Names a connection or a socket outside its layer: the slot, and which of its lives.
struct connection_id {
  u32 index = 0;
  u32 generation = 0;
  friend constexpr bool operator==(connection_id, connection_id) = default;
};

}  // namespace strata::inline STRATA_ABI
