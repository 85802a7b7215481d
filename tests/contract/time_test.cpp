// SPDX-License-Identifier: MIT
// The public contract, time, data, timers, options and what is told of a connection.
#include "contract.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

using net = pair_of::net;

// ---- time ----

TEST_CASE("calls use the time of the last poll or advance, which never runs back") {
  auto t = pair_of::make();
  const auto then = t->now();
  t->a.advance(then + net::duration::seconds(5));
  CHECK(t->a.now() == then + net::duration::seconds(5));
  (void)t->a.poll(t->a.now(), budget{64}, ignore_rest{});
  const auto s = t->a.connect({.remote = {"10.0.0.77"_ip, 7}});
  REQUIRE(s);
  REQUIRE(t->a.next_deadline());
  CHECK(t->a.next_deadline()->count > (then + net::duration::seconds(5)).count);
  (void)t->a.poll(then, budget{64}, ignore_rest{});
  CHECK(t->a.now() == then + net::duration::seconds(5));
  CHECK(t->a.counters().time_ran_back == 1);
  t->a.advance(then);
  CHECK(t->a.now() == then + net::duration::seconds(5));
  CHECK(t->a.counters().time_ran_back == 2);
}

// refuses/constant_beyond_the_tick.cpp has the constant that does not compile.
TEST_CASE("the tick is a type of the Config and states its horizon; ages saturate") {
  static_assert(std::same_as<net::tick, nanoseconds64> && std::same_as<stack<presets::embedded>::tick, milliseconds32>);
  static_assert(milliseconds32::horizon == 0x7fffffff);
  using ms = duration<milliseconds32>;
  static_assert(ms::from_ms(0xffffffff) == ms::max());
  static_assert(time_point<milliseconds32>{5}.since({7}) == ms{0});
  SUCCEED();
}

TEST_CASE("next_deadline says how long a loop may sleep") {
  auto t = pair_of::make();
  t->turns(1);
  CHECK(!t->a.next_deadline());
  t->open();
  t->pass(200);
  REQUIRE(t->client.set_timer(net::duration::ms(1500)));
  const auto due = t->a.next_deadline();
  REQUIRE(due);
  CHECK(!(t->now() + net::duration::ms(1500)).is_before(*due));  // not later
  // A loop that sleeps until each deadline misses nothing.
  for (u32 i = 0; i < 100 && count(t->at_a, seen::timer) == 0; ++i) {
    const auto next = t->a.next_deadline();
    REQUIRE(next);
    const u32 ms = static_cast<u32>((next->count + 999'999) / 1'000'000);
    if (ms > t->ms) t->ms = ms;
    t->turns(1);
  }
  CHECK(count(t->at_a, seen::timer) == 1);
}

TEST_CASE("expiries obey a budget: a jump of hours is safe") {
  using busy = stack<many>;
  auto t = talk<many>::make();
  t->listen();
  std::vector<busy::stream> all;
  for (u32 i = 0; i < 100; ++i) {
    if (auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}})) all.push_back(*s);
    t->turns(1);
  }
  t->turns(6);
  REQUIRE(count(t->at_a, seen::connected) == 100);
  t->pass(1000);
  for (const auto& s : all) REQUIRE(s.set_timer(busy::duration::seconds(2)));
  t->clear();
  t->ms += 10 * 3600 * 1000;
  t->poll_a();
  const u32 first = count(t->at_a, seen::timer);
  CHECK(first > 0);
  CHECK(first <= busy::stream_layer::timers_per_turn);
  REQUIRE(t->a.next_deadline());
  CHECK(t->now().reached(*t->a.next_deadline()));  // the rest is due
  for (u32 i = 0; i < 5; ++i) t->poll_a();
  CHECK(count(t->at_a, seen::timer) == 100);
}

// ---- the rest ----

TEST_CASE("each connection has the Config's connection_data") {
  static_assert(std::same_as<decltype(net::stream{}.data()), contract::connection_data*>);
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.data() != nullptr);
  CHECK(t->client.data()->number == 0);
  t->client.data()->number = 5;
  const net::stream copy = t->client;
  CHECK(copy.data()->number == 5);
  REQUIRE(t->client.abort());
  u32 at_the_end = 0;
  (void)t->a.poll(t->now(), budget{64}, on{[&](net::closed e) { at_the_end = e.stream.data() != nullptr ? e.stream.data()->number : 0; }, ignore_rest{}});
  CHECK(at_the_end == 5);
  CHECK(t->client.data() == nullptr);
}

TEST_CASE("application timers run on the same wheel") {
  auto t = pair_of::make();
  t->open();
  t->pass(500);
  REQUIRE(t->client.set_timer(net::duration::ms(300)));
  REQUIRE(t->client.set_timer(net::duration::ms(100)));  // replaces it
  t->clear();
  t->pass(90);
  CHECK(count(t->at_a, seen::timer) == 0);
  t->pass(30);
  CHECK(count(t->at_a, seen::timer) == 1);
  t->pass(500);
  CHECK(count(t->at_a, seen::timer) == 1);
  REQUIRE(t->client.set_timer(net::duration::ms(100)));
  REQUIRE(t->client.cancel_timer());
  t->pass(500);
  CHECK(count(t->at_a, seen::timer) == 1);
}

template <class S, class O> concept can_set = requires(S s, O o) { s.set(o); };

TEST_CASE("options are set and told by type, and an option of an absent policy does not compile") {
  static_assert(can_set<net::stream, option::no_delay> && can_set<net::stream, option::user_timeout>);
  static_assert(!can_set<stack<eager>::stream, option::no_delay>);
  auto t = pair_of::make();
  t->open();
  CHECK(t->client.get<option::no_delay>()->value == false);
  REQUIRE(t->client.set(option::no_delay{true}));
  CHECK(t->client.get<option::no_delay>()->value == true);
  REQUIRE(t->client.set(option::user_timeout{1234}));
  CHECK(t->client.get<option::user_timeout>()->ms == 1234);
}

TEST_CASE("info is one struct of plain fields") {
  static_assert(std::is_trivially_copyable_v<tcp::connection_info> && std::is_aggregate_v<tcp::connection_info>);
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes(1000)));
  t->turns(3);
  const auto a = t->client.info(), b = t->server.info();
  REQUIRE((a && b));
  CHECK(a->state == tcp::state::established);
  CHECK(a->mss >= 1448);
  CHECK(a->path_mtu == 1500);
  CHECK(b->unread == 1000);
  CHECK(b->bytes_received == 1000);
}

}  // namespace
