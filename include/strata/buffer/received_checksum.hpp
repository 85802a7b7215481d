// SPDX-License-Identifier: MIT
// Whether a received transport checksum may be believed: verified here, unless the driver marked the packet. What no driver of a stack can say costs
// nothing there.
//
//   checksum_verified  the driver, or the user's option, vouches for it
//   checksum_partial   the sender left the field to a NIC that the frame never met (a veth pair, a virtual machine's bridge): it holds the folded sum of
//                      the pseudo-header. Such a frame has passed no wire. Linux: CHECKSUM_PARTIAL
#pragma once
#include <strata/buffer/packet.hpp>
#include <strata/core/checksum_portable.hpp>

namespace strata::inline STRATA_ABI::buffer {

/// The marks that drivers below `Below` may set, bits of descriptor::flags; a layer below that does not say has none.
template <class Below> inline constexpr u8 checksum_marks_of = [] {
  if constexpr (requires { std::remove_cvref_t<Below>::checksum_marks; }) return u8{std::remove_cvref_t<Below>::checksum_marks};
  else return u8{0};
}();

/// `is_valid()` verifies; `field` is what stands in the packet, `pseudo_sum` the sum of the pseudo-header, which a partial checksum equals when folded.
template <class Below> [[nodiscard]] STRATA_ALWAYS_INLINE inline bool checksum_is_good(const packet& p, u16 field, u32 pseudo_sum, auto&& is_valid) {
  constexpr u8 marks = checksum_marks_of<Below>;
  if constexpr ((marks & descriptor::checksum_verified) != 0)
    if ((p->flags & descriptor::checksum_verified) != 0) [[unlikely]] return true;
  if constexpr ((marks & descriptor::checksum_partial) != 0)  // looked at first: it costs one compare, and what bears both marks need not be summed
    if ((p->flags & descriptor::checksum_partial) != 0) [[unlikely]] {
      if (field == fold(pseudo_sum)) return true;
    }
  (void)p, (void)field, (void)pseudo_sum;
  return is_valid();
}

}  // namespace strata::inline STRATA_ABI::buffer
