// SPDX-License-Identifier: MIT
// stack<Config> is a wiring diagram: the only place where layers meet. Here is the class; what it does stands in
//   facades.hpp  what each layer sees of those below it       turn.hpp      a poll from its begin to its end; the whole way up on one screen
//   transmit.hpp its own part of the way down                 ask.hpp       whether a call may go on
//   calls.hpp    the calls of streams, datagram_calls.hpp of datagrams, raw_calls.hpp of raw sockets, network_calls.hpp of routes, group_calls.hpp of groups
//   start.hpp    options, start, shutting down
//   shared.hpp   what is there only where several threads call
// Members that are no templates are defined outside the class, so that `extern template class strata::stack<C>` suppresses them.
#pragma once
#include <strata/buffer/slots.hpp>
#include <strata/core/entropy.hpp>
#include <strata/core/lock.hpp>
#include <strata/core/multicast.hpp>
#include <strata/core/permission.hpp>
#include <strata/ip/config.hpp>
#include <strata/ip/routes.hpp>
#include <strata/ip/rules.hpp>
#include <strata/raw/config.hpp>
#include <strata/raw/types.hpp>
#include <strata/socket/events.hpp>
#include <strata/socket/owned.hpp>
#include <strata/stack/demands.hpp>
#include <strata/stack/in_hand.hpp>
#include <strata/stack/memory.hpp>
#include <strata/stack/options.hpp>
#include <strata/stack/turn_types.hpp>
#include <strata/stack/wiring.hpp>
#include <strata/tcp/config.hpp>
#include <strata/udp/config.hpp>
#include <strata/udp/types.hpp>

namespace strata::inline STRATA_ABI {

/// What may constrain the class: names, and concepts that need neither a façade nor stack<C>. What does is asserted inside, with its remedy.
template <class C> concept stack_config = requires {
  typename C::tick;
  typename C::family::address;
  typename C::entropy;
  typename C::exclusion;
  typename C::permission;
  typename C::observer;
  { C::limits } -> std::convertible_to<limits>;
  { C::destroyed } -> std::convertible_to<bool>;
};

template <stack_config C> class stack {
  using listed = typename C::template interfaces<C>;
  using bound = detail::bind_interfaces<C, listed>;
  using interfaces = typename bound::type;
  using networks = typename C::template network<C>;
  using transports = typename C::template transports<C>;
  using wiring = detail::wiring_of<transports>;
  using raised = detail::raised_event<wiring::event_bytes>;
  static constexpr bool has_identity = !std::is_empty_v<permission::identity_in<C>>;
  static_assert(entropy::source<typename C::entropy>, "this Config's entropy is no strata::entropy::source: it needs `u64 next()` and `static constexpr bool is_cryptographic`");
  static_assert(C::entropy::is_cryptographic || detail::allows_weak_entropy<C>, "this Config's entropy can be guessed; only a Config with `static constexpr bool allows_weak_entropy = true`, as presets::testing, may take it");
  static_assert(trace::observer<typename C::observer>, "this Config's observer is no strata::trace::observer: it needs `void on(const trace::record&)` and `static constexpr bool is_active`");
  static_assert(permission::policy<typename C::permission, typename C::family::address>, "this Config's permission is no strata::permission::policy: it needs `bool allows(const request&)` and `static constexpr bool is_open`");
  static_assert(wiring::protocols_differ, "two transports of this Config have the same protocol number");

  // What each layer sees of those below it: one reference each, no state. facades.hpp.
  struct cache_below;
  struct links;
  struct internet;

  static constexpr bool is_shared = exclusion::shared<typename C::exclusion>;
  static constexpr bool joins_datagrams = bound::hands_up_trains || requires { requires C::gro; };  // udp/gro.hpp

 public:
  using config = C;
  using address = typename C::family::address;
  using tick = typename C::tick;
  using time_point = strata::time_point<tick>;
  using duration = strata::duration<tick>;
  using endpoint = strata::endpoint<address>;
  using identity = permission::identity_in<C>;  ///< who acts, if this Config's permission policy tells people apart; else empty
  using path = ip::path_of<C>;
  using membership = multicast::membership<address>;
  using source_filter = multicast::source_filter<address>;
  using options = detail::options_of<C, listed>;
  using stream_layer = typename detail::transport_at<transports, wiring::streams>::type;      ///< or none
  using datagram_layer = typename detail::transport_at<transports, wiring::datagrams>::type;  ///< or none
  using raw_layer = typename detail::transport_at<transports, wiring::raws>::type;            ///< or none
  using raw_view = raw::packet_view<address, bound::hands_up_trains>;

  /// Chunks that the application holds: tcp::reservation and so on, or the same in a wrapper that takes the lock to drop them.
  template <class Handle> using in_hand = std::conditional_t<is_shared, detail::in_hand<stack, Handle>, Handle>;
  using reservation = in_hand<tcp::reservation>;
  using owned_view = in_hand<tcp::owned_view>;
  using datagram_reservation = in_hand<udp::reservation>;

  using stream = socket::stream<stack>;
  using listener = socket::listener<stack>;
  using datagram_socket = socket::datagram_socket<stack>;
  using raw_socket = socket::raw_socket<stack>;
  using accepted = event::accepted<stack>;
  using connected = event::connected<stack>;
  using readable = event::readable<stack>;
  using writable = event::writable<stack>;
  using peer_closed = event::peer_closed<stack>;
  using closed = event::closed<stack>;
  using timer = event::timer<stack>;
  using datagram = event::datagram<stack>;
  using error = event::error<stack>;
  using raw_packet = event::raw_packet<stack>;
  using raw_error = event::raw_error<stack>;
  /// Whether a handler's argument is an event of this stack, taken by value or const&.
  template <class A> static constexpr bool is_event = std::is_void_v<A> || ((!std::is_reference_v<A> || std::is_const_v<std::remove_reference_t<A>>) &&
      (wiring::template has_event<std::remove_cvref_t<A>> || detail::is_one_of<std::remove_cvref_t<A>, accepted, connected, readable, writable, peer_closed, closed, timer, datagram, error, raw_packet, raw_error>));

  /// Bytes in front of a transport's header: the longest link and network header, and what drivers write in front.
  static constexpr u32 network_headroom = static_cast<u32>(bound::transmit_headroom + bound::link_header + detail::longest_header<networks>::value);
  static_assert(network_headroom + wiring::header < C::limits.chunk_size, "limits.chunk_size leaves no room behind the headers");

  /// Not started, all zero: `constinit` if the Config says `destroyed = false`, in .bss. Calls answer `bad_options` until start().
  constexpr stack() = default;
  /// Started; with options that check() refuses it sends nothing and its calls answer `bad_options`.
  explicit stack(options o) { (void)start(std::move(o)); }
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;
  constexpr ~stack() requires(!C::destroyed) = default;
  ~stack() requires(C::destroyed) { shut_down(); }

  /// The first bad option, or none.
  [[nodiscard]] static bad_option check(const options& o);
  /// Starts; what was there before is shut down, if this Config is `destroyed`. Says what check() says.
  bad_option start(options o);
  /// Aborts every connection silently, returns every chunk, closes the drivers. The destructor does it.
  void shut_down();
  [[nodiscard]] bool is_started() const {
    const auto held = exclusion_.enter();
    (void)held;
    return is_started_;
  }

  /// One turn: what arrived, what is due, what the handler answers to it, and the doorbell. Linux: net_rx_action, tcp_tasklet.
  /// `now` never runs back (counted, clamped). `allowance` bounds received frames. False: busy, since a handler called it; nothing was done.
  template <class H> bool poll(time_point now, budget allowance, H&& handler) {
    check_handler<std::remove_reference_t<H>>();
    const auto held = exclusion_.enter();
    (void)held;
    if (!begin(now, allowance)) return false;
    do {
      const raised r = next();
      if (r.transport == raised::none) break;
      dispatch(r, handler);
      finish(r);
    } while (has_more());
    end();
    return true;
  }
  /// Whether the last poll left nothing undone: a loop may sleep until next_deadline(), or until a frame comes. False if the budget ended first.
  [[nodiscard]] bool idle() const;
  /// Sets now() and nothing else: before calls that come between two polls.
  void advance(time_point now);
  /// The time of the last poll or advance; all calls use it.
  [[nodiscard]] time_point now() const {
    const auto held = exclusion_.enter();
    (void)held;
    return now_;
  }
  /// The stack for several calls in a row, at time `now`: `const auto turn = net.lock(now);`. Where threads share it nobody else comes between; the doorbell
  /// rings when the scope ends, unless a poll is under way.
  class scope;
  [[nodiscard]] scope lock(time_point now) { return scope(*this, now); }
  /// When the next timer wants a poll; nothing if none runs. Not after now() if work is waiting.
  [[nodiscard]] std::optional<time_point> next_deadline() const;

  // ---- streams: what socket::stream and socket::listener call; each exists if the transport has it ----
  expected<listener, tcp::listen_error> listen(const tcp::listen_options<address, identity>& o) requires wiring::has_streams;
  expected<stream, tcp::connect_error> connect(const tcp::connect_options<address, identity>& o) requires wiring::has_streams;
  expected<std::size_t, tcp::send_error> send(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags) requires wiring::has_streams;
  template <class View> requires demand::sends_views<stream_layer, internet, time_point, View>
  expected<std::size_t, tcp::send_error> send(connection_id id, const View& unread, tcp::send_flags flags) {
    const auto held = exclusion_.enter();
    (void)held;
    if (const auto no = refused<tcp::send_error>(permission::call::send, id); no != tcp::send_error::none) return no;
    auto taken = streams().send(internet{*this}, id, unread, flags, now_);
    after_send(flags);
    return taken;
  }
  expected<reservation, tcp::send_error> reserve(connection_id id, u32 n) requires demand::reserves<stream_layer, internet, time_point>;
  expected<std::size_t, tcp::send_error> commit(connection_id id, reservation&& place, u32 n, tcp::send_flags flags)
    requires demand::reserves<stream_layer, internet, time_point>;
  /// Empty for who may not receive.
  [[nodiscard]] auto peek(connection_id id) requires wiring::has_streams {
    expect_held();
    if constexpr (!C::permission::is_open)
      if (refused<tcp::receive_error>(permission::call::receive, id) != tcp::receive_error::none) return decltype(streams().peek(internet{*this}, id)){};
    return streams().peek(internet{*this}, id);
  }
  expected<std::size_t, tcp::receive_error> consume(connection_id id, std::size_t n) requires wiring::has_streams;
  expected<std::size_t, tcp::receive_error> receive(connection_id id, std::span<std::byte> to) requires demand::receives<stream_layer, internet, time_point>;
  expected<owned_view, tcp::receive_error> take(connection_id id) requires demand::gives_chunks_away<stream_layer, internet, time_point>;
  expected<void, tcp::call_error> close(connection_id id) requires wiring::has_streams;
  expected<void, tcp::call_error> shutdown_send(connection_id id) requires demand::half_closes<stream_layer, internet, time_point>;
  expected<void, tcp::call_error> shutdown_receive(connection_id id) requires demand::stops_reading<stream_layer, internet, time_point>;
  expected<void, tcp::call_error> abort(connection_id id) requires demand::aborts<stream_layer, internet, time_point>;
  expected<void, tcp::call_error> close_listener(connection_id id) requires demand::stops_listening<stream_layer, internet>;
  template <class Option> requires demand::takes_option<stream_layer, internet, Option, time_point>
  expected<void, tcp::call_error> set(connection_id id, Option option) {
    if constexpr (is_shared) {
      if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return set(id, option); });
    }
    const auto held = exclusion_.enter();
    (void)held;
    if (const auto no = refused<tcp::call_error>(permission::call::set_option, id); no != tcp::call_error::none) return no;
    return streams().set(internet{*this}, id, option, now_);
  }
  template <class Option> requires demand::tells_option<stream_layer, Option>
  [[nodiscard]] expected<Option, tcp::call_error> get(connection_id id) {
    const auto held = exclusion_.enter();
    (void)held;
    if (const auto no = refused<tcp::call_error>(permission::call::get_option, id); no != tcp::call_error::none) return no;
    if (const auto value = streams().template get<Option>(id)) return *value;
    return tcp::call_error::stale;
  }
  expected<void, tcp::call_error> set_timer(connection_id id, duration after) requires demand::has_timers<stream_layer, duration, time_point>;
  expected<void, tcp::call_error> cancel_timer(connection_id id) requires demand::has_timers<stream_layer, duration, time_point>;
  [[nodiscard]] std::optional<tcp::connection_info> info(connection_id id) const requires demand::tells_about_connections<stream_layer, time_point>;
  [[nodiscard]] auto* data(connection_id id) requires demand::holds_data<stream_layer, typename C::connection_data> {
    expect_held();
    return streams().data(id);
  }
  [[nodiscard]] endpoint local(connection_id id) const requires demand::knows_its_ends<stream_layer, address> {
    const auto held = exclusion_.enter();
    (void)held;
    return streams().local(id);
  }
  [[nodiscard]] endpoint remote(connection_id id) const requires demand::knows_its_ends<stream_layer, address> {
    const auto held = exclusion_.enter();
    (void)held;
    return streams().remote(id);
  }
  [[nodiscard]] bool is_live(connection_id id) const requires wiring::has_streams {
    const auto held = exclusion_.enter();
    (void)held;
    return is_started_ && streams().is_live(id);
  }

  // ---- datagrams: what socket::datagram_socket calls ----
  /// A socket for what comes to `port`. Port zero: a free one (RFC 6056 §3.3.1).
  expected<datagram_socket, udp::bind_error> bind(const udp::bind_options<address, identity>& o) requires wiring::has_datagrams;
  expected<void, udp::connect_error> connect_socket(connection_id id, const endpoint& to) requires wiring::has_datagrams;
  expected<std::size_t, udp::send_error> send_to(connection_id id, std::span<const std::byte> bytes, const endpoint& to, tcp::send_flags flags) requires wiring::has_datagrams;
  expected<std::size_t, udp::send_error> send_segments(connection_id id, std::span<const std::byte> bytes, const endpoint& to, udp::segment_size size, tcp::send_flags flags)
    requires(wiring::has_datagrams && C::gso_max_size != 0);
  expected<std::size_t, udp::send_error> send_datagram(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags) requires wiring::has_datagrams;
  expected<datagram_reservation, udp::send_error> reserve_datagram(connection_id id, std::size_t n) requires wiring::has_datagrams;
  expected<std::size_t, udp::send_error> commit_datagram(connection_id id, datagram_reservation&& place, std::size_t n, const endpoint& to, tcp::send_flags flags) requires wiring::has_datagrams;
  expected<udp::received<address, joins_datagrams>, udp::receive_error> receive_datagram(connection_id id, std::span<std::byte> to) requires wiring::has_datagrams;
  expected<udp::datagram_view<address, joins_datagrams>, udp::receive_error> peek_datagram(connection_id id) requires wiring::has_datagrams;
  expected<void, udp::receive_error> consume_datagram(connection_id id) requires wiring::has_datagrams;
  expected<udp::ip_fields, udp::receive_error> fields_of_datagram(connection_id id) requires wiring::has_datagrams;
  expected<void, udp::call_error> close_socket(connection_id id) requires wiring::has_datagrams;
  template <class Option> requires demand::takes_socket_option<datagram_layer, internet, Option>
  expected<void, udp::call_error> set_of_socket(connection_id id, Option option) {
    const auto held = exclusion_.enter();
    (void)held;
    if (const auto no = refused_to_socket<udp::call_error>(permission::call::set_option, id); no != udp::call_error::none) return no;
    return datagrams().set(internet{*this}, id, option);
  }
  template <class Option> requires demand::tells_option<datagram_layer, Option>
  [[nodiscard]] expected<Option, udp::call_error> get_of_socket(connection_id id) {
    const auto held = exclusion_.enter();
    (void)held;
    if (const auto no = refused_to_socket<udp::call_error>(permission::call::get_option, id); no != udp::call_error::none) return no;
    if (const auto value = datagrams().template get<Option>(id)) return *value;
    return udp::call_error::stale;
  }
  [[nodiscard]] endpoint socket_local(connection_id id) const requires wiring::has_datagrams {
    const auto held = exclusion_.enter();
    (void)held;
    return datagrams().local(id);
  }
  [[nodiscard]] endpoint socket_remote(connection_id id) const requires wiring::has_datagrams {
    const auto held = exclusion_.enter();
    (void)held;
    return datagrams().remote(id);
  }
  [[nodiscard]] bool is_socket(connection_id id) const requires wiring::has_datagrams {
    const auto held = exclusion_.enter();
    (void)held;
    return is_started_ && datagrams().is_live(id);
  }

  // ---- raw sockets: raw/layer.hpp; raw_calls.hpp ----
  /// A socket for packets of one protocol of IP, beside whoever else they are for; exists where the Config lists raw::layer among its transports.  Linux: socket(AF_INET, SOCK_RAW, protocol).
  expected<raw_socket, raw::open_error> open_raw(const raw::open_options<address, identity>& o) requires wiring::has_raws;
  /// What socket::raw_socket calls: f(layer, below), if who acts may.
  template <class T, class Error, class F> expected<T, Error> with_raw(permission::call what, connection_id id, const address* to, F&& f) requires wiring::has_raws;
  [[nodiscard]] bool is_raw(connection_id id) const requires wiring::has_raws {
    const auto held = exclusion_.enter();
    (void)held;
    return is_started_ && raws().is_live(id);
  }

  // ---- groups: for a socket, or for the whole stack, whose memberships sockets without one of their own share; group_calls.hpp ----
  static constexpr bool has_groups = C::limits.groups != 0;
  /// From now on what is sent to a group comes in, from any source or from one. It is said to the routers of the link (IGMP, RFC 3376).
  expected<void, multicast::call_error> join(const membership& m) requires(has_groups) { return joined({}, m); }
  expected<void, multicast::call_error> leave(const membership& m) requires(has_groups) { return left({}, m); }
  /// All that is wanted of a group at once: RFC 3376 §2.
  expected<void, multicast::call_error> listen_to(const source_filter& f) requires(has_groups) { return filtered({}, f); }
  expected<void, multicast::call_error> join_of_socket(connection_id id, const membership& m) requires(has_groups && wiring::has_datagrams);
  expected<void, multicast::call_error> leave_of_socket(connection_id id, const membership& m) requires(has_groups && wiring::has_datagrams);
  expected<void, multicast::call_error> listen_to_of_socket(connection_id id, const source_filter& f) requires(has_groups && wiring::has_datagrams);

  // ---- the network: what may change while the stack runs ----
  /// One more address of ours on `link`, with the network that is connected there; the same address again changes its prefix. Where the neighbour policy detects
  /// conflicts it is ours some seconds later, if nobody has it: claim_of() says so.  Linux: ip address add.
  expected<void, ip::route_error> add_address(u8 link, const subnet<address>& ours);
  /// Takes it back, with its network and the routes through that. False: it is not ours on `link`.  Linux: ip address delete.
  bool remove_address(u8 link, const address& ours);
  /// How far an address is of which the neighbour policy finds out whether it is ours alone (RFC 5227); none if it does not know it.
  [[nodiscard]] neighbour::claim claim_of(u8 link, const address& ours) const requires(bound::claims_own_addresses);
  /// What lies in `to` is reached through `gateway` on `link`, whose network must be connected.  Linux: ip route add.
  expected<void, ip::route_error> add_route(const subnet<address>& to, const address& gateway, u8 link = 0);
  /// Takes back what add_route() was told. False: there is no such route.
  bool remove_route(const subnet<address>& to, const address& gateway, u8 link = 0);
  /// What a rule holds goes its way, if the Config's `routing` has rules: ip/rules.hpp.  Linux: ip rule add.
  expected<void, ip::route_error> add_rule(const ip::routing_rule<address>& rule) requires ip::has_rules<typename C::routing::template of<address, C::limits.routes>>;
  /// Takes back what add_rule() was told. False: there is no such rule.
  bool remove_rule(const ip::routing_rule<address>& rule) requires ip::has_rules<typename C::routing::template of<address, C::limits.routes>>;
  /// From now on `a` on `link` is at `mac`, whatever is said there; exists where the neighbour policy has static entries.  Linux: ip neighbour replace.
  expected<void, neighbour::neighbour_error> add_neighbour(u8 link, const address& a, const mac_address& mac) requires(bound::has_static_neighbours);
  /// Forgets who is known at `a` on `link`, static or not, and drops what waits there. False: nobody is.  Linux: ip neighbour delete.
  bool remove_neighbour(u8 link, const address& a) requires(bound::has_static_neighbours);
  /// The I-th hook of this Config: its counters, and what it may be told. Each network layer has its own.
  template <std::size_t I, std::size_t Network = 0> [[nodiscard]] auto& hook() { return expect_held(), networks_.template get<Network>().template hook<I>(); }

  // ---- layers, counters, memory ----
  /// f(layer, below) for a layer of the Config: `net.on_layer<my::rudp>([&](auto& rudp, auto below) { ... })`.
  template <template <class> class Layer, class F> decltype(auto) on_layer(F&& f) {
    const auto held = exclusion_.enter();
    (void)held;
    return f(transports_.template of<Layer<C>>(), internet{*this});
  }
  /// The network layer and the interface of an index; their counters are theirs. Where threads share the stack: while the caller holds it, as all that is
  /// told by reference: in a handler, in on_layer() or in a lock() scope.
  template <std::size_t I = 0> [[nodiscard]] const auto& network() const { expect_held(); return networks_.template get<I>(); }
  template <std::size_t I = 0> [[nodiscard]] const auto& at_interface() const { expect_held(); return interfaces_.template get<I>(); }
  template <std::size_t I = 0> [[nodiscard]] auto& at_interface() { expect_held(); return interfaces_.template get<I>(); }
  template <std::size_t I = 0> [[nodiscard]] const auto& transport() const { expect_held(); return transports_.template get<I>(); }
  /// f(driver) for each opened driver: a loop sleeps on those that can be waited for.
  template <class F> void for_each_driver(F&& f) {
    const auto held = exclusion_.enter();
    (void)held;
    interfaces_.each([&](auto, auto& i) {
      if (i.nic) f(*i.nic);
    });
  }
  [[nodiscard]] std::conditional_t<is_shared, stack_counters, const stack_counters&> counters() const {
    const auto held = exclusion_.enter();
    (void)held;
    return count_;
  }
  [[nodiscard]] typename C::observer& observer() { return expect_held(), observer_; }
  [[nodiscard]] typename C::permission& permission() { return expect_held(), permission_; }
  /// How often the policy refused this call; the sum is counters().not_permitted.
  [[nodiscard]] tally refusals(permission::call what) const;
  /// While the result lives, calls ask as `who` and not as the owner of their socket, and what listen, connect and bind make is theirs. For single calls,
  /// not around a poll; other threads wait meanwhile.  Linux: override_creds.
  [[nodiscard]] auto act_as(const identity& who) requires(has_identity) { return acting<identity>(*this, who); }
  /// A number that changes whenever a route, a neighbour or a link does; never zero once started. Prepared frames compare it.
  [[nodiscard]] u32 generation() const {
    const auto held = exclusion_.enter();
    (void)held;
    return generation_;
  }
  /// Chunks that hold something. Those that wait in a driver to be received into hold nothing.
  [[nodiscard]] u32 chunks_in_use() const;
  [[nodiscard]] buffer::pool& chunks() { return expect_held(), pool_; }
  /// Where the bytes lie.
  [[nodiscard]] static constexpr memory_map memory();
  [[nodiscard]] strata::memory_in_use memory_in_use() const;

 private:
  struct no_hashes {};
  struct forwards_nothing {};
  struct claims_nothing {};
  struct links_in_conflict { u8 links = 0; };  // bits
  using undelivered = buffer::list<&buffer::descriptor::below, buffer::owner::qdisc>;
  struct no_slots {};
  /// 64 bytes behind a TCP header with timestamps, as TCP places them: 144 over Ethernet and IPv4.
  static constexpr u32 small_slot = [] {
    const u32 n = (((network_headroom + 32 + 7) & ~7u) + 64 + 15) & ~15u;
    return n < 256 ? n : 256;
  }();
  struct stack_slots {
    buffer::slot_pool small{}, of_256{}, of_512{};
    void trim() { (void)small.trim(), (void)of_256.trim(), (void)of_512.trim(); }
  };
  static constexpr bool has_slots = C::limits.slots != 0;
  static constexpr u32 descriptor_count = descriptors_of(C::limits);
  using hash_table = std::conditional_t<STRATA_CHECKS != 0, u32[descriptor_count], no_hashes>;
  using network_error = strata::network_error<address>;
  static constexpr u32 most_events = C::limits.connections + C::limits.datagram_sockets + 64;  // a poll: one for each, and some that handlers cause
  static_assert(bound::count <= 8, "a stack has at most eight interfaces");

  [[nodiscard]] stream_layer& streams() requires wiring::has_streams { return transports_.template get<wiring::streams>(); }
  [[nodiscard]] const stream_layer& streams() const requires wiring::has_streams { return transports_.template get<wiring::streams>(); }
  [[nodiscard]] datagram_layer& datagrams() requires wiring::has_datagrams { return transports_.template get<wiring::datagrams>(); }
  [[nodiscard]] const datagram_layer& datagrams() const requires wiring::has_datagrams { return transports_.template get<wiring::datagrams>(); }
  [[nodiscard]] raw_layer& raws() requires wiring::has_raws { return transports_.template get<wiring::raws>(); }
  [[nodiscard]] const raw_layer& raws() const requires wiring::has_raws { return transports_.template get<wiring::raws>(); }
  /// f(network) for the one that carries `a`.
  template <class F> STRATA_ALWAYS_INLINE void network_of(const address& a, F&& f) {
    if constexpr (networks::count == 1) f(networks_.template get<0>());
    else (void)networks_.any([&](auto, auto& ip) { return ip.carries(a) ? (f(ip), true) : false; });
  }
  [[nodiscard]] static constexpr u16 link_type(link::kind k) { return k == link::kind::ipv4 ? 0x0800 : 0x86dd; }
  /// The listener that `accepted` names; its generation, if the transport tells.
  [[nodiscard]] listener listener_of(const stream_events& e);
  expected<void, multicast::call_error> for_socket(connection_id id, auto&& change) requires(has_groups && wiring::has_datagrams);
  expected<void, multicast::call_error> joined(connection_id owner, const membership& m) requires(has_groups);
  expected<void, multicast::call_error> left(connection_id owner, const membership& m) requires(has_groups);
  expected<void, multicast::call_error> filtered(connection_id owner, const source_filter& f) requires(has_groups);
  expected<void, multicast::call_error> change_group(const address& group, u8 link, auto&& change) requires(has_groups);
  void leave_all(connection_id owner) requires(has_groups);
  void no_longer(const address& group, u8 link) requires(has_groups);
  [[nodiscard]] bool begin_claim(u8 link, const subnet<address>& ours, const address& gateway, ip::route_error& said);
  [[nodiscard]] bool adopt(u8 link, const subnet<address>& ours, const address& gateway);
  static consteval void check_facades();
  template <std::size_t I> bool open_interface(auto& wanted);

  STRATA_SHORTER_INLINE void expect_held() const {
    if constexpr (is_shared) STRATA_EXPECTS(exclusion_.is_held());
  }
  template <class Net, class Handle> friend class detail::in_hand;
  /// From a layer's handle to the application's and back; nothing where nobody shares.
  template <class Handle, class Error> [[nodiscard]] expected<in_hand<Handle>, Error> handed(expected<Handle, Error>&& from);
  template <class Handle> [[nodiscard]] STRATA_SHORTER_INLINE static Handle&& bare(Handle&& place) { return std::move(place); }
  template <class Handle> [[nodiscard]] static Handle&& bare(detail::in_hand<stack, Handle>&& place) { return place.release(); }
  template <class Handle> void drop_under_lock(Handle&& dropped);
  template <class F> auto posted(F&& call);
  template <class F> auto posted_for_stream(connection_id id, F&& call);
  expected<std::size_t, tcp::send_error> send_apart(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags)
    requires(is_shared && demand::has_owner_words<stream_layer>);
  expected<std::size_t, tcp::receive_error> receive_apart(connection_id id, std::span<std::byte> to) requires(is_shared && demand::has_owner_words<stream_layer>);
  void await_copies() requires(is_shared);
  [[nodiscard]] packet take();
  [[nodiscard]] packet take(u32 bytes) requires(C::limits.slots != 0);
  [[nodiscard]] sent post(packet&& p);
  void ring(bool at_once);
  void reclaim();
  void report(const network_error& e);
  [[nodiscard]] bool has_sender(u8 protocol) const;
  void report_undelivered(packet&& p);
  void keep_for_sender(packet& p);
  bool next_undelivered();
  void changed() { if (++generation_ == 0) generation_ = 1; }
  void observe(const trace::record& r);
  void observe(trace::step what, const packet& p);
  [[nodiscard]] auto watch() { return [this](trace::step what, const packet& p) { observe(what, p); }; }
  // ---- permission (ask.hpp) ----
  using question = permission::request<address, identity>;
  template <class Who> class acting;
  struct nobody_acts {};
  struct nothing_refused {};
  [[nodiscard]] bool permits(question q);
  [[nodiscard]] const identity& acts(const identity& owner) const;
  template <class Options> [[nodiscard]] decltype(auto) owned_by_who_acts(const Options& o) const;
  template <class Layer> [[nodiscard]] static constexpr u8 protocol_of();
  template <class Error> [[nodiscard]] Error stopped();
  template <class Error> [[nodiscard]] Error refused(auto&& ask);
  template <class Error> [[nodiscard]] Error refused(permission::call what, connection_id id);
  template <class Error> [[nodiscard]] Error refused_to_listener(permission::call what, connection_id id);
  template <class Error> [[nodiscard]] Error refused_to_socket(permission::call what, connection_id id, const endpoint* to = nullptr);
  void after_send(tcp::send_flags flags) { if (flags.now_please) ring(true); }

  void set_time(time_point now);
  void begin_time(time_point now);
  [[nodiscard]] bool begin(time_point now, budget allowance);
  [[nodiscard]] bool has_more() const;
  [[nodiscard]] raised next();
  void next_news(raised& r);
  bool next_copy(raised& r);
  [[nodiscard]] static bool any_copies(auto& ips, auto&& f) requires(has_groups);
  bool next_conflict(raised& r);
  void next_link_down(raised& r);
  void next_error(raised& r);
  [[nodiscard]] bool next_pending(raised& r);
  [[nodiscard]] bool receive();
  void input(packet& p, raised& r);
  void from_link(auto& i, packet& p, raised& r);
  void to_network(const link::received& in, packet& p, raised& r);
  void complete(auto& ip, packet& p, const ip::finding<address>& part, raised& r);
  void control(auto& ip, packet& p, const ip::finding<address>& message);
  [[nodiscard]] bool is_overheard(const datagram_info<address>& info, const packet& p);
  void deliver(const datagram_info<address>& info, packet& p, raised& r);
  void input_batch(raised& r);
  void add_to_do(u8 what) { left_ = static_cast<u8>(left_ | what); }
  void is_done(u8 what) { left_ = static_cast<u8>(left_ & ~what); }
  [[nodiscard]] bool has_news() const {
    if constexpr (C::forwards) {
      if (!forwarded_.empty()) return true;
    }
    if constexpr (bound::claims_own_addresses) {
      if (conflicts_.links != 0) return true;
    }
    if constexpr (has_groups) {
      if (any_copies(networks_, [](auto& c) { return c.has_more(); })) return true;
    }
    return links_down_ != 0 || errors_out_ != errors_in_;
  }
  [[nodiscard]] bool run_timers();
  [[nodiscard]] bool has_due_timers() const;
  void advance_timers();
  void finish(const raised& r);
  void end();
  template <class H> static consteval void check_handler();
  template <class H> void dispatch(const raised& r, H& handler);
  [[nodiscard]] packet* batch() { return reinterpret_cast<packet*>(batch_); }

  buffer::pool pool_{};
  time_point now_{};
  u32 generation_ = 0;
  u32 frames_left_ = 0, events_left_ = 0;
  u32 batch_at_ = 0, batch_size_ = 0;
  u32 errors_in_ = 0, errors_out_ = 0;
  u8 batch_link_ = 0, next_link_ = 0, links_down_ = 0;
  u8 links_left_ = 0;  // bits: which interfaces may have more in this poll
  // What next() has to look at yet, in bits: a turn asks for all of it by one look. News may come at any time; frames and timers are of this turn.
  static constexpr u8 news = 1, frames = 2, timers = 4;
  u8 left_ = 0;
  bool is_started_ = false, is_polling_ = false, has_time_ = false;
  alignas(packet) std::byte batch_[sizeof(packet) * C::limits.batch]{};  // handles, kept as bytes so that a stack without destructor can hold them
  [[no_unique_address]] mutable typename C::exclusion exclusion_{};
  [[no_unique_address]] typename C::permission permission_{};
  [[no_unique_address]] std::conditional_t<C::permission::is_open, nothing_refused, permission::refusals> refusals_{};
  [[no_unique_address]] std::conditional_t<has_identity, std::optional<identity>, nobody_acts> acts_{};
  [[no_unique_address]] typename C::observer observer_{};
  [[no_unique_address]] typename C::entropy entropy_{};
  stack_counters count_{};
  [[no_unique_address]] interfaces interfaces_{};
  [[no_unique_address]] networks networks_{};
  [[no_unique_address]] transports transports_{};
  network_error errors_[C::limits.errors]{};
  [[no_unique_address]] std::conditional_t<C::forwards, undelivered, forwards_nothing> forwarded_{};  // of others: their senders will be told
  [[no_unique_address]] std::conditional_t<bound::claims_own_addresses, links_in_conflict, claims_nothing> conflicts_{};
  [[no_unique_address]] std::conditional_t<has_slots, stack_slots, no_slots> slots_{};
  buffer::descriptor descriptors_[descriptor_count]{};
  [[no_unique_address]] hash_table hashes_{};
};

}  // namespace strata::inline STRATA_ABI

#include <strata/stack/facades.hpp>
#include <strata/stack/start.hpp>
#include <strata/stack/transmit.hpp>
#include <strata/stack/turn.hpp>
#include <strata/stack/shared.hpp>
#include <strata/stack/ask.hpp>
#include <strata/stack/calls.hpp>
#include <strata/stack/datagram_calls.hpp>
#include <strata/stack/raw_calls.hpp>
#include <strata/stack/network_calls.hpp>
#include <strata/stack/group_calls.hpp>
