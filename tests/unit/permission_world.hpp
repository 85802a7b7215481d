// SPDX-License-Identifier: MIT
// Every socket call beside a policy that counts and refuses: one table, run over both families.
#pragma once
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace strata::test {

enum class user : u8 { guest, carol, dave };

/// Refuses the calls whose bits are set, and remembers what it was asked last.
template <class Address> struct turnstile {
  static constexpr bool is_open = false;
  using identity = user;
  u32 forbidden = 0, asked = 0;
  permission::request<Address, user> last{};
  bool allows(const permission::request<Address, user>& r) {
    ++asked;
    last = r;
    return (forbidden >> static_cast<u32>(r.what) & 1) == 0;
  }
};

struct four : presets::testing {
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using permission = turnstile<ipv4_address>;
  static constexpr u32 gso_max_size = 65000;     // send_segments exists
  static constexpr bool long_datagrams = true;   // and udp::option::gro
  static constexpr strata::limits limits = [] {  // and the calls of groups
    auto l = presets::testing::limits;
    l.groups = 2;
    return l;
  }();
  static constexpr ipv4_address here = "10.0.0.1"_ip, there = "10.0.0.2"_ip, group = "239.1.2.3"_ip;
};
struct six : four {
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
  using permission = turnstile<ipv6_address>;
  static constexpr ipv6_address here = "fd00::1"_ip, there = "fd00::2"_ip, group = "ff05::1"_ip;
};

/// Two stacks. `a` has a listener, a stream to b with unread bytes, and a connected socket with an unread datagram; all are carol's.
template <class C> struct guarded_world {
  using net = stack<C>;
  nic::wire cable{};
  alignas(64) std::byte memory[2][256 * 2048]{};
  net a{}, b{};
  u32 ms = 1000;
  typename net::listener port{};
  typename net::stream s{}, at_b{};
  typename net::datagram_socket u{}, at_b_too{};

  guarded_world() {
    (void)a.start({.nic = {cable, 0}, .memory = memory[0], .entropy = {1}, .address = {C::here, 24}});
    (void)b.start({.nic = {cable, 1}, .memory = memory[1], .entropy = {2}, .address = {C::there, 24}});
    a.advance(now());
    b.advance(now());
    port = *a.listen({.port = 8, .identity = user::carol});
    (void)b.listen({.port = 7, .identity = user::dave});
    s = *a.connect({.remote = {C::there, 7}, .identity = user::carol});
    turns(4, ignore_rest{}, on{[&](typename net::accepted e) { at_b = e.stream; }, ignore_rest{}});
    u = *a.bind({.port = 9, .identity = user::carol});
    at_b_too = *b.bind({.port = 19});
    (void)u.connect(typename net::endpoint{C::there, 19});
    (void)at_b.send(bytes_of("stream"));
    (void)at_b_too.send_to(bytes_of("datagram"), typename net::endpoint{C::here, 9});
    turns(4, ignore_rest{}, ignore_rest{});
  }
  [[nodiscard]] typename net::time_point now() const { return typename net::time_point{} + net::duration::from_ms(ms); }
  void turns(u32 n, auto&& ha, auto&& hb) {
    while (n-- > 0) (void)a.poll(now(), budget{64}, ha), (void)b.poll(now(), budget{64}, hb);
  }
  [[nodiscard]] auto& policy() { return a.permission(); }
  void forbid(permission::call what) { policy().forbidden = 1u << static_cast<u32>(what), policy().asked = 0; }
  void allow() { policy().forbidden = 0; }
};

/// One call, refused.
template <class C> struct refused_call {
  using world = guarded_world<C>;
  const char* name;        ///< of the member of stack<C>
  permission::call what;
  u16 local_port, remote_port;
  user who;
  bool (*is_refused)(world&);
};

template <class C> struct refused_calls {
  using world = guarded_world<C>;
  using net = stack<C>;
  using endpoint = typename net::endpoint;
  using call = permission::call;
  static bool no(const auto& answer) { return !answer && answer.error() == decltype(answer.error())::not_permitted; }
  static inline std::byte room[16]{};

  static constexpr refused_call<C> table[] = {
      {"listen", call::listen, 80, 0, user::dave, [](world& w) { return no(w.a.listen({.port = 80, .identity = user::dave})); }},
      {"connect", call::connect, 0, 7, user::dave, [](world& w) { return no(w.a.connect({.remote = {C::there, 7}, .identity = user::dave})); }},
      {"bind", call::bind, 53, 0, user::dave, [](world& w) { return no(w.a.bind({.port = 53, .identity = user::dave})); }},
      {"close_listener", call::close, 8, 0, user::carol, [](world& w) { return no(w.port.close()); }},
      {"send", call::send, 1, 7, user::carol, [](world& w) { return no(w.s.send(bytes_of("x"))); }},
      {"send", call::send, 1, 7, user::carol, [](world& w) {
         w.allow();
         const auto unread = w.s.peek();
         w.forbid(call::send);
         return no(w.s.send(unread));
       }},
      {"reserve", call::send, 1, 7, user::carol, [](world& w) { return no(w.s.reserve(10)); }},
      {"commit", call::send, 1, 7, user::carol, [](world& w) {
         w.allow();
         auto place = w.s.reserve(10);
         w.forbid(call::send);
         return place && no(w.s.commit(std::move(*place), 10)) && place->room().empty();
       }},
      {"peek", call::receive, 1, 7, user::carol, [](world& w) { return w.s.peek().empty(); }},
      {"consume", call::receive, 1, 7, user::carol, [](world& w) { return no(w.s.consume(1)); }},
      {"receive", call::receive, 1, 7, user::carol, [](world& w) { return no(w.s.receive(room)); }},
      {"take", call::receive, 1, 7, user::carol, [](world& w) { return no(w.s.take()); }},
      {"close", call::close, 1, 7, user::carol, [](world& w) { return no(w.s.close()); }},
      {"shutdown_send", call::shutdown, 1, 7, user::carol, [](world& w) { return no(w.s.shutdown_send()); }},
      {"shutdown_receive", call::shutdown, 1, 7, user::carol, [](world& w) { return no(w.s.shutdown_receive()); }},
      {"abort", call::abort, 1, 7, user::carol, [](world& w) { return no(w.s.abort()); }},
      {"set", call::set_option, 1, 7, user::carol, [](world& w) { return no(w.s.set(option::no_delay{true})); }},
      {"get", call::get_option, 1, 7, user::carol, [](world& w) { return no(w.s.template get<option::no_delay>()); }},
      {"set_timer", call::set_timer, 1, 7, user::carol, [](world& w) { return no(w.s.set_timer(net::duration::from_ms(1))); }},
      {"cancel_timer", call::set_timer, 1, 7, user::carol, [](world& w) { return no(w.s.cancel_timer()); }},
      {"connect_socket", call::connect, 9, 20, user::carol, [](world& w) { return no(w.u.connect(endpoint{C::there, 20})); }},
      {"set_of_socket", call::set_option, 9, 19, user::carol, [](world& w) { return no(w.u.set(udp::option::gro{true})); }},
      {"join_of_socket", call::set_option, 9, 19, user::carol, [](world& w) { return no(w.u.join({.group = C::group})); }},
      {"leave_of_socket", call::set_option, 9, 19, user::carol, [](world& w) { return no(w.u.leave({.group = C::group})); }},
      {"listen_to_of_socket", call::set_option, 9, 19, user::carol, [](world& w) { return no(w.u.listen_to({.group = C::group})); }},
      {"get_of_socket", call::get_option, 9, 19, user::carol, [](world& w) { return no(w.u.template get<udp::option::gro>()); }},
      {"send_to", call::send_to, 9, 20, user::carol, [](world& w) { return no(w.u.send_to(bytes_of("x"), endpoint{C::there, 20})); }},
      {"send_segments", call::send_to, 9, 20, user::carol, [](world& w) { return no(w.u.send_to(bytes_of("xy"), endpoint{C::there, 20}, udp::segment_size{1})); }},
      {"send_datagram", call::send_to, 9, 19, user::carol, [](world& w) { return no(w.u.send(bytes_of("x"))); }},
      {"reserve_datagram", call::send_to, 9, 19, user::carol, [](world& w) { return no(w.u.reserve(10)); }},
      {"commit_datagram", call::send_to, 9, 20, user::carol, [](world& w) {
         w.allow();
         auto place = w.u.reserve(10);
         w.forbid(call::send_to);
         return place && no(w.u.commit_to(std::move(*place), 10, endpoint{C::there, 20})) && place->room().empty();
       }},
      {"receive_datagram", call::receive, 9, 19, user::carol, [](world& w) { return no(w.u.receive(room)); }},
      {"peek_datagram", call::receive, 9, 19, user::carol, [](world& w) { return no(w.u.peek()); }},
      {"fields_of_datagram", call::receive, 9, 19, user::carol, [](world& w) { return no(w.u.fields()); }},
      {"consume_datagram", call::receive, 9, 19, user::carol, [](world& w) { return no(w.u.consume()); }},
      {"close_socket", call::close, 9, 19, user::carol, [](world& w) { return no(w.u.close()); }},
  };
};

/// Each call of the table is asked about once, with both ends and its owner, and a refusal does nothing but count.
template <class C> void refuse_every_call() {
  using rows = refused_calls<C>;
  auto w = std::make_unique<guarded_world<C>>();
  const u64 frames = w->cable.of(0).transmitted;
  const u32 chunks = w->a.chunks_in_use();
  tally refused = 0;
  for (const auto& row : rows::table) {
    INFO(row.name);
    const tally before = w->a.refusals(row.what);
    w->forbid(row.what);
    CHECK(row.is_refused(*w));
    CHECK(w->policy().asked == 1);
    const auto& asked = w->policy().last;
    CHECK(asked.what == row.what);
    CHECK(asked.identity == row.who);
    CHECK(asked.local.port == (row.local_port == 1 ? w->s.local().port : row.local_port));
    CHECK(asked.remote == (row.remote_port == 0 ? typename rows::endpoint{} : typename rows::endpoint{C::there, row.remote_port}));
    CHECK(asked.protocol == (row.local_port == 9 || row.local_port == 53 ? 17 : 6));
    CHECK(w->a.refusals(row.what) == before + 1);
    CHECK(w->a.counters().not_permitted == ++refused);
    CHECK(w->a.chunks_in_use() == chunks);
    w->allow();
    CHECK(w->a.template transport<0>().connections() == 1);
  }
  w->turns(2, ignore_rest{}, ignore_rest{});
  CHECK(w->cable.of(0).transmitted == frames);
  CHECK((w->s.is_live() && w->u.is_live() && w->port.close().has_value()));
  CHECK(w->s.info()->unsent == 0);
  CHECK(!w->s.template get<option::no_delay>()->value);
  CHECK(w->u.remote().port == 19);
  CHECK(text_of(w->s.peek().front()) == "stream");
  CHECK(text_of(w->u.peek()->bytes) == "datagram");
}

/// A connection that its listener's owner may not have ends with a reset, and nobody here hears of it.
template <class C> void refuse_a_connection() {
  using net = stack<C>;
  auto w = std::make_unique<guarded_world<C>>();
  const u32 chunks = w->a.chunks_in_use(), connections = w->a.template transport<0>().connections();
  w->forbid(permission::call::accept);
  const auto s = w->b.connect({.remote = {C::here, 8}});
  REQUIRE(s);
  u32 told = 0;
  close_reason why = close_reason::none;
  w->turns(4, on{[&](typename net::accepted) { ++told; }, ignore_rest{}}, on{[&](typename net::closed e) { why = e.why; }, ignore_rest{}});
  CHECK(told == 0);
  CHECK(why == close_reason::reset);
  CHECK(w->a.refusals(permission::call::accept) == 1);
  CHECK(w->policy().last.identity == user::carol);
  CHECK(w->policy().last.local == typename net::endpoint{C::here, 8});
  CHECK(w->policy().last.remote.address == C::there);
  CHECK(w->a.template transport<0>().half_open() == 0);
  CHECK(w->a.template transport<0>().connections() == connections);
  CHECK(w->a.chunks_in_use() == chunks);
  w->allow();
  CHECK(w->b.connect({.remote = {C::here, 8}}));
  w->turns(4, on{[&](typename net::accepted e) { ++told, (void)e.stream.send(bytes_of("mine")); }, ignore_rest{}}, ignore_rest{});
  CHECK(told == 1);
  CHECK(w->policy().last.identity == user::carol);  // the listener's owner has what is accepted
}

}  // namespace strata::test
