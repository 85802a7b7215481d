// SPDX-License-Identifier: MIT
// A stack's own addresses: probed before they are used, and defended (RFC 5227).
#include "lan_host.hpp"

namespace {

using namespace strata;
using namespace strata::test;

struct careful : presets::testing { using neighbour = arp_of<arp_options{.conflict_detection = 2}>; };
using careful_host = lan_host<careful>;

TEST_CASE("a stack that detects conflicts uses its first address when three probes found nobody, and its gateway with it") {
  auto h = std::make_unique<careful_host>();
  CHECK(h->a.claim_of(0, us) == claim::waiting);
  h->pass(0);
  CHECK(h->arp.empty());
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK_FALSE(s->send_to(bytes_of("too early"), end_at{b, 9}));
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->arp.empty());
  h->pass(12'000);
  const auto all = h->taken();
  REQUIRE(all.size() == 5);
  for (int i = 0; i < 3; ++i) CHECK(all[static_cast<std::size_t>(i)] == wire::arp{wire::arp::request, our_mac, {}, {}, us});
  for (int i = 3; i < 5; ++i) CHECK(all[static_cast<std::size_t>(i)] == wire::arp{wire::arp::request, our_mac, us, {}, us});
  CHECK(h->a.claim_of(0, us) == claim::held);
  CHECK(s->send_to(bytes_of("now"), end_at{far, 9}));  // by the gateway
  h->pass(0);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, router}});
  CHECK((h->conflicts == 0 && h->others == 0));
}

TEST_CASE("an address that somebody has is told as an error, and is never used") {
  auto h = std::make_unique<careful_host>();
  h->pass(2'000);
  h->say({wire::arp::reply, mac_b, us, our_mac, {}});
  CHECK(h->conflicts == 1);
  CHECK(h->a.claim_of(0, us) == claim::refused);
  h->taken();
  h->pass(20'000);
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().empty());
  CHECK(h->conflicts == 1);
  CHECK(h->a.add_address(0, "10.0.0.77/24"_net));  // another one
  h->pass(12'000);
  CHECK(h->a.claim_of(0, {0x0a00004d}) == claim::held);
  CHECK(h->taken().size() == 5);
}

TEST_CASE("an address that somebody takes is defended, and lost when he does not stop") {
  auto h = std::make_unique<careful_host>();
  h->pass(12'000);
  h->taken();
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  h->say({wire::arp::request, mac_b, us, {}, b});
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, us}});
  CHECK(h->conflicts == 0);
  CHECK(s->send_to(bytes_of("still"), end_at{b, 9}));
  const u32 before = h->a.generation();
  h->say({wire::arp::request, mac_b, us, {}, b});
  CHECK(h->conflicts == 1);
  CHECK(h->a.claim_of(0, us) == claim::lost);
  CHECK(h->a.generation() != before);  // no header image has it any more
  CHECK_FALSE(s->send_to(bytes_of("gone"), end_at{b, 9}));
  CHECK_FALSE(s->send_to(bytes_of("gone"), end_at{far, 9}));  // nor the way by the gateway
  h->taken();
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().empty());
  CHECK(h->others == 0);
}

TEST_CASE("addresses to find out about have places, and give them back when they are removed") {
  auto h = std::make_unique<careful_host>();
  CHECK(h->a.add_address(0, "10.0.0.2/24"_net));
  const auto third = h->a.add_address(0, "10.0.0.3/24"_net);
  REQUIRE_FALSE(third);
  CHECK(third.error() == ip::route_error::full);
  const auto bad = h->a.add_address(0, "224.0.0.1/24"_net);
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == ip::route_error::bad_prefix);
  CHECK(h->a.remove_address(0, {0x0a000002}));
  CHECK_FALSE(h->a.remove_address(0, {0x0a000002}));
  CHECK_FALSE(h->a.remove_address(1, us));
  CHECK(h->a.add_address(0, "10.0.0.3/24"_net));
  h->pass(12'000);
  CHECK(h->a.claim_of(0, {0x0a000003}) == claim::held);
  CHECK(h->a.claim_of(0, {0x0a000002}) == claim::none);
  CHECK(h->a.claim_of(1, us) == claim::none);
  CHECK(h->a.add_address(0, "10.0.0.3/16"_net));  // ours already: another prefix
  CHECK(h->a.claim_of(0, {0x0a000003}) == claim::held);
  h->a.shut_down();
  CHECK(h->a.claim_of(0, us) == claim::none);
}

}  // namespace
