// SPDX-License-Identifier: MIT
// From a hash to a slot's number: an open-addressing table for connections, whose keys a peer may choose. The caller computes the hash with a secret
// key and keeps the keys themselves; an entry is 8 bytes, eight to a cache line.
//
// Linear probing in Robin Hood order: along a run, entries stand in the order of their home slots. So a look-up ends at the first entry that is nearer
// to its home than the look-up is, and erase needs no tombstones. With hashes that nobody can guess and a load of at most 1/2, a displacement of k
// has a chance below e^-1.25k: the largest in a full table of 4 M entries is about 13, and the limit of 32 is not met in the life of a machine.
#pragma once
#include <strata/core/types.hpp>

#include <bit>

namespace strata::inline STRATA_ABI {

/// At most `Capacity` entries in a power of two of slots, twice as many or more: 16 to 32 bytes an entry. Zero is the empty table.
template <u32 Capacity> class keyed_table {
  static_assert(Capacity > 0 && Capacity <= 1u << 22);

 public:
  static constexpr u32 capacity = Capacity;
  static constexpr bool wants_a_secret = true;  ///< in its hashes, if a peer may choose the keys
  static constexpr u32 slots = std::bit_ceil(2 * Capacity);
  /// No entry is further than this from its home, so find() reads at most so many neighbouring slots. An entry that does not fit is refused.
  static constexpr u32 probe_limit = slots < 32 ? slots : 32;
  /// An insert that would have to shift further than this is refused. A run of that length has a chance below 1e-20.
  static constexpr u32 shift_limit = slots < 256 ? slots : 256;

  /// Adds an entry; the same hash may be there already, with other values. `value` is below 2^32 - 1. False when the table is full or there is no
  /// room within the limits; it is unchanged then, and refused() counts.
  [[nodiscard]] constexpr bool insert(u32 hash, u32 value) {
    STRATA_EXPECTS(value != 0xffffffff);
    if (size_ == Capacity) return refuse();
    u32 at = hash & mask, far = 0;
    while (!is_empty(at) && displacement(at) >= far) {
      if (++far == probe_limit) return refuse();
      at = behind(at);
    }
    // Everything from here to the end of the run moves by one; nobody may thereby come beyond the limit.
    u32 end = at;
    for (u32 n = 0; !is_empty(end); end = behind(end))
      if (displacement(end) + 1 == probe_limit || ++n == shift_limit) return refuse();
    for (; end != at; end = before(end)) entries_[end] = entries_[before(end)];
    entries_[at] = {hash, value + 1};
    ++size_;
    return true;
  }

  /// The first value under `hash` for which matches(value) is true. It is asked only about entries whose 32 bits of hash are equal.
  template <class Match> [[nodiscard]] constexpr std::optional<u32> find(u32 hash, Match&& matches) const {
    u32 at = hash & mask;
    for (u32 far = 0; far < probe_limit; ++far, at = behind(at)) {
      const entry e = entries_[at];
      if (e.name == 0) return {};
      if (e.tag == hash) {
        if (matches(e.name - 1)) return e.name - 1;
      } else if (displacement(at) < far) {
        return {};
      }
    }
    return {};
  }

  /// Removes one entry; false if it is not there. Those behind it in the run move back by one, towards their homes.
  constexpr bool erase(u32 hash, u32 value) {
    u32 at = hash & mask;
    for (u32 far = 0;; at = behind(at)) {
      if (is_empty(at) || displacement(at) < far) return false;
      if (entries_[at].tag == hash && entries_[at].name == value + 1) break;
      if (++far == probe_limit) return false;
    }
    for (u32 next = behind(at); !is_empty(next) && displacement(next) != 0; at = next, next = behind(next)) entries_[at] = entries_[next];
    entries_[at] = {};
    --size_;
    return true;
  }

  [[nodiscard]] constexpr u32 size() const { return size_; }
  [[nodiscard]] constexpr u32 refused() const { return refused_; }  ///< inserts that did not fit
  /// Asks the cache for the line where `hash` begins: in a batch, before the segments are looked at.
  void prefetch(u32 hash) const { __builtin_prefetch(&entries_[hash & mask]); }

 private:
  struct entry {
    u32 tag = 0;   // the hash
    u32 name = 0;  // 1 + the value; zero: empty
  };
  static constexpr u32 mask = slots - 1;

  [[nodiscard]] static constexpr u32 behind(u32 at) { return (at + 1) & mask; }
  [[nodiscard]] static constexpr u32 before(u32 at) { return (at - 1) & mask; }
  [[nodiscard]] constexpr bool is_empty(u32 at) const { return entries_[at].name == 0; }
  [[nodiscard]] constexpr u32 displacement(u32 at) const { return (at - entries_[at].tag) & mask; }
  constexpr bool refuse() {
    ++refused_;
    return false;
  }

  u32 size_ = 0;
  u32 refused_ = 0;
  entry entries_[slots]{};
};

}  // namespace strata::inline STRATA_ABI
