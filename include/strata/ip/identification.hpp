// SPDX-License-Identifier: MIT
// Identifications of datagrams that leave in fragments: of one protocol between two addresses none comes again before 65,536 others (RFC 6864 §4.3), and who does
// not see them cannot tell the next (RFC 7739 §5.3: an offset by a keyed hash, and one of several counters).  Linux: ip_idents_reserve.
#pragma once
#include <strata/core/siphash.hpp>

namespace strata::inline STRATA_ABI::ip {

class identifications {
 public:
  /// Costs a SipHash. `random` gives the key when it is first needed.
  [[nodiscard]] u16 next(u32 from, u32 to, u8 protocol, auto&& random) {
    if (!is_keyed_) {
      key_ = {random(), random()};
      is_keyed_ = true;
    }
    const u64 hash = siphash(key_, u64{from} << 32 | to, u64{protocol});
    return static_cast<u16>((hash >> 16) + counters_[hash % count]++);
  }

 private:
  static constexpr u32 count = 16;
  siphash_key key_{};
  u16 counters_[count]{};
  bool is_keyed_ = false;
};

}  // namespace strata::inline STRATA_ABI::ip
