// SPDX-License-Identifier: MIT
// A packet over the MTU that says nothing against it goes on as fragments (RFC 791 §3.2). Linux: ip_do_fragment, its slow path: each byte is copied once.
#pragma once
#include <strata/ip/config.hpp>
#include <strata/wire/ipv4.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Options that stand in the first fragment only become NOPs in the others (RFC 791 §3.1: the copied flag). `at` is a header of `length` bytes with sound
/// options.  Linux: ip_options_fragment.
inline void drop_first_only_options(std::byte* at, std::size_t length) {
  constexpr u8 end = 0, no_operation = 1, copied = 0x80;
  for (std::size_t i = wire::ipv4::header_size; i < length;) {
    const u8 type = static_cast<u8>(at[i]);
    if (type == end) return;
    std::size_t n = type == no_operation ? 1 : static_cast<std::size_t>(at[i + 1]);
    if (n == 0 || n > length - i) return;
    if ((type & copied) == 0)
      for (std::size_t k = 0; k < n; ++k) at[i + k] = std::byte{no_operation};
    i += n;
  }
}

/// f(fragment): for each in order, an IP packet in a chunk of `below`, whose headroom is as for any other; false of f ends it. `p` is a packet with a sound
/// header `h`; `mtu` has room for the header and eight bytes. False: no chunk, or f said so; what was handed to f is gone.
[[nodiscard]] bool each_fragment(auto&& below, const packet& p, const wire::ipv4& h, u16 mtu, auto&& f) {
  const std::span<const std::byte> whole = p.bytes();
  const std::size_t payload = h.payload_length(), most = static_cast<std::size_t>(mtu - h.header_length) & ~std::size_t{7};
  for (std::size_t done = 0; done < payload;) {
    const std::size_t n = payload - done > most ? most : payload - done;
    packet part = below.take();
    if (!part || part.room().size() < n) return false;
    copy_bytes(part.room().data(), whole.data() + h.header_length + done, n);
    part.extend(n);
    std::byte* const at = part.push(h.header_length);
    copy_bytes(at, whole.data(), h.header_length);
    if (done != 0) drop_first_only_options(at, h.header_length);
    const u32 offset = (h.fragment_offset + static_cast<u32>(done)) / 8;
    const bool is_last = done + n == payload && !h.more_fragments;
    store_be<u16>(at + wire::ipv4::total_length_offset, static_cast<u16>(h.header_length + n));
    store_be<u16>(at + 6, static_cast<u16>(offset | (is_last ? 0u : 0x2000u)));
    store_be<u16>(at + wire::ipv4::checksum_offset, 0);
    store_be<u16>(at + wire::ipv4::checksum_offset, static_cast<u16>(~fold(ones_sum({at, h.header_length}))));
    done += n;
    if (!f(std::move(part))) return false;
  }
  return true;
}

}  // namespace strata::inline STRATA_ABI::ip
