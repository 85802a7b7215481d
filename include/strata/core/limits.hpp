// SPDX-License-Identifier: MIT
// Every limit is a number of the Config, with a default and its reason. All tables are sized by these at compile time.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

struct limits {
  u32 chunks = 16384;          ///< descriptors; the region may hold fewer chunks. 32 MiB of frames
  u32 chunk_size = 2048;       ///< bytes; what AF_XDP takes, and a frame of MTU 1500 with its headroom fits
  u32 connections = 1024;      ///< control blocks
  u32 listeners = 8;           ///< at most 255
  u32 backlog = 128;           ///< connections per listener that the application has not been told of yet; Linux's old SOMAXCONN
  u32 challenge_acks = 16;     ///< challenge ACKs a second to the peers of one of 64 groups (RFC 5961 §7), at most 170; zero: only the limit per connection
  u32 syn_slots = 256;         ///< half-open connections over all listeners
  u32 time_wait = 4096;        ///< TIME-WAIT records; the oldest is recycled when all are used
  u32 slots = 0;               ///< places of each size that chunks are cut in for small messages: 512 bytes, 256, and what 64 bytes take behind their headers; zero: no code for it
  u32 send_chunks = 64;        ///< unacknowledged and unsent chunks per connection: 64 x 1460 B
  u32 receive_chunks = 64;     ///< chunks that unread and out-of-order data of one connection may hold
  u32 datagram_sockets = 64;
  u32 datagrams = 64;          ///< unread datagrams per socket
  u32 raw_sockets = 8;         ///< of raw::layer, where a Config lists it; each keeps as many packets as `datagrams` says
  u32 neighbours = 256;        ///< per interface
  u32 neighbour_queue = 8;     ///< packets per unresolved neighbour; the oldest is dropped
  u32 routes = 16;
  u32 fragments = 64;          ///< datagrams to us that are put together at a time, a quarter of them of one source; zero: fragments are dropped
  u32 path_mtus = 16;          ///< destinations whose path carries less than the link, as routers said (RFC 1191); zero: only who was told knows it
  u32 groups = 0;              ///< multicast memberships of all sockets, and the stack's own; zero: no code, what comes to any group is taken, and we hear nothing of what we send to a group or to all. Linux: igmp_max_memberships, 20
  u32 group_sources = 8;       ///< sources that one membership may name, at most 255; Linux's igmp_max_msf is 10
  u32 errors = 32;             ///< network errors that wait for the next turn
  u32 batch = 32;              ///< frames per receive call; what a kick of AF_XDP sends
  u32 receive_reserve = 32;    ///< chunks that data to send never takes, so that one batch can be received; ACKs and ARP messages may have half of them
  u16 first_local_port = 32768, last_local_port = 60999;  ///< what connect() and bind() choose from where the application asks for none; Linux's ip_local_port_range
  u32 explicit_ports = 16;     ///< different local ports that connect() was told, which no other connection is given meanwhile; of more than these only the same pair of sockets is not
};

/// Of chunks, and of the slots of three sizes.
[[nodiscard]] constexpr u32 descriptors_of(const limits& l) { return l.chunks + 3 * l.slots; }

}  // namespace strata::inline STRATA_ABI
