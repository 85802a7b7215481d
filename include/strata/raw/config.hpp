// SPDX-License-Identifier: MIT
// What raw/ reads of a Config and what it asks of the layer below. Archetypes of both: raw/archetype.hpp.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/path.hpp>
#include <strata/core/permission.hpp>
#include <strata/core/time.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::raw {

template <class C> using path_of_config = strata::path<typename C::family::address, C::header_image::template bytes<typename C::family::address>, C::limits.groups != 0>;

template <class C> concept config = requires {
  typename C::tick;
  typename C::family::address;
  { C::header_image::template bytes<typename C::family::address> } -> std::convertible_to<u32>;
  { C::limits } -> std::convertible_to<limits>;
};

/// The internet layer that raw sockets look into (RFC 1122 §3.4).
template <class B, class Address, class Path> concept network = requires(B below, Path& way, const Path& known, packet& p, u8 protocol) {
  { below.take() } -> std::same_as<packet>;                      // a transmit chunk, frame empty at the headroom; or nothing
  { below.route(way) } -> std::same_as<bool>;                    // fills local (if unset) and mtu
  { below.send(way, std::move(p), protocol) } -> std::same_as<sent>;
  { below.send_whole(way, std::move(p)) } -> std::same_as<sent>;  // it begins with its IPv4 header
  { below.network_header_size(known) } -> std::same_as<u32>;     // bytes
  { below.chunks() } -> std::same_as<buffer::pool&>;
  { below.observe(trace::record{}) } -> std::same_as<void>;      // nothing with the null observer
};

}  // namespace strata::inline STRATA_ABI::raw
