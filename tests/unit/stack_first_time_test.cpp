// SPDX-License-Identifier: MIT
// A stack that is used before it knows the time, and then learns that it is late in the life of a real clock.
#include "two_stacks.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace strata;
using namespace strata::literals;

TEST_CASE("a connection that was opened before the first poll counts from the first time that it is told") {
  struct config : presets::testing {};
  using net = stack<config>;
  static nic::wire cable;
  static std::byte memory[2][std::size_t{1024} * 2048];
  const auto a = std::make_unique<net>(net::options{.nic = {cable, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net});
  const auto b = std::make_unique<net>(net::options{.nic = {cable, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net});
  REQUIRE(b->listen({.port = 7}));
  const auto s = a->connect({.remote = {ipv4_address{0x0a000002}, 7}});
  REQUIRE(s);
  int connected = 0, closed = 0;
  net::time_point now{u64{5'000'000} * 1'000'000'000};
  for (int i = 0; i < 20; ++i) {
    now = now + net::duration::us(100);
    (void)a->poll(now, budget{64}, on{[&](net::connected) { ++connected; }, [&](net::closed) { ++closed; }, ignore_rest{}});
    (void)b->poll(now, budget{64}, ignore_rest{});
  }
  CHECK(connected == 1);
  CHECK(closed == 0);
  REQUIRE(s->info());
  CHECK(s->info()->srtt_us < 10'000);
}
