// SPDX-License-Identifier: MIT
// Configs to derive from. A derived one changes a policy or a layer by one line:
//
//   struct mine : strata::presets::server { using nic = strata::nic::tap; };
//
// Policies are aliases, layers member templates of the finished Config. Inside a Config write strata::nic::tap, never nic::tap: the base's alias would be found.
#pragma once
#include <strata/core/entropy.hpp>
#include <strata/core/exclusion.hpp>
#include <strata/core/layers.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/path.hpp>
#include <strata/core/permission.hpp>
#include <strata/core/time.hpp>
#include <strata/ip/v4.hpp>
#include <strata/link/ethernet.hpp>
#include <strata/neighbour/arp.hpp>
#include <strata/nic/wire_pair.hpp>
#include <strata/qdisc/direct.hpp>
#include <strata/stack/interfaces.hpp>
#include <strata/tcp/layer.hpp>
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::presets {

/// Many connections on a machine with memory.
struct server {
  using tick = strata::nanoseconds64;
  using family = strata::only_v4;
  using header_image = strata::header_image::cached;
  using entropy = strata::entropy::keyed;
  using exclusion = strata::exclusion::single_owner;
  using permission = strata::permission::anyone;
  using observer = strata::trace::nobody;
  using congestion_control = strata::tcp::newreno;
  using coalescing = strata::tcp::nagle;
  using acks = strata::tcp::adaptive_acks;
  using pacing = strata::tcp::pacing::none;
  struct connection_data {};

  using nic = strata::nic::wire_pair;
  using link = strata::link::ethernet;
  using neighbour = strata::neighbour::arp;
  using qdisc = strata::qdisc::direct;
  using routing = strata::ip::linear;  ///< of limits.routes rows; strata::ip::trie<Nodes> for many
  using hooks = strata::ip::hooks<>;   ///< who may look at packets, drop or take them: ip/hooks.hpp

  static constexpr strata::limits limits{};
  static constexpr strata::tcp::write_path writes{};  ///< what the write path has beyond the plain one: tcp/write_path.hpp
  static constexpr bool timestamps = true;            ///< RFC 7323: 12 bytes a segment for PAWS and better round-trip times
  static constexpr bool keep_alive = true;            ///< RFC 9293 §3.8.4: option::keep_alive exists; off until a connection sets it
  static constexpr bool urgent = true;                ///< RFC 9293 §3.8.5: where urgent data ends is told; false: it is data as any other
  static constexpr bool linger = true;                ///< option::linger exists
  static constexpr bool shutdown_receive = true;      ///< the call exists
  static constexpr bool header_prediction = true;     ///< a short way for the segment that an open connection expects, and for the write that leaves at once; false: smaller
  static constexpr u32 small_queue = 0;               ///< bytes of one connection that may wait in qdisc and NIC; zero: any number. Linux: tcp_limit_output_bytes
  static constexpr u32 gso_max_size = 0;              ///< payload bytes that TCP hands down behind one header, at most 65,000; zero: each segment by itself. Linux: gso_max_size
  static constexpr bool tso_deferral = false;         ///< a train that cwnd keeps short waits for the next ACK. Linux: tcp_tso_should_defer
  static constexpr bool gro = false;                  ///< segments of a batch that follow each other are joined and looked at once. Linux: generic-receive-offload
  static constexpr bool datagram_options = true;      ///< udp::option::dscp, hop_limit and, with long_datagrams, dont_fragment exist
  static constexpr bool forwards = false;             ///< a router: packets for others go on (RFC 1812)
  static constexpr bool long_datagrams = false;       ///< datagrams longer than a chunk come up, put together of fragments; false: a shorter one is copied to be one piece
  static constexpr bool strong_host = false;          ///< RFC 1122 §3.3.4.2: an address is ours on its own link only; false: on each, as Linux has it
  static constexpr bool destroyed = true;             ///< false: lives as long as the program; no destructor, no atexit
  static constexpr bool allows_weak_entropy = false;  ///< true: takes a source that can be guessed

  template <class C> using network = strata::layers<strata::ip::v4<C>>;
  template <class C> using udp = strata::udp::layer<C>;
  template <class C> using tcp = strata::tcp::layer<C>;
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>>;
  template <class C> using interfaces = strata::interfaces<strata::interface<C>>;
};

/// Every microsecond counts and the application sends whole messages: nothing is held back, every batch is acknowledged at once.
struct low_latency : server {
  using coalescing = strata::tcp::none;
  using acks = strata::tcp::immediate_acks;
};

/// A microcontroller: milliseconds in 32 bits, a handful of connections, headers built for each packet, no destructor.
struct embedded : server {
  using tick = strata::milliseconds32;
  using header_image = strata::header_image::built;
  using neighbour = strata::neighbour::arp_of<strata::neighbour::least_arp>;
  using acks = strata::tcp::delayed_acks;
  static constexpr bool timestamps = false;
  static constexpr bool keep_alive = false;
  static constexpr bool urgent = false;
  static constexpr bool linger = false;
  static constexpr bool shutdown_receive = false;
  static constexpr bool header_prediction = false;
  static constexpr bool datagram_options = false;
  static constexpr bool destroyed = false;
  static constexpr strata::limits limits{.chunks = 10,
                                         .chunk_size = 1536,  // a frame of MTU 1500 behind its headroom
                                         .connections = 4,
                                         .listeners = 2,
                                         .backlog = 4,
                                         .challenge_acks = 0,
                                         .syn_slots = 4,
                                         .time_wait = 4,
                                         .send_chunks = 3,
                                         .receive_chunks = 3,
                                         .datagram_sockets = 2,
                                         .datagrams = 2,
                                         .neighbours = 8,
                                         .neighbour_queue = 1,
                                         .routes = 2,
                                         .fragments = 0,
                                         .path_mtus = 0,
                                         .errors = 2,
                                         .batch = 1,
                                         .receive_reserve = 2,
                                         .explicit_ports = 0};
};

/// A run replays from its seed: `.entropy = {42}`. Small tables, so that tests reach their ends.
struct testing : server {
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr strata::limits limits{.chunks = 1024,
                                         .connections = 32,
                                         .listeners = 4,
                                         .backlog = 8,
                                         .syn_slots = 16,
                                         .time_wait = 32,
                                         .datagram_sockets = 8,
                                         .datagrams = 16,
                                         .neighbours = 16,
                                         .neighbour_queue = 4,
                                         .routes = 8,
                                         .fragments = 8,
                                         .path_mtus = 4,
                                         .errors = 8};
};

}  // namespace strata::inline STRATA_ABI::presets
