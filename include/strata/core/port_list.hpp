// SPDX-License-Identifier: MIT
// A few ports, each as often as it was added.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

/// At most `Most` different ports; with none it takes no byte.
template <u32 Most> class port_list {
 public:
  /// False if there is no room for one more; it is not kept then.
  [[nodiscard]] constexpr bool add(u16 port) {
    entry* free = nullptr;
    for (entry& e : entries_) {
      if (e.count != 0 && e.port == port) return ++e.count, true;
      if (e.count == 0 && free == nullptr) free = &e;
    }
    if (free != nullptr) *free = {port, 1};
    return free != nullptr;
  }
  constexpr void remove(u16 port) {
    for (entry& e : entries_)
      if (e.count != 0 && e.port == port) --e.count;
  }
  [[nodiscard]] constexpr bool has(u16 port) const {
    for (const entry& e : entries_)
      if (e.count != 0 && e.port == port) return true;
    return false;
  }
  constexpr void clear() {
    for (entry& e : entries_) e = {};
  }

 private:
  struct entry {
    u16 port = 0;
    u32 count = 0;
  };
  entry entries_[Most]{};
};
template <> class port_list<0> {
 public:
  [[nodiscard]] constexpr bool add(u16) { return false; }
  constexpr void remove(u16) {}
  [[nodiscard]] constexpr bool has(u16) const { return false; }
  constexpr void clear() {}
};

}  // namespace strata::inline STRATA_ABI
