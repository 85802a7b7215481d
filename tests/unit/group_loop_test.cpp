// SPDX-License-Identifier: MIT
// What a stack sends to a group is heard by its own sockets: by which of them, when, and what is lost where there is no room.
#include "group_loop.hpp"

namespace {

using namespace strata;
using namespace strata::group_loop_test;

TEST_CASE("what is sent to a group is heard by our own socket that joined it, in the next turn and not before") {  // RFC 1112 §6.1
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  REQUIRE(h->send("hello"));
  CHECK(h->heard.empty());
  CHECK(h->hears.peek().error() == udp::receive_error::would_block);
  CHECK_FALSE(h->a.idle());
  CHECK(h->a.next_deadline() == h->a.now());
  CHECK(h->heard_now() == lines{"10.0.0.1 hello"});
  CHECK(h->a.idle());
  CHECK(h->left() == 1);
  REQUIRE(h->hears.send_to(bytes_of("to myself"), endpoint_4{group, 5000}));  // the sender is no other
  CHECK(h->heard_now() == lines{"10.0.0.1 to myself"});
  CHECK(h->left() == 1);
  for (const char* text : {"one", "two", "three"}) REQUIRE(h->send(text));
  CHECK(h->heard_now() == lines{"10.0.0.1 one", "10.0.0.1 two", "10.0.0.1 three"});
  CHECK(h->left() == 3);
  CHECK(h->a.network().igmp_counted().in_not_joined == 0);
}

TEST_CASE("a copy comes as what the link brings: to the group, with the header that left") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->speaks.set(udp::option::hop_limit{9}));
  REQUIRE(h->speaks.set(udp::option::dscp{46}));
  REQUIRE(h->send("x"));
  (void)h->a.poll({h->now_ms * 1'000'000}, budget{64}, ignore_rest{});
  CHECK(*h->hears.fields() == udp::ip_fields{46, 0, 9});
  std::byte room[8];
  CHECK(h->hears.receive(room)->from == endpoint_4{us, 7});
}

TEST_CASE("nobody hears what nobody joined, and no copy is made of it") {
  auto h = made();
  REQUIRE(h->hears.join({.group = other}));
  REQUIRE(h->send("not here"));
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 1);
  CHECK(h->count().in_not_joined == 0);
  REQUIRE(h->send("all", all_systems));  // RFC 1112 §4: of that one each host is a member
  CHECK(h->heard_now() == lines{"10.0.0.1 all"});
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("too late"));
  REQUIRE(h->hears.leave({.group = group}));
  CHECK(h->heard_now().empty());
  CHECK(h->count().in_not_joined == 1);
}

TEST_CASE("filters of sources hold for what we send, too") {  // RFC 3376 §3
  auto h = made();
  auto also = *h->a.bind({.port = 5001});
  const ipv4_address ours[] = {us};
  const auto both = [&] {
    REQUIRE(h->send("a"));
    REQUIRE(h->speaks.send_to(bytes_of("b"), endpoint_4{group, 5001}));
    return h->heard_now();
  };
  REQUIRE(h->hears.join({.group = group, .source = "10.0.0.5"_ip}));
  CHECK(both().empty());
  CHECK(h->count().in_filtered == 0);
  REQUIRE(also.join({.group = group, .source = us}));
  CHECK(both() == lines{"10.0.0.1 b"});  // the host wants it, one of its sockets does not
  CHECK(h->count().in_filtered == 1);
  REQUIRE(h->hears.listen_to({.group = group, .mode = filter_mode::exclude, .sources = ours}));
  CHECK(both() == lines{"10.0.0.1 b"});
  REQUIRE(h->hears.listen_to({.group = group, .mode = filter_mode::exclude}));
  CHECK(both() == lines{"10.0.0.1 a", "10.0.0.1 b"});
}

TEST_CASE("a socket says whether its groups hear it here, only here, or only elsewhere") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::on);
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::off}));
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::off);
  REQUIRE(h->send("away"));
  REQUIRE(h->send("elsewhere", other));
  REQUIRE(h->send("away"));  // the option outlives the way
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 3);
  CHECK(h->hears.get<udp::option::multicast_loop>()->value == loop::on);  // each socket has its own
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::only}));
  REQUIRE(h->send("here"));
  REQUIRE(h->send("nowhere", other));
  CHECK(h->heard_now() == lines{"10.0.0.1 here"});
  CHECK(h->left() == 0);
  CHECK(h->a.chunks_in_use() == 0);
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::on}));
  REQUIRE(h->send("both"));
  CHECK(h->heard_now() == lines{"10.0.0.1 both"});
  CHECK(h->left() == 1);
  const auto old = h->speaks;
  REQUIRE(old.set(udp::option::multicast_loop{loop::off}));
  REQUIRE(old.close());
  CHECK(old.set(udp::option::multicast_loop{}).error() == udp::call_error::stale);
  CHECK(old.get<udp::option::multicast_loop>().error() == udp::call_error::stale);
  h->speaks = *h->a.bind({.port = 7});
  CHECK(h->speaks.get<udp::option::multicast_loop>()->value == loop::on);
}
struct no_groups : presets::testing {};
struct no_options : member { static constexpr bool datagram_options = false; };
template <class C> concept takes_loop = requires(typename stack<C>::datagram_socket s, udp::option::multicast_loop o) { s.set(o); s.template get<udp::option::multicast_loop>(); };
static_assert(takes_loop<looped> && !takes_loop<no_groups> && !takes_loop<no_options>);
static_assert(sizeof(stack<no_groups>::path) <= 68);

TEST_CASE("what is sent to all is heard by our own sockets, by the broadcast address of a network and by that of all") {  // RFC 919 §6
  auto h = made();
  REQUIRE(h->send("to the network", "10.0.0.255"_ip));
  CHECK(h->heard.empty());
  CHECK(h->left() == 1);
  CHECK(h->heard_now() == lines{"10.0.0.1 to the network"});
  for (const auto how : {loop::off, loop::only}) {  // these are of groups, as IP_MULTICAST_LOOP is
    REQUIRE(h->speaks.set(udp::option::multicast_loop{how}));
    REQUIRE(h->send("to all", "255.255.255.255"_ip));
    CHECK(h->left() == 1);
    CHECK(h->heard_now() == lines{"10.0.0.1 to all"});
  }
  CHECK(h->count().loop_drops == 0);
}

TEST_CASE("a copy that finds no room is counted, and the datagram leaves") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  (void)h->left();
  for (u32 i = 0; i < looped::limits.datagrams + 3; ++i) REQUIRE(h->send("x"));  // more than any socket would keep
  CHECK(h->count().loop_drops == 3);
  CHECK(h->heard_now().size() == looped::limits.datagrams);
  CHECK(h->left() == looped::limits.datagrams + 3);
  std::vector<packet> all;
  while (h->a.chunks().available() > looped::limits.receive_reserve + 1) all.push_back(h->a.chunks().take(64));
  REQUIRE(h->send("the last chunk"));  // to send: with a copy the receive path would have none to spare
  all.push_back(h->a.chunks().take(64));
  CHECK(h->count().loop_drops == 3);
  REQUIRE(h->heard_now().size() == 1);
  all.clear();
  while (h->a.chunks().available() > looped::limits.receive_reserve) all.push_back(h->a.chunks().take(64));
  all.pop_back();
  std::vector<packet> mine;
  auto place = h->speaks.reserve(3);
  REQUIRE(place);
  copy_bytes(place->room().data(), bytes_of("abc").data(), 3);
  for (packet p; h->a.chunks().available() >= looped::limits.receive_reserve; mine.push_back(std::move(p))) p = h->a.chunks().take(64);
  REQUIRE(h->speaks.commit_to(std::move(*place), 3, endpoint_4{group, 5000}));
  CHECK(h->count().loop_drops == 4);
  all.clear(), mine.clear();
  CHECK(h->heard_now().empty());
  CHECK(h->left() == 2);
}

TEST_CASE("what the NIC did not take is not heard either: the application sends it again") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->speaks.set(udp::option::multicast_loop{loop::off}));
  while (h->send("fills the ring")) {}
  REQUIRE(h->speaks.set(udp::option::multicast_loop{}));
  CHECK(h->send("again").error() == udp::send_error::would_block);
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
  (void)h->peer.receive();
  REQUIRE(h->send("again"));
  CHECK(h->heard_now() == lines{"10.0.0.1 again"});
}

TEST_CASE("who answers himself is heard once in each turn") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("0"));
  u32 events = 0;
  for (u32 turns = 1; turns < 5; ++turns) {
    (void)h->a.poll({h->now_ms * 1'000'000}, budget{64}, on{[&](stack<looped>::datagram d) {
                      ++events;
                      REQUIRE(d.socket.consume());
                      REQUIRE(d.socket.send_to(bytes_of("again"), endpoint_4{group, 5000}));
                    }, ignore_rest{}});
    CHECK(events == turns);
    CHECK_FALSE(h->a.idle());
  }
}

TEST_CASE("copies that wait go with their stack") {
  auto h = made();
  REQUIRE(h->hears.join({.group = group}));
  REQUIRE(h->send("x"));
  h->a.shut_down();
  CHECK(h->a.chunks_in_use() == 0);
  REQUIRE(h->a.start({.nic = {h->cable, 0}, .memory = std::span(h->memory), .entropy = {7}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  CHECK(h->a.idle());
  CHECK(h->heard_now().empty());
}

}  // namespace
