// SPDX-License-Identifier: MIT
// UDP: RFC 768 as RFC 1122 §4.1 wants it, over IPv4 and IPv6 (RFC 8200 §8.1). Unread datagrams stay in the chunks that they came in, at most
// limits::datagrams per socket; a datagram to send is written once, behind the headers that will be put in front of it.
#pragma once
#include <strata/buffer/left_checksum.hpp>
#include <strata/buffer/received_checksum.hpp>
#include <strata/core/small_table.hpp>
#include <strata/core/siphash.hpp>
#include <strata/udp/config.hpp>
#include <strata/udp/types.hpp>
#include <strata/wire/udp.hpp>

namespace strata::inline STRATA_ABI::udp {

template <config C> class layer {
 public:
  using address = typename C::family::address;
  using endpoint = strata::endpoint<address>;
  using path = path_of_config<C>;
  using moment = time_point<typename C::tick>;
  using event = socket_event;
  using identity_type = permission::identity_in<C>;
  static constexpr u8 protocol = wire::udp::protocol;
  static constexpr std::size_t header_size = wire::udp::header_size;
  static constexpr bool takes_trains = true;
  static constexpr u32 socket_limit = C::limits.datagram_sockets;
  static constexpr u32 queue_limit = C::limits.datagrams;
  static_assert(socket_limit > 0 && queue_limit > 0 && queue_limit <= 0xffff);
  /// Whether datagrams that come one by one may be joined, and whether several may wait behind one header: gro.hpp.
  static constexpr bool joins = requires { requires C::gro; };
  template <class B> static constexpr bool may_be_joined = joins || buffer::may_be_trains<B>;
  template <class B> using view_of = datagram_view<address, may_be_joined<B>>;
  template <class B> using received_of = received<address, may_be_joined<B>>;
  /// Whether sockets have option::dscp and hop_limit: unless the Config says `datagram_options = false`; and dont_fragment: options.hpp.
  static constexpr bool has_options = !requires { requires !bool{C::datagram_options}; };
  static constexpr bool has_loop = has_options && C::limits.groups != 0;  // option::multicast_loop
  static constexpr bool may_be_long = has_options && requires { requires bool{C::long_datagrams}; };
  /// Ports that bind() chooses from.
  static constexpr u16 first_ephemeral = C::limits.first_local_port, last_ephemeral = C::limits.last_local_port;
  static_assert(first_ephemeral != 0 && first_ephemeral <= last_ephemeral, "limits.first_local_port to last_local_port is no range of ports");

  /// The key of the port table. Call it before anything else, with words that nobody outside can guess.
  void open(u64 k0, u64 k1) { key_ = {k0, k1}; }

  // ---- calls ----

  /// A socket that receives what comes to `port` at `at`; unspecified: at any address of ours, and broadcasts. Port zero: a free one, found from a random
  /// start (RFC 6056 §3.3.1).  Linux: inet_bind, udp_lib_get_port.
  [[nodiscard]] expected<connection_id, bind_error> bind(network<address, path> auto&& below, u16 port, const address& at = {}) {
    if (!at.is_unspecified() && !at.is_unicast()) return bind_error::bad_address;
    u32 index = 0;
    while (index < socket_limit && sockets_[index].is_open) ++index;
    if (index == socket_limit) return bind_error::no_slot;
    if (port == 0) {
      const auto found = free_port(below, at);
      if (!found) return bind_error::no_port;
      port = *found;
    } else if (is_taken(port, at)) {
      return bind_error::in_use;
    }
    if (!ports_.insert(hash(port), index)) return bind_error::no_slot;
    socket& s = anchored(sockets_[index]);
    s.is_open = true;
    ++s.generation;
    s.local = {at, port};
    s.remote = {};
    s.way = path{};
    s.first = 0;
    if constexpr (may_be_joined<decltype(below)>) s.wants_trains = false;
    if constexpr (may_be_long) s.whole = {};
    return connection_id{index, s.generation};
  }

  /// From now on only datagrams from `to` are received, send() goes there, and errors about it become events.  Linux: ip4_datagram_connect.
  [[nodiscard]] expected<void, connect_error> connect(network<address, path> auto&& below, connection_id id, const endpoint& to) {
    socket* s = find(id);
    if (s == nullptr) return connect_error::stale;
    if (to.address.is_unspecified() || to.port == 0) return connect_error::bad_address;
    if (!aim(below, *s, to.address)) return connect_error::no_route;
    s->remote = to;
    return {};
  }

  /// One datagram of `bytes` to `to`. How many: all of them. queued for its neighbour counts as sent.  Linux: udp_sendmsg.
  [[nodiscard]] expected<std::size_t, send_error> send_to(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes, const endpoint& to) {
    socket* s = find(id);
    if (s == nullptr) return send_error::stale;
    if (const send_error e = ready(below, *s, bytes.size(), to); e != send_error::none) {
      if constexpr (requires { below.send_long(s->way, 0u, protocol, [](std::byte*, u32, u32) {}); }) {
        if (e == send_error::too_big && may_be_fragmented(*s)) return send_long(below, *s, bytes, to);
      }
      return e;
    }
    packet p = chunk(below);
    if (!p) return send_error::would_block;
    if (p.room().size() < bytes.size()) return send_error::too_big;
    u32 sum = 0;
    if (buffer::leaves_checksum(below, s->way.link)) copy_bytes(p.room().data(), bytes.data(), bytes.size());
    else sum = copy_and_sum(p.room().data(), bytes.data(), bytes.size());
    p.extend(bytes.size());
    return post(below, *s, std::move(p), to, sum);
  }
  /// Datagrams of `size` bytes each and one of what is left, together at most gso_max_size bytes. How many bytes left.  Linux: udp_sendmsg with UDP_SEGMENT.
  [[nodiscard]] expected<std::size_t, send_error> send_to(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes, const endpoint& to, segment_size size)
    requires(C::gso_max_size != 0);
  /// The same to the peer of a connected socket.
  [[nodiscard]] expected<std::size_t, send_error> send(network<address, path> auto&& below, connection_id id, std::span<const std::byte> bytes) {
    const socket* s = find(id);
    if (s == nullptr) return send_error::stale;
    if (s->remote.port == 0) return send_error::not_connected;
    return send_to(below, id, bytes, endpoint{s->remote});
  }

  /// Room for a datagram of up to `n` bytes, to be written in place.
  [[nodiscard]] expected<reservation, send_error> reserve(network<address, path> auto&& below, connection_id id, std::size_t n) {
    if (find(id) == nullptr) return send_error::stale;
    packet p = chunk(below);
    if (!p) return send_error::would_block;
    if (p.room().size() < n) return send_error::too_big;
    return reservation{std::move(p), n};
  }
  /// Sends the first `n` bytes of it. Whatever the answer, the reservation is used up.
  [[nodiscard]] expected<std::size_t, send_error> commit(network<address, path> auto&& below, connection_id id, reservation&& place, std::size_t n, const endpoint& to) {
    const std::size_t most = place.room().size();
    packet p = place.release();
    socket* s = find(id);
    if (s == nullptr || !p) return send_error::stale;
    if (n > most) return send_error::too_big;
    if (const send_error e = ready(below, *s, n, to); e != send_error::none) return e;
    const u32 sum = buffer::leaves_checksum(below, s->way.link) ? 0 : ones_sum(p.room().first(n));
    p.extend(n);
    return post(below, *s, std::move(p), to, sum);
  }

  /// The oldest datagram, copied; what does not fit is lost.  Linux: udp_recvmsg.
  [[nodiscard]] auto receive(network<address, path> auto&& below, connection_id id, std::span<std::byte> to) -> expected<received_of<decltype(below)>, receive_error> {
    if constexpr (may_be_joined<decltype(below)>) {
      if (socket* s = find(id); s != nullptr)
        if (buffer::descriptor* d = s->unread.front(below.chunks()); d != nullptr && d->segment_size != 0) return receive_joined(below, *s, *d, to);
    }
    const auto view = peek(below, id);
    if (!view) return view.error();
    const std::size_t n = view->bytes.size() < to.size() ? view->bytes.size() : to.size();
    copy_bytes(to.data(), view->bytes.data(), n);
    received_of<decltype(below)> got;
    got.bytes = n, got.from = view->from, got.truncated = n < view->bytes.size();
    (void)consume(below, id);
    return got;
  }
  /// The oldest datagram where it lies.
  [[nodiscard]] auto peek(network<address, path> auto&& below, connection_id id) -> expected<view_of<decltype(below)>, receive_error> {
    socket* s = find(id);
    if (s == nullptr) return receive_error::stale;
    buffer::descriptor* d = s->unread.front(below.chunks());
    if (d == nullptr) return receive_error::would_block;
    if constexpr (may_be_joined<decltype(below)>) {
      if constexpr (joins) d->done = d->done == joined_is::apart && d->segment_size != 0 ? joined_is::apart : joined_is::whole;  // nothing joins what is seen
      if (d->segment_size != 0) return peek_joined(below, *s, *d);
    }
    view_of<decltype(below)> view;
    view.bytes = {d->chunk + d->offset, d->length}, view.from = s->from[s->first];
    return view;
  }
  /// What its IP header said, which still lies in its chunk; of several that came behind one header, that one.
  [[nodiscard]] expected<ip_fields, receive_error> fields(network<address, path> auto&& below, connection_id id);
  /// Done with the oldest datagram: its chunk goes back.
  [[nodiscard]] expected<void, receive_error> consume(network<address, path> auto&& below, connection_id id) {
    socket* s = find(id);
    if (s == nullptr) return receive_error::stale;
    if (s->unread.empty()) return receive_error::would_block;
    if constexpr (may_be_joined<decltype(below)>) {
      if (buffer::descriptor& d = *s->unread.front(below.chunks()); d.segment_size != 0) return consume_joined(below.chunks(), *s, d), expected<void, receive_error>{};
    }
    (void)s->unread.pop(below.chunks());
    s->first = (s->first + 1) % queue_limit;
    return {};
  }

  /// Ends the socket; what is unread is dropped.
  [[nodiscard]] expected<void, call_error> close(network<address, path> auto&& below, connection_id id) {
    socket* s = find(id);
    if (s == nullptr) return call_error::stale;
    end<may_be_joined<decltype(below)>>(*s, below.chunks());
    return {};
  }

  [[nodiscard]] bool is_live(connection_id id) const { return id.index < socket_limit && sockets_[id.index].is_open && sockets_[id.index].generation == id.generation; }
  /// Both ends; zero where unspecified, not connected, or stale. `local` has the port that bind() chose.
  [[nodiscard]] endpoint local(connection_id id) const { return is_live(id) ? sockets_[id.index].local : endpoint{}; }
  [[nodiscard]] endpoint remote(connection_id id) const { return is_live(id) ? sockets_[id.index].remote : endpoint{}; }
  /// Whose a socket is; zero if it is stale.
  [[nodiscard]] identity_type identity(connection_id id) const { return is_live(id) ? sockets_[id.index].identity : identity_type{}; }
  void give_to(connection_id id, const identity_type& owner) {
    if (socket* s = find(id); s != nullptr) s->identity = owner;
  }
  [[nodiscard]] u32 unread(connection_id id) const { return is_live(id) ? sockets_[id.index].unread.size() + sockets_[id.index].behind : 0; }  ///< datagrams

  [[nodiscard]] expected<void, call_error> set(network<address, path> auto&& below, connection_id id, option::gro o) requires(may_be_joined<decltype(below)>);
  template <class O> [[nodiscard]] std::optional<O> get(connection_id id) const requires std::same_as<O, option::gro>;

  [[nodiscard]] expected<void, call_error> set(network<address, path> auto&& below, connection_id id, option::dscp o) requires(has_options);
  [[nodiscard]] expected<void, call_error> set(network<address, path> auto&& below, connection_id id, option::hop_limit o) requires(has_options);
  [[nodiscard]] expected<void, call_error> set(network<address, path> auto&& below, connection_id id, option::dont_fragment o) requires(may_be_long);
  [[nodiscard]] expected<void, call_error> set(network<address, path> auto&& below, connection_id id, option::multicast_loop o) requires(has_loop);
  template <class O> static constexpr bool has = (has_options && (std::same_as<O, option::dscp> || std::same_as<O, option::hop_limit>)) ||
                                                 (may_be_long && std::same_as<O, option::dont_fragment>) || (has_loop && std::same_as<O, option::multicast_loop>);
  template <class O> [[nodiscard]] std::optional<O> get(connection_id id) const requires(has<O>);

  [[nodiscard]] constexpr const counters& counted() const { return count_; }

  // ---- what the stack calls ----

  /// A datagram, `p` at its header: kept, or dropped and counted, or refused to its sender.  Linux: udp_rcv, udp_queue_rcv_skb.
  [[nodiscard]] STRATA_OFF_PATH std::optional<event> on_datagram(network<address, path> auto&& below, const datagram_info<address>& info, packet& p, moment) {
    const auto h = wire::udp::parse(p.bytes(), buffer::received_bytes<decltype(below)>(p));
    if (!h) {
      ++count_.in_errors;
      return {};
    }
    const u32 pseudo = pseudo_header_sum(info.remote, info.local, protocol, h->length);
    if (!buffer::checksum_is_good<decltype(below)>(p, h->checksum, pseudo, [&] {
          if constexpr (buffer::may_be_trains<decltype(below)>)
            if (buffer::is_train(p.d()) && h->checksum != 0) return fold(buffer::train_sum(p.d()) + pseudo) == 0xffff;
          return h->checksum_is_valid(p.bytes(), pseudo, info.local.is_v4());
        })) {
      ++count_.in_csum_errors;
      return {};
    }
    note(below, trace::step::lookup, p, 0);
    const auto index = lookup({info.local, h->destination}, {info.remote, h->source});
    if (!index) {
      ++count_.no_ports;
      if (!info.is_broadcast) below.refuse(info, p, icmp_error_kind::port_unreachable);  // RFC 1122 §4.1.3.1
      return {};
    }
    socket& s = anchored(sockets_[*index]);
    if constexpr (requires { below.takes_for(connection_id{}, info); }) {
      if (info.is_broadcast && !below.takes_for({*index, s.generation}, info)) return {};  // counted there
    }
    if (may_be_joined<decltype(below)> ? s.unread.size() + s.behind >= queue_limit : s.unread.size() == queue_limit) {
      ++count_.rcvbuf_errors;
      return {};
    }
    if (below.chunks().available() < C::limits.receive_reserve) {  // a slow reader must not stop the NIC from receiving
      ++count_.mem_errors;
      return {};
    }
    if constexpr (buffer::may_be_trains<decltype(below)>) {
      if (buffer::is_joined(p.d())) {
        p.pull(header_size);
        return keep_train(below, p, *index, {info.remote, h->source});
      }
    }
    p.trim(h->length);
    p.pull(header_size);
    if constexpr (joins) {
      if (s.wants_trains && join(below, p, s, {info.remote, h->source})) return {};
    }
    note(below, trace::step::deliver, p, *index + 1);
    s.from[(s.first + s.unread.size()) % queue_limit] = {info.remote, h->source};
    s.unread.push(std::move(p));
    ++count_.in_datagrams;
    if constexpr (joins) return tell(below, *index, 1);
    else return event{{*index, s.generation}};
  }

  /// An error about a datagram of ours: for a connected socket an event (RFC 1122 §4.1.3.3), for others nothing, since they cannot tell whose it is.
  /// packet_too_big also narrows the socket's path.  Linux: __udp4_lib_err.
  [[nodiscard]] std::optional<event> on_error(network<address, path> auto&& below, const network_error<address>& e, moment) {
    const u16 from = load_be<u16>(e.quoted), to = load_be<u16>(e.quoted + 2);
    const endpoint there{e.remote, to};
    const auto index = ports_.find(hash(from), [&](u32 i) {
      const socket& s = anchored(sockets_[i]);
      return s.local.port == from && s.remote == there && (s.local.address.is_unspecified() || s.local.address == e.local);
    });
    if (!index) return {};
    socket& s = anchored(sockets_[*index]);
    if (e.kind == icmp_error_kind::packet_too_big && s.way.remote == e.remote && e.mtu < s.way.mtu) {
      s.way.mtu = e.mtu;
      if constexpr (requires { below.learn_path_mtu(e.remote, e.mtu); }) below.learn_path_mtu(e.remote, e.mtu);
    }
    return event{{*index, s.generation}, true, e.kind};
  }

  [[nodiscard]] std::optional<event> pending(network<address, path> auto&&, moment) {
    if constexpr (joins) return next_untold();
    else return {};
  }
  [[nodiscard]] bool has_pending() const {
    if constexpr (joins) return untold_.count != 0;
    else return false;
  }
  void finish(network<address, path> auto&&, const event&, moment) {}
  [[nodiscard]] std::optional<moment> next_deadline() const { return {}; }
  void advance(network<address, path> auto&&, moment) {}
  [[nodiscard]] bool is_due(moment) const { return false; }
  /// Ends all sockets.
  void clear(buffer::pool& chunks) {
    for (socket& s : sockets_)
      if (s.is_open) end<joins>(s, chunks);
  }
  void abandon(network<address, path> auto&& below) requires(may_be_joined<decltype(below)>) {
    for (socket& s : sockets_)
      if (s.is_open) end<true>(s, below.chunks());
  }

 private:
  struct nothing {};
  template <class Number> struct number { Number count = 0; };
  struct whole_only { bool is_set = false; };
  template <class Number> using joining = std::conditional_t<joins, number<Number>, nothing>;
  struct socket {
    path way{};             // to whom was sent last: the image is good for the next datagram there
    endpoint local{};
    endpoint remote{};      // port zero: not connected
    u32 generation = 0;
    bool is_open = false;
    bool wants_trains = false;  // option::gro
    u16 behind = 0;         // datagrams that wait behind the header of another
    [[no_unique_address]] std::conditional_t<may_be_long, whole_only, nothing> whole{};  // option::dont_fragment
    [[no_unique_address]] joining<u16> untold{};  // entries of unread that no event told of yet
    [[no_unique_address]] identity_type identity{};
    u32 first = 0;          // of from[]: the sender of the oldest unread datagram
    buffer::list<&buffer::descriptor::queue, buffer::owner::holder> unread{};
    endpoint from[queue_limit]{};
  };

  // ---- several behind one header (gro.hpp) ----
  [[nodiscard]] [[gnu::noinline]] std::optional<event> keep_train(network<address, path> auto&& below, packet& p, u32 index, const endpoint& there);
  [[nodiscard]] bool join(network<address, path> auto&& below, packet& p, socket& s, const endpoint& there) requires(joins);
  [[nodiscard]] std::optional<event> tell(network<address, path> auto&& below, u32 index, u32 n);
  [[nodiscard]] std::optional<event> next_untold() requires(joins);
  [[nodiscard]] auto peek_joined(network<address, path> auto&& below, socket& s, buffer::descriptor& head) -> expected<view_of<decltype(below)>, receive_error>;
  [[nodiscard]] auto receive_joined(network<address, path> auto&& below, socket& s, buffer::descriptor& head, std::span<std::byte> to)
      -> expected<received_of<decltype(below)>, receive_error>;
  void consume_joined(buffer::pool& chunks, socket& s, buffer::descriptor& head);
  void drop_unread(buffer::pool& chunks, socket& s);

  [[nodiscard]] socket* find(connection_id id) { return is_live(id) ? &sockets_[id.index] : nullptr; }
  [[nodiscard]] u32 hash(u16 port) const {
    if constexpr (table_for<socket_limit>::wants_a_secret) return static_cast<u32>(table_hash(key_, port, 0));
    else return port;
  }

  // ---- ports.hpp ----
  [[nodiscard]] std::optional<u32> lookup(const endpoint& here, const endpoint& there) const;
  [[nodiscard]] bool is_taken(u16 port, const address& at) const;
  template <class B> [[nodiscard]] std::optional<u16> free_port(B&& below, const address& at_address) const;

  /// Makes `s.way` lead to `to`: as it is, if the last datagram went there too.
  [[nodiscard]] bool aim(network<address, path> auto&& below, socket& s, const address& to) {
    if (s.way.mtu != 0 && s.way.remote == to) return true;
    return aim_anew(below, s, to);
  }
  [[nodiscard]] bool aim_anew(network<address, path> auto&& below, socket& s, const address& to) {
    forget_way(s);
    s.way.local = s.local.address;
    s.way.remote = to;
    if (below.route(s.way)) return true;
    forget_way(s);
    return false;
  }
  /// All but what the application set.
  static void forget_way(socket& s) {
    path way{};
    if constexpr (has_options) way.traffic_class = s.way.traffic_class, way.hop_limit = s.way.hop_limit;
    if constexpr (has_loop) way.loop = s.way.loop;
    s.way = way;
  }
  [[nodiscard]] static constexpr bool may_be_fragmented(const socket& s) {
    if constexpr (may_be_long) return !s.whole.is_set;
    else return (void)s, true;
  }
  [[nodiscard]] send_error ready(network<address, path> auto&& below, socket& s, std::size_t n, const endpoint& to) {
    if (to.address.is_unspecified() || to.port == 0) return send_error::bad_address;
    if (!aim(below, s, to.address)) return send_error::no_route;
    const auto is_too_big = [&] { return n + header_size + below.network_header_size(std::as_const(s.way)) > s.way.mtu; };
    if (!is_too_big()) return send_error::none;
    if constexpr (requires { below.learn_path_mtu(to.address, u16{}); }) {  // what a router said may be out of date: the table of path MTUs knows
      if (!aim_anew(below, s, to.address)) return send_error::no_route;
      if (!is_too_big()) return send_error::none;
    }
    return send_error::too_big;
  }
  /// A chunk whose frame is the room of the UDP header; data is written behind it.
  [[nodiscard]] packet chunk(network<address, path> auto&& below) {
    packet p = below.take();
    if (!p) ++count_.sndbuf_errors;
    else p.extend(header_size);
    return p;
  }
  /// `p` is header and data, whose sum is `sum`. The checksum is always made (RFC 1122 §4.1.3.4).  Linux: udp_send_skb.
  [[nodiscard]] expected<std::size_t, send_error> post(network<address, path> auto&& below, socket& s, packet&& p, const endpoint& to, u32 sum) {
    const std::size_t n = p.size() - header_size;
    wire::udp h{s.local.port, to.port, static_cast<u16>(p.size()), 0};
    const u32 pseudo = pseudo_header_sum(s.way.local, to.address, protocol, h.length);
    std::byte* const at = p.writable_bytes().data();
    if (buffer::leaves_checksum(below, s.way.link)) {
      h.emit(at);
      buffer::leave_checksum(p, at + 6, pseudo, true);
    } else {
      h.checksum = wire::udp::checksum_for(pseudo + h.word_sum() + sum);
      h.emit(at);
    }
    p->transport = p->offset;
    if (const send_error e = answer_of(below.send(s.way, std::move(p), protocol), s); e != send_error::none) return e;
    ++count_.out_datagrams;
    return n;
  }
  [[nodiscard]] expected<std::size_t, send_error> send_long(network<address, path> auto&& below, socket& s, std::span<const std::byte> bytes, const endpoint& to);
  [[nodiscard]] static send_error answer_of(sent became, socket& s) {
    switch (became) {
      case sent::sent:
      case sent::queued: break;
      case sent::full: return send_error::would_block;
      case sent::dropped: return send_error::dropped;
      case sent::unreachable: s.way.mtu = 0; return send_error::no_route;
    }
    return send_error::none;
  }
  template <bool Joined> void end(socket& s, buffer::pool& chunks) {
    (void)ports_.erase(hash(s.local.port), static_cast<u32>(&s - sockets_));
    if constexpr (Joined) drop_unread(chunks, s);
    else s.unread.clear(chunks);
    s.is_open = false;
  }
  static void note(network<address, path> auto&& below, trace::step what, const packet& p, u32 connection) {
    trace::record r;
    r.what = what;
    r.bytes = static_cast<u32>(p.size());
    r.chunk = p->home->name(p.d());
    r.connection = connection;
    below.observe(r);
  }

  socket sockets_[socket_limit]{};
  table_for<socket_limit> ports_{};
  siphash_key key_{};
  counters count_{};
  [[no_unique_address]] joining<u32> untold_{};  // of all sockets
};

}  // namespace strata::inline STRATA_ABI::udp

#include <strata/udp/ports.hpp>
#include <strata/udp/gro.hpp>
#include <strata/udp/gso.hpp>
#include <strata/udp/long.hpp>
#include <strata/udp/options.hpp>
