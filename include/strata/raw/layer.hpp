// SPDX-License-Identifier: MIT
// Raw sockets: packets of any protocol, for programs that speak one themselves (ping, OSPF, VRRP) or look on. A transport that a Config lists beside the others:
//
//   template <class C> using transports = layers<typename C::template tcp<C>, typename C::template udp<C>, strata::raw::layer<C>>;
//
// Each socket gets a copy of what comes for its protocol, before that goes where it belongs: ICMP is answered, TCP and UDP receive all the same. What only a raw
// socket wants is refused to nobody. An application writes what stands behind the IP header, checksums of its protocol too.  Linux: net/ipv4/raw.c.
#pragma once
#include <strata/raw/config.hpp>
#include <strata/raw/types.hpp>
#include <strata/wire/icmpv4.hpp>

namespace strata::inline STRATA_ABI::raw {

template <config C> class layer {
 public:
  using address = typename C::family::address;
  using path = path_of_config<C>;
  using moment = time_point<typename C::tick>;
  using event = socket_event;
  using identity_type = permission::identity_in<C>;
  static constexpr u8 protocol = 255;  // IANA: reserved. It names this layer, and no packet is dispatched by it
  static constexpr std::size_t header_size = 0;
  static constexpr u32 socket_limit = C::limits.raw_sockets;
  static constexpr u32 queue_limit = C::limits.datagrams;
  static_assert(socket_limit > 0 && socket_limit <= 0xffff && queue_limit > 0);
  template <class B> using view_of = packet_view<address, buffer::may_be_trains<B>>;
  static constexpr bool has_loop = C::limits.groups != 0;  // option::multicast_loop
  static constexpr bool may_write_header = !std::same_as<typename C::family, only_v6>;  // option::header_included
  static constexpr bool may_be_long = requires { requires bool{C::long_datagrams}; };

  // ---- calls ----

  /// A socket for packets of protocol `number` that come to `at`; unspecified: to any address of ours, broadcasts and groups too.  Linux: inet_create, raw_bind.
  [[nodiscard]] expected<connection_id, open_error> bind(u8 number, const address& at = {}) {
    if (number == protocol) return open_error::bad_protocol;
    if (!at.is_unspecified() && !at.is_unicast()) return open_error::bad_address;
    u32 index = 0;
    while (index < socket_limit && sockets_[index].is_open) ++index;
    if (index == socket_limit) return open_error::no_slot;
    socket& s = anchored(sockets_[index]);
    s.is_open = true;
    ++s.generation;
    s.protocol = number;
    s.local = at;
    s.remote = {};
    s.way = {};
    s.is_whole = {};
    s.has_header = {};
    s.filter = {};
    s.first = 0;
    mark();
    return connection_id{index, s.generation};
  }
  /// From now on only packets from `to` are received, send() goes there, and errors about what went there become events, if it had eight bytes, which errors quote.
  /// Linux: ip4_datagram_connect.
  [[nodiscard]] expected<void, connect_error> connect(network<address, path> auto&& below, connection_id id, const address& to) {
    socket* s = find(id);
    if (s == nullptr) return connect_error::stale;
    if (to.is_unspecified()) return connect_error::bad_address;
    if (!aim(below, *s, to)) return connect_error::no_route;
    s->remote = to;
    return {};
  }

  /// `bytes` behind an IP header, to `to`. How many: all of them. Queued for its neighbour counts as sent.  Linux: raw_sendmsg.
  [[nodiscard]] expected<std::size_t, send_error> send_to(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes, const address& to) {
    socket* s = find(id);
    if (s == nullptr) return send_error::stale;
    below.observe({.what = trace::step::raw_send, .bytes = static_cast<u32>(bytes.size()), .connection = id.index + 1});
    if (to.is_unspecified()) return send_error::bad_address;
    if constexpr (may_write_header) {
      if (s->has_header.value) return send_written(below, *s, bytes, to);
    }
    if (!aim(below, *s, to)) return send_error::no_route;
    const auto is_too_big = [&] { return bytes.size() + below.network_header_size(std::as_const(s->way)) > s->way.mtu; };
    if (is_too_big()) {
      s->way.mtu = 0;  // what a router said of the path may be out of date
      if (!aim(below, *s, to)) return send_error::no_route;
      if (is_too_big()) return send_long(below, *s, bytes, to);
    }
    packet p = below.take();
    if (!p) return ++count_.sndbuf_errors, send_error::would_block;
    if (p.room().size() < bytes.size()) return send_error::too_big;
    copy_bytes(p.room().data(), bytes.data(), bytes.size());
    p.extend(bytes.size());
    return answer_of(below.send(s->way, std::move(p), s->protocol), *s, bytes.size());
  }
  /// The same to the peer of a connected socket.
  [[nodiscard]] expected<std::size_t, send_error> send(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes) {
    const socket* s = find(id);
    if (s == nullptr) return send_error::stale;
    if (s->remote.is_unspecified()) return send_error::not_connected;
    return send_to(below, id, bytes, address{s->remote});
  }

  /// What the oldest packet carries, copied; what does not fit is lost.  Linux: raw_recvmsg.
  [[nodiscard]] expected<received<address>, receive_error> receive(network<address, path> auto&& below, connection_id id, std::span<std::byte> to) {
    const auto view = peek(below, id);
    if (!view) return view.error();
    received<address> got{0, view->from, view->to, view->link, false};
    const auto take = [&](std::span<const std::byte> part) {
      const std::size_t room = to.size() - got.bytes, n = part.size() < room ? part.size() : room;
      copy_bytes(to.data() + got.bytes, part.data(), n);
      got.bytes += n;
      got.truncated = got.truncated || n < part.size();
    };
    if constexpr (buffer::may_be_trains<decltype(below)>) {
      for (const std::span<const std::byte> part : view->spans) take(part);
    } else {
      take(view->bytes);
    }
    (void)consume(below, id);
    return got;
  }
  /// The oldest packet where it lies.
  [[nodiscard]] auto peek(network<address, path> auto&& below, connection_id id) -> expected<view_of<decltype(below)>, receive_error> {
    const socket* s = find(id);
    if (s == nullptr) return receive_error::stale;
    const buffer::descriptor* d = s->unread.front(below.chunks());
    if (d == nullptr) return receive_error::would_block;
    const ends& e = s->of[s->first];
    view_of<decltype(below)> view;
    view.header = {d->chunk + d->network, static_cast<std::size_t>(d->offset - d->network)};
    view.bytes = {d->chunk + d->offset, d->length};
    view.from = e.from, view.to = e.to, view.link = d->link;
    if constexpr (buffer::may_be_trains<decltype(below)>) view.spans = buffer::train_spans(*d);
    return view;
  }
  /// Done with the oldest packet: its chunk goes back.
  [[nodiscard]] expected<void, receive_error> consume(network<address, path> auto&& below, connection_id id) {
    socket* s = find(id);
    if (s == nullptr) return receive_error::stale;
    if (s->unread.empty()) return receive_error::would_block;
    drop_oldest<buffer::may_be_trains<decltype(below)>>(*s, below.chunks());
    return {};
  }
  /// Ends the socket; what is unread is dropped.
  [[nodiscard]] expected<void, call_error> close(network<address, path> auto&& below, connection_id id) {
    socket* s = find(id);
    if (s == nullptr) return call_error::stale;
    end<buffer::may_be_trains<decltype(below)>>(*s, below.chunks());
    mark();
    return {};
  }

  [[nodiscard]] bool is_live(connection_id id) const { return id.index < socket_limit && sockets_[id.index].is_open && sockets_[id.index].generation == id.generation; }
  /// Zero where unspecified, not connected, or stale.
  [[nodiscard]] address local(connection_id id) const { return is_live(id) ? sockets_[id.index].local : address{}; }
  [[nodiscard]] address remote(connection_id id) const { return is_live(id) ? sockets_[id.index].remote : address{}; }
  [[nodiscard]] u8 protocol_of(connection_id id) const { return is_live(id) ? sockets_[id.index].protocol : u8{0}; }
  [[nodiscard]] u32 unread(connection_id id) const { return is_live(id) ? sockets_[id.index].unread.size() : 0; }  ///< packets
  /// Whose a socket is; zero if it is stale.
  [[nodiscard]] identity_type identity(connection_id id) const { return is_live(id) ? sockets_[id.index].identity : identity_type{}; }
  void give_to(connection_id id, const identity_type& owner) {
    if (socket* s = find(id); s != nullptr) s->identity = owner;
  }

  [[nodiscard]] expected<void, call_error> set(connection_id id, option::dscp o) {
    if (o.value > 63) return is_live(id) ? call_error::bad_options : call_error::stale;
    return change(id, [&](socket& s) { s.way.traffic_class = static_cast<u8>(o.value << 2), s.way.generation = 0; });  // the header is built again
  }
  [[nodiscard]] expected<void, call_error> set(connection_id id, option::hop_limit o) {
    return change(id, [&](socket& s) { s.way.hop_limit = o.value, s.way.generation = 0; });
  }
  [[nodiscard]] expected<void, call_error> set(connection_id id, option::dont_fragment o) requires(may_be_long) {
    return change(id, [&](socket& s) { s.is_whole = o; });
  }
  [[nodiscard]] expected<void, call_error> set(connection_id id, option::multicast_loop o) requires(has_loop) {
    return change(id, [&](socket& s) { s.way.loop = o.value; });
  }
  [[nodiscard]] expected<void, call_error> set(connection_id id, option::header_included o) requires(may_write_header) {
    return change(id, [&](socket& s) { s.has_header = o; });
  }
  [[nodiscard]] expected<void, call_error> set(connection_id id, option::icmp_filter o) {
    if (is_live(id) && sockets_[id.index].protocol != wire::icmpv4::protocol) return call_error::bad_options;
    return change(id, [&](socket& s) { s.filter = o; });
  }
  template <class O> static constexpr bool has = std::same_as<O, option::icmp_filter> || (may_write_header && std::same_as<O, option::header_included>) ||
                                                 std::same_as<O, option::dscp> || std::same_as<O, option::hop_limit> || (may_be_long && std::same_as<O, option::dont_fragment>) ||
                                                 (has_loop && std::same_as<O, option::multicast_loop>);
  template <class O> [[nodiscard]] std::optional<O> get(connection_id id) const requires(has<O>) {
    if (!is_live(id)) return {};
    const socket& s = sockets_[id.index];
    if constexpr (std::same_as<O, option::dscp>) return O{static_cast<u8>(s.way.traffic_class >> 2)};
    else if constexpr (std::same_as<O, option::hop_limit>) return O{s.way.hop_limit};
    else if constexpr (std::same_as<O, option::multicast_loop>) return O{s.way.loop};
    else if constexpr (std::same_as<O, option::header_included>) return s.has_header;
    else if constexpr (std::same_as<O, option::icmp_filter>) return s.filter;
    else return s.is_whole;
  }

  [[nodiscard]] constexpr const counters& counted() const { return count_; }

  // ---- what the stack calls ----

  /// Whether a socket is open for a protocol: asked of each packet to us.  Linux: raw_local_deliver.
  [[nodiscard]] bool overhears(u8 number) const { return (heard_[number / 32] >> number % 32 & 1) != 0; }
  /// A copy of `p`, which is at its transport's header, for each socket that it is for. Whether there is one, though it may have no room.  Linux: raw_v4_input.
  bool on_overheard(network<address, path> auto&& below, const datagram_info<address>& info, const packet& p) {
    bool is_for_one = false;
    for (u32 i = 0; i < socket_limit; ++i) {
      socket& s = anchored(sockets_[i]);
      if (!s.is_open || s.protocol != info.protocol || (!s.local.is_unspecified() && s.local != info.local) || (!s.remote.is_unspecified() && s.remote != info.remote)) continue;
      is_for_one = true;
      if (!is_filtered(s, p)) keep(below, s, info, p);
    }
    return is_for_one;
  }
  /// Never: what comes is overheard.
  [[nodiscard]] std::optional<event> on_datagram(network<address, path> auto&&, const datagram_info<address>&, packet&, moment) { return {}; }
  /// An error about a packet of ours: for each connected socket that may have sent it an event; others cannot tell whose it is.  Linux: raw_err.
  [[nodiscard]] std::optional<event> on_error(network<address, path> auto&&, const network_error<address>& e, moment) {
    for (socket& s : sockets_) {
      if (!s.is_open || s.protocol != e.protocol || s.remote != e.remote || (!s.local.is_unspecified() && s.local != e.local)) continue;
      s.error = e.kind;
      s.error_mtu = e.mtu;
      tell(s.has_error);
    }
    return {};
  }
  [[nodiscard]] bool has_pending() const { return untold_ != 0; }
  [[nodiscard]] std::optional<event> pending(network<address, path> auto&&, moment) {
    for (u32 i = 0; untold_ != 0 && i < socket_limit; ++i) {
      socket& s = anchored(sockets_[i]);
      const bool is_error = s.has_error;
      if (!told(is_error ? s.has_error : s.has_news)) continue;
      return event{{i, s.generation}, is_error, s.error, s.error_mtu};
    }
    return {};
  }
  void finish(network<address, path> auto&&, const event&, moment) {}
  [[nodiscard]] std::optional<moment> next_deadline() const { return {}; }
  void advance(network<address, path> auto&&, moment) {}
  [[nodiscard]] bool is_due(moment) const { return false; }
  [[nodiscard]] bool is_idle() const { return untold_ == 0; }
  /// Ends all sockets.
  void abandon(network<address, path> auto&& below) {
    for (socket& s : sockets_)
      if (s.is_open) end<buffer::may_be_trains<decltype(below)>>(s, below.chunks());
    mark();
  }

 private:
  struct ends { address from{}, to{}; };
  struct nothing {};
  struct socket {
    path way{};         // to whom was sent last: the image is good for the next packet there
    address local{};
    address remote{};   // unspecified: not connected
    u32 generation = 0;
    u8 protocol = 0;
    bool is_open = false;
    bool has_news = false, has_error = false;  // that no event told of yet
    icmp_error_kind error{};
    u16 error_mtu = 0;
    [[no_unique_address]] std::conditional_t<may_be_long, option::dont_fragment, nothing> is_whole{};
    option::header_included has_header{};
    option::icmp_filter filter{};
    [[no_unique_address]] identity_type identity{};
    u32 first = 0;      // of of[]: the ends of the oldest unread packet
    buffer::list<&buffer::descriptor::queue, buffer::owner::holder> unread{};
    ends of[queue_limit]{};
  };

  [[nodiscard]] socket* find(connection_id id) { return is_live(id) ? &sockets_[id.index] : nullptr; }
  expected<void, call_error> change(connection_id id, auto&& how) {
    socket* s = find(id);
    if (s == nullptr) return call_error::stale;
    how(*s);
    return {};
  }
  /// Which protocols are heard, from the sockets: there are few, and few of these calls.
  void mark() {
    for (u32& word : heard_) word = 0;
    for (const socket& s : sockets_)
      if (s.is_open) heard_[s.protocol / 32] |= u32{1} << s.protocol % 32;
  }
  void tell(bool& what) {
    if (!what) ++untold_;
    what = true;
  }
  bool told(bool& what) {
    if (!what) return false;
    --untold_;
    what = false;
    return true;
  }

  /// Whether a socket said that it does not want messages of this type; what has none is nobody's to want.  Linux: icmp_filter.
  [[nodiscard]] static bool is_filtered(const socket& s, const packet& p) {
    if (s.filter.types == 0) return false;
    return p.size() == 0 || (static_cast<u32>(p.bytes()[0]) < 32 && (s.filter.types >> static_cast<u32>(p.bytes()[0]) & 1) != 0);
  }
  /// Header and payload, copied to chunks of our own.
  void keep(network<address, path> auto&& below, socket& s, const datagram_info<address>& info, const packet& p) {
    if (s.unread.size() == queue_limit) return void(++count_.rcvbuf_errors);
    const std::size_t header = static_cast<std::size_t>(p->offset - p->network);
    packet copy = copied(below, {p->chunk + p->network, header + p->length});
    if constexpr (buffer::may_be_trains<decltype(below)>) {
      buffer::descriptor* last = copy ? &copy.d() : nullptr;
      for (const buffer::descriptor* d = p->home->named(p->train); d != nullptr && copy; d = d->home->named(d->train)) {
        packet part = copied(below, {d->chunk + d->offset, d->length});
        if (!part) {
          buffer::drop_train(copy);
          break;
        }
        buffer::descriptor& next = part.d();
        buffer::couple(*last, std::move(part));
        last = &next;
      }
    }
    if (!copy) return void(++count_.mem_errors);
    copy->network = copy->offset;
    copy.pull(header);
    copy->link = info.link;
    below.observe({.what = trace::step::overhear, .bytes = static_cast<u32>(copy.size()), .chunk = copy->home->name(copy.d()), .connection = static_cast<u32>(&s - sockets_) + 1});
    s.of[(s.first + s.unread.size()) % queue_limit] = {info.remote, info.local};
    s.unread.push(std::move(copy));
    ++count_.in_packets;
    tell(s.has_news);
  }
  /// A slow reader must not stop the NIC from receiving.
  [[nodiscard]] static packet copied(network<address, path> auto&& below, std::span<const std::byte> bytes) {
    return buffer::copied(below.chunks(), bytes, C::limits.receive_reserve);
  }
  template <bool InParts> void drop_oldest(socket& s, buffer::pool& chunks) {
    packet done = s.unread.pop(chunks);
    if constexpr (InParts) buffer::drop_train(done);
    s.first = (s.first + 1) % queue_limit;
  }
  template <bool InParts> void end(socket& s, buffer::pool& chunks) {
    while (!s.unread.empty()) drop_oldest<InParts>(s, chunks);
    (void)told(s.has_news);
    (void)told(s.has_error);
    s.is_open = false;
  }

  /// Makes `s.way` lead to `to`: as it is, if the last packet went there too.
  [[nodiscard]] bool aim(network<address, path> auto&& below, socket& s, const address& to) {
    if (s.way.mtu != 0 && s.way.remote == to) return true;
    path way{};
    way.traffic_class = s.way.traffic_class, way.hop_limit = s.way.hop_limit, way.loop = s.way.loop;
    s.way = way;
    way.local = s.local;
    way.remote = to;
    if (!below.route(way)) return false;
    s.way = way;
    return true;
  }
  [[nodiscard]] auto send_written(network<address, path> auto&& below, socket& s, std::span<const std::byte> bytes, const address& to) -> expected<std::size_t, send_error>;
  [[nodiscard]] auto send_long([[maybe_unused]] network<address, path> auto&& below, [[maybe_unused]] socket& s, [[maybe_unused]] std::span<const std::byte> bytes,
                               [[maybe_unused]] const address& to) -> expected<std::size_t, send_error> {
    if constexpr (may_be_long) {
      if (s.is_whole.value || !to.is_v4() || bytes.size() + below.network_header_size(std::as_const(s.way)) > 0xffff) return send_error::too_big;
      const auto fill = [&](std::byte* at, u32 from, u32 n) { copy_bytes(at, bytes.data() + from, n); };
      return answer_of(below.send_long(s.way, static_cast<u32>(bytes.size()), s.protocol, fill), s, bytes.size());
    } else {
      return send_error::too_big;
    }
  }
  [[nodiscard]] expected<std::size_t, send_error> answer_of(sent became, socket& s, std::size_t n) {
    switch (became) {
      case sent::sent:
      case sent::queued: break;
      case sent::full: return send_error::would_block;
      case sent::dropped: return send_error::dropped;
      case sent::unreachable: s.way.mtu = 0; return send_error::no_route;
    }
    ++count_.out_packets;
    return n;
  }

  socket sockets_[socket_limit]{};
  u32 heard_[8]{};    // a bit for each protocol
  u32 untold_ = 0;    // of all sockets
  counters count_{};
};

}  // namespace strata::inline STRATA_ABI::raw

#include <strata/raw/written.hpp>
