// SPDX-License-Identifier: MIT
// Who is where: the link address of a next hop, its life by RFC 4861 §7.3, and the packets that wait for it.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/path.hpp>
#include <strata/core/time.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::neighbour {

/// What a cache reads of a Config.
template <class C> concept config = requires {
  typename C::tick;
  typename C::family::address;
  { C::limits } -> std::convertible_to<limits>;
};

/// What a cache asks of the interface that it lives in.
template <class B, class Address> concept interface_below = requires(B below, Address a, packet p, mac_address mac) {
  { below.take() } -> std::same_as<packet>;                           // a chunk with headroom, or nothing
  { below.transmit_arp(std::move(p), mac) } -> std::same_as<sent>;    // link header in front, then out
  { below.transmit_ip(std::move(p), mac) } -> std::same_as<sent>;     // the same for an IP packet that waited
  { below.mac() } -> std::same_as<mac_address>;
  { below.is_ours(a) } -> std::same_as<bool>;                         // one of our addresses, of which this interface speaks
  { below.source_for(a) } -> std::same_as<Address>;                   // ours on this interface, in whose name `a` is asked
  { below.changed() } -> std::same_as<void>;                          // a link address that images hold is no longer good
  { below.failed(std::move(p)) } -> std::same_as<void>;               // a packet that waited and will not leave: becomes an error of the next turn
  { below.observe(trace::record{}) } -> std::same_as<void>;           // nothing with the null observer
  { below.random() } -> std::same_as<u64>;                            // the table's key, and ReachableTime (RFC 4861 §6.3.2)
};

/// Why a neighbour was not added.
enum class neighbour_error : u8 {
  none,
  full,         ///< limits::neighbours are in use and none may go
  bad_address,  ///< not the unicast address of somebody else, or a link address of nobody or of many
  bad_link      ///< there is no such interface, or its link has no addresses
};

/// What the stack asks of a cache, `of<C>`. Time is an argument; nothing blocks.
///   resolve(below, a, now)        the address if usable; else nothing, and a request is on its way
///   hold(below, a, packet, now)   an IP packet waits for `a`: queued, dropped (queue full: the oldest goes), or unreachable
///   on_arp(below, packet, now)    an ARP message, link header taken off: learns, answers, sends what waited
///   confirm(name, now)            forward progress by a transport, RFC 4861 §7.3.1
///   advance(below, now)           timers;  next_deadline(): when to call it
///   clear(pool)                   drops what waits
template <class T, class Address, class TimePoint, class Below>
concept cache = requires(T c, const T cc, Below below, const Address& a, packet& p, TimePoint now, u16 name, buffer::pool& chunks) {
  { c.resolve(below, a, now) } -> std::same_as<std::optional<resolved_neighbour>>;
  { c.hold(below, a, std::move(p), now) } -> std::same_as<sent>;
  { c.on_arp(below, p, now) } -> std::same_as<void>;
  { c.confirm(name, now) } -> std::same_as<void>;
  { c.advance(below, now) } -> std::same_as<void>;
  { cc.next_deadline() } -> std::same_as<std::optional<TimePoint>>;
  { c.clear(chunks) } -> std::same_as<void>;
};

/// Optional: the application may set entries.
template <class T> concept has_static_entries = std::remove_cvref_t<T>::options.static_entries;
/// Optional: addresses of ours are probed before use and defended (claims.hpp).
template <class T> concept claims_addresses = (std::remove_cvref_t<T>::options.conflict_detection != 0);
/// Optional: each address of ours is announced once.
template <class T> concept announces_addresses = std::remove_cvref_t<T>::options.announces;
/// Optional: answers for others.
template <class T> concept answers_for_others = std::remove_cvref_t<T>::options.proxies;

}  // namespace strata::inline STRATA_ABI::neighbour
