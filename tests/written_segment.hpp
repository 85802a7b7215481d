// SPDX-License-Identifier: MIT
// A segment over bare IPv4, as peers without a stack send it to 10.0.0.1.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/checksum.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/tcp.hpp>

namespace strata::test {

struct written_segment {
  u32 from = 0, seq = 0, ack = 0;
  u16 port = 0, to = 7;
  u8 flags = 0;
  std::span<const u32> options{};  ///< whole words
  u16 length = 0;                  ///< bytes of `x`
};
inline void write_segment(packet& p, const written_segment& s) {
  const u32 header = 20 + static_cast<u32>(s.options.size()) * 4, size = header + s.length;
  wire::ipv4 ip;
  ip.total_length = static_cast<u16>(20 + size), ip.protocol = 6, ip.source = {s.from}, ip.destination = {0x0a00'0001};
  ip.emit(p.room().data());
  wire::tcp h;
  h.source = s.port, h.destination = s.to, h.seq = s.seq, h.ack = s.ack, h.flags = s.flags, h.window = 65535, h.header_length = static_cast<u8>(header);
  std::byte* const at = p.room().data() + 20;
  h.emit(at);
  for (std::size_t i = 0; i < s.options.size(); ++i) store_be<u32>(at + 20 + 4 * i, s.options[i]);
  for (u32 i = 0; i < s.length; ++i) at[header + i] = std::byte{'x'};
  store_be<u16>(at + 16, static_cast<u16>(~fold(pseudo_header_sum(ip.source, ip.destination, 6, size) + ones_sum({at, size}))));
  p.extend(20 + size);
}
inline constexpr u32 mss_of_1460[] = {0x0204'05b4};

}  // namespace strata::test
