// SPDX-License-Identifier: MIT
// What neighbour::arp may be asked to do, what it counts, and the states of an entry.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::neighbour {

/// `using neighbour = strata::neighbour::arp_of<strata::neighbour::arp_options{...}>`. What is zero or false has no code.
struct arp_options {
  bool static_entries = true;  ///< net.add_neighbour() and remove_neighbour() exist. Linux: NUD_PERMANENT
  u8 broadcast_probes = 1;     ///< behind the three to the known address: who moved to another card is found before it is given up. Linux: mcast_resolicit
  bool spares_the_confirmed = true;  ///< of those who are there a full table gives up the one of whom nobody heard for longest; false: who was not looked up for longest
  u16 locktime_ms = 1000;      ///< what an entry was told holds against a different word for so long, unless that is an announcement. Linux: locktime
  bool announces = false;      ///< one announcement for each address that is added and when the stack starts. Linux: arp_notify
  bool proxies = false;        ///< answers for what this router reaches by another link (RFC 1027). Linux: proxy_arp
  u8 conflict_detection = 0;   ///< addresses on this link that are probed before use, announced twice and defended (RFC 5227); net.claim_of() says how far it is
  bool keeps_addresses = false;  ///< RFC 5227 §2.4 (c): an address is kept, and defended every ten seconds, whoever else has it; false: given up at the second conflict (b)

  [[nodiscard]] constexpr bool speaks_of_us() const { return announces || conflict_detection != 0; }
};

/// What a microcontroller does without.
inline constexpr arp_options least_arp{.static_entries = false, .broadcast_probes = 0, .spares_the_confirmed = false, .locktime_ms = 0};

/// RFC 4861 §7.3.2; `permanent`, which the application set; and `failed`, which keeps an address that does not answer from being asked again at once.
enum class state : u8 { none, incomplete, permanent, reachable, stale, delay, probe, failed };

/// Named as `ip -s neighbour` and /proc/net/stat/arp_cache name them, where they do.
struct arp_counters {
  u32 requests_sent = 0;
  u32 replies_sent = 0;
  u32 requests_received = 0;  ///< for our address
  u32 replies_received = 0;   ///< to us
  u32 malformed = 0;          ///< not Ethernet and IPv4, or too short
  u32 refused = 0;            ///< a sender without a unicast address
  u32 conflicts = 0;          ///< somebody else uses our address
  u32 unres_discards = 0;     ///< packets that fell out of a full queue, or with their entry out of a full table, or could not leave when the queue opened
  u32 res_failed = 0;         ///< neighbours that did not answer
  u32 table_fulls = 0;        ///< no entry could be had
  u32 forced_gc_runs = 0;     ///< entries that were recycled
  u32 no_chunk = 0;           ///< messages that were not sent for lack of a chunk
  u32 probes_sent = 0;        ///< whether an address that we want is free (RFC 5227)
  u32 announcements = 0;      ///< that one is ours
  u32 proxied = 0;            ///< requests for somebody on another link, which we answer
  u32 unres_refused = 0;      ///< datagrams of more fragments than could wait
  u32 locked = 0;             ///< another link address than the one that was told less than locktime_ms ago
};

}  // namespace strata::inline STRATA_ABI::neighbour
