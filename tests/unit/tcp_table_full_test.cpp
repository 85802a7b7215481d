// SPDX-License-Identifier: MIT
// A connection table that has no room for one more name, which only somebody who knows the hash's key can bring about: whoever comes next is refused, everything
// that was taken for it goes back, and names with another home are served as before. With the same bare layer: how many timers a turn serves, and what is given back
// before an end is told.
#include <strata/tcp/archetype.hpp>

#include <written_segment.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace {
using namespace strata;

constexpr u32 within_reach = 32;  // of a home: keyed_table's probe_limit

struct crowded : tcp::archetype {
  static constexpr strata::limits limits{.chunks = 256, .connections = 60, .listeners = 2, .backlog = 60, .syn_slots = 60, .time_wait = 4};
};
using layer = tcp::layer<crowded>;
constexpr ipv4_address ours{0x0a00'0001};

/// A network whose secrets are zeros, and which sends everything to nobody.
struct known_secrets : tcp::network_archetype {
  using path = tcp::path_of_config<crowded>;
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{crowded::limits.chunks} * crowded::limits.chunk_size);
  std::vector<buffer::descriptor> table = std::vector<buffer::descriptor>(crowded::limits.chunks);
  std::vector<u32> hashes = std::vector<u32>(crowded::limits.chunks);
  u32 sent_count = 0;
  u8 last_flags = 0;
  u32 last_seq = 0;

  known_secrets() { pool.open(region({memory.data(), memory.size()}), std::span(table), crowded::limits.chunk_size, hashes.data()); }
  packet take() { return pool.take(64, crowded::limits.receive_reserve); }
  u32 headroom() { return 64; }
  bool route(path& way) {
    way.local = ours, way.mtu = 1500;
    return true;
  }
  void confirm(const path&) {}
  u32 network_header_size(const path&) { return 20; }
  sent send(path&, packet&& given, u8) {
    const packet p = std::move(given);
    ++sent_count;
    last_seq = load_be<u32>(p.bytes().data() + 4);
    last_flags = static_cast<u8>(p.bytes()[13]);
    return sent::sent;
  }
};

struct world {
  known_secrets below{};
  std::unique_ptr<layer> tcp = std::make_unique<layer>();
  layer::time_point now{1000};
  connection_id last{};  // of whom something was told
  u32 held_when_told = 0;

  world() { tcp->open(below, now); }
  ~world() {
    tcp->abandon(below);
    CHECK(below.pool.in_use() == 0);
  }
  /// The nth peer that has its home in slot `home` of 256, with our port.
  static ipv4_address peer(u32 n, u64 home, u16 our_port, u16 port) {
    for (ipv4_address a{0x0a01'0000};; ++a.value)
      if ((table_hash({}, u64{ours.value} << 32 | a.value, u64{our_port} << 16 | port) & 255) == home && n-- == 0) return a;
  }
  void arrives(const ipv4_address& from, u32 seq, u32 ack, u8 flags) {
    packet p = below.pool.take_receive(64);
    test::write_segment(p, {.from = from.value, .seq = seq, .ack = ack, .port = 2000, .to = 7, .flags = flags});
    p.pull(20);
    datagram_info<ipv4_address> info{};
    info.local = ours, info.remote = from, info.protocol = 6;
    (void)tcp->on_datagram(below, info, p, now);
    p.reset();
    turn();
  }
  void turn() {
    tcp->end_of_batch(below, now);
    while (const auto e = tcp->pending(below, now)) last = e->id, held_when_told = below.pool.in_use(), tcp->finish(below, *e, now);
    tcp->end_of_turn(below, now);
  }
  auto connect(const ipv4_address& to) { return tcp->connect(below, {.remote = {to, 80}, .local = {{}, 9}}, now); }
};

TEST_CASE("A turn serves 64 timers, and the next one those that are left") {
  world w;
  REQUIRE(w.tcp->listen(w.below, {.port = 7}));
  for (u32 n = 0; n < 60; ++n) REQUIRE(w.connect(world::peer(0, n, 9, 80)));
  for (u32 n = 0; n < 60; ++n) w.arrives(world::peer(0, 100 + n, 7, 2000), 100, 0, wire::tcp::flag::syn);
  CHECK((w.tcp->connections() == 60 && w.tcp->half_open() == 60));
  w.now = w.now + layer::duration::ms(1000);
  w.below.sent_count = 0;
  w.tcp->advance(w.below, w.now);
  CHECK(w.below.sent_count == 64);
  w.tcp->advance(w.below, w.now);
  CHECK(w.below.sent_count == 120);
}
TEST_CASE("What was to be sent is given back when the connection ends, before that is told") {
  using flag = wire::tcp::flag;
  world w;
  REQUIRE(w.tcp->listen(w.below, {.port = 7}));
  w.arrives(world::peer(0, 7, 7, 2000), 100, 0, flag::syn);
  const u32 iss = w.below.last_seq;
  w.arrives(world::peer(0, 7, 7, 2000), 101, iss + 1, flag::ack);
  REQUIRE(w.tcp->connections() == 1);
  const std::vector<std::byte> bytes(3000);
  REQUIRE(w.tcp->send(w.below, w.last, std::span(bytes), {}, w.now).value_or(0) == 3000);
  CHECK(w.below.pool.in_use() > 1);
  w.arrives(world::peer(0, 7, 7, 2000), 101, iss + 1, flag::rst | flag::ack);
  CHECK(w.tcp->connections() == 0);
  CHECK(w.held_when_told == 0);
}
TEST_CASE("connect() where the table has no room for its name finds no port, and takes nothing") {
  world w;
  for (u32 n = 0; n < within_reach; ++n) REQUIRE(w.connect(world::peer(n, 7, 9, 80)));
  CHECK(w.tcp->counters().table_full == 0);
  const auto last = world::peer(within_reach, 7, 9, 80);
  for (u32 n = 0; n < 40; ++n) CHECK(w.connect(last).error() == tcp::connect_error::no_port);
  CHECK(w.tcp->counters().table_full == 40);
  CHECK(w.tcp->counters().active_opens == within_reach);
  CHECK(w.tcp->connections() == within_reach);
  for (u32 n = 0; n < crowded::limits.connections - within_reach; ++n) CHECK(w.connect(world::peer(n, 150, 9, 80)));
  CHECK(w.tcp->connections() == crowded::limits.connections);
}
TEST_CASE("a control block that went back unused is not looked into when the stack ends") {
  world w;
  for (u32 n = 0; n < within_reach; ++n) REQUIRE(w.connect(world::peer(n, 7, 9, 80)));
  for (const u64 home : {150u, 151u}) {
    const auto c = w.connect(world::peer(0, home, 9, 80));
    REQUIRE(c);
    REQUIRE(w.tcp->abort(w.below, *c, w.now));
  }
  w.turn();
  REQUIRE(w.tcp->connections() == within_reach);
  CHECK(w.connect(world::peer(within_reach, 7, 9, 80)).error() == tcp::connect_error::no_port);  // it is linked with the free one behind it
  w.tcp->abandon(w.below);
  CHECK(w.below.pool.in_use() == 0);
}
TEST_CASE("a SYN for whose name the table has no room is not answered, and holds no slot; an ACK neither, and comes again") {
  using flag = wire::tcp::flag;
  world w;
  REQUIRE(w.tcp->listen(w.below, {.port = 7}));
  const auto first = world::peer(0, 7, 7, 2000), last = world::peer(within_reach, 7, 7, 2000);
  u32 iss = 0;
  for (u32 n = 0; n < within_reach; ++n) {
    w.arrives(world::peer(n, 7, 7, 2000), 100, 0, flag::syn);
    if (n == 0) iss = w.below.last_seq;
  }
  CHECK(w.tcp->half_open() == within_reach);
  CHECK(w.below.sent_count == within_reach);
  for (u32 n = 0; n < 40; ++n) w.arrives(last, 100, 0, flag::syn);
  CHECK(w.tcp->counters().table_full == 40);
  CHECK(w.tcp->half_open() == within_reach);
  CHECK(w.below.sent_count == within_reach);
  // Half-open, it has one name; open, it would have two for a moment.
  for (u32 n = 0; n < 2 * crowded::limits.connections; ++n) w.arrives(first, 101, iss + 1, flag::ack);
  CHECK(w.tcp->counters().table_full == 40 + 2 * crowded::limits.connections);
  CHECK(w.tcp->connections() == 0);
  CHECK(w.tcp->half_open() == within_reach);
  w.arrives(world::peer(1, 7, 7, 2000), 101, 0, flag::rst);
  w.arrives(first, 101, iss + 1, flag::ack);
  CHECK(w.tcp->connections() == 1);
  CHECK(w.tcp->counters().passive_opens == 1);
  CHECK(w.tcp->half_open() == within_reach - 2);
  for (u32 n = 0; n < crowded::limits.syn_slots - (within_reach - 2); ++n) w.arrives(world::peer(n, 150, 7, 2000), 100, 0, flag::syn);
  CHECK(w.tcp->half_open() == crowded::limits.syn_slots);
  CHECK(w.tcp->counters().syn_slots_full == 0);
}

}  // namespace
