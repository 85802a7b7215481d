// SPDX-License-Identifier: MIT
// A router between two networks: TCP and UDP through it, and each reason why a packet does not go on, with what its sender hears.
#include "router_by_hand.hpp"

namespace {

using namespace strata;
using namespace strata::routing_test;

struct filtering : router {
  using routing = ip::ruled<2>;
  using hooks = ip::hooks<ip::filter<"drop udp to any port 99"_rule>, ip::filter_at<static_cast<u8>(ip::point::postrouting), "drop udp to any port 98"_rule>>;
};
struct far_host : presets::testing {
  using nic = strata::nic::wire_pair::lending;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
};

/// near 10.0.0.1 -- LAN -- 10.0.0.254 router 10.9.0.254 -- point to point, MTU 600 -- 10.9.0.1 far
template <class R> struct three_stacks {
  nic::wire near_cable{}, far_cable{};
  alignas(64) std::byte memory[3][1024 * 2048]{};
  stack<presets::testing> near{};
  stack<R> between{};
  stack<far_host> far{};
  u32 ms = 1000;

  three_stacks() {
    near_cable.poisons = true;
    (void)near.start({.nic = {near_cable, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net, .gateway = "10.0.0.254"_ip});
    (void)between.start({.memory = memory[1],
                         .entropy = {2},
                         .interfaces = {{.nic = {near_cable, 1}, .address = "10.0.0.254/24"_net}, {.nic = {far_cable, 0}, .address = "10.9.0.254/24"_net, .mtu = 600}}});
    (void)far.start({.nic = {far_cable, 1}, .memory = memory[2], .entropy = {3}, .address = "10.9.0.1/24"_net, .gateway = "10.9.0.254"_ip, .mtu = 600});
    turn(ignore_rest{}, ignore_rest{});
  }
  void turn(auto&& at_near, auto&& at_far) {
    const time_point<nanoseconds64> now{u64{ms} * 1'000'000};
    (void)near.poll(now, budget{64}, at_near);
    (void)between.poll(now, budget{64}, ignore_rest{});
    (void)far.poll(now, budget{64}, at_far);
  }
  void turns(u32 n) {
    for (; n > 0; --n, ms += 1) turn(ignore_rest{}, ignore_rest{});
  }
  ~three_stacks() {
    turns(3);
    CHECK(between.chunks_in_use() == 0);
  }
  static std::unique_ptr<three_stacks> make() { return std::make_unique<three_stacks>(); }
};

TEST_CASE("a stream goes through a router, and its path MTU is found on the way (RFC 1191)") {
  auto t = three_stacks<router>::make();
  REQUIRE(t->far.listen({.port = 80}));
  std::string sent(60'000, ' '), got;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 23);
  std::size_t done = 0;
  using net = stack<presets::testing>;
  const auto write = [&](net::stream s) { done += s.send(bytes_of(sent.c_str()).subspan(done)).value_or(0); };
  const auto s = t->near.connect({.remote = {"10.9.0.1"_ip, 80}});
  REQUIRE(s);
  for (u32 i = 0; i < 4000 && got.size() < sent.size(); ++i, ++t->ms)
    t->turn(on{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); }, ignore_rest{}},
            on{[&](stack<far_host>::readable e) {
                 for (const auto span : e.stream.peek()) got += text_of(span);
                 (void)e.stream.consume(got.size());
               },
               ignore_rest{}});
  CHECK(got == sent);
  CHECK(t->between.network().router_counted().out_forw_datagrams > 100);
  CHECK(t->between.network().counted().frag_fails == 0);  // the far end's MSS is that of its MTU: nothing is too big
  t->near.shut_down(), t->far.shut_down();
}

using hand = by_hand<router>;

TEST_CASE("a packet goes on one hop older, everything else as it was") {
  auto t = std::make_unique<hand>();
  const hand::packet_of o{.ttl = 17, .options = {1, 1, 1, 0}};
  t->send(o);
  const auto out = t->far.receive();
  REQUIRE(out.size() == 1);
  auto expected = hand::ip({.ttl = 16, .options = {1, 1, 1, 0}});
  CHECK(out[0] == expected);
  CHECK(t->between.network().router_counted().out_forw_datagrams == 1);
  CHECK(t->answer().type == 0xff);
}

TEST_CASE("a checksum that no driver calls partial is the sender's, whatever it holds") {
  auto t = std::make_unique<hand>();
  auto udp = hand::ip({.payload = 400});
  const u32 pseudo = plain_sum(std::span(udp).subspan(12, 8), 17 + 400);
  store_be<u16>(&udp[26], static_cast<u16>(pseudo));
  t->send(udp);
  const auto out = t->far.receive();
  REQUIRE(out.size() == 1);
  CHECK(std::equal(out[0].begin() + 20, out[0].end(), udp.begin() + 20, udp.end()));
}

TEST_CASE("a packet that is too old, for nowhere, or too big is dropped, and its sender hears of it from the link that it came by") {
  auto t = std::make_unique<hand>();
  t->send({.ttl = 1});
  auto a = t->answer();
  CHECK((a.type == 11 && a.code == 0 && a.from == 0x0a0000fe && a.quoted_to == 0x0a090001));
  t->send({.ttl = 0});
  CHECK(t->answer().type == 11);
  CHECK(t->count().in_hdr_errors == 2);
  t->send({.to = 0xc0000201});
  a = t->answer();
  CHECK((a.type == 3 && a.code == 0 && a.quoted_to == 0xc0000201));
  CHECK(t->count().out_no_routes == 1);
  t->send({.fragment = 0x4000, .payload = 581});
  a = t->answer();
  CHECK((a.type == 3 && a.code == 4 && a.rest == 600));
  CHECK(t->count().frag_fails == 1);
  t->send({.fragment = 0x4000, .payload = 580});
  CHECK(t->answer().type == 0xff);
  CHECK(t->far.receive().size() == 1);
  t->send({.options = {1, 0x44, 9, 0}});  // an option that leaves the header
  a = t->answer();
  CHECK((a.type == 12 && a.code == 0 && a.rest == 21u << 24 && a.from == 0x0a0000fe && a.quoted_to == 0x0a090001));
  CHECK(t->between.network().icmp_counted().out_parm_probs == 1);
  CHECK(t->between.network().icmp_counted().out_time_excds == 2);
  CHECK(t->between.network().icmp_counted().out_dest_unreachs == 2);
}

TEST_CASE("nobody is told of a packet that was to many, that is an error itself, or a fragment behind the first (RFC 1812 4.3.2.7)") {
  auto t = std::make_unique<hand>();
  t->send({.ttl = 1, .to_all = true});
  CHECK(t->count().in_addr_errors == 1);
  t->send({.ttl = 1, .fragment = 1});
  auto error = hand::ip({.ttl = 1, .protocol = 1});
  error[20] = std::byte{3}, error[21] = std::byte{1};
  t->send(error);
  CHECK(t->answer().type == 0xff);
  auto echo = hand::ip({.ttl = 1, .protocol = 1});
  echo[20] = std::byte{8}, echo[21] = std::byte{0};
  t->send(echo);
  CHECK(t->answer().type == 11);  // of an echo one is told: traceroute lives by it
  for (const std::size_t payload : {8u, 12u, 20u, 36u, 60u, 400u}) {
    CAPTURE(payload);
    auto ping = hand::ip({.ttl = 1, .protocol = 1, .payload = payload});
    ping[20] = std::byte{8}, ping[21] = std::byte{0};
    t->send(ping);
    const auto out = t->near.receive();
    REQUIRE(out.size() == 1);
    CHECK((out[0][14 + 20] == std::byte{11} && out[0].size() == 14 + 28 + ping.size()));
    ping[20] = std::byte{11};
    t->send(ping);
    CHECK(t->near.receive().empty());
  }
  CHECK(t->far.receive().empty());
}

TEST_CASE("what cannot be a sender's or a destination's address goes nowhere") {
  auto t = std::make_unique<hand>();
  for (const u32 from : {0u, 0x7f000001u, 0xe0000001u, 0xffffffffu, 0x0a0000ffu, 0x0a0900feu}) t->send({.from = from});
  CHECK(t->count().in_martian_src == 6);
  for (const u32 to : {0u, 0x7f000001u, 0xf0000001u}) t->send({.to = to});
  CHECK(t->count().in_addr_errors == 3);
  t->send({.to = 0xe0000005});  // a group: no router of multicast
  t->send({.to = 0x0a0900ff});  // the broadcast of a network of ours goes no further (RFC 2644)
  CHECK(t->far.receive().empty());
  CHECK(t->between.network().router_counted().out_forw_datagrams == 0);
}

TEST_CASE("a source route is refused, whoever it is for") {
  auto t = std::make_unique<hand>();
  t->send({.options = {131, 7, 4, 10, 9, 0, 1, 0}});
  t->send({.options = {137, 7, 4, 10, 9, 0, 1, 0}});
  CHECK(t->count().in_source_routed == 2);
  CHECK(t->far.receive().empty());
}

TEST_CASE("a packet over the MTU that may be cut goes on as fragments, and those of a fragment know where they belong (RFC 791)") {
  auto t = std::make_unique<hand>();
  // Options: record route (7: first fragment only), security (130: in each).
  const hand::packet_of whole{.fragment = 0, .payload = 1400, .options = {7, 3, 4, 130, 4, 9, 9, 0}};
  t->send(whole);
  const auto sent = hand::ip(whole);
  const auto parts = t->far.receive();
  REQUIRE(parts.size() == 3);
  std::vector<std::byte> joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto h = wire::ipv4::parse(parts[i]);
    REQUIRE(h);
    CHECK(h->total_length == parts[i].size());
    CHECK(parts[i].size() <= 600);
    CHECK(h->fragment_offset == joined.size());
    CHECK(h->more_fragments == (i + 1 < parts.size()));
    CHECK((h->id == 7 && h->ttl == 63 && !h->dont_fragment));
    const u8 type = static_cast<u8>(parts[i][20]);
    CHECK(type == (i == 0 ? 7 : 1));
    CHECK(static_cast<u8>(parts[i][23]) == 130);
    joined.insert(joined.end(), parts[i].begin() + h->header_length, parts[i].end());
  }
  CHECK(joined == std::vector<std::byte>(sent.begin() + 28, sent.end()));
  CHECK((t->between.network().router_counted().frag_oks == 1 && t->between.network().router_counted().frag_creates == 3 && t->between.network().router_counted().out_forw_datagrams == 1));

  t->send({.fragment = 0x2000 | 100, .payload = 1200});  // one in the middle: 800 bytes in front, more behind
  const auto middle = t->far.receive();
  REQUIRE(middle.size() == 3);
  CHECK(wire::ipv4::parse(middle[0])->fragment_offset == 800);
  CHECK(wire::ipv4::parse(middle[2])->more_fragments);
  CHECK(t->answer().type == 0xff);
}

TEST_CASE("a packet for whose fragments there are no chunks is dropped whole, and counted") {
  auto t = std::make_unique<hand>();
  for (const std::size_t left : {0u, 1u, 2u}) {
    CAPTURE(left);
    const auto before = t->between.network().router_counted().frag_oks;
    std::vector<packet> all;
    const hand::packet_of whole{.payload = 1400};
    auto frame = hand::ip(whole);
    while (t->between.chunks().available() > left + 1) all.push_back(t->between.chunks().take_receive(0));
    t->send(frame);
    const auto out = t->far.receive();
    CHECK(out.size() < 3);
    CHECK(t->between.network().router_counted().frag_oks == before);
    all.clear();
    t->turn();
    CHECK(t->between.chunks_in_use() == 0);
  }
  t->send({.payload = 1400});
  CHECK(t->far.receive().size() == 3);
}

TEST_CASE("a rule between two networks drops what it names, at forward and at postrouting") {
  auto t = std::make_unique<by_hand<filtering>>();
  t->send({.to_port = 99});
  t->send({.to_port = 98});
  t->send({.to_port = 97});
  CHECK(t->far.receive().size() == 1);
  CHECK(t->between.network().hooks_counted().dropped == 2);
  CHECK(t->between.hook<0>().counted().matched[0] == 1);
  CHECK(t->between.hook<1>().counted().matched[0] == 1);
}

TEST_CASE("rules of a router look at the sender of what goes through") {
  auto t = std::make_unique<by_hand<filtering>>();
  REQUIRE(t->between.add_route("0.0.0.0/0"_net, "10.0.0.1"_ip, 0));
  REQUIRE(t->between.add_rule({.from = "10.0.0.9/32"_net, .gateway = "10.9.0.1"_ip, .link = 1}));
  t->send({.to = 0xc0000201});
  CHECK(t->far.receive().empty());
  REQUIRE(t->between.add_rule({.from = "10.0.0.1/32"_net, .to = "192.0.2.0/24"_net, .gateway = "10.9.0.1"_ip, .link = 1}));
  t->send({.to = 0xc0000201});
  CHECK(t->far.receive().size() == 1);
  t->send({.to = 0xc6336401});
  CHECK(t->far.receive().empty());
}

TEST_CASE("who has a nearer router on its own link is told of it, and its packet goes there (RFC 1812 5.2.7.2)") {
  auto t = std::make_unique<hand>();
  REQUIRE(t->between.add_route("192.0.2.0/24"_net, "10.0.0.7"_ip, 0));
  t->send({.to = 0xc0000201});
  auto a = t->answer();
  CHECK((a.type == 5 && a.code == 1 && a.rest == 0x0a000007 && a.from == 0x0a0000fe && a.quoted_to == 0xc0000201));
  CHECK(t->between.network().router_counted().out_forw_datagrams == 1);
  CHECK(t->between.network().icmp_counted().out_redirects == 1);
  CHECK(t->between.network().icmp_counted().out_dest_unreachs == 0);
  t->send({.to = 0x0a000008});  // a neighbour of its own: that is the gateway then
  a = t->answer();
  CHECK((a.type == 5 && a.rest == 0x0a000008 && a.quoted_to == 0x0a000008));
  t->send({.fragment = 1, .to = 0xc0000201});  // not of a later fragment (RFC 1812 §4.3.2.7)
  CHECK(t->answer().type == 0xff);
  t->send({.ttl = 1, .to = 0xc0000201});  // what does not go on has another answer
  CHECK(t->answer().type == 11);
  t->send({.from = 0x0a0a0001, .to = 0xc0000201});  // whoever is not on that network cannot go there
  t->send({.to = 0x0a090001});                      // nor who goes out by another link
  CHECK(t->answer().type == 0xff);
  CHECK(t->between.network().icmp_counted().out_redirects == 2);
  for (u32 i = 0; i < 10; ++i, t->ms += 1000) t->turn();  // nobody is there
}

TEST_CASE("what the router itself was told of a path does not narrow what it carries for others") {
  auto t = std::make_unique<hand>();
  auto s = t->between.bind({.port = 7});
  REQUIRE(s);
  REQUIRE(s->connect(stack<router>::endpoint{"10.9.0.1"_ip, 9}));
  const std::vector<std::byte> bytes(500);
  REQUIRE(s->send(bytes));
  t->turn();
  const auto sent = t->far.receive();
  REQUIRE((sent.size() == 1 && sent[0].size() == 528));
  std::vector<std::byte> told(20 + 8 + 28);  // fragmentation needed, 552 bytes
  told[0] = std::byte{0x45}, told[8] = std::byte{64}, told[9] = std::byte{1}, told[20] = std::byte{3}, told[21] = std::byte{4};
  store_be<u16>(&told[2], 56), store_be<u32>(&told[12], 0x0a090001), store_be<u32>(&told[16], 0x0a0900fe), store_be<u16>(&told[26], 552);
  store_be<u16>(&told[10], static_cast<u16>(~plain_sum(std::span(told).first(20))));
  __builtin_memcpy(&told[28], sent[0].data(), 28);
  store_be<u16>(&told[22], static_cast<u16>(~plain_sum(std::span(told).subspan(20))));
  t->far.send(told);
  t->turn();
  CHECK(s->send(std::vector<std::byte>(540)).error() == udp::send_error::too_big);
  t->send({.fragment = 0x4000, .payload = 580});
  const auto passed = t->far.receive();
  CHECK((passed.size() == 1 && passed[0].size() == 600));
}

TEST_CASE("who cannot be reached on the last link is told of by the router (RFC 1812 5.2.7.1)") {
  auto t = std::make_unique<hand>();
  std::vector<std::byte> p = hand::ip({.from = 0x0a090001, .to = 0x0a000063});  // from far to one of the LAN who does not answer
  t->far.send(p);
  for (u32 i = 0; i < 10; ++i, t->ms += 1000) t->turn();
  bool is_told = false;
  for (const auto& f : t->far.receive()) {
    if (f.size() < 56 || f[9] != std::byte{1}) continue;
    CHECK((f[20] == std::byte{3} && f[21] == std::byte{1}));
    CHECK(load_be<u32>(&f[12]) == 0x0a0900fe);
    CHECK(load_be<u32>(&f[16]) == 0x0a090001);
    CHECK(load_be<u32>(&f[28 + 16]) == 0x0a000063);
    is_told = true;
  }
  CHECK(is_told);
  CHECK(t->between.network().router_counted().out_discards == 1);
}

TEST_CASE("routes and addresses change while the stack runs") {
  auto t = std::make_unique<hand>();
  auto& net = t->between;
  CHECK(net.add_route("192.0.2.0/24"_net, "10.9.0.1"_ip, 7).error() == ip::route_error::bad_link);
  CHECK(net.add_route("192.0.2.0/24"_net, "10.9.0.1"_ip, 0).error() == ip::route_error::bad_gateway);
  u32 g = net.generation();
  REQUIRE(net.add_route("192.0.2.0/24"_net, "10.9.0.1"_ip, 1));
  CHECK(net.generation() != g);
  t->send({.to = 0xc0000201});
  CHECK(t->far.receive().size() == 1);
  g = net.generation();
  CHECK_FALSE(net.remove_route("192.0.2.0/25"_net, "10.9.0.1"_ip, 1));
  CHECK(net.generation() == g);
  CHECK(net.remove_route("192.0.2.0/24"_net, "10.9.0.1"_ip, 1));
  t->send({.to = 0xc0000201});
  CHECK(t->far.receive().empty());
  CHECK(t->answer().type == 3);
  CHECK(net.add_address(9, "10.5.0.1/24"_net).error() == ip::route_error::bad_link);
  REQUIRE(net.add_address(1, "10.5.0.1/24"_net));
  CHECK(net.network().is_ours("10.5.0.1"_ip));
  t->send({.to = 0x0a050009});
  CHECK(t->far.receive().size() == 1);
}

}  // namespace
