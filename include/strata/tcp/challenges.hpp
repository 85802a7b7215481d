// SPDX-License-Identifier: MIT
// How many challenge ACKs a stack sends in a second: RFC 5961 §7. One counter for all would be a side channel: who is off the path could drain it with
// segments for somebody else's connection and watch his own (CVE-2016-5696). So peers are put into groups by a keyed hash of their address, each with its own
// allowance; the key and the allowance change every second, so that a collision once found is worth nothing in the next.
#pragma once
#include <strata/core/siphash.hpp>
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <class Tick, u32 Groups> class challenge_budget {
  static_assert((Groups & (Groups - 1)) == 0, "a hash is cut to a group by its low bits");

 public:
  /// Whether the group of the peer whose address hashes to `hash(key)` has one left. `random()` draws a u64. O(1); O(Groups) once a second.
  template <class Hash, class Random> [[nodiscard]] bool take(strata::time_point<Tick> now, u32 a_second, Hash&& hash, Random&& random) {
    if (!began_ || now.since(since_) >= strata::duration<Tick>::seconds(1)) {
      began_ = true;
      since_ = now;
      key_ = {random(), random()};
      const u32 half = (a_second + 1) / 2;
      for (u8& n : left_) n = static_cast<u8>(half + static_cast<u32>(random() % (a_second + 1)));
    }
    u8& left = left_[hash(key_) % Groups];
    if (left == 0) return false;
    --left;
    return true;
  }

 private:
  strata::time_point<Tick> since_{};
  siphash_key key_{};
  bool began_ = false;
  u8 left_[Groups]{};
};
template <class Tick> class challenge_budget<Tick, 0> {};

}  // namespace strata::inline STRATA_ABI::tcp
