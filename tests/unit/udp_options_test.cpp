// SPDX-License-Identifier: MIT
// Options of a datagram socket about the IP header of what it sends. One stack, 10.0.0.1, and a peer that sees bare frames.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

struct with_long : presets::testing { static constexpr bool long_datagrams = true; };
struct without : presets::testing { static constexpr bool datagram_options = false; };
template <class Net, class O> concept takes = requires(typename Net::datagram_socket s, O o) { s.set(o); s.template get<O>(); };
static_assert(takes<stack<with_long>, udp::option::dont_fragment> && takes<stack<with_long>, udp::option::dscp>);
static_assert(takes<stack<presets::testing>, udp::option::dscp> && takes<stack<presets::testing>, udp::option::hop_limit> && !takes<stack<presets::testing>, udp::option::dont_fragment>);
static_assert(!takes<stack<without>, udp::option::dscp> && !takes<stack<without>, udp::option::hop_limit>);

struct host {
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{with_long::limits.chunks} * 2048);
  stack<with_long> a{};
  bare_peer peer{cable};
  endpoint<ipv4_address> near{"10.0.0.9"_ip, 9}, other{"10.0.0.8"_ip, 9}, nowhere{"192.0.2.1"_ip, 9};

  host() {
    (void)a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net});
    (void)a.add_neighbour(0, near.address, "02:00:00:00:00:09"_mac);
    (void)a.add_neighbour(0, other.address, "02:00:00:00:00:08"_mac);
  }
  /// What left since the last time.
  std::vector<wire::ipv4> sent() {
    (void)a.poll({1'000'000}, budget{64}, ignore_rest{});
    std::vector<wire::ipv4> all;
    for (const auto& f : peer.receive()) {
      const auto h = wire::ipv4::parse(std::span(f).subspan(14));  // its checksum is good
      REQUIRE(h);
      all.push_back(*h);
    }
    return all;
  }
};

TEST_CASE("DSCP and time to live of a socket are in all that it sends from then on, wherever it goes") {  // RFC 1122 §4.1.4, RFC 2474 §3
  auto h = std::make_unique<host>();
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK(s->send_to(bytes_of("plain"), h->near));
  auto out = h->sent();
  REQUIRE(out.size() == 1);
  CHECK((out[0].type_of_service == 0 && out[0].ttl == 64));
  CHECK(s->set(udp::option::dscp{46}));
  CHECK(s->set(udp::option::hop_limit{3}));
  CHECK(s->get<udp::option::dscp>()->value == 46);
  CHECK(s->get<udp::option::hop_limit>()->value == 3);
  CHECK(s->send_to(bytes_of("the same way"), h->near));
  CHECK(s->send_to(bytes_of("another"), h->other));
  CHECK_FALSE(s->send_to(bytes_of("none"), h->nowhere));
  CHECK(s->send_to(bytes_of("back"), h->near));
  CHECK(s->send_to(std::vector<std::byte>(3'000), h->near));  // in three fragments
  out = h->sent();
  REQUIRE(out.size() == 6);
  for (const auto& i : out) CHECK((i.type_of_service == 46 << 2 && i.ttl == 3));

  auto second = h->a.bind({.port = 8});  // each socket has its own
  REQUIRE(second);
  CHECK(second->send_to(bytes_of("x"), h->near));
  CHECK(s->set(udp::option::hop_limit{0}));
  CHECK(s->set(udp::option::dscp{0}));
  CHECK(s->send_to(bytes_of("as before"), h->near));
  out = h->sent();
  REQUIRE(out.size() == 2);
  for (const auto& i : out) CHECK((i.type_of_service == 0 && i.ttl == 64));
  const auto bad = s->set(udp::option::dscp{64});
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == udp::call_error::bad_options);
}

TEST_CASE("a socket that must not fragment is refused what is over the MTU, and what fits never may be fragmented") {
  auto h = std::make_unique<host>();
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  const std::vector<std::byte> fits(1'472), over(1'473);
  CHECK(s->send_to(fits, h->near));
  CHECK(s->send_to(over, h->near));
  auto out = h->sent();
  REQUIRE(out.size() == 3);
  CHECK(out[0].dont_fragment);
  CHECK(out[1].more_fragments);
  CHECK_FALSE(s->get<udp::option::dont_fragment>()->value);
  CHECK(s->set(udp::option::dont_fragment{true}));
  CHECK(s->get<udp::option::dont_fragment>()->value);
  const auto said = s->send_to(over, h->near);
  REQUIRE_FALSE(said);
  CHECK(said.error() == udp::send_error::too_big);
  CHECK(s->send_to(fits, h->near));
  out = h->sent();
  REQUIRE(out.size() == 1);
  CHECK(out[0].dont_fragment);
  CHECK(s->set(udp::option::dont_fragment{false}));
  CHECK(s->send_to(over, h->near));
  CHECK(h->sent().size() == 2);
}

TEST_CASE("options end with their socket") {
  auto h = std::make_unique<host>();
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK(s->set(udp::option::dscp{10}));
  CHECK(s->set(udp::option::hop_limit{9}));
  CHECK(s->set(udp::option::dont_fragment{true}));
  const auto old = *s;
  CHECK(s->close());
  CHECK(old.set(udp::option::dscp{10}).error() == udp::call_error::stale);
  CHECK(old.set(udp::option::hop_limit{9}).error() == udp::call_error::stale);
  CHECK(old.set(udp::option::dont_fragment{true}).error() == udp::call_error::stale);
  CHECK(old.get<udp::option::dscp>().error() == udp::call_error::stale);
  const auto next = h->a.bind({.port = 7});  // in the same place
  REQUIRE(next);
  CHECK(next->get<udp::option::dscp>()->value == 0);
  CHECK(next->get<udp::option::hop_limit>()->value == 0);
  CHECK_FALSE(next->get<udp::option::dont_fragment>()->value);
}

}  // namespace
