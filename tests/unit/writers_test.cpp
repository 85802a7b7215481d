// SPDX-License-Identifier: MIT
// Ten thousand writers on a pool that holds some hundred of their segments: everyone gets its turn, in order, and is told of it once. Their peer is the
// driver itself, a generator of frames that acknowledges what came, some virtual time later.
#include "acknowledger.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

using namespace strata;
using namespace strata::literals;

namespace {

constexpr u32 writers = 10'000;

struct fair : presets::testing {
  using nic = test::acknowledger;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  struct connection_data {
    u32 turns = 0, taken = 0, short_sends = 0, events = 0;
  };
  static constexpr strata::tcp::write_path writes{.fair = true};
  static constexpr strata::limits limits{.chunks = 512, .connections = writers, .backlog = writers, .syn_slots = 256, .time_wait = 16, .send_chunks = 16};
};
using net = stack<fair>;

using scene = test::acknowledged<fair>;
using test::acknowledger;

}  // namespace

TEST_CASE("ten thousand writers on a small pool are served in order, and nobody starves") {
  scene s(writers);
  REQUIRE(s.all.size() == writers);
  const std::vector<std::byte> page(20 * 1460);
  std::vector<u32> order;
  u32 vain = 0, uncalled = 0;
  // Each writes without end: whatever was not taken is tried again when `writable` comes, and not before.
  const auto write = [&](const net::stream& one) {
    auto& d = *one.data();
    const std::size_t n = one.send(page).value_or(0);
    d.taken += static_cast<u32>(n);
    d.turns += n != 0;
    if (n < page.size()) ++d.short_sends;
    return n;
  };
  for (const net::stream& one : s.all) (void)write(one);
  CHECK(s.tcp_ip->chunks().available() == fair::limits.receive_reserve);
  const auto handler = on{[&](net::writable e) {
                            auto& d = *e.stream.data();
                            ++d.events;
                            if (d.events > d.short_sends) ++uncalled;
                            order.push_back(acknowledger::port_of(0) <= e.stream.remote().port ? e.stream.remote().port - acknowledger::port_of(0) : 0u);
                            if (write(e.stream) == 0) ++vain;
                          },
                          ignore_rest{}};
  u32 rounds = 0;
  const auto least = [&] {
    u32 n = ~0u;
    for (const net::stream& one : s.all) n = one.data()->turns < n ? one.data()->turns : n;
    return n;
  };
  while (least() < 3 && ++rounds < 5000) s.tick(1, handler);
  INFO("milliseconds " << rounds);
  CHECK(least() == 3);
  CHECK(vain == 0);       // who is told that there is room finds it
  CHECK(uncalled == 0);   // one event for one send that came short
  u32 most = 0, taken_least = ~0u, taken_most = 0;
  for (const net::stream& one : s.all) {
    const auto& d = *one.data();
    most = d.turns > most ? d.turns : most;
    taken_least = d.taken < taken_least ? d.taken : taken_least;
    taken_most = d.taken > taken_most ? d.taken : taken_most;
  }
  CHECK(most <= 4);                               // nobody has a second turn more than another
  CHECK(taken_most - taken_least <= 18 * 1460);  // the first write took a whole quota; from then on it is a chunk each turn
  // In order: a turn goes round.
  std::vector<u32> at(writers, ~0u);
  u32 closest = ~0u;
  for (u32 i = 0; i < order.size(); ++i) {
    if (at[order[i]] != ~0u && i - at[order[i]] < closest) closest = i - at[order[i]];
    at[order[i]] = i;
  }
  CHECK(closest >= writers - fair::limits.chunks);
  CHECK(s.tcp_ip->transport<0>().counters().waits_for_chunks >= 3 * (writers - 100));
  s.tcp_ip->shut_down();
  CHECK(s.tcp_ip->chunks().in_use() == 0);
}

TEST_CASE("one who comes first to a pool that others wait for stands behind them") {
  scene s(4);
  const std::vector<std::byte> much(16 * 1460);
  std::vector<packet> held;
  while (s.tcp_ip->chunks().available() > fair::limits.receive_reserve) held.push_back(s.tcp_ip->chunks().take(0));
  CHECK(s.all[0].send(much).error() == tcp::send_error::would_block);
  CHECK(s.all[1].send(much).error() == tcp::send_error::would_block);
  held.pop_back(), held.pop_back();
  CHECK(s.all[2].send(much).error() == tcp::send_error::would_block);  // there are two chunks, and they are not for this one
  CHECK(s.all[3].reserve(10).error() == tcp::send_error::would_block);
  std::vector<u32> told;
  const auto handler = on{[&](net::writable e) { told.push_back(e.stream.id().index), (void)e.stream.send(much); }, ignore_rest{}};
  CHECK(!s.tcp_ip->idle());
  s.tick(1, handler);
  CHECK(told == std::vector<u32>{s.all[0].id().index, s.all[1].id().index});
  held.clear();
  s.tick(1, handler);
  REQUIRE(told.size() >= 4);
  CHECK(told[2] == s.all[2].id().index);
  CHECK(told[3] == s.all[3].id().index);
  s.tcp_ip->shut_down();
}

// Who takes its share and wants more stands at the end again: of eight chunks for three that is 8/3 + 1, 5/3 + 1, 3/3 + 1 and the last.
TEST_CASE("who is served takes its share of what is free, and not what those behind it wait for") {
  scene s(4);
  const std::vector<std::byte> much(16 * 1460);
  std::vector<packet> held;
  while (s.tcp_ip->chunks().available() > fair::limits.receive_reserve) held.push_back(s.tcp_ip->chunks().take(0));
  for (u32 n = 0; n < 3; ++n) CHECK(s.all[n].send(much).error() == tcp::send_error::would_block);
  held.resize(held.size() - 8);
  std::vector<std::pair<u32, std::size_t>> taken;
  s.tick(1, on{[&](net::writable e) { taken.push_back({e.stream.id().index, e.stream.send(much).value_or(0) / 1460}); }, ignore_rest{}});
  const auto name = [&](u32 n) { return s.all[n].id().index; };
  CHECK(taken == std::vector<std::pair<u32, std::size_t>>{{name(0), 3}, {name(1), 2}, {name(2), 2}, {name(0), 1}});
  held.clear();
  s.tcp_ip->shut_down();
}

TEST_CASE("who ends or changes its mind leaves the line") {
  scene s(4);
  const std::vector<std::byte> much(2 * 1460);
  std::vector<packet> held;
  while (s.tcp_ip->chunks().available() > fair::limits.receive_reserve) held.push_back(s.tcp_ip->chunks().take(0));
  for (const net::stream& one : s.all) CHECK(one.send(much).error() == tcp::send_error::would_block);
  CHECK(s.all[1].abort());
  CHECK(s.all[0].abort());
  CHECK(s.all[3].abort());
  std::vector<u32> told;
  const auto handler = on{[&](net::writable e) { told.push_back(e.stream.id().index); }, ignore_rest{}};
  s.tick(1, handler);
  CHECK(told.empty());
  held.clear();
  s.tick(1, handler);
  s.tick(1, handler);
  CHECK(told == std::vector<u32>{s.all[2].id().index});
  CHECK(s.tcp_ip->idle());
  CHECK(s.tcp_ip->chunks().in_use() == 0);
}
