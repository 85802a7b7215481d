// SPDX-License-Identifier: MIT
// What a queue reads of a frame: which flow it is of, and how urgent it says it is. Nothing is believed that lies beyond the frame's end.
#pragma once
#include <strata/buffer/packet.hpp>
#include <strata/core/bytes.hpp>
#include <strata/core/siphash.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// The IP header of a frame that descriptor::network leads to, as far as it lies in the frame; empty for what is no IP, as ARP.
[[nodiscard]] inline std::span<const std::byte> ip_header(const packet& p) {
  const u32 end = static_cast<u32>(p->offset) + p->length;
  if (p->network < p->offset || p->network >= end) return {};
  const std::span<const std::byte> at{p->chunk + p->network, end - p->network};
  const u32 version = static_cast<u32>(at[0]) >> 4;
  if ((version == 4 && at.size() >= 20) || (version == 6 && at.size() >= 40)) return at;
  return {};
}

/// DSCP in the upper six bits, ECN in the lower two (RFC 2474 §3, RFC 3168 §5). Precondition: `ip` is not empty.
[[nodiscard]] inline u8 traffic_class(std::span<const std::byte> ip) {
  return static_cast<u8>(ip[0]) >> 4 == 4 ? static_cast<u8>(ip[1]) : static_cast<u8>(load_be<u16>(ip.data()) >> 4);
}

/// The keyed hash of addresses, protocol and ports; zero for what is no IP. Fragments have no ports, so that all of one datagram are of one flow, and neither has
/// what follows an IPv6 extension header. Linux: skb_get_hash.
[[nodiscard]] inline u64 flow_hash(const siphash_key& key, const packet& p) {
  const std::span<const std::byte> ip = ip_header(p);
  if (ip.empty()) return 0;
  const std::byte* const at = ip.data();
  const bool is_v4 = static_cast<u8>(at[0]) >> 4 == 4;
  const u32 protocol = static_cast<u8>(at[is_v4 ? 9 : 6]);
  const std::size_t header = is_v4 ? (static_cast<std::size_t>(at[0]) & 15) * 4 : 40;
  const bool is_whole = !is_v4 || (load_be<u16>(at + 6) & 0x3fff) == 0;
  const bool has_ports = (protocol == 6 || protocol == 17 || protocol == 132) && is_whole && ip.size() >= header + 4;
  const u64 ends = u64{has_ports ? load_be<u32>(at + header) : 0} << 8 | protocol;
  if (is_v4) return table_hash(key, u64{load_be<u32>(at + 12)} << 32 | load_be<u32>(at + 16), ends);
  const u64 source = table_hash(key, load_be<u64>(at + 8), load_be<u64>(at + 16));
  return table_hash(key, source, load_be<u64>(at + 24), load_be<u64>(at + 32) ^ ends);
}

/// A number below `n` of a hash: by its upper bits, without a division. Linux: reciprocal_scale.
[[nodiscard]] constexpr u32 scaled(u64 hash, u32 n) { return static_cast<u32>((hash & 0xffffffff) * n >> 32); }

/// First in, first out, of indices into an array whose elements have `u16 next`. Zero is the end, so that zero is its initial state.
struct flow_list {
  u16 head = 0, tail = 0;  // 1 + index

  [[nodiscard]] bool empty() const { return head == 0; }
  [[nodiscard]] u32 front() const { return head - 1u; }
  void push(auto& flows, u32 i) {
    flows[i].next = 0;
    const u16 name = static_cast<u16>(i + 1);
    if (tail != 0) flows[tail - 1u].next = name;
    else head = name;
    tail = name;
  }
  void pop(auto& flows) {
    head = flows[head - 1u].next;
    if (head == 0) tail = 0;
  }
};
inline constexpr u32 most_flows = 65'534;  ///< what flow_list can name

}  // namespace strata::inline STRATA_ABI::qdisc
