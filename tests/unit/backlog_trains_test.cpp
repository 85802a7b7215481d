// SPDX-License-Identifier: MIT
// Trains that meet a connection whose owner word a thread holds: each waits as one, and is a train again at release.
#include "named_threads.hpp"

#include <two_stacks.hpp>
#include <written_segment.hpp>

namespace {

using namespace strata;
using namespace strata::test;

/// Remembers what was acknowledged last.
struct watcher {
  static constexpr bool is_active = true;
  u32 ack = 0;
  void on(const trace::record& r) {
    if (r.what == trace::step::tcp_header) ack = r.ack;
  }
};
struct shared : presets::testing {
  using exclusion = lock;
  using nic = strata::nic::wire_pair::copying_trains;
  using observer = watcher;
  using coalescing = strata::tcp::none;
  static constexpr u32 gso_max_size = 20'000;
};
using net = stack<shared>;

/// `a` has a connection to b, with five thousand bytes unread, which eve holds to read them.
struct held : fresh {
  std::unique_ptr<two_stacks<shared>> t = two_stacks<shared>::make();
  net::stream client{}, server{};
  tcp::apart places{};
  std::vector<std::byte> bytes = std::vector<std::byte>(16384), to = std::vector<std::byte>(16384);

  auto layer(auto&& f) {
    return t->a.on_layer<shared::template tcp>([&](auto& tcp, auto below) { return f(tcp, below); });
  }
  held() {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
    REQUIRE(t->b.listen({.port = 7}));
    client = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
    turns(4);
    REQUIRE(server.send(std::span(bytes).first(5000)).value_or(0) == 5000);
    t->pass(500);
    REQUIRE(layer([&](auto& tcp, auto below) { return tcp.begin_receive(below, client.id(), to, places, t->now()).value_or(99); }) == 0);
    REQUIRE(places.bytes() == 5000);
  }
  void turns(u32 n) { t->turns(n, ignore_rest{}, on{[&](net::accepted e) { server = e.stream; }, ignore_rest{}}); }
  void release() {
    places.copy_to(to);
    layer([&](auto& tcp, auto below) { return tcp.end_receive(below, client.id(), places, t->now()), 0; });
    places = {};
  }
  tcp::backlog_counters counted() {
    return layer([](auto& tcp, auto) { return tcp.backlog_counters(); });
  }
};

TEST_CASE("A train that meets the word waits as one, and its bytes come at release") {
  held h;
  const auto before = h.counted().queued;
  REQUIRE(h.server.send(std::span(h.bytes).subspan(5000, 7000)).value_or(0) == 7000);
  h.turns(2);
  CHECK(h.counted().queued == before + 1);
  h.release();
  CHECK(h.client.info()->unread == 7000);
  REQUIRE(h.client.receive(h.to).value_or(0) == 7000);
  CHECK(std::ranges::equal(std::span(h.to).first(7000), std::span(h.bytes).subspan(5000, 7000)));
  h.turns(4);
  CHECK(h.server.info()->unacked == 0);
  CHECK(h.t->a.chunks_in_use() == 0);
}

TEST_CASE("Of a train that waits behind a reset nothing is left") {
  held h;
  CHECK(h.layer([&](auto& tcp, auto below) {
    packet p = below.chunks().take_receive(64);
    write_segment(p, {.from = 0x0a000002, .seq = h.t->a.observer().ack, .port = 7, .to = h.client.local().port, .flags = wire::tcp::flag::rst});
    p.pull(20);
    const datagram_info<ipv4_address> info{.local = "10.0.0.1"_ip, .remote = "10.0.0.2"_ip, .protocol = 6};
    return !tcp.on_datagram(below, info, p, h.t->now());
  }));
  REQUIRE(h.server.send(std::span(h.bytes).first(7000)).value_or(0) == 7000);
  h.turns(2);
  CHECK(h.client.is_live());
  CHECK(h.counted().queued >= 2);
  h.release();
  u32 resets = 0;
  h.t->turns(4, on{[&](net::closed e) { resets += e.why == close_reason::reset ? 1 : 0; }, ignore_rest{}}, ignore_rest{});
  CHECK(resets == 1);
  CHECK_FALSE(h.client.is_live());
  CHECK(h.t->a.chunks_in_use() == 0);
}

}  // namespace
