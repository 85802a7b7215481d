// SPDX-License-Identifier: MIT
// A stack that is used before it knows the time, and then learns that it is late in the life of a real clock.
#include "two_stacks.hpp"

#include <strata/neighbour/fixed.hpp>

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
TEST_CASE("a SYN from before the first poll is sent again a second after the first time that is told, and given up as late") {
  struct config : presets::testing { using neighbour = strata::neighbour::fixed; };
  using net = stack<config>;
  static nic::wire cable;
  static std::byte memory[std::size_t{64} * 2048];
  const auto a = std::make_unique<net>(net::options{.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
  test::bare_peer peer{cable};
  const auto s = a->connect({.remote = {ipv4_address{0x0a000002}, 7}});
  REQUIRE(s);
  REQUIRE(s->set(tcp::option::user_timeout{2000}));
  const net::time_point start{u64{5'000'000} * 1'000'000'000};
  const auto frames_until = [&](u32 ms) {
    int closed = 0;
    (void)a->poll(start + net::duration::from_ms(ms), budget{64}, on{[&](net::closed) { ++closed; }, ignore_rest{}});
    return peer.receive().size() + 100 * static_cast<std::size_t>(closed);
  };
  CHECK(frames_until(0) == 1);
  CHECK(frames_until(999) == 0);
  CHECK(frames_until(1000) == 1);
  CHECK(frames_until(1999) == 0);
  CHECK(frames_until(2000) == 100);
}
