// SPDX-License-Identifier: MIT
// The way down through ip, the same for both versions: route, header image, neighbour, MTU, out. `Header` is what differs: see ip/v4.hpp, ip/v6.hpp.
//
// The fast path is one compare, one copy of link and IP header, one length and one checksum. The image is built when the stack's generation moved.
#pragma once
#include <strata/ip/hooks.hpp>
#include <strata/ip/identification.hpp>
#include <strata/ip/path_mtu.hpp>
#include <strata/ip/routes.hpp>
#include <strata/wire/ipv4.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Header has `size`, `is_v4`, build(at, way, protocol) -> sum of the constant words, patch(at, packet bytes, sum) and group_mac(address).
template <config C, class Header> class output {
 public:
  using address = typename C::family::address;
  using path = path_of<C>;
  using moment = time_point<typename C::tick>;
  using hook_list = typename C::hooks::template of<C>;
  static constexpr bool has_groups = C::limits.groups != 0 && Header::is_v4;
  static constexpr bool makes_fragments = Header::is_v4 && (C::limits.fragments != 0 || requires { requires bool{C::long_datagrams}; });  // long echoes, or datagrams
  static constexpr bool has_image = C::header_image::template bytes<address> != 0;
  static_assert(routing_table<typename C::routing::template of<address, C::limits.routes>, address>,
                "this Config's routing is no table of routes: `of<Address, Capacity>` needs what strata::ip::routing_table lists");

  /// Fills in how `way.remote` is reached: local, if unset, next hop, link and mtu. False if it is not, or `way.local` is not ours; what `way` said before is
  /// void then. Our own addresses are reached by the interface to ourselves (stack/loopback.hpp), if there is one.  Linux: ip_route_output_key.
  [[nodiscard]] bool route(links<address> auto&& below, path& way, counters& count) const {
    return route_by(below, way, count, [&] { return best(way.remote, way.local, way.traffic_class); });
  }
  /// The same for a packet of others, which says whom it is from and how it wants to be carried.
  [[nodiscard]] bool route_for(links<address> auto&& below, path& way, const address& from, u8 traffic_class, counters& count) const {
    return route_by(below, way, count, [&] { return best(way.remote, from, traffic_class); });
  }
  [[nodiscard]] STRATA_ALWAYS_INLINE bool route_by(links<address> auto&& below, path& way, counters& count, auto&& best_way) const {
    way.generation = 0;
    const address& to = way.remote;
    const bool is_group = routes.is_group(to);
    if constexpr (C::limits.groups != 0) way.is_to_many = has_groups && is_group;  // IPv6 makes no copies yet
    const bool is_bound = !way.local.is_unspecified();
    if constexpr (loopback_link<decltype(below)> != no_link) {
      if (to.is_loopback() || routes.is_ours(to)) {
        if (!is_bound) way.local = routes.is_ours(to) ? to : routes.address_on(loopback_link<decltype(below)>);
        if (!way.local.is_loopback() && !routes.is_ours(way.local)) return ++count.out_no_routes, false;
        way.next_hop = to;
        way.link = loopback_link<decltype(below)>;
        way.mtu = below.mtu(way.link);
        return true;
      }
      if (way.local.is_loopback()) return ++count.out_no_routes, false;  // RFC 1122 §3.2.1.3 (g)
    }
    const ip::route<address>* r = nullptr;
    if (!to.is_unspecified() && !to.is_loopback() && !routes.is_ours(to)) {
      r = is_group && is_bound ? routes.of_local(way.local) : best_way();
      if (r == nullptr && is_group) r = routes.first();
    }
    if (r == nullptr || (is_bound && !routes.is_ours(way.local))) {
      ++count.out_no_routes;
      return false;
    }
    if (!is_bound) way.local = r->local;
    way.next_hop = r->is_connected || is_group ? to : r->gateway;
    way.link = r->link;
    way.mtu = below.mtu(r->link);
    way.neighbour = 0;
    return true;
  }

  /// The same for who sends to `way.remote` himself: of what the path is known to carry. A router's way for others carries what its link does.
  [[nodiscard]] bool route_of_ours(links<address> auto&& below, path& way, counters& count) const {
    if (!route(below, way, count)) return false;
    if constexpr (remembers_mtus<decltype(below)>) {
      if (const u16 known = path_mtu.to(way.remote, below.now()); known != 0 && known < way.mtu) way.mtu = known;
    }
    return true;
  }

  /// Sends the transport's `p` along `way`, always with the same `protocol` for the same way. Precondition: headroom for link and IP header.
  /// Over the MTU: dropped, since all we send has DF set. Linux: __ip_queue_xmit, ip_local_out, ip_finish_output2.
  [[nodiscard]] STRATA_ALWAYS_INLINE sent send(links<address> auto&& below, path& way, packet&& p, u8 protocol, counters& count) {
    ++count.out_requests;
    note(below, trace::step::route, p);
    if constexpr (hooks_at(point::output) || hooks_at(point::postrouting)) {
      if (way.generation != below.generation() && !route_again(below, way, count)) return sent::unreachable;
      if (!may_leave(below, way, p, protocol)) return sent::dropped;
    }
    if constexpr (has_image) {
      if (way.generation != below.generation()) [[unlikely]] {
        const sent became = buffer::in_passing(p, [&](packet& q) { return prepare(below, way, q, protocol, count); });
        if (became != sent::sent) return became;
      }
      const std::size_t total = p.size() + Header::size, image_length = way.image_length;
      if (total > way.mtu) [[unlikely]] return too_big(count);
      p->link = way.link;
      std::byte* const at = p.push(image_length);
      // The commonest length as a constant: a copy of 34 or 54 bytes is three or four moves.
      if (image_length == 14 + Header::size) [[likely]] copy_header<14 + Header::size>(at, way.image.bytes);
      else copy_bytes(at, way.image.bytes, image_length);
      Header::patch(at + (image_length - Header::size), total, way.image_sum);
    } else {
      if (way.generation != below.generation()) {
        if (!route_again(below, way, count)) return sent::unreachable;
        way.generation = below.generation();
      }
      if (p.size() + Header::size > way.mtu) return too_big(count);
      const auto neighbour = next_mac(below, way);
      if (!neighbour) return wait(below, way, p, protocol);
      way.neighbour = neighbour->name;
      put_header(way, p, protocol);
      below.emit_link_header(way.link, p.push(below.link_header_size(way.link)), neighbour->mac, Header::is_v4);
      p->link = way.link;
    }
    // Image or not, each packet takes these steps; the image has taken them together.
    note(below, trace::step::ip_header, p);
    note(below, trace::step::ip_output, p);
    note(below, trace::step::finish_output, p);
    note(below, trace::step::neighbour, p);
    return to_link(below, way, p, protocol);
  }

  /// Sends a datagram of at most 65,515 bytes that is longer than the MTU of `way`, whose route is known: as fragments, under an identification of their own.
  /// fill(to, from, n) writes the `n` bytes of it that begin at `from`: once each, behind the headers that they leave with. full: there are not as many chunks, or
  /// not as many places to wait for a neighbour who is not known yet (he is being asked), and nothing is sent; any other answer is that of the last fragment.  Linux: ip_append_data, ip_push_pending_frames.
  [[nodiscard]] sent send_long(links<address> auto&& below, path& way, u32 bytes, u8 protocol, auto&& fill, counters& count) requires(Header::is_v4) {
    ++count.out_requests;
    STRATA_EXPECTS(bytes + Header::size <= 0xffff);
    if (way.mtu < Header::size + 8) return too_big(count);
    const u32 most = static_cast<u32>(way.mtu - Header::size) & ~u32{7};
    if (below.chunks().available() < bytes / most + 1 + C::limits.receive_reserve) return sent::full;
    if constexpr (requires { below.may_wait(way.link, way.next_hop, bytes); }) {
      if (!next_mac(below, way) && !below.may_wait(way.link, way.next_hop, (bytes + most - 1) / most)) return sent::full;
    }
    const u16 id = identify(below, way, protocol);
    sent last = sent::full;
    for (u32 from = 0; from < bytes; from += most) {
      const u32 n = bytes - from < most ? bytes - from : most;
      packet p = below.take();
      if (!p) return sent::full;
      if (p.room().size() < n) return too_big(count);
      fill(p.room().data(), from, n);
      p.extend(n);
      if constexpr (hooks_at(point::output) || hooks_at(point::postrouting)) {
        if (!may_leave(below, way, p, protocol, from != 0 ? nowhere : 0)) return sent::dropped;
      }
      const wire::ipv4 h{.type_of_service = way.traffic_class, .total_length = static_cast<u16>(n + Header::size), .id = id, .fragment_offset = static_cast<u16>(from),
                         .more_fragments = from + n != bytes, .ttl = Header::ttl_of(way), .protocol = protocol,
                         .source = way.local.v4(), .destination = way.remote.v4()};
      h.emit(p.push(Header::size));
      note(below, trace::step::fragment, p);
      p->link = way.link;
      if (const auto neighbour = next_mac(below, way); !neighbour) {
        last = below.hold(std::move(p), way.next_hop);
      } else {
        below.emit_link_header(way.link, p.push(below.link_header_size(way.link)), neighbour->mac, Header::is_v4);
        last = to_link(below, way, p, protocol);
      }
      if (last != sent::sent && last != sent::queued) return last;
    }
    return last;
  }
  /// Sends a packet that begins with its whole IP header along `way`, whose route is known and whose local is the sender that the header names. What its transport
  /// begins with stands `transport` bytes from there; `nowhere`: not in this packet, or it is nobody's to know.
  static constexpr std::size_t nowhere = ~std::size_t{0};
  [[nodiscard]] sent send_whole(links<address> auto&& below, const path& way, packet&& p, u8 protocol, std::size_t transport, counters& count) {
    ++count.out_requests;
    if constexpr (hooks_at(point::output) || hooks_at(point::postrouting)) {
      if (!may_leave(below, way, p, protocol, transport)) return sent::dropped;
    }
    note(below, trace::step::ip_header, p);
    p->link = way.link;
    const auto neighbour = next_mac(below, way);
    if (!neighbour) return below.hold(std::move(p), way.next_hop);
    below.emit_link_header(way.link, p.push(below.link_header_size(way.link)), neighbour->mac, Header::is_v4);
    return to_link(below, way, p, protocol);
  }
  /// Whether somebody is asked at `p`: if not, no code asks.
  [[nodiscard]] static constexpr bool hooks_at(point p) { return hook_list::are_at(p); }
  static constexpr bool hooks_to_us = hooks_at(point::prerouting) || hooks_at(point::input);
  /// Whether a packet goes on behind the hooks of a point; if not, it is dropped or moved away, and counted.  Linux: NF_HOOK.
  template <point P> [[nodiscard]] STRATA_ALWAYS_INLINE bool passes(auto&& below, auto& what, packet& p, moment now) {
    if constexpr (hooks_at(P)) {
      note(below, P == point::output || P == point::postrouting ? trace::step::hook_down : trace::step::hook_up, p);
      return hooks.template ask<P>(what, p, now) == verdict::accept;
    } else {
      (void)below, (void)what, (void)p, (void)now;
      return true;
    }
  }

  static void note(links<address> auto&& below, trace::step what, const packet& p) {
    trace::record r;
    r.what = what;
    r.bytes = static_cast<u32>(p.size());
    r.chunk = p->home->name(p.d());
    below.observe(r);
  }

  /// The row of the table, or of its rules (ip/rules.hpp).
  [[nodiscard]] STRATA_ALWAYS_INLINE const ip::route<address>* best(const address& to, [[maybe_unused]] const address& from, [[maybe_unused]] u8 traffic_class) const {
    if constexpr (requires { routes.best(to, from, traffic_class); }) return routes.best(to, from, traffic_class);
    else return routes.best(to);
  }
  /// Of links that know the time.
  template <class Below> static constexpr bool remembers_mtus = C::limits.path_mtus != 0 && requires(Below below) { below.now(); };
  typename C::routing::template of<address, C::limits.routes> routes{};
  [[no_unique_address]] path_mtus<address, C::limits.path_mtus, typename C::tick> path_mtu{};
  [[no_unique_address]] hook_list hooks{};

  /// For a datagram along `way` that may be in fragments, or become some. Where nothing leaves in fragments but what others cut: at random, and not zero.
  [[nodiscard]] u16 identify(links<address> auto&& below, const path& way, u8 protocol) requires(Header::is_v4) {
    if constexpr (makes_fragments) return identifications_.next(way.local.v4().value, way.remote.v4().value, protocol, [&] { return below.random(); });
    else return (void)way, (void)protocol, static_cast<u16>(below.random() % 0xffff + 1);
  }

 private:
  /// The last step of what has all its headers.
  [[nodiscard]] STRATA_ALWAYS_INLINE sent to_link(links<address> auto&& below, [[maybe_unused]] const path& way, packet& p, [[maybe_unused]] u8 protocol) {
    if constexpr (has_groups) {
      if (way.is_to_many) [[unlikely]] return buffer::in_passing(p, [&](packet& q) { return post_to_many(below, way, q, protocol); });
    }
    return below.post(std::move(p));
  }
  /// To a group or to all: what left is heard by our own, too (group_copies.hpp).  Linux: ip_mc_output.
  [[nodiscard]] STRATA_OFF_PATH sent post_to_many(links<address> auto&& below, const path& way, packet& p, u8 protocol) {
    packet copy;
    if constexpr (requires { below.copy_if_wanted(way, protocol, p); }) copy = below.copy_if_wanted(way, protocol, p);
    sent became = sent::sent;
    if (way.loop == multicast::loop::only && way.remote.is_multicast()) p.reset();
    else became = below.post(std::move(p));
    if constexpr (requires { below.hear(way, std::move(copy)); }) {
      if (copy && became != sent::full) below.hear(way, std::move(copy));  // of what did not leave the application will send another
    }
    return became;
  }
  /// The points output and postrouting of a packet of ours, whose IP header need not be written yet; a train is one packet.
  [[nodiscard]] bool may_leave(links<address> auto&& below, const path& way, packet& p, u8 protocol, std::size_t transport = 0) {
    passing<address> what{.protocol = protocol, .out = way.link, .source = way.local, .destination = way.remote, .bytes = static_cast<u32>(p.size())};
    if (transport < p.size()) what.read_transport(p.bytes().subspan(transport));
    return passes<point::output>(below, what, p, below.now()) && passes<point::postrouting>(below, what, p, below.now());
  }
  /// A way that its transport goes already. What a router told the transport of it holds as long as the table knows of it, and is the transport's to tell: who was
  /// not told yet sends what he has, and will be.
  [[nodiscard]] bool route_again(links<address> auto&& below, path& way, counters& count) const {
    [[maybe_unused]] const u16 before = way.mtu;
    if (!route(below, way, count)) return false;
    if constexpr (remembers_mtus<decltype(below)>) {
      if (before != 0 && before < way.mtu && path_mtu.to(way.remote, below.now()) != 0) way.mtu = before;
    }
    return true;
  }
  /// A new image. `sent` says that there is one; any other answer is the packet's end, or it waits for its neighbour. Linux: neigh_hh_output's slow side.
  [[gnu::cold, gnu::noinline]] sent prepare(links<address> auto&& below, path& way, packet& p, u8 protocol, counters& count) {
    if (!route_again(below, way, count)) return sent::unreachable;
    if (p.size() + Header::size > way.mtu) return too_big(count);
    const auto neighbour = next_mac(below, way);
    if (!neighbour) return wait(below, way, p, protocol);
    const u32 link_header = below.link_header_size(way.link);
    STRATA_EXPECTS(link_header + Header::size <= sizeof way.image.bytes);
    below.emit_link_header(way.link, way.image.bytes, neighbour->mac, Header::is_v4);
    way.image_sum = Header::build(way.image.bytes + link_header, way, protocol);
    way.image_length = static_cast<u8>(link_header + Header::size);
    way.neighbour = neighbour->name;
    way.generation = below.generation();  // last: resolve() may have moved it
    return sent::sent;
  }
  [[nodiscard]] std::optional<resolved_neighbour> next_mac(links<address> auto&& below, const path& way) const {
    if (routes.is_group(way.remote)) return resolved_neighbour{Header::group_mac(way.remote), 0};
    return below.resolve(way.link, way.next_hop);
  }
  /// Linux: neigh_resolve_output.
  [[nodiscard]] sent wait(links<address> auto&& below, const path& way, packet& p, u8 protocol) {
    put_header(way, p, protocol);
    p->link = way.link;
    note(below, trace::step::ip_header, p);
    note(below, trace::step::neighbour, p);
    note(below, trace::step::queue_wait, p);
    return below.hold(std::move(p), way.next_hop);
  }
  STRATA_OUT_OF_LINE static void put_header(const path& way, packet& p, u8 protocol) {
    std::byte* const at = p.push(Header::size);
    const u32 sum = Header::build(at, way, protocol);
    Header::patch(at, p.size(), sum);
  }
  [[nodiscard]] static sent too_big(counters& count) {
    ++count.frag_fails;
    return sent::dropped;
  }

  struct no_identifications {};
  [[no_unique_address]] std::conditional_t<makes_fragments, identifications, no_identifications> identifications_{};
};

}  // namespace strata::inline STRATA_ABI::ip
