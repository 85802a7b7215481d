// SPDX-License-Identifier: MIT
// Policy routing: rules that look at sender and DSCP before a table is asked.
#include <strata/ip/rules.hpp>
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;
using ip::route_error;
using rule = ip::routing_rule<ipv4_address>;

/// 10.0.0.1/24 and 10.0.0.2/24 on link 0, 10.1.0.1/16 on link 1, a default route and one more.
struct table : ip::ruled<4>::of<ipv4_address, 8> {
  table() {
    REQUIRE((configure(0, "10.0.0.1/24"_net) && configure(0, "10.0.0.2/24"_net) && configure(1, "10.1.0.1/16"_net)));
    REQUIRE((add("0.0.0.0/0"_net, "10.0.0.254"_ip, 0) && add("192.0.2.0/24"_net, "10.1.0.254"_ip, 1)));
  }
  [[nodiscard]] ipv4_address hop(const ipv4_address& to, const ipv4_address& from = {}, u8 dscp = 0) const {
    const auto* const r = best(to, from, static_cast<u8>(dscp << 2 | 2));
    return r == nullptr ? ipv4_address{} : r->is_connected ? to : r->gateway;
  }
};
constexpr ipv4_address far = "198.51.100.7"_ip, documented = "192.0.2.9"_ip, first = "10.0.0.1"_ip, second = "10.0.0.2"_ip;

TEST_CASE("a rule holds what comes from its network, goes to its network and has its DSCP; the first that holds is taken") {
  table t;
  CHECK((t.hop(far, second) == "10.0.0.254"_ip && t.hop(documented, second) == "10.1.0.254"_ip));
  REQUIRE(t.add_rule({.from = "10.0.0.2/32"_net, .gateway = "10.0.0.253"_ip}));
  CHECK((t.hop(far, second) == "10.0.0.253"_ip && t.hop(documented, second) == "10.0.0.253"_ip));
  CHECK((t.hop(far, first) == "10.0.0.254"_ip && t.hop(far) == "10.0.0.254"_ip && t.hop(documented, first) == "10.1.0.254"_ip));
  REQUIRE(t.add_rule({.to = "192.0.2.0/25"_net, .gateway = "10.0.0.252"_ip}));
  CHECK((t.hop(documented, first) == "10.0.0.252"_ip && t.hop("192.0.2.128"_ip, first) == "10.1.0.254"_ip && t.hop(documented, second) == "10.0.0.253"_ip));
  REQUIRE(t.add_rule({.dscp = 46, .gateway = "10.1.0.200"_ip, .link = 1}));
  CHECK((t.hop(far, first, 46) == "10.1.0.200"_ip && t.hop(far, first, 45) == "10.0.0.254"_ip && t.hop(far, {}, 46) == "10.1.0.200"_ip));
  const auto* const by_dscp = t.best(far, {}, 46 << 2);
  REQUIRE(by_dscp != nullptr);
  CHECK((by_dscp->link == 1 && by_dscp->local == "10.1.0.1"_ip && !by_dscp->is_connected));
  // Who is on a network of ours is reached directly.
  CHECK((t.hop("10.0.0.77"_ip, second, 46) == "10.0.0.77"_ip && t.hop("10.1.2.3"_ip, second, 46) == "10.1.2.3"_ip));
  // The table alone answers as before.
  CHECK((t.best(far)->gateway == "10.0.0.254"_ip));
}

TEST_CASE("a rule that leads nowhere is refused, and so is one too many") {
  table t;
  CHECK(t.add_rule({.gateway = "10.2.0.1"_ip}).error() == route_error::bad_gateway);
  CHECK(t.add_rule({.gateway = "10.0.0.253"_ip, .link = 1}).error() == route_error::bad_gateway);
  CHECK(t.add_rule({.gateway = first}).error() == route_error::bad_gateway);
  CHECK(t.add_rule({}).error() == route_error::bad_gateway);
  CHECK(t.add_rule({.from = {first, 33}, .gateway = "10.0.0.253"_ip}).error() == route_error::bad_prefix);
  CHECK(t.add_rule({.to = {first, 33}, .gateway = "10.0.0.253"_ip}).error() == route_error::bad_prefix);
  for (u8 i = 0; i < 4; ++i) CHECK(t.add_rule({.dscp = i, .gateway = "10.0.0.253"_ip}));
  CHECK(t.add_rule({.gateway = "10.0.0.253"_ip}).error() == route_error::full);
}

TEST_CASE("rules go when they are taken back, and with the link or the address that they leave by") {
  const rule near{.from = "10.0.0.2/32"_net, .gateway = "10.0.0.253"_ip}, other{.dscp = 46, .gateway = "10.1.0.200"_ip, .link = 1};
  table t;
  REQUIRE((t.add_rule(near) && t.add_rule(other) && t.add_rule(near)));
  CHECK(t.remove_rule(near));
  CHECK((t.hop(far, second) == "10.0.0.253"_ip));  // there was another one
  CHECK(t.remove_rule(near));
  CHECK_FALSE(t.remove_rule(near));
  CHECK((t.hop(far, second) == "10.0.0.254"_ip && t.hop(far, second, 46) == "10.1.0.200"_ip));
  table u;
  REQUIRE((u.add_rule(near) && u.add_rule(other)));
  u.withdraw(1);
  CHECK((u.hop(far, second, 46) == "10.0.0.253"_ip && u.hop(far, first, 46) == "10.0.0.254"_ip));
  CHECK_FALSE(u.withdraw("10.0.0.9"_ip, 0));
  CHECK((u.hop(far, second) == "10.0.0.253"_ip));
  CHECK(u.withdraw(first, 0));  // in whose name it leaves
  CHECK((u.hop(far, second) != "10.0.0.253"_ip));
}

TEST_CASE("both families have rules") {
  ip::ruled<2>::of<ipv6_address, 4> t;
  REQUIRE((t.configure(0, "fd00::1/64"_net) && t.add("::/0"_net, "fd00::ff"_ip, 0)));
  REQUIRE(t.add_rule({.to = "2001:db8::/32"_net, .gateway = "fd00::fe"_ip}));
  CHECK((t.best("2001:db8::1"_ip, {}, 0)->gateway == "fd00::fe"_ip));
  CHECK((t.best("2001:db9::1"_ip, {}, 0)->gateway == "fd00::ff"_ip));
  CHECK(t.add_rule({.to = {"fd00::"_ip, 129}, .gateway = "fd00::fe"_ip}).error() == route_error::bad_prefix);
}

struct with_rules : presets::testing { using routing = strata::ip::ruled<2, strata::ip::trie<16>>; };
TEST_CASE("what a socket sends goes by the rules, and goes another way as soon as they change") {
  using net = stack<with_rules>;
  nic::wire cable{};
  std::vector<std::byte> memory(std::size_t{with_rules::limits.chunks} * 2048);
  const auto a = std::make_unique<net>();
  bare_peer peer{cable};
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net, .gateway = "10.0.0.254"_ip}) == bad_option::none);
  REQUIRE(a->add_address(0, "10.0.0.2/24"_net));
  const auto s = *a->bind({.port = 7, .address = second}), plain = *a->bind({.port = 8});
  /// Whom the host looks for to send from there.
  const auto asked = [&](const net::datagram_socket& from) {
    (void)from.send_to(bytes_of("x"), net::endpoint{far, 9});
    (void)a->poll({1'000'000}, budget{64}, ignore_rest{});
    u32 target = 0;
    for (const auto& f : peer.receive())
      if (f.size() == 42 && load_be<u16>(&f[12]) == 0x0806) target = load_be<u32>(&f[38]);
    return ipv4_address{target};
  };
  const rule by_sender{.from = "10.0.0.2/32"_net, .gateway = "10.0.0.253"_ip};
  const u32 before = a->generation();
  CHECK(a->add_rule(by_sender));
  CHECK(a->generation() != before);
  CHECK((asked(s) == "10.0.0.253"_ip));
  CHECK((asked(plain) == "10.0.0.254"_ip));
  CHECK(a->add_rule({.dscp = 46, .gateway = "10.0.0.252"_ip}));
  CHECK(plain.set(udp::option::dscp{46}));
  CHECK((asked(plain) == "10.0.0.252"_ip));
  CHECK(a->remove_rule(by_sender));
  CHECK_FALSE(a->remove_rule(by_sender));
  CHECK(s.set(udp::option::dscp{46}));
  (void)asked(s);
  CHECK(a->add_rule({.from = "10.0.0.0/24"_net, .gateway = "10.0.0.9"_ip}));
  CHECK(s.set(udp::option::dscp{0}));
  CHECK((asked(s) == "10.0.0.9"_ip));
  CHECK(a->add_rule({.gateway = "10.0.0.9"_ip}).error() == route_error::full);
  CHECK(a->add_rule({.gateway = "10.0.0.9"_ip, .link = 1}).error() == route_error::bad_link);
  a->shut_down();
  CHECK(a->chunks_in_use() == 0);
}
template <class N> concept takes_rules = requires(N n) { n.add_rule({}); };
static_assert(takes_rules<stack<with_rules>> && !takes_rules<stack<presets::testing>>);

}  // namespace
