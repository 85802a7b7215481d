// SPDX-License-Identifier: MIT
// Congestion experienced: a router that would drop a packet of an ECN-capable transport marks it instead. RFC 3168 §5. Linux: INET_ECN_set_ce.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/checksum.hpp>
#include <strata/qdisc/flow.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// Marks a packet that has just left a queue, and is owner::qdisc before and after: between, it is in hand, since the law of the frame lets nobody write to what
/// waits. False: its transport is not ECN-capable, or the bytes are not ours to write (a borrowed chunk); nothing is changed then. The IPv4 header checksum
/// follows by RFC 1624 §3, equation 3.
[[nodiscard]] inline bool mark_ce(packet& p) {
  STRATA_EXPECTS(p.as() == buffer::owner::qdisc);
  const std::span<const std::byte> ip = ip_header(p);
  if (ip.empty() || (traffic_class(ip) & 3) == 0) return false;
  if ((traffic_class(ip) & 3) == 3) return true;
  if ((p->owners & packet::bit(buffer::owner::application)) != 0) return false;
  p.become(buffer::owner::application);
  const bool may_write = p.writable();
  if (may_write) {
    std::byte* const at = p->chunk + p->network;
    const u16 before = load_be<u16>(at);
    if (static_cast<u8>(at[0]) >> 4 == 4) {
      store_be<u16>(at, static_cast<u16>(before | 3));
      store_be<u16>(at + 10, checksum_update(load_be<u16>(at + 10), before, static_cast<u16>(before | 3)));
    } else {
      store_be<u16>(at, static_cast<u16>(before | 0x30));
    }
  }
  p.become(buffer::owner::qdisc);
  return may_write;
}

}  // namespace strata::inline STRATA_ABI::qdisc
