// SPDX-License-Identifier: MIT
// tcp/ alone: compiled over a Config and a network that have what its concepts name, and nothing else.
#include <strata/tcp/archetype.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace strata;
using alone = tcp::layer<tcp::archetype>;
static_assert(tcp::config<tcp::archetype>);
static_assert(alone::header_size == 60, "RFC 9293 §3.1: the data offset counts fifteen words at most");
static_assert(tcp::network<tcp::network_archetype, ipv4_address, tcp::network_archetype::path>);
// All that may be switched on is, or its code would not be looked at here.
static_assert(tcp::archetype::timestamps && tcp::archetype::keep_alive && tcp::archetype::urgent && tcp::archetype::linger && tcp::archetype::shutdown_receive && tcp::archetype::header_prediction &&
              tcp::archetype::gro && tcp::archetype::coalescing::has_no_delay);
static_assert(tcp::archetype::writes.low_water && tcp::archetype::writes.fair && tcp::archetype::writes.records && tcp::archetype::writes.collapse);
template class strata::tcp::layer<tcp::archetype>;  // every member that is no template

TEST_CASE("tcp asks for no more than its concepts say") {
  static alone t;
  tcp::network_archetype below;
  const datagram_info<ipv4_address> info{};
  const network_error<ipv4_address> error{};
  packet p;
  t.open(below, {});
  const auto listening = t.listen(below, {.port = 7});
  REQUIRE(listening);
  CHECK(t.connect(below, {.remote = {{0x0a000001}, 7}}, {}).error() == tcp::connect_error::no_route);
  CHECK(t.send(below, {}, std::span<const std::byte>{}, {}, {}).error() == tcp::send_error::stale);
  CHECK(t.send(below, {}, tcp::unread_view{}, {}, {}).error() == tcp::send_error::stale);
  CHECK(t.reserve(below, {}, 1, {}).error() == tcp::send_error::stale);
  CHECK(t.commit(below, {}, {}, 1, {}, {}).error() == tcp::send_error::stale);
  CHECK(t.peek(below, {}).empty());
  CHECK(t.consume(below, {}, 1, {}).error() == tcp::receive_error::stale);
  CHECK(t.receive(below, {}, {}, {}).error() == tcp::receive_error::stale);
  CHECK(t.take(below, {}, {}).error() == tcp::receive_error::stale);
  CHECK(t.close(below, {}, {}).error() == tcp::call_error::stale);
  CHECK(t.shutdown_send(below, {}, {}).error() == tcp::call_error::stale);
  CHECK(t.abort(below, {}, {}).error() == tcp::call_error::stale);
  CHECK(t.set(below, {}, tcp::option::no_delay{true}, {}).error() == tcp::call_error::stale);
  CHECK(t.set(below, {}, tcp::option::user_timeout{1}, {}).error() == tcp::call_error::stale);
  CHECK(!t.on_error(below, error, {}));
  CHECK(!t.pending(below, {}));
  t.finish(below, {}, {});
  t.advance(below, {});
  t.end_of_turn(below, {});
  CHECK(t.close_listener(below, *listening));
  t.abandon(below);
  CHECK(t.connections() == 0);
  (void)info, (void)p;
}
static_assert(requires(alone t, tcp::network_archetype& below, const datagram_info<ipv4_address>& info, packet& p) { t.on_datagram(below, info, p, {}); });
