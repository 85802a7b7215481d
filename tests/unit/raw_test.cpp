// SPDX-License-Identifier: MIT
// Raw sockets: who hears what, beside whom it is for; what they send; and what each call refuses.
#include "raw_world.hpp"

template class strata::stack<strata::test::with_raws>;

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<with_raws>;
using world = two_stacks<with_raws>;

TEST_CASE("an application pings through a raw socket, and sees the answer with its header") {
  auto t = world::make();
  const auto s = *t->a.open_raw({.protocol = 1});
  const auto asked = echo(8, 1);
  CHECK(*s.send_to(asked, at_b) == asked.size());
  CHECK(t->a.transport<2>().counted().out_packets == 1);
  raw_ears<net> ears;
  t->turns(4, ears.handler(), ignore_rest{});
  CHECK(ears.packets == 1);
  CHECK(ears.last == s);
  const auto view = s.peek();
  REQUIRE(view);
  CHECK(view->header.size() == 20);
  CHECK(view->header[8] == std::byte{64});
  CHECK(view->from == at_b);
  CHECK(view->to == at_a);
  CHECK(view->link == 0);
  CHECK(vector_of(view->bytes) == echo(0, 1));
  std::byte room[64];
  const auto got = s.receive(room);
  REQUIRE(got);
  CHECK((got->bytes == 12 && got->from == at_b && got->to == at_a && !got->truncated));
  CHECK(vector_of(std::span(room).first(12)) == echo(0, 1));
  CHECK(s.receive(room).error() == raw::receive_error::would_block);
  CHECK(s.peek().error() == raw::receive_error::would_block);
  CHECK(s.consume().error() == raw::receive_error::would_block);
  CHECK(t->a.network().icmp_counted().in_echo_reps == 1);  // it went its own way, too
  CHECK(t->b.network().icmp_counted().in_echos == 1);
  CHECK(s.close());
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("what a raw socket overhears goes on to whom it is for") {
  auto t = world::make();
  const auto pings = *t->b.open_raw({.protocol = 1}), datagrams = *t->b.open_raw({.protocol = 17}), segments = *t->b.open_raw({.protocol = 6});
  const auto udp = *t->b.bind({.port = 7});
  (void)*t->b.listen({.port = 80});
  const auto me = *t->a.open_raw({.protocol = 1});
  const auto from = *t->a.bind({.port = 9});
  CHECK(me.send_to(echo(8, 5), at_b));
  CHECK(from.send_to(bytes_of("hear"), net::endpoint{at_b, 7}));
  CHECK(t->a.connect({.remote = {at_b, 80}}));
  u32 accepted = 0;
  t->turns(6, ignore_rest{}, on{[&](net::accepted) { ++accepted; }, ignore_rest{}});
  CHECK(accepted == 1);
  std::byte room[64];
  CHECK(udp.receive(room)->bytes == 4);
  CHECK(next_of(me) == echo(0, 5));
  CHECK(next_of(pings) == echo(8, 5));
  const auto seen = next_of(datagrams);
  REQUIRE(seen.size() == 12);
  CHECK(load_be<u16>(seen.data() + 2) == 7);
  CHECK(text_of(std::span(seen).subspan(8)) == "hear");
  const auto syn = next_of(segments), ack = next_of(segments);
  REQUIRE((syn.size() > 20 && ack.size() >= 20));
  CHECK((syn[13] == std::byte{2} && ack[13] == std::byte{0x10}));
}

TEST_CASE("nobody is told that a protocol is unreachable which a raw socket hears") {  // RFC 1122 §3.2.2.1
  auto t = world::make();
  const auto to = *t->a.open_raw({.protocol = 253});
  CHECK(to.connect(at_b));
  CHECK(to.send(bytes_of("of eight bytes at least, which the error quotes")));
  raw_ears<net> ears;
  t->turns(4, ears.handler(), ignore_rest{});
  CHECK((ears.errors == 1 && ears.reason == icmp_error_kind::protocol_unreachable && ears.last == to));
  CHECK(t->b.counters().unknown_protocol == 1);

  const auto here = *t->b.open_raw({.protocol = 253});
  CHECK(to.send(bytes_of("second")));
  raw_ears<net> theirs;
  t->turns(4, ears.handler(), theirs.handler());
  CHECK((theirs.packets == 1 && ears.errors == 1 && t->b.counters().unknown_protocol == 1));
  CHECK(text_of(next_of(here)) == "second");
  // One that hears only another peer does not count.
  CHECK(here.connect("10.0.0.3"_ip));
  CHECK(to.send(bytes_of("of eight bytes at least, which the error quotes")));
  t->turns(4, ears.handler(), theirs.handler());
  CHECK((theirs.packets == 1 && ears.errors == 2 && t->b.counters().unknown_protocol == 2));
  // Protocol 255 is nobody's, though the layer has that number.
  CHECK(t->b.open_raw({.protocol = 255}).error() == raw::open_error::bad_protocol);
}

TEST_CASE("a socket hears its protocol, its address and its peer") {
  auto t = world::make();
  CHECK(t->b.add_address(0, "10.0.0.22/24"_net));
  const auto any = *t->b.open_raw({.protocol = 253}), other = *t->b.open_raw({.protocol = 254}), at_one = *t->b.open_raw({.protocol = 253, .address = "10.0.0.22"_ip}),
             of_a = *t->b.open_raw({.protocol = 253}), of_another = *t->b.open_raw({.protocol = 253});
  CHECK(of_a.connect(at_a));
  CHECK(of_another.connect("10.0.0.3"_ip));
  const auto from = *t->a.open_raw({.protocol = 253});
  CHECK(from.send_to(bytes_of("1"), at_b));
  CHECK(from.send_to(bytes_of("22"), "10.0.0.22"_ip));
  t->turns(6, ignore_rest{}, ignore_rest{});
  CHECK((next_of(any).size() == 1 && next_of(any).size() == 2 && next_of(any).empty()));
  CHECK((next_of(at_one).size() == 2 && next_of(at_one).empty()));
  CHECK((next_of(of_a).size() == 1 && next_of(of_a).size() == 2 && next_of(of_a).empty()));
  CHECK((next_of(other).empty() && next_of(of_another).empty()));
  CHECK(t->b.transport<2>().counted().in_packets == 5);
}

TEST_CASE("packets of one turn are one event; one that is left unread is no second") {
  auto t = world::make();
  const auto here = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 253});
  for (int i = 0; i < 3; ++i) CHECK(from.send_to(bytes_of("x"), at_b));
  raw_ears<net> ears;
  t->turns(6, ignore_rest{}, ears.handler());
  CHECK(ears.packets == 1);
  CHECK(t->b.transport<2>().unread(here.id()) == 3);
  CHECK(from.send_to(bytes_of("x"), at_b));
  t->turns(3, ignore_rest{}, ears.handler());
  CHECK(ears.packets == 2);
  // A socket that is closed before its event has none.
  CHECK(from.send_to(bytes_of("x"), at_b));
  (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
  const auto second = *t->b.open_raw({.protocol = 253});
  (void)t->b.poll(t->now(), budget{64}, on{[&](net::raw_packet e) {
    CHECK((e.socket == here ? second : here).close());
    ++ears.packets;
  }, ignore_rest{}});
  CHECK(ears.packets == 3);
  CHECK(t->b.idle());
}

TEST_CASE("a socket that nobody reads holds as many packets as limits.datagrams says, and leaves the receive path its chunks") {
  auto t = world::make();
  const auto here = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 253});
  for (u32 i = 0; i < with_raws::limits.datagrams + 3; ++i) {
    CHECK(from.send_to(bytes_of("x"), at_b));
    t->turns(2, ignore_rest{}, ignore_rest{});
  }
  CHECK(t->b.transport<2>().unread(here.id()) == with_raws::limits.datagrams);
  CHECK(t->b.transport<2>().counted().rcvbuf_errors == 3);
  CHECK(here.consume());
  std::vector<packet> taken;
  while (t->b.chunks().available() >= with_raws::limits.receive_reserve) taken.push_back(t->b.chunks().take(0));
  CHECK(from.send_to(bytes_of("x"), at_b));
  t->turns(2, ignore_rest{}, ignore_rest{});
  CHECK(t->b.transport<2>().counted().mem_errors == 1);
  CHECK(t->b.transport<2>().unread(here.id()) == with_raws::limits.datagrams - 1);
  taken.clear();
  // The oldest come first, all round the ring, each with its sender.
  CHECK(t->a.add_address(0, "10.0.0.11/24"_net));
  const auto also = *t->a.open_raw({.protocol = 253, .address = "10.0.0.11"_ip});
  for (u32 i = 0; i < 2 * with_raws::limits.datagrams; ++i) {
    const std::byte number[] = {static_cast<std::byte>(i)};
    while (t->b.transport<2>().unread(here.id()) > 3) CHECK(here.consume());
    CHECK((i % 2 == 0 ? from : also).send_to(number, at_b));
    t->turns(2, ignore_rest{}, ignore_rest{});
  }
  for (u32 i = 2 * with_raws::limits.datagrams - 4; i < 2 * with_raws::limits.datagrams; ++i) {
    CHECK(here.peek()->from == (i % 2 == 0 ? at_a : "10.0.0.11"_ip));
    CHECK(next_of(here) == std::vector{static_cast<std::byte>(i)});
  }
  CHECK(here.close());
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("DSCP and time to live leave as they were set, wherever a socket sends") {
  auto t = world::make();
  CHECK(t->b.add_address(0, "10.0.0.22/24"_net));
  const auto here = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 253});
  const auto sent_as = [&](const ipv4_address& to) {
    CHECK(from.send_to(bytes_of("x"), to));
    t->turns(4, ignore_rest{}, ignore_rest{});
    const auto view = here.peek();
    REQUIRE(view);
    const auto said = std::pair{view->header[1], view->header[8]};
    CHECK(here.consume());
    return said;
  };
  CHECK(sent_as(at_b) == std::pair{std::byte{0}, std::byte{64}});
  CHECK(from.set(raw::option::dscp{46}));
  CHECK(from.set(raw::option::hop_limit{3}));
  CHECK(sent_as(at_b) == std::pair{std::byte{46 << 2}, std::byte{3}});
  CHECK(sent_as("10.0.0.22"_ip) == std::pair{std::byte{46 << 2}, std::byte{3}});
  CHECK(from.get<raw::option::dscp>()->value == 46);
  CHECK(from.get<raw::option::hop_limit>()->value == 3);
  CHECK(from.set(raw::option::dscp{64}).error() == raw::call_error::bad_options);
  CHECK(from.set(raw::option::dscp{63}));
  CHECK(from.set(raw::option::hop_limit{0}));
  CHECK(sent_as(at_b) == std::pair{std::byte{63 << 2}, std::byte{64}});
  // A new socket in the old one's place begins anew.
  CHECK(from.close());
  CHECK(t->a.open_raw({.protocol = 253})->get<raw::option::dscp>()->value == 0);
}

TEST_CASE("a connected socket hears of what did not arrive, and nobody else does") {
  auto t = world::make();
  const auto a = *t->a.open_raw({.protocol = 253}), same = *t->a.open_raw({.protocol = 253}), other = *t->a.open_raw({.protocol = 254}),
             elsewhere = *t->a.open_raw({.protocol = 253});
  constexpr ipv4_address nobody = "10.0.0.99"_ip;
  for (const auto& s : {a, same, other}) CHECK(s.connect(nobody));
  CHECK(elsewhere.connect(at_b));
  CHECK(a.send(bytes_of("eight or more")));
  u32 heard[2]{};
  t->pass(5000, on{[&](net::raw_error e) {
    CHECK(e.reason == icmp_error_kind::host_unreachable);
    CHECK((e.socket == a || e.socket == same));
    ++heard[e.socket == a ? 0 : 1];
    CHECK(e.socket.send(bytes_of("eight or more")).error() == raw::send_error::no_route);  // he is taken for absent for a second
  }, ignore_rest{}}, ignore_rest{}, 100);
  CHECK((heard[0] == 1 && heard[1] == 1));
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("an error that nobody was told of ends with its socket") {
  auto t = world::make();
  const auto a = *t->a.open_raw({.protocol = 253}), same = *t->a.open_raw({.protocol = 253});
  for (const auto& s : {a, same}) CHECK(s.connect("10.0.0.99"_ip));
  CHECK(a.send(bytes_of("eight or more")));
  u32 heard = 0;
  t->pass(5000, on{[&](net::raw_error e) {
    ++heard;
    CHECK((e.socket == a ? same : a).close());
  }, ignore_rest{}}, ignore_rest{}, 100);
  CHECK(heard == 1);
  CHECK(t->a.idle());
  const auto next = *t->a.open_raw({.protocol = 253});
  t->pass(1000, on{[&](net::raw_error) { ++heard; }, ignore_rest{}}, ignore_rest{}, 100);
  CHECK((heard == 1 && next.close()));
}

TEST_CASE("a router's word on the path comes with the MTU that it names") {  // RFC 1191 §4
  auto t = world::make();
  const auto a = *t->a.open_raw({.protocol = 253}), here = *t->b.open_raw({.protocol = 253}), router = *t->b.open_raw({.protocol = 1});
  CHECK(a.connect(at_b));
  CHECK(a.send(bytes_of("eight or more")));
  t->turns(4, ignore_rest{}, ignore_rest{});
  const auto view = here.peek();
  REQUIRE(view);
  std::vector<std::byte> too_big(8);
  too_big[0] = std::byte{3}, too_big[1] = std::byte{4};
  store_be<u16>(too_big.data() + 6, 1000);
  too_big.insert(too_big.end(), view->header.begin(), view->header.end());
  too_big.insert(too_big.end(), view->bytes.begin(), view->bytes.begin() + 8);
  store_be<u16>(too_big.data() + 2, checksum(too_big));
  CHECK(router.send_to(too_big, at_a));
  raw_ears<net> ears;
  t->turns(4, ears.handler(), ignore_rest{});
  CHECK((ears.errors == 1 && ears.reason == icmp_error_kind::packet_too_big && ears.mtu == 1000 && ears.last == a));
}

TEST_CASE("wrong calls of a raw socket say why, and change nothing") {
  auto t = world::make();
  CHECK(t->a.open_raw({.protocol = 1, .address = "224.0.0.1"_ip}).error() == raw::open_error::bad_address);
  const auto s = *t->a.open_raw({.protocol = 253});
  CHECK(s.send(bytes_of("x")).error() == raw::send_error::not_connected);
  CHECK(s.send_to(bytes_of("x"), ipv4_address{}).error() == raw::send_error::bad_address);
  CHECK(s.connect(ipv4_address{}).error() == raw::connect_error::bad_address);
  CHECK(s.connect("192.0.2.1"_ip).error() == raw::connect_error::no_route);
  CHECK(s.send_to(bytes_of("x"), "192.0.2.1"_ip).error() == raw::send_error::no_route);
  const std::vector<std::byte> most(1480), over(1481);
  CHECK(s.send_to(over, at_b).error() == raw::send_error::too_big);
  CHECK(*s.send_to(most, at_b) == 1480);
  const auto not_ours = *t->a.open_raw({.protocol = 253, .address = "10.0.0.77"_ip});
  CHECK(not_ours.send_to(bytes_of("x"), at_b).error() == raw::send_error::no_route);
  CHECK(not_ours.close());

  std::vector<packet> taken;
  while (packet p = t->a.chunks().take(0)) taken.push_back(std::move(p));
  CHECK(s.send_to(bytes_of("x"), at_b).error() == raw::send_error::would_block);
  CHECK(t->a.transport<2>().counted().sndbuf_errors == 1);
  taken.clear();

  std::vector<net::raw_socket> all;
  while (const auto more = t->a.open_raw({.protocol = 1})) all.push_back(*more);
  CHECK(all.size() == with_raws::limits.raw_sockets - 1);
  CHECK(t->a.open_raw({.protocol = 1}).error() == raw::open_error::no_slot);
  for (const auto& one : all) CHECK(one.close());
  CHECK(t->a.transport<2>().overhears(253));
  CHECK(!t->a.transport<2>().overhears(1));

  CHECK(s.is_live());
  CHECK(s.close());
  std::byte room[8];
  const auto again = *t->a.open_raw({.protocol = 253});  // in the same place
  for (const auto& stale : {s, net::raw_socket{}}) {
    CHECK(!stale.is_live());
    CHECK(stale.connect(at_b).error() == raw::connect_error::stale);
    CHECK(stale.send(room).error() == raw::send_error::stale);
    CHECK(stale.send_to(room, at_b).error() == raw::send_error::stale);
    CHECK(stale.receive(room).error() == raw::receive_error::stale);
    CHECK(stale.peek().error() == raw::receive_error::stale);
    CHECK(stale.consume().error() == raw::receive_error::stale);
    CHECK(stale.set(raw::option::dscp{1}).error() == raw::call_error::stale);
    CHECK(stale.set(raw::option::dscp{64}).error() == raw::call_error::stale);
    CHECK(stale.set(raw::option::hop_limit{1}).error() == raw::call_error::stale);
    CHECK(stale.set(raw::option::icmp_filter{1}).error() == raw::call_error::stale);
    CHECK(stale.get<raw::option::dscp>().error() == raw::call_error::stale);
    CHECK(stale.close().error() == raw::call_error::stale);
  }
  CHECK(again.is_live());
}

TEST_CASE("a socket of ICMP does not hear the types that its filter names") {  // Linux: raw(7)
  auto t = world::make();
  const auto all = *t->b.open_raw({.protocol = 1}), some = *t->b.open_raw({.protocol = 1}), own = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 1});
  CHECK(some.get<raw::option::icmp_filter>()->types == 0);
  CHECK(some.set(raw::option::icmp_filter{1u << 8 | 1u << 31}));
  CHECK(some.get<raw::option::icmp_filter>()->types == (1u << 8 | 1u << 31));
  CHECK(own.set(raw::option::icmp_filter{1}).error() == raw::call_error::bad_options);
  CHECK(own.get<raw::option::icmp_filter>()->types == 0);
  const auto heard = [&](const net::raw_socket& s) {
    std::vector<u32> types;
    for (std::vector<std::byte> m; t->b.transport<2>().unread(s.id()) != 0;) types.push_back((m = next_of(s)).empty() ? 999 : static_cast<u32>(m[0]));
    return types;
  };
  CHECK(from.send_to(echo(8, 1), at_b));  // finds the neighbour
  t->turns(4, ignore_rest{}, ignore_rest{});
  for (const u8 type : {u8{0}, u8{31}, u8{32}, u8{40}, u8{30}}) CHECK(from.send_to(echo(type, 1), at_b));  // 40 is 8 and 32
  CHECK(from.send_to({}, at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(heard(all) == std::vector<u32>{8, 0, 31, 32, 40, 30, 999});
  CHECK(heard(some) == std::vector<u32>{0, 32, 40, 30});  // a message without a type has none that is wanted
  CHECK(some.set(raw::option::icmp_filter{}));
  CHECK(from.send_to(echo(8, 2), at_b));
  CHECK(from.send_to({}, at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(heard(some) == std::vector<u32>{8, 999});
  // ip answers all the same, and the filter ends with its socket.
  CHECK(some.set(raw::option::icmp_filter{~0u}));
  (void)heard(all);
  CHECK(from.send_to(echo(8, 3), at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(t->b.network().icmp_counted().out_echo_reps == 3);
  CHECK(heard(some).empty());
  CHECK(some.close());
  CHECK(some.set(raw::option::icmp_filter{}).error() == raw::call_error::stale);
  CHECK(some.get<raw::option::icmp_filter>().error() == raw::call_error::stale);
  CHECK(t->b.open_raw({.protocol = 1})->get<raw::option::icmp_filter>()->types == 0);  // in the same place
  CHECK(all.close());
}

TEST_CASE("a packet longer than the room loses its end, and says so") {
  auto t = world::make();
  const auto here = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 253});
  for (int i = 0; i < 2; ++i) CHECK(from.send_to(bytes_of("abcdef"), at_b));
  t->turns(4, ignore_rest{}, ignore_rest{});
  std::byte room[6];
  const auto got = here.receive(std::span(room).first(4));
  CHECK((got->bytes == 4 && got->truncated && text_of(std::span(room).first(4)) == "abcd"));
  const auto whole = here.receive(room);
  CHECK((whole->bytes == 6 && !whole->truncated && text_of(room) == "abcdef"));
}

TEST_CASE("a stack that is shut down keeps no packet of a raw socket, and its handles are stale") {
  auto t = world::make();
  const auto here = *t->b.open_raw({.protocol = 253}), from = *t->a.open_raw({.protocol = 253});
  CHECK(from.send_to(bytes_of("x"), at_b));
  t->turns(3, ignore_rest{}, ignore_rest{});
  CHECK(t->b.chunks_in_use() == 1);
  t->b.shut_down();
  CHECK(t->b.chunks_in_use() == 0);
  CHECK(!here.is_live());
  std::byte room[8];
  CHECK(here.receive(room).error() == raw::receive_error::stale);
  CHECK(here.send_to(room, at_a).error() == raw::send_error::bad_options);
  t->start_b();
  CHECK(here.receive(room).error() == raw::receive_error::stale);
  CHECK(!t->b.transport<2>().overhears(253));
  CHECK(t->b.transport<2>().protocol_of(here.id()) == 0);
}

}  // namespace
