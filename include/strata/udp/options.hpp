// SPDX-License-Identifier: MIT
// The IP header of what a datagram socket sends, by options, and of what it receives (RFC 1122 §4.1.4). Included by layer.hpp.
#pragma once
#include <strata/udp/layer.hpp>

namespace strata::inline STRATA_ABI::udp {

template <config C> expected<void, call_error> layer<C>::set(network<address, path> auto&&, connection_id id, option::dscp o) requires(has_options) {
  socket* s = find(id);
  if (s == nullptr) return call_error::stale;
  if (o.value > 63) return call_error::bad_options;
  s->way.traffic_class = static_cast<u8>(o.value << 2);
  s->way.generation = 0;  // the header is built again
  return {};
}
template <config C> expected<void, call_error> layer<C>::set(network<address, path> auto&&, connection_id id, option::hop_limit o) requires(has_options) {
  socket* s = find(id);
  if (s == nullptr) return call_error::stale;
  s->way.hop_limit = o.value;
  s->way.generation = 0;
  return {};
}
template <config C> expected<void, call_error> layer<C>::set(network<address, path> auto&&, connection_id id, option::dont_fragment o) requires(may_be_long) {
  socket* s = find(id);
  if (s == nullptr) return call_error::stale;
  s->whole.is_set = o.value;
  return {};
}
template <config C> expected<ip_fields, receive_error> layer<C>::fields(network<address, path> auto&& below, connection_id id) {
  const socket* s = find(id);
  if (s == nullptr) return receive_error::stale;
  const buffer::descriptor* d = s->unread.front(below.chunks());
  if (d == nullptr) return receive_error::would_block;
  const std::byte* const header = d->chunk + d->network;
  const u16 first = load_be<u16>(header);  // version, IHL, type of service; or version, traffic class, four bits of flow label
  const bool is_v4 = first >> 12 == 4;
  const u8 traffic_class = static_cast<u8>(is_v4 ? first : first >> 4);
  return ip_fields{static_cast<u8>(traffic_class >> 2), static_cast<u8>(traffic_class & 3), static_cast<u8>(header[is_v4 ? 8 : 7])};
}
template <config C> expected<void, call_error> layer<C>::set(network<address, path> auto&&, connection_id id, option::multicast_loop o) requires(has_loop) {
  socket* s = find(id);
  if (s == nullptr) return call_error::stale;
  s->way.loop = o.value;
  return {};
}
template <config C> template <class O> std::optional<O> layer<C>::get(connection_id id) const requires(has<O>) {
  if (!is_live(id)) return {};
  const socket& s = sockets_[id.index];
  if constexpr (std::same_as<O, option::dscp>) return O{static_cast<u8>(s.way.traffic_class >> 2)};
  else if constexpr (std::same_as<O, option::hop_limit>) return O{s.way.hop_limit};
  else if constexpr (std::same_as<O, option::multicast_loop>) return O{s.way.loop};
  else return O{s.whole.is_set};
}

}  // namespace strata::inline STRATA_ABI::udp
