// SPDX-License-Identifier: MIT
// A table of few entries with the calls of keyed_table: they stand in a row and are looked at one after the other. With sixteen of them that takes no
// longer than a hash, nobody can make it slower by choosing keys, so no secret is needed, and the code is a fifth: what a microcontroller wants.
#pragma once
#include <strata/core/keyed_table.hpp>

#include <type_traits>

namespace strata::inline STRATA_ABI {

/// At most `Capacity` entries. Zero is the empty table. `hash` is any number that tells most keys apart.
template <u32 Capacity> class small_table {
 public:
  static constexpr u32 capacity = Capacity;
  static constexpr bool wants_a_secret = false;

  /// Adds an entry; false when the table is full, and refused() counts.
  constexpr bool insert(u32 hash, u32 value) {
    if (size_ == Capacity) {
      ++refused_;
      return false;
    }
    entries_[size_++] = {hash, value};
    return true;
  }
  /// The first value under `hash` for which matches(value) is true.
  template <class Match> [[nodiscard]] constexpr std::optional<u32> find(u32 hash, Match&& matches) const {
    for (const entry* e = entries_; e != entries_ + size_; ++e)
      if (e->tag == hash && matches(e->value)) return e->value;
    return {};
  }
  /// Removes one entry; false if it is not there.
  constexpr bool erase(u32 hash, u32 value) {
    for (entry* e = entries_; e != entries_ + size_; ++e) {
      if (e->tag != hash || e->value != value) continue;
      *e = entries_[--size_];
      return true;
    }
    return false;
  }

  [[nodiscard]] constexpr u32 size() const { return size_; }
  [[nodiscard]] constexpr u32 refused() const { return refused_; }  ///< inserts that did not fit
  constexpr void prefetch(u32) const {}

 private:
  struct entry {
    u32 tag = 0;
    u32 value = 0;
  };
  u32 size_ = 0;
  u32 refused_ = 0;
  entry entries_[Capacity]{};
};

/// The table for a number of entries that a Config states.
template <u32 Capacity> using table_for = std::conditional_t<(Capacity <= 16), small_table<Capacity>, keyed_table<Capacity>>;

}  // namespace strata::inline STRATA_ABI
