// SPDX-License-Identifier: MIT
// Slots that run out, for every k: control blocks on the active and the passive side, half-open connections, the backlog, TIME-WAIT records, listeners,
// sockets. What is refused says so by an error or a counter and changes nothing; what waits gets its turn; what ends makes room.
#include "policies.hpp"
#include "scarce.hpp"
#include "scenario.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace {

using namespace strata;
using namespace strata::sim;

/// A roomy client (side 0) and a server whose every limit is near.
struct town {
  struct end final : application {
    std::vector<connection_id> accepted{}, connected{};
    u32 closed = 0;
    std::string read{};
    void on(host& h, const sim::event& e) override {
      if (e.what == what::accepted) accepted.push_back(e.id);
      if (e.what == what::connected) connected.push_back(e.id);
      if (e.what == what::closed) return void(++closed);
      std::byte bytes[100];
      while (const auto n = h.receive(e.id, bytes)) {
        if (*n == 0) break;
        for (std::size_t i = 0; i < *n; ++i) read += static_cast<char>(bytes[i]);
      }
    }
  };
  std::unique_ptr<nic::simulated_link> link = std::make_unique<nic::simulated_link>(1);
  std::unique_ptr<host> client = make_server({.link = link.get(), .side = 0, .seed = 1}), server = make_scarce({.link = link.get(), .side = 1, .seed = 2});
  end here{}, there{};
  u64 now = 0;

  void pass(u64 length) {
    for (const u64 until = now + length; now < until; now += 1 * ms) {
      link->advance(now);
      (void)client->poll(now, 64, here), (void)server->poll(now, 64, there);
    }
  }
  /// Both know each other's address.
  void meet() {
    const auto s = client->bind(0);
    const std::byte hello[8]{};
    (void)client->send_to(*s, hello, host::ip(1), 9);
    (void)client->close_socket(*s);
    pass(20 * ms);
  }
  connection_id open(u16 port = 1000) {
    client->advance(now);
    const auto id = client->connect(host::ip(1), port, 0);
    REQUIRE(id);
    return *id;
  }
  /// Everything ends, and nothing is left.
  void wind_up(std::vector<connection_id> ours) {
    for (const connection_id id : ours) (void)client->abort(id);
    for (const connection_id id : there.accepted) (void)server->abort(id);
    pass(70 * second);
    for (host* h : {client.get(), server.get()}) {
      CHECK(h->connections() + h->half_open() + h->time_waits() == 0);
      CHECK(h->chunks().in_use() == 0);
    }
  }
};

TEST_CASE("Whichever control block is missing, connect() says so and changes nothing, and one that ends makes room") {
  for (u32 k = 0; k <= 8; ++k) {
    INFO(k << " connections are open");
    town t;
    // Here the scarce one opens.
    REQUIRE(t.client->listen(1000, 0));
    std::vector<connection_id> ours;
    for (u32 i = 0; i < k; ++i) {
      const auto id = t.server->connect(host::ip(0), 1000, 0);
      REQUIRE(id);
      ours.push_back(*id);
      t.pass(20 * ms);
    }
    REQUIRE(t.there.connected.size() == k);
    const u32 chunks = t.server->chunks().in_use();
    const u64 opens = t.server->tcp_counters().active_opens;
    const auto next = t.server->connect(host::ip(0), 1000, 0);
    CHECK(static_cast<bool>(next) == (k < t.server->limits().connections));
    if (!next) {
      CHECK(next.error() == tcp::connect_error::no_slot);
      CHECK(t.server->connections() == k);
      CHECK(t.server->chunks().in_use() == chunks);
      CHECK(t.server->tcp_counters().active_opens == opens);
      CHECK(t.there.closed == 0);
      (void)t.server->abort(ours.back());
      ours.pop_back();
      t.pass(20 * ms);
      const auto again = t.server->connect(host::ip(0), 1000, 0);
      REQUIRE(again);
      ours.push_back(*again);
    } else {
      ours.push_back(*next);
    }
    t.pass(50 * ms);
    CHECK(t.there.connected.size() == (k < 8 ? k + 1 : 9));
    for (const connection_id id : ours) CHECK(t.server->is_live(id));
    for (const connection_id id : ours) (void)t.server->abort(id);
    t.wind_up({});
  }
}

TEST_CASE("Whichever control block is missing when a handshake ends, it is counted, the client waits, and gets its turn with all it has sent") {
  for (u32 k = 0; k <= 8; ++k) {
    INFO(k << " connections are open");
    town t;
    REQUIRE(t.server->listen(1000, 0));
    std::vector<connection_id> ours;
    for (u32 i = 0; i < k; ++i) ours.push_back(t.open()), t.pass(20 * ms);
    REQUIRE(t.there.accepted.size() == k);
    ours.push_back(t.open());
    t.pass(20 * ms);
    const std::byte word[5] = {std::byte{'h'}, std::byte{'e'}, std::byte{'l'}, std::byte{'l'}, std::byte{'o'}};
    CHECK(t.client->send(ours.back(), word, {}).value_or(0) == 5);
    t.pass(20 * ms);
    if (k == t.server->limits().connections) {
      CHECK(t.there.accepted.size() == k);
      CHECK(t.server->connections() == k);
      CHECK(t.server->half_open() == 1);
      CHECK(t.server->tcp_counters().listen_overflows >= 1);
      CHECK(t.there.read.empty());
      (void)t.server->abort(t.there.accepted[k / 2]);
      t.pass(30 * second);
    } else {
      CHECK(t.server->tcp_counters().listen_overflows == 0);
    }
    CHECK(t.there.accepted.size() == k + 1);
    CHECK(t.server->half_open() == 0);
    CHECK(t.there.read == "hello");
    t.wind_up(ours);
  }
}

TEST_CASE("Whichever place for a half-open connection is missing, the SYN is dropped and counted, and comes again") {
  for (u32 k = 1; k <= 8; ++k) {
    INFO(k << " SYNs");
    town t;
    REQUIRE((t.server->listen(1000, 0) && t.server->listen(1001, 0)));
    t.meet();
    t.link->faults(1).loss = nic::impairment::always;
    std::vector<connection_id> ours;
    for (u32 i = 0; i < k; ++i) ours.push_back(t.open(static_cast<u16>(1000 + i % 2)));
    t.pass(50 * ms);
    const u32 slots = t.server->limits().syn_slots;
    CHECK(t.server->half_open() == (k < slots ? k : slots));
    CHECK(t.server->tcp_counters().syn_slots_full == (k < slots ? 0 : k - slots));
    CHECK(t.server->tcp_counters().listen_overflows == 0);
    t.link->faults(1).loss = 0;
    t.pass(10 * second);
    CHECK(t.here.connected.size() == k);
    CHECK(t.there.accepted.size() == k);
    CHECK(t.server->half_open() == 0);
    t.wind_up(ours);
  }
}

TEST_CASE("Whichever place of the backlog is missing, the SYN is dropped and counted, and comes again") {
  for (u32 backlog = 1; backlog <= 4; ++backlog)
    for (u32 k = 1; k <= 6; ++k) {
      INFO(k << " SYNs, a backlog of " << backlog);
      town t;
      REQUIRE(t.server->listen(1000, backlog));
      t.meet();
      t.link->faults(1).loss = nic::impairment::always;
      std::vector<connection_id> ours;
      for (u32 i = 0; i < k; ++i) ours.push_back(t.open());
      t.pass(50 * ms);
      CHECK(t.server->half_open() == (k < backlog ? k : backlog));
      CHECK(t.server->tcp_counters().listen_overflows == (k < backlog ? 0 : k - backlog));
      t.link->faults(1).loss = 0;
      t.pass(70 * second);  // all of them try again at the same times
      CHECK(t.there.accepted.size() == k);
      t.wind_up(ours);
    }
}

TEST_CASE("Whichever record of TIME-WAIT is missing, the oldest makes room, and all are forgotten after 2 MSL") {
  for (u32 k = 1; k <= 10; ++k) {
    INFO(k << " connections");
    town t;
    REQUIRE(t.server->listen(1000, 0));
    for (u32 i = 0; i < k; ++i) {
      const connection_id id = t.open();
      t.pass(20 * ms);
      REQUIRE(t.there.accepted.size() == i + 1);
      (void)t.server->close(t.there.accepted[i]);
      t.pass(10 * ms);
      (void)t.client->close(id);
      t.pass(20 * ms);
    }
    const u32 records = t.server->limits().time_wait;
    CHECK(t.server->time_waits() == (k < records ? k : records));
    CHECK(t.server->tcp_counters().time_waits == k);
    CHECK(t.server->tcp_counters().time_wait_recycled == (k < records ? 0 : k - records));
    CHECK(t.server->connections() == 0);
    CHECK(t.here.closed == k);
    CHECK(t.there.closed == k);
    t.wind_up({});
  }
}

TEST_CASE("Listeners and sockets are as many as their limit says, one more is refused, and one that is closed makes room") {
  town t;
  const auto a = t.server->listen(1000, 0), b = t.server->listen(1001, 0), c = t.server->listen(1002, 0);
  REQUIRE((a && b));
  CHECK(c.error() == tcp::listen_error::no_slot);
  REQUIRE(t.server->close_listener(*a));
  CHECK(t.server->close_listener(*a).error() == tcp::call_error::stale);
  CHECK(t.server->listen(1002, 0));
  const connection_id refused = t.open(1000), taken = t.open(1002);
  t.pass(50 * ms);
  CHECK(!t.client->is_live(refused));
  CHECK(t.client->is_live(taken));
  const auto x = t.server->bind(1), y = t.server->bind(2), z = t.server->bind(3);
  REQUIRE((x && y));
  CHECK(z.error() == udp::bind_error::no_slot);
  REQUIRE(t.server->close_socket(*x));
  CHECK(t.server->bind(3));
  t.wind_up({taken});
}

}  // namespace
