// SPDX-License-Identifier: MIT
// Randomness comes in from outside: keys, initial sequence numbers, ports and jitter are drawn from what the stack was given.
#pragma once
#include <strata/core/siphash.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::entropy {

/// next(): 64 bits that nobody outside can guess. `is_cryptographic` says whether that is so; only presets::testing takes a source that says no.
template <class T> concept gives_random_words = requires(T e) { { e.next() } -> std::same_as<u64>; };
template <class T> concept says_whether_it_is_cryptographic = requires { { T::is_cryptographic } -> std::convertible_to<bool>; };
/// Optional: is_ready(), false for a source that was never given a key. A stack does not start with it.
template <class T> concept knows_whether_it_is_ready = requires(const T e) { { e.is_ready() } -> std::same_as<bool>; };
template <class T> concept source = gives_random_words<T> && says_whether_it_is_cryptographic<T>;

/// A fixed sequence from a seed (splitmix64): a run replays from it. For tests and simulations only.
struct seeded {
  static constexpr bool is_cryptographic = false;
  u64 state = 0;
  constexpr u64 next() {
    u64 z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 <= x < n; n > 0. The bias of the remainder does not matter to a test.
  constexpr u64 below(u64 n) { return next() % n; }
};

/// Many words from one secret key: SipHash-2-4 of a counter. As strong as the key that it is given, which a hosted program draws from the system and
/// a microcontroller from its noise source. Copies draw the same words, so there is one per stack.
struct keyed {
  static constexpr bool is_cryptographic = true;
  siphash_key key{};
  u64 counter = 0;
  constexpr u64 next() { return siphash(key, counter++); }
  [[nodiscard]] constexpr bool is_ready() const { return (key.k0 | key.k1) != 0; }
};

}  // namespace strata::inline STRATA_ABI::entropy
