// SPDX-License-Identifier: MIT
// A stack's own addresses: announced, taken back; and probed by a clock of milliseconds that begins late.
#include "lan_host.hpp"

namespace {

using namespace strata;
using namespace strata::test;

struct loud : presets::testing { using neighbour = arp_of<arp_options{.announces = true}>; };
struct careful_ms : presets::testing {
  using tick = milliseconds32;
  using neighbour = arp_of<arp_options{.conflict_detection = 2}>;
};

TEST_CASE("addresses are announced once when a stack starts and when one is added, and a removed one is not answered for") {  // Linux: arp_notify
  auto h = std::make_unique<lan_host<loud>>();
  h->pass(0);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us, {}, us}});
  CHECK(h->a.add_address(0, "192.168.5.1/24"_net));
  h->pass(5'000);
  CHECK(h->taken() == std::vector{wire::arp{wire::arp::request, our_mac, us_too, {}, us_too}});
  h->say({wire::arp::request, mac_b, {0xc0a80509}, {}, us_too});
  CHECK(h->taken().size() == 1);
  CHECK(h->a.remove_address(0, us_too));
  CHECK_FALSE(h->a.remove_address(0, us_too));
  h->say({wire::arp::request, mac_b, {0xc0a80509}, {}, us_too});
  CHECK(h->taken().empty());
  h->say({wire::arp::request, mac_b, b, {}, us});
  CHECK(h->taken().size() == 1);
}

TEST_CASE("what a stack does with its address begins with the first time that it is told, however far that is from zero") {
  auto h = std::make_unique<lan_host<careful_ms>>();
  h->ms = 3'000'000'000;  // beyond the horizon of the time that start() was given
  h->pass(12'000);
  CHECK(h->a.claim_of(0, us) == claim::held);
  CHECK(h->taken().size() == 5);
}

}  // namespace
