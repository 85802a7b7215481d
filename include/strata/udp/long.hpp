// SPDX-License-Identifier: MIT
// One datagram that is longer than the path's MTU. Included by layer.hpp.
#pragma once
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::udp {

/// A datagram over the path's MTU, in fragments of which each byte is written once; its sum is taken before.
template <config C>
auto layer<C>::send_long(network<address, path> auto&& below, socket& s, std::span<const std::byte> bytes, const endpoint& to) -> expected<std::size_t, send_error> {
  if (bytes.size() > 0xffff - header_size - below.network_header_size(std::as_const(s.way)) || !to.address.is_v4()) return send_error::too_big;
  wire::udp h{s.local.port, to.port, static_cast<u16>(bytes.size() + header_size), 0};
  h.checksum = wire::udp::checksum_for(pseudo_header_sum(s.way.local, to.address, protocol, h.length) + h.word_sum() + ones_sum(bytes));
  const auto fill = [&](std::byte* at, u32 from, u32 n) {
    constexpr u32 header = header_size;
    if (from == 0) h.emit(at), at += header, n -= header;
    else from -= header;
    copy_bytes(at, bytes.data() + from, n);
  };
  if (const send_error e = answer_of(below.send_long(s.way, h.length, protocol, fill), s); e != send_error::none) return e;
  ++count_.out_datagrams;
  return bytes.size();
}

}  // namespace strata::inline STRATA_ABI::udp
