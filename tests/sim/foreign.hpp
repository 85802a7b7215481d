// SPDX-License-Identifier: MIT
// Frames that neither host made: an echo request, a blind attacker's segment, what a router says of a packet that is too big.
#pragma once
#include "frame_checker.hpp"
#include "scenario.hpp"

#include <vector>

namespace strata::sim {

using frame = std::vector<std::byte>;

/// An Ethernet frame with an IPv4 header; `f` ends with the payload, 34 bytes behind its begin. `source` need not be `from`'s: a router stands there.
inline void address(frame& f, const checker::host& from, const checker::host& to, u32 source, u8 protocol) {
  copy_bytes(f.data(), to.mac, 6), copy_bytes(f.data() + 6, from.mac, 6);
  store_be<u16>(f.data() + 12, 0x0800), store_be<u16>(f.data() + 14, 0x4500), store_be<u16>(f.data() + 16, static_cast<u16>(f.size() - 14));
  store_be<u16>(f.data() + 20, 0x4000), store_be<u16>(f.data() + 22, static_cast<u16>(0x4000 | protocol)), store_be<u32>(f.data() + 26, source), store_be<u32>(f.data() + 30, to.ip);
  store_be<u16>(f.data() + 24, static_cast<u16>(0xffff - checker::sum_of_words(std::span(f).subspan(14, 20))));
}
inline void sum_icmp(frame& f) { store_be<u16>(f.data() + 36, static_cast<u16>(0xffff - checker::sum_of_words(std::span(f).subspan(34)))); }

inline frame ping(const checker::host& from, const checker::host& to, std::size_t bytes, u32 number) {
  frame f(34 + 8 + bytes);
  address(f, from, to, from.ip, 1);
  f[34] = std::byte{8};
  store_be<u32>(f.data() + 38, number);
  sum_icmp(f);
  return f;
}

/// RFC 792, RFC 1191 §4: about a frame that `to` sent.
inline frame packet_too_big(const checker::host& from, const checker::host& to, std::span<const std::byte> about, u16 mtu) {
  const std::size_t quoted = about.size() - 14 < 28 ? about.size() - 14 : 28;
  frame f(34 + 8 + quoted);
  address(f, from, to, 0x0a0000fe, 1);
  f[34] = std::byte{3}, f[35] = std::byte{4};
  store_be<u16>(f.data() + 40, mtu);
  copy_bytes(f.data() + 42, about.data() + 14, quoted);
  sum_icmp(f);
  return f;
}

/// A segment of somebody who knows the four numbers of a connection and guesses the rest: RFC 5961 §1. `last` is one that the pretended sender sent.
inline frame forged(frame last, dice& d) {
  frame f = std::move(last);
  const u32 seq = load_be<u32>(f.data() + 38);
  constexpr u8 kinds[] = {0x04, 0x14, 0x02, 0x12, 0x10, 0x11, 0x18, 0x00, 0x29};
  u8 flags = kinds[d.below(sizeof kinds)];
  u32 guess = static_cast<u32>(d.next());
  if (guess - seq + (1u << 20) < 1u << 21) guess += 1u << 22;
  if (d.percent(50)) guess = seq + 4000 + static_cast<u32>(d.below(1000)), flags = d.one_of<u8>({0x04, 0x02});  // inside the window, and not exact
  store_be<u32>(f.data() + 38, guess);
  if (d.percent(50)) store_be<u32>(f.data() + 42, static_cast<u32>(d.next()));
  f[47] = static_cast<std::byte>(flags);
  const std::span<std::byte> segment = std::span(f).subspan(34);
  store_be<u16>(f.data() + 18, 0xf00d);  // by which watchers know it
  store_be<u16>(f.data() + 24, 0);
  store_be<u16>(f.data() + 24, static_cast<u16>(0xffff - checker::sum_of_words(std::span(f).subspan(14, 20))));
  store_be<u16>(f.data() + 50, 0);
  store_be<u16>(f.data() + 50, static_cast<u16>(0xffff - checker::sum_of_words(segment, checker::pseudo_header(load_be<u32>(f.data() + 26), load_be<u32>(f.data() + 30), 6, segment.size()))));
  return f;
}
inline bool is_forged(std::span<const std::byte> f) { return f.size() >= 54 && load_be<u16>(f.data() + 12) == 0x0800 && load_be<u16>(f.data() + 18) == 0xf00d; }
inline bool is_tcp(std::span<const std::byte> f) { return f.size() >= 54 && load_be<u16>(f.data() + 12) == 0x0800 && f[23] == std::byte{6}; }

}  // namespace strata::sim
