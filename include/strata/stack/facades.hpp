// SPDX-License-Identifier: MIT
// What each layer sees of those below it: one reference, written-out result types, no arithmetic. check_facades() holds each against the concept of the
// layer that stands on it.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

/// What a neighbour cache sees: its own interface.
template <stack_config C> struct stack<C>::cache_below {
  stack& s;
  u8 link;

  /// As for an ACK, one of those that are kept for receiving will do, down to half of them: what waits for an answer holds chunks, and so does what the other
  /// side has for us while it asks.
  packet take() const {
    packet p = s.take();
    if (!p) p = s.pool_.take(network_headroom, C::limits.receive_reserve / 2);
    return p;
  }
  sent transmit_arp(packet&& p, const mac_address& to) const { return frame(std::move(p), to, link::kind::arp); }
  sent transmit_ip(packet&& p, const mac_address& to) const {
    return frame(std::move(p), to, static_cast<u8>(p.bytes()[0]) >> 4 == 4 ? link::kind::ipv4 : link::kind::ipv6);
  }
  mac_address mac() const {
    mac_address m;
    s.interfaces_.at(link, [&](auto& i) { m = i.mac(); });
    return m;
  }
  bool is_ours(const stack::address& a) const {
    return s.networks_.any([&](auto, auto& ip) { return ip.carries(a) && ip.is_ours_on(a, link); });
  }
  stack::address source_for(const stack::address& a) const {
    stack::address ours{};
    s.network_of(a, [&](auto& ip) { ours = ip.source_for(a, link); });
    return ours;
  }
  /// Whether `a` is reached by another link.
  bool is_beyond(const stack::address& a) const requires(bound::answers_for_others) {
    bool is = false;
    s.network_of(a, [&](auto& ip) { is = ip.is_beyond(a, link); });
    return is;
  }
  bool adopt(const subnet<stack::address>& ours, const stack::address& gateway) const requires(bound::claims_own_addresses) { return s.adopt(link, ours, gateway); }
  void lose(const stack::address& a) const requires(bound::claims_own_addresses) {
    s.network_of(a, [&](auto& ip) { (void)ip.withdraw(a, link); });
    s.changed();
  }
  void conflict() const requires(bound::claims_own_addresses) { s.conflicts_.links = static_cast<u8>(s.conflicts_.links | 1u << link), s.add_to_do(news); }
  void changed() const { s.changed(); }
  void failed(packet&& p) const { s.report_undelivered(std::move(p)); }
  u64 random() const { return s.entropy_.next(); }
  void observe(const trace::record& r) const { s.observe(r); }

 private:
  sent frame(packet&& p, const mac_address& to, link::kind what) const {
    s.interfaces_.at(link, [&](auto& i) { i.emit_header(p.push(i.header_size), to, what); });
    p->link = link;
    return s.post(std::move(p));
  }
};

/// What the network layers see: all interfaces, by index.
template <stack_config C> struct stack<C>::links {
  stack& s;

  static constexpr bool hands_up_trains = bound::hands_up_trains;
  static constexpr u8 loopback_link = bound::loopback_link;
  static constexpr bool are_overheard = wiring::has_raws;

  buffer::pool& chunks() const { return s.pool_; }
  packet take() const { return s.take(); }
  stack::time_point now() const { return s.now_; }
  u32 generation() const { return s.generation_; }
  void changed() const { s.changed(); }
  u16 mtu(u8 link) const {
    u16 bytes = 0;
    s.interfaces_.at(link, [&](auto& i) { bytes = i.mtu(); });
    return bytes;
  }
  u32 link_header_size(u8 link) const {
    u32 bytes = 0;
    s.interfaces_.at(link, [&](auto& i) { bytes = i.header_size; });
    return bytes;
  }
  void emit_link_header(u8 link, std::byte* at, const mac_address& to, bool is_v4) const {
    s.interfaces_.at(link, [&](auto& i) { i.emit_header(at, to, is_v4 ? link::kind::ipv4 : link::kind::ipv6); });
  }
  std::optional<resolved_neighbour> resolve(u8 link, const stack::address& hop) const {
    std::optional<resolved_neighbour> found;
    s.interfaces_.at(link, [&](auto& i) { found = i.resolve(cache_below{s, link}, hop, s.now_); });
    return found;
  }
  STRATA_ALWAYS_INLINE sent post(packet&& p) const { return s.post(std::move(p)); }
  sent hold(packet&& p, const stack::address& hop) const {
    const u8 link = p->link;
    sent what = sent::dropped;
    s.interfaces_.at(link, [&](auto& i) { what = i.neighbour.hold(cache_below{s, link}, hop, std::move(p), s.now_); });
    return what;
  }
  bool may_wait(u8 link, const stack::address& hop, u32 packets) const {
    bool may = true;
    s.interfaces_.at(link, [&](auto& i) {
      if constexpr (requires { i.neighbour.may_wait(hop, packets); }) may = i.neighbour.may_wait(hop, packets);
    });
    return may;
  }
  /// A copy of what is about to leave for a group, if a socket of ours wants it, and what becomes of it.
  packet copy_if_wanted(const path& way, u8 protocol, const packet& p) const requires(has_groups) {
    packet copy;
    s.network_of(way.remote, [&](auto& ip) {
      if constexpr (requires { ip.groups(); }) copy = ip.groups().copy_if_wanted(*this, way, protocol, p);
    });
    return copy;
  }
  void hear(const path& way, packet&& copy) const requires(has_groups) {
    s.network_of(way.remote, [&](auto& ip) {
      if constexpr (requires { ip.groups(); }) ip.groups().copies.keep(std::move(copy));
    });
  }
  u64 random() const { return s.entropy_.next(); }
  void observe(const trace::record& r) const { s.observe(r); }
};

/// What a transport sees: RFC 1122 §3.4.
template <stack_config C> struct stack<C>::internet {
  stack& s;

  // What a driver may say of a received packet; a copy of what we sent says what its NIC was to fill in.
  static constexpr u8 checksum_marks = bound::checksum_marks | (has_groups && bound::may_fill_in_checksum ? buffer::descriptor::checksum_partial : 0);
  static constexpr bool hands_up_trains = bound::hands_up_trains;

  bool fills_in_checksum(u8 link) const requires(bound::may_fill_in_checksum) {
    bool fills = false;
    s.interfaces_.at(link, [&](auto& i) STRATA_INLINE_LAMBDA { fills = i.fills_in_checksum(); });
    return fills;
  }
  /// Whether every interface brings in what comes to this port of ours.
  bool owns_port(u16 port) const requires(bound::owns_ports) {
    return !s.interfaces_.any([&](auto, const auto& i) { return !i.owns_port(port); });
  }
  STRATA_ALWAYS_INLINE packet take() const { return s.take(); }
  packet take(u32 bytes) const requires(C::limits.slots != 0) { return s.take(bytes); }
  u32 headroom() const { return network_headroom; }
  bool route(path& way) const {
    bool is_known = false;
    s.network_of(way.remote, [&](auto& ip) { is_known = ip.route(links{s}, way); });
    return is_known;
  }
  /// A router said that a packet to `to`, which this transport knows to be its own, was longer than `mtu`.
  void learn_path_mtu(const stack::address& to, u16 mtu) const requires(C::limits.path_mtus != 0) {
    s.network_of(to, [&](auto& ip) {
      if constexpr (requires { ip.learn_path_mtu(to, mtu, s.now_); }) ip.learn_path_mtu(to, mtu, s.now_);
    });
  }
  /// What the link of a way carries, where a router may have said that the way carries less.
  u16 link_mtu(const path& way) const requires(C::limits.path_mtus != 0) { return links{s}.mtu(way.link); }
  bool is_group(const stack::address& a) const {
    return s.networks_.any([&](auto, const auto& ip) { return ip.carries(a) && ip.is_group(a); });
  }
  STRATA_ALWAYS_INLINE sent send(path& way, packet&& p, u8 protocol) const {
    sent what = sent::unreachable;
    s.network_of(way.remote, [&](auto& ip) STRATA_INLINE_LAMBDA { what = ip.send(links{s}, way, std::move(p), protocol); });
    return what;
  }
  /// A datagram over the MTU, in fragments. IPv6's are not there yet.
  sent send_long(path& way, u32 bytes, u8 protocol, auto&& fill) const requires(bool{C::long_datagrams}) {
    sent what = sent::dropped;
    s.network_of(way.remote, [&](auto& ip) {
      if constexpr (requires { ip.send_long(links{s}, way, bytes, protocol, fill); }) what = ip.send_long(links{s}, way, bytes, protocol, fill);
    });
    return what;
  }
  /// A packet that begins with its whole IPv4 header: raw sockets.
  sent send_whole(path& way, packet&& p) const {
    sent what = sent::dropped;
    s.network_of(way.remote, [&](auto& ip) {
      if constexpr (requires { ip.send_whole(links{s}, way, std::move(p)); }) what = ip.send_whole(links{s}, way, std::move(p));
    });
    return what;
  }
  u32 train_limit(const path& way) const requires(C::gso_max_size != 0) {
    if constexpr (has_groups) {
      if (way.is_to_many) return 0;  // each may be heard here, too
    }
    if constexpr (requires { way.image; }) return way.generation == s.generation_ ? u32{C::gso_max_size} : 0;
    else return (void)way, 0;  // without an image the neighbour of each packet may turn out to be unknown
  }
  STRATA_ALWAYS_INLINE void confirm(const path& way) const {
    if (way.generation != s.generation_) [[unlikely]] return;  // the neighbour's name is of another time
    s.interfaces_.at(way.link, [&](auto& i) { i.neighbour.confirm(way.neighbour, s.now_); });
  }
  u32 network_header_size(const path& way) const {
    u32 bytes = 0;
    s.network_of(way.remote, [&](auto& ip) { bytes = ip.header_size; });
    return bytes;
  }
  STRATA_OFF_PATH void refuse(const datagram_info<stack::address>& info, packet& p, icmp_error_kind kind) const {
    s.network_of(info.remote, [&](auto& ip) { ip.send_error(links{s}, info, p, kind, s.now_); });
  }
  /// Whether a socket wants what came to a group.
  bool takes_for(connection_id socket, const datagram_info<stack::address>& info) const requires(C::limits.groups != 0) {
    bool takes = true;
    s.network_of(info.local, [&](auto& ip) {
      if constexpr (requires { ip.takes_for(socket, info); }) takes = ip.takes_for(socket, info);
    });
    return takes;
  }
  static constexpr bool asks_permission = !C::permission::is_open;
  /// Whether what a peer opened may be accepted.  Linux: security_socket_accept.
  bool permits_accept(const endpoint& local, const endpoint& remote, const identity& owner) const requires(asks_permission) {
    s.observe({.what = trace::step::accept});
    return s.permits({permission::call::accept, local, remote, protocol_of<stream_layer>(), owner});
  }
  u64 random() const { return s.entropy_.next(); }
  buffer::pool& chunks() const { return s.pool_; }
  void observe(const trace::record& r) const { s.observe(r); }
};

namespace detail {
template <class Transports, class Below, class Address, class Time> struct each_is_a_transport;
template <class... T, class Below, class Address, class Time> struct each_is_a_transport<layers<T...>, Below, Address, Time> {
  static constexpr bool value = (demand::transport<T, Below, Address, Time> && ...);
};
template <class Interfaces, class Below, class Address, class Time> struct each_has_a_cache;
template <class... I, class Below, class Address, class Time> struct each_has_a_cache<layers<I...>, Below, Address, Time> {
  static constexpr bool value = (neighbour::cache<typename I::cache, Address, Time, Below> && ...);
};
}  // namespace detail

template <stack_config C> consteval void stack<C>::check_facades() {
  static_assert(sizeof(internet) == sizeof(void*) && sizeof(links) == sizeof(void*));
  constexpr std::size_t image = C::header_image::template bytes<address>;
  static_assert(image == 0 || image >= bound::link_header + (address::bits == 32 ? 20 : 40),
                "the link header of this Config is longer than its header_image has room for: use strata::header_image::cached_behind<N>, N bytes, or built");
  static_assert(neighbour::interface_below<cache_below, address>);
  if constexpr (bound::claims_own_addresses) static_assert(neighbour::takes_addresses<cache_below, address>);
  static_assert(!bound::answers_for_others || C::forwards, "arp_options::proxies of this Config wants `static constexpr bool forwards = true`: who answers for others is a router");
  static_assert(ip::links<links, address>);
  static_assert(tcp::network<internet, address, path>);
  static_assert(udp::network<internet, address, path>);
  static_assert(raw::network<internet, address, path>);
  static_assert(C::gso_max_size <= 65000, "gso_max_size is at most 65,000 bytes: with its headers a train is one IP packet");
  if constexpr (C::gso_max_size != 0) static_assert(tcp::takes_trains<internet, path>);
  static_assert(detail::each_has_a_cache<interfaces, cache_below, address, time_point>::value, "this Config's neighbour is no strata::neighbour::cache: see neighbour/cache.hpp");
  static_assert(detail::each_is_a_transport<transports, internet, address, time_point>::value,
                "a transport of this Config lacks one of on_datagram, on_error, pending, finish, advance, next_deadline: see strata::demand::transport");
  if constexpr (wiring::has_streams) {
    static_assert(demand::listens<stream_layer, internet, address, identity>, "this Config's stream transport lacks listen(below, listen_options)");
    static_assert(demand::connects<stream_layer, internet, address, time_point, identity>, "this Config's stream transport lacks connect(below, connect_options, now)");
    static_assert(demand::sends<stream_layer, internet, time_point>, "this Config's stream transport lacks send(below, id, span, send_flags, now)");
    static_assert(demand::peeks<stream_layer, internet>, "this Config's stream transport lacks peek(below, id)");
    static_assert(demand::consumes<stream_layer, internet, time_point>, "this Config's stream transport lacks consume(below, id, n, now)");
    static_assert(demand::closes<stream_layer, internet, time_point>, "this Config's stream transport lacks close(below, id, now)");
    static_assert(demand::knows_its_connections<stream_layer>, "this Config's stream transport lacks is_live(id)");
    static_assert(std::is_empty_v<identity> || demand::keeps_identities<stream_layer, identity>,
                  "this Config's permission has an identity, but its stream transport does not keep it: it lacks identity(id)");
  }
}

}  // namespace strata::inline STRATA_ABI
