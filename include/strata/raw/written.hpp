// SPDX-License-Identifier: MIT
// Packets whose IPv4 header the application wrote: option::header_included. Included by layer.hpp.
#pragma once
#include <strata/raw/layer.hpp>
#include <strata/wire/ipv4.hpp>

namespace strata::inline STRATA_ABI::raw {

/// What the link would have to cut is refused; the rest of the header, and what the hooks say of it, is ip's.  Linux: raw_send_hdrinc.
template <config C>
auto layer<C>::send_written(network<address, path> auto&& below, socket& s, std::span<const std::byte> bytes, const address& to) -> expected<std::size_t, send_error> {
  const auto h = wire::ipv4::parse_quoted(bytes);
  if (!h || h->protocol != s.protocol || !to.is_v4() || to.v4() != h->destination) return send_error::bad_header;
  path way{};
  way.local = s.local;
  way.remote = to;
  way.traffic_class = h->type_of_service;
  if (!below.route(way)) return send_error::no_route;
  u32 most = way.mtu;
  if constexpr (requires { below.link_mtu(way); }) most = below.link_mtu(way);
  if (bytes.size() > most) return send_error::too_big;
  if constexpr (has_loop) way.loop = s.way.loop;
  if (h->ttl == 0 && to.is_multicast()) {  // RFC 1112 §6.1: it does not leave this host
    if constexpr (!has_loop) return bytes.size();
    else if (way.loop == multicast::loop::off) return bytes.size();
    else way.loop = multicast::loop::only;
  }
  packet p = below.take();
  if (!p) return ++count_.sndbuf_errors, send_error::would_block;
  if (p.room().size() < bytes.size()) return send_error::too_big;
  copy_bytes(p.room().data(), bytes.data(), bytes.size());
  p.extend(bytes.size());
  return answer_of(below.send_whole(way, std::move(p)), s, bytes.size());
}

}  // namespace strata::inline STRATA_ABI::raw
