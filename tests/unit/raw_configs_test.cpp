// SPDX-License-Identifier: MIT
// Raw sockets in other Configs: over IPv6, beside groups, with packets in several chunks, under a permission policy, shared by threads, and the layer alone.
#include <strata/core/lock.hpp>
#include <strata/raw/archetype.hpp>

#include "raw_world.hpp"

namespace {

using namespace strata;
using namespace strata::test;

struct six : with_raws {
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};
TEST_CASE("raw sockets speak over IPv6") {
  using net = stack<six>;
  nic::wire cable{};
  std::vector<std::byte> memory[2] = {std::vector<std::byte>(std::size_t{six::limits.chunks} * 2048), std::vector<std::byte>(std::size_t{six::limits.chunks} * 2048)};
  const auto a = std::make_unique<net>(), b = std::make_unique<net>();
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory[0]), .entropy = {1}, .address = "fd00::1/64"_net}) == bad_option::none);
  REQUIRE(b->start({.nic = {cable, 1}, .memory = std::span(memory[1]), .entropy = {2}, .address = "fd00::2/64"_net}) == bad_option::none);
  const auto from = *a->open_raw({.protocol = 89}), here = *b->open_raw({.protocol = 89});
  CHECK(from.set(raw::option::hop_limit{1}));
  CHECK(*from.send_to(bytes_of("hello"), "fd00::2"_ip) == 5);
  (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
  u32 packets = 0;
  (void)b->poll({1'000'000}, budget{64}, on{[&](net::raw_packet) { ++packets; }, ignore_rest{}});
  CHECK(packets == 1);
  const auto view = here.peek();
  REQUIRE(view);
  CHECK((view->header.size() == 40 && view->header[7] == std::byte{1} && text_of(view->bytes) == "hello"));
  CHECK((view->from == "fd00::1"_ip && view->to == "fd00::2"_ip));
  CHECK(here.consume());
  CHECK(b->chunks_in_use() == 0);
}

struct in_parts : with_raws { static constexpr bool long_datagrams = true; };
TEST_CASE("a long packet leaves in fragments, and is read in the pieces that came") {
  auto t = two_stacks<in_parts>::make();
  const auto me = *t->a.open_raw({.protocol = 1}), pings = *t->b.open_raw({.protocol = 1});
  const auto asked = echo(8, 9, 9000);
  CHECK(me.send_to(asked, at_b).error() == raw::send_error::would_block);  // more fragments than may wait for a neighbour that is not known yet
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(*me.send_to(asked, at_b) == asked.size());
  t->turns(6, ignore_rest{}, ignore_rest{});
  for (const auto& [s, type] : {std::pair{pings, u8{8}}, std::pair{me, u8{0}}}) {  // the request that b overheard, and its answer
    const auto view = s.peek();
    REQUIRE(view);
    CHECK(view->spans.size() == asked.size());
    CHECK(view->bytes.size() < asked.size());
    std::vector<std::byte> room(10'000);
    const auto got = s.receive(room);
    CHECK((got->bytes == asked.size() && !got->truncated));
    room.resize(asked.size());
    CHECK(room == echo(type, 9, 9000));
  }
  // What is longer than the room loses its end; what nobody reads goes with its socket.
  CHECK(me.send_to(asked, at_b));
  t->turns(6, ignore_rest{}, ignore_rest{});
  std::vector<std::byte> room(5000);
  const auto got = me.receive(room);
  CHECK((got->bytes == 5000 && got->truncated && std::equal(room.begin() + 8, room.end(), asked.begin() + 8)));
  CHECK(me.set(raw::option::dont_fragment{true}));
  CHECK(me.get<raw::option::dont_fragment>()->value);
  CHECK(me.send_to(asked, at_b).error() == raw::send_error::too_big);
  CHECK(me.send_to(echo(8, 1, 1472), at_b));
  CHECK(me.set(raw::option::dont_fragment{false}));
  CHECK(me.send_to(std::vector<std::byte>(65'516), at_b).error() == raw::send_error::too_big);
  CHECK(pings.close());
  CHECK(me.close());
  t->turns(6, ignore_rest{}, ignore_rest{});
  CHECK((t->a.chunks_in_use() == 0 && t->b.chunks_in_use() == 0));
}
TEST_CASE("a long packet that finds chunks for a part of it only is not kept") {
  auto t = two_stacks<in_parts>::make();
  const auto me = *t->a.open_raw({.protocol = 253}), here = *t->b.open_raw({.protocol = 253});
  std::vector<packet> taken;
  CHECK(me.send_to({}, at_b));  // finds the neighbour
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(here.consume());
  while (t->b.chunks().available() > in_parts::limits.receive_reserve + 10) taken.push_back(t->b.chunks().take(0));
  CHECK(me.send_to(std::vector<std::byte>(9000), at_b));
  t->turns(6, ignore_rest{}, ignore_rest{});
  CHECK(t->b.transport<2>().unread(here.id()) == 0);
  CHECK(t->b.transport<2>().counted().mem_errors == 1);
  taken.clear();
  CHECK(t->b.chunks_in_use() == 0);
}

struct in_groups : with_raws {
  static constexpr strata::limits limits = [] {
    auto l = presets::testing::limits;
    l.groups = 2;
    return l;
  }();
};
TEST_CASE("a raw socket hears IGMP, which ip answers all the same") {  // RFC 3376
  auto t = two_stacks<in_groups>::make();
  const auto here = *t->b.open_raw({.protocol = 2}), asks = *t->a.open_raw({.protocol = 2});
  CHECK(t->b.join({.group = "239.1.2.3"_ip}));
  std::byte query[8]{std::byte{0x11}};  // of version 1: without the option that later ones have
  store_be<u16>(query + 2, checksum(query));
  CHECK(asks.send_to(query, "224.0.0.1"_ip));
  t->turns(4, ignore_rest{}, ignore_rest{});
  const auto view = here.peek();
  REQUIRE(view);
  CHECK((vector_of(view->bytes) == vector_of(query) && view->header[8] == std::byte{1}));  // to a group: TTL 1
  CHECK(t->b.network().igmp_counted().in_queries == 1);
}

TEST_CASE("beside groups pings are answered, and protocol 0 is a socket's as any other") {
  auto t = two_stacks<in_groups>::make();
  const auto me = *t->a.open_raw({.protocol = 1}), zero = *t->b.open_raw({.protocol = 0}), from = *t->a.open_raw({.protocol = 0});
  const auto asked = echo(8, 1, 16);
  CHECK(me.send_to(asked, at_b));
  CHECK(from.send_to(bytes_of("hop by hop"), at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(t->b.network().icmp_counted().in_echos == 1);
  const auto answer = me.peek();
  REQUIRE(answer);
  CHECK(answer->bytes[0] == std::byte{0});
  const auto heard = zero.peek();
  REQUIRE(heard);
  CHECK(text_of(heard->bytes) == "hop by hop");
}

/// Refuses the call that it is told.
struct gate {
  static constexpr bool is_open = false;
  using identity = u8;
  permission::call no = permission::call::count;
  permission::request<ipv4_address, u8> last{};
  bool allows(const permission::request<ipv4_address, u8>& r) {
    last = r;
    return r.what != no;
  }
};
struct guarded : with_raws { using permission = gate; };
TEST_CASE("each call of a raw socket asks the permission policy") {
  using call = permission::call;
  auto t = two_stacks<guarded>::make();
  auto& policy = t->a.permission();
  policy.no = call::bind;
  CHECK(t->a.open_raw({.protocol = 89, .identity = 3}).error() == raw::open_error::not_permitted);
  CHECK((policy.last.protocol == 89 && policy.last.identity == 3));
  policy.no = call::count;
  const auto s = *t->a.open_raw({.protocol = 89, .address = at_a, .identity = 3});
  std::byte room[8]{};
  policy.no = call::send_to;
  CHECK(s.send_to(room, at_b).error() == raw::send_error::not_permitted);
  CHECK((policy.last.local.address == at_a && policy.last.remote.address == at_b && policy.last.protocol == 89 && policy.last.identity == 3));
  policy.no = call::connect;
  CHECK(s.connect(at_b).error() == raw::connect_error::not_permitted);
  policy.no = call::count;
  CHECK(s.connect(at_b));
  policy.no = call::send_to;
  CHECK(s.send(room).error() == raw::send_error::not_permitted);
  CHECK(policy.last.remote.address == at_b);
  policy.no = call::receive;
  CHECK(s.receive(room).error() == raw::receive_error::not_permitted);
  CHECK(s.peek().error() == raw::receive_error::not_permitted);
  CHECK(s.consume().error() == raw::receive_error::not_permitted);
  policy.no = call::set_option;
  CHECK(s.set(raw::option::dscp{1}).error() == raw::call_error::not_permitted);
  policy.no = call::get_option;
  CHECK(s.get<raw::option::dscp>().error() == raw::call_error::not_permitted);
  policy.no = call::close;
  CHECK(s.close().error() == raw::call_error::not_permitted);
  {
    const auto as = t->a.act_as(7);
    CHECK(s.close().error() == raw::call_error::not_permitted);
    CHECK(policy.last.identity == 7);
  }
  CHECK(t->a.counters().not_permitted == 11);
  policy.no = call::count;
  policy.last = {};
  CHECK(s.close());
  policy.last.protocol = 1;
  CHECK(s.close().error() == raw::call_error::stale);  // nobody's: not asked
  CHECK(policy.last.protocol == 1);
  t->turns(4, ignore_rest{}, ignore_rest{});
}

struct shared : with_raws { using exclusion = strata::exclusion::locked; };
TEST_CASE("a raw socket of a stack that threads share is called without and with its lock") {
  using net = stack<shared>;
  auto t = two_stacks<shared>::make();
  const auto s = *t->a.open_raw({.protocol = 1});
  CHECK(s.send_to(echo(8, 1), at_b));
  u32 packets = 0;
  t->turns(4, on{[&](net::raw_packet e) {
    ++packets;
    CHECK(e.socket.peek()->bytes.size() == 12);
  }, ignore_rest{}}, ignore_rest{});
  CHECK(packets == 1);
  CHECK(next_of(s) == echo(0, 1));
  CHECK(s.close());
}

TEST_CASE("raw asks for no more than its concepts say") {
  static raw::layer<raw::archetype> t;
  static buffer::pool pool;
  raw::network_archetype<raw::archetype> below{pool};
  const auto id = t.bind(89);
  REQUIRE(id);
  CHECK(t.connect(below, *id, at_b).error() == raw::connect_error::no_route);
  CHECK(t.send_to(below, *id, {}, at_b).error() == raw::send_error::no_route);
  CHECK(t.send(below, *id, {}).error() == raw::send_error::not_connected);
  CHECK(t.receive(below, *id, {}).error() == raw::receive_error::would_block);
  CHECK(!t.pending(below, {}));
  t.finish(below, {}, {});
  t.advance(below, {});
  CHECK(t.is_idle());
  t.abandon(below);
  CHECK(!t.is_live(*id));
}
static_assert(requires(raw::layer<raw::archetype> t, raw::network_archetype<raw::archetype>& below, const datagram_info<ipv4_address>& info, packet& p) {
  t.on_overheard(below, info, p);
  t.on_error(below, {}, {});
});

template <class S, class O> concept takes = requires(S s, O o) { s.set(o); };
static_assert(takes<stack<with_raws>::raw_socket, raw::option::dscp> && !takes<stack<with_raws>::raw_socket, raw::option::dont_fragment> && takes<stack<in_parts>::raw_socket, raw::option::dont_fragment>);
template <class N> concept opens_raws = requires(N n) { n.open_raw({.protocol = 1}); };
static_assert(opens_raws<stack<with_raws>> && !opens_raws<stack<presets::testing>>);

}  // namespace
