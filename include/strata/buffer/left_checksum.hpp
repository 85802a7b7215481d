// SPDX-License-Identifier: MIT
// Checksums of what is sent that are left to the NIC: the field holds the folded sum of the pseudo-header, uncomplemented, and the packet says so by its
// marks. Where no driver of a stack makes checksums, none of this is there. Linux: CHECKSUM_PARTIAL, csum_start, csum_offset.
#pragma once
#include <strata/buffer/packet.hpp>
#include <strata/core/bytes.hpp>
#include <strata/core/checksum_portable.hpp>

namespace strata::inline STRATA_ABI::buffer {

/// Whether what leaves by `link` leaves its checksum to the NIC. A layer below that does not say: never.
template <class Below> [[nodiscard]] STRATA_ALWAYS_INLINE inline bool leaves_checksum(const Below& below, u8 link) {
  if constexpr (requires { { below.fills_in_checksum(link) } -> std::same_as<bool>; }) return below.fills_in_checksum(link);
  else return (void)below, (void)link, false;
}
/// Leaves it: the field is at `field`, and the transport header, whose place descriptor::transport must say, is UDP's or TCP's.
template <class Sum> STRATA_ALWAYS_INLINE inline void leave_checksum(const packet& p, std::byte* field, Sum pseudo_sum, bool is_udp) {
  store_be<u16>(field, fold(pseudo_sum));
  p->flags = static_cast<u8>(p->flags | descriptor::checksum_partial | (is_udp ? descriptor::checksum_of_udp : 0));
}
/// The field holds the whole sum: a packet that left before by a NIC that makes sums, and leaves by one that does not, says so no longer.
template <class Below> STRATA_ALWAYS_INLINE inline void keep_checksum(const Below& below, const packet& p) {
  if constexpr (requires { below.fills_in_checksum(u8{}); }) p->flags = static_cast<u8>(p->flags & ~(descriptor::checksum_partial | descriptor::checksum_of_udp));
  else (void)below, (void)p;
}
/// Where the field stands behind the transport header's start, of a packet that leaves it, bytes.
[[nodiscard]] inline u16 left_checksum_offset(const descriptor& d) { return (d.flags & descriptor::checksum_of_udp) != 0 ? 6 : 16; }

}  // namespace strata::inline STRATA_ABI::buffer
