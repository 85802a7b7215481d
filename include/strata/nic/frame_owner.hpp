// SPDX-License-Identifier: MIT
// Of several stacks that share an address, a core each: whose a received frame is.
//
//   TCP, UDP to a port that a stack chose by itself   the core that the port names: port % cores. A stack is asked for such a port, and takes one of its own
//   TCP, UDP to any other port                        by the keyed hash of both addresses and ports: a listener with the same port on each core gets its share
//   a fragment behind the first                       the core of the first one, which came before it by the same queue; else nobody's
//   other protocols, echo requests                    by the hash of the addresses
//   an ARP request                                    whoever got it: one answer is enough
//   ARP replies, gratuitous ARP, ICMP errors, groups  everyone's: each stack has a neighbour cache, routes and groups of its own
//   what is malformed                                 whoever got it, who drops and counts it
//
// So nothing has to be agreed on or looked up in common memory: the cores have the same key and the same range of ports, and decide alike.
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/siphash.hpp>

namespace strata::inline STRATA_ABI::nic {

/// What a frame begins with: an Ethernet header, perhaps with up to two VLAN tags, or the IP header.
enum class frame_start : u8 { ethernet, ip };

struct owner_options {
  u32 cores = 1;
  siphash_key key{};                                      ///< the same on all cores; of an entropy source, else a peer may load one core alone
  u16 first_local_port = limits{}.first_local_port;       ///< as in the limits of the Config
  u16 last_local_port = limits{}.last_local_port;
};

/// A core's own: it remembers which core the last first fragments were for.
class frame_owner {
 public:
  enum class kind : u8 { one, all, any, nobody };
  struct decision {
    kind whose = kind::any;
    u32 core = 0;  ///< where there is one
  };

  constexpr frame_owner() = default;
  constexpr explicit frame_owner(const owner_options& o) : o_(o) { STRATA_EXPECTS(o.cores != 0 && o.first_local_port <= o.last_local_port); }

  /// Whether connections and sockets of `core` may have this port where the application asks for none.
  [[nodiscard]] constexpr bool owns_port(u16 port, u32 core) const { return is_chosen(port) && port % o_.cores == core; }

  [[nodiscard]] decision of(std::span<const std::byte> frame, frame_start starts) {
    if (starts == frame_start::ip) return frame.empty() ? decision{} : of_ip(frame, false);
    std::size_t at = 12;
    if (frame.size() < at + 2) return {};
    u16 type = load_be<u16>(frame.data() + at);
    for (u32 tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8) && frame.size() >= at + 6; ++tags) type = load_be<u16>(frame.data() + (at += 4));
    const auto rest = frame.subspan(at + 2);
    if (type == 0x0806) return of_arp(rest);
    if ((type != 0x0800 && type != 0x86dd) || rest.empty()) return {};
    return of_ip(rest, (frame[0] & std::byte{1}) != std::byte{0});
  }

 private:
  static constexpr u8 icmp = 1, tcp = 6, udp = 17, icmpv6 = 58;
  static constexpr u32 remembered = 64;  // first fragments: as many datagrams as a stack puts together at a time

  [[nodiscard]] constexpr bool is_chosen(u16 port) const { return port >= o_.first_local_port && port <= o_.last_local_port; }
  [[nodiscard]] decision by(u64 hash) const { return {kind::one, static_cast<u32>((hash & 0xffffffff) * o_.cores >> 32)}; }

  // RFC 826; gratuitous: RFC 5944 §4.6, RFC 5227 §2.3.
  static decision of_arp(std::span<const std::byte> message) {
    if (message.size() < 28) return {};
    const bool is_reply = load_be<u16>(message.data() + 6) == 2, is_gratuitous = load_be<u32>(message.data() + 14) == load_be<u32>(message.data() + 24);
    return {is_reply || is_gratuitous ? kind::all : kind::any};
  }
  decision of_ip(std::span<const std::byte> ip, bool to_group) {
    const u32 version = static_cast<u32>(ip[0]) >> 4;
    if (version == 4 && ip.size() >= 20) return of_v4(ip, to_group);
    if (version == 6 && ip.size() >= 40) return of_v6(ip, to_group);
    return {};
  }
  decision of_v4(std::span<const std::byte> ip, bool to_group) {
    const std::byte* const at = ip.data();
    const std::size_t header = (static_cast<std::size_t>(at[0]) & 15) * 4;
    const u32 destination = load_be<u32>(at + 16);
    if (header < 20 || ip.size() < header) return {};
    if (to_group || destination >> 28 == 14 || destination == 0xffffffff) return {kind::all};
    const u64 ends = u64{load_be<u32>(at + 12)} << 32 | destination;
    const u8 protocol = static_cast<u8>(at[9]);
    const u16 fragment = load_be<u16>(at + 6) & 0x3fff;
    if (fragment == 0) return of_transport(ip.subspan(header), protocol, icmp, ends, 0);

    const u64 name = table_hash(o_.key, ends, u64{load_be<u16>(at + 4)} << 8 | protocol) | 1;
    first_fragment& place = fragments_[(name >> 32) % remembered];
    if ((fragment & 0x1fff) != 0) return place.name == name ? decision{kind::one, place.core} : decision{kind::nobody};
    decision d = of_transport(ip.subspan(header), protocol, icmp, ends, 0);
    if (d.whose != kind::one) d = by(table_hash(o_.key, ends, protocol));
    place = {name, d.core};
    return d;
  }
  /// Extension headers are not passed over: what has some goes by its addresses.
  decision of_v6(std::span<const std::byte> ip, bool to_group) {
    const std::byte* const at = ip.data();
    const u8 protocol = static_cast<u8>(at[6]);
    const bool is_solicitation = protocol == icmpv6 && ip.size() > 40 && static_cast<u8>(at[40]) == 135;  // RFC 4861 §4.3: one answer is enough
    if (is_solicitation) return {};
    if (to_group || static_cast<u8>(at[24]) == 0xff) return {kind::all};
    const u64 source = table_hash(o_.key, load_be<u64>(at + 8), load_be<u64>(at + 16));
    return of_transport(ip.subspan(40), protocol, icmpv6, source ^ load_be<u64>(at + 24), load_be<u64>(at + 32));
  }
  decision of_transport(std::span<const std::byte> payload, u8 protocol, u8 control, u64 ends, u64 more_of_ends) const {
    if (protocol == control && !payload.empty() && is_for_all(control, static_cast<u8>(payload[0]))) return {kind::all};
    u32 ports = 0;
    if ((protocol == tcp || protocol == udp) && payload.size() >= 4) {
      ports = load_be<u32>(payload.data());
      const u16 destination = static_cast<u16>(ports);
      if (is_chosen(destination)) return {kind::one, destination % o_.cores};
    }
    return by(table_hash(o_.key, ends, more_of_ends, u64{ports} << 8 | protocol));
  }
  /// Errors and redirects (RFC 792; RFC 4443 §2.1); of IPv6 also advertisements and what else keeps a neighbour cache (RFC 4861 §4).
  static bool is_for_all(u8 control, u8 type) {
    if (control == icmp) return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    return type < 128 || (type >= 133 && type <= 137);
  }

  struct first_fragment {
    u64 name = 0;  // the hash of addresses, protocol and identification
    u32 core = 0;
  };
  owner_options o_{};
  first_fragment fragments_[remembered]{};
};

}  // namespace strata::inline STRATA_ABI::nic
