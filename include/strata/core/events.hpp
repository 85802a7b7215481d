// SPDX-License-Identifier: MIT
// What a connection-oriented transport says: whose, and which of the events, as bits. The stack turns them into net::readable and so on.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

/// Why a stream ended. Each stream that the application saw ends with exactly one of these.
enum class close_reason : u8 {
  none,
  orderly,      ///< both sides sent FIN and all was acknowledged
  refused,      ///< RST in answer to our SYN, or ICMP port unreachable
  timed_out,    ///< retransmissions or probes went unanswered for the user timeout (RFC 9293 §3.8.3)
  unreachable,  ///< no route, neighbour failed, or ICMP said so during the handshake
  reset,        ///< RST from the peer
  aborted       ///< abort() on our side
};

/// One segment may open, deliver and finish at once; dispatch goes in the order of the bits and checks the generation before each.
struct stream_events {
  enum bit : u8 { accepted = 1, connected = 2, readable = 4, writable = 8, peer_closed = 16, timer = 32, error = 64, closed = 128 };
  connection_id id{};
  u8 bits = 0;
  close_reason why = close_reason::none;  ///< with `closed`
  u8 listener = 0;                        ///< with `accepted`: which listener's slot
};

}  // namespace strata::inline STRATA_ABI
