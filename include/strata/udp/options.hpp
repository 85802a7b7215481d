// SPDX-License-Identifier: MIT
// Options of a datagram socket about the IP header of what it sends (RFC 1122 §4.1.4). Included by layer.hpp.
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
template <config C> template <class O> std::optional<O> layer<C>::get(connection_id id) const
  requires((has_options && (std::same_as<O, option::dscp> || std::same_as<O, option::hop_limit>)) || (may_be_long && std::same_as<O, option::dont_fragment>))
{
  if (!is_live(id)) return {};
  const socket& s = sockets_[id.index];
  if constexpr (std::same_as<O, option::dscp>) return O{static_cast<u8>(s.way.traffic_class >> 2)};
  else if constexpr (std::same_as<O, option::hop_limit>) return O{s.way.hop_limit};
  else return O{s.whole.is_set};
}

}  // namespace strata::inline STRATA_ABI::udp
