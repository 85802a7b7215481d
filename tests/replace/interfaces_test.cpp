// SPDX-License-Identifier: MIT
// Two interfaces of different kinds in one stack, by one line: a LAN with Ethernet, ARP and a queue, and a point-to-point link without addresses.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace my_interfaces {
struct lan {
  using nic = strata::nic::wire_pair;
  using link = strata::link::ethernet;
  using neighbour = strata::neighbour::arp;
  using qdisc = strata::qdisc::fifo_of<8>;
};
struct wan {
  using nic = strata::nic::wire_pair::lending;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using qdisc = strata::qdisc::direct;
};
struct config : strata::presets::testing {
  template <class C> using interfaces = strata::interfaces<strata::interface<lan>, strata::interface<wan>>;  // the line
};
}  // namespace my_interfaces

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<my_interfaces::config>;
static_assert(net::network_headroom == 14 + 20);

/// Both stacks are on both cables: 10.0.0.x on the LAN, 10.9.0.x on the WAN.
struct two_links {
  nic::wire lan{}, wan{};
  alignas(64) std::byte memory[2][256 * 2048]{};
  net a{}, b{};
  u64 ms = 1;
  two_links() {
    (void)a.start({.memory = memory[0],
                   .entropy = {1},
                   .interfaces = {{.nic = {lan, 0}, .address = "10.0.0.1/24"_net}, {.nic = {wan, 0}, .address = "10.9.0.1/24"_net, .gateway = "10.9.0.2"_ip}}});
    (void)b.start({.memory = memory[1], .entropy = {2}, .interfaces = {{.nic = {lan, 1}, .address = "10.0.0.2/24"_net}, {.nic = {wan, 1}, .address = "10.9.0.2/24"_net}}});
  }
  void turn(auto&& ha, auto&& hb) {
    (void)a.poll({ms * 1'000'000}, budget{64}, ha);
    (void)b.poll({ms * 1'000'000}, budget{64}, hb);
    ++ms;
  }
};

std::string echoed(two_links& t, const net::endpoint& to, const char* text) {
  const auto s = t.a.connect({.remote = to});
  REQUIRE(s);
  std::string got;
  for (u32 i = 0; i < 12; ++i)
    t.turn(on{[&](net::connected e) { (void)e.stream.send(bytes_of(text)); },
              [&](net::readable e) {
                got = text_of(e.stream.peek().front());
                (void)e.stream.consume(got.size());
                (void)e.stream.close();
              },
              ignore_rest{}},
           on{[](net::readable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); }, [](net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}});
  return got;
}

TEST_CASE("each destination leaves by the interface that leads there") {
  auto t = std::make_unique<two_links>();
  REQUIRE(t->b.listen({.port = 7}));
  CHECK(echoed(*t, {"10.0.0.2"_ip, 7}, "by the LAN") == "by the LAN");
  const u64 on_lan = t->lan.of(0).transmitted;
  CHECK(on_lan > 3);
  CHECK(t->wan.of(0).transmitted == 0);
  CHECK(echoed(*t, {"10.9.0.2"_ip, 7}, "by the WAN") == "by the WAN");
  CHECK(t->lan.of(0).transmitted == on_lan);
  CHECK(t->wan.of(0).transmitted > 3);
  CHECK(t->a.at_interface<1>().counters().transmitted == t->wan.of(0).transmitted);
  for (u32 i = 0; i < 200; ++i, t->ms += 100) t->turn(ignore_rest{}, ignore_rest{});
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("what is on neither network goes to the gateway of its interface") {
  auto t = std::make_unique<two_links>();
  auto u = t->a.bind({.port = 1000});
  CHECK(u->send_to(bytes_of("far away"), net::endpoint{"192.0.2.1"_ip, 7}));
  t->turn(ignore_rest{}, ignore_rest{});
  CHECK(t->wan.of(0).transmitted == 1);
  CHECK(t->lan.of(0).transmitted == 0);
}

TEST_CASE("check looks at every interface") {
  nic::wire lan, wan;
  alignas(64) static std::byte memory[64 * 2048];
  const auto check = [&](subnet<ipv4_address> first, subnet<ipv4_address> second) {
    return net::check({.memory = memory, .entropy = {1}, .interfaces = {{.nic = {lan, 0}, .address = first}, {.nic = {wan, 0}, .address = second}}});
  };
  CHECK(check("10.0.0.1/24"_net, "10.9.0.1/24"_net) == bad_option::none);
  CHECK(check("10.0.0.1/24"_net, {}) == bad_option::address);
  CHECK(check({}, "10.9.0.1/24"_net) == bad_option::address);
}

TEST_CASE("frames of both interfaces are received in turn, whoever sends more") {
  auto t = std::make_unique<two_links>();
  REQUIRE(t->b.bind({.port = 7}));
  auto u = t->a.bind({.port = 1000});
  for (u32 i = 0; i < 4; ++i) {
    (void)u->send_to(bytes_of("lan"), net::endpoint{"10.0.0.2"_ip, 7});
    t->turn(ignore_rest{}, on{[](net::datagram e) { (void)e.socket.consume(); }, ignore_rest{}});
  }
  u32 lan = 0, wan = 0;
  for (u32 i = 0; i < 6; ++i) {
    (void)u->send_to(bytes_of("lan"), net::endpoint{"10.0.0.2"_ip, 7});
    (void)u->send_to(bytes_of("wan"), net::endpoint{"10.9.0.2"_ip, 7});
  }
  (void)t->a.poll({t->ms * 1'000'000}, budget{64}, ignore_rest{});
  (void)t->b.poll({t->ms * 1'000'000}, budget{64}, on{[&](net::datagram e) {
    const auto d = e.socket.peek();
    REQUIRE(d);
    ++(text_of(d->bytes) == "lan" ? lan : wan);
    (void)e.socket.consume();
  }, ignore_rest{}});
  CHECK(lan == 6);
  CHECK(wan == 6);
}

}  // namespace
