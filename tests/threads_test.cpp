// SPDX-License-Identifier: MIT
// exclusion::locked under real threads: eight call whatever there is on two stacks, at random, while two more poll; every byte stream is checked at its end.
// STRATA_CALLS says how many calls each makes; the thread sanitizer sees all of them (preset tsan). Time is real, since threads are.
#include <strata/posix.hpp>
#include <strata/strata.hpp>

#include "threads/guarded_wire.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace strata;
using namespace strata::literals;
using strata::test::guarded_wire;

struct shared : presets::testing {
  using exclusion = posix::locked;
  using nic = guarded_wire;
  using coalescing = strata::tcp::minshall;
  static constexpr strata::limits limits{.chunks = 2048, .connections = 64, .listeners = 4, .backlog = 32, .syn_slots = 32, .time_wait = 64, .send_chunks = 32, .receive_chunks = 32,
                                         .datagram_sockets = 16, .datagrams = 16, .neighbours = 16, .neighbour_queue = 4, .routes = 8, .errors = 8};
};
using net = stack<shared>;

constexpr ipv4_address address[2] = {"10.0.0.1"_ip, "10.0.0.2"_ip};

net::time_point now() { return posix::moment<shared::tick>(posix::monotonic_ns()); }

struct world {
  nic::wire cable{};
  static constexpr std::size_t bytes = std::size_t{shared::limits.chunks} * shared::limits.chunk_size;
  posix::mapping memory[2] = {posix::mapping::of(bytes), posix::mapping::of(bytes)};
  std::unique_ptr<net> stacks[2];
  std::atomic<u32> faults{0};
  std::atomic<int> fault_line{0};  ///< of the last one
  std::atomic<bool> is_over{false};
  std::atomic<u64> events{0}, closed{0};
  net::stream accepted[4]{};  // by the peer's port, under the lock of stack 1
  std::atomic<u32> accepted_count{0};

  world() {
    for (u32 side = 0; side < 2; ++side) {
      stacks[side] = std::make_unique<net>(net::options{.nic = {cable, side}, .memory = memory[side].memory(), .entropy = {side + 1}, .address = {address[side], 24}, .now = now()});
    }
  }
  void expect(bool holds, int line = __builtin_LINE()) {
    if (!holds) ++faults, fault_line = line;
  }
  /// Handlers call on the stream of the event, on others and on the stack; port 9 echoes.
  auto handler(u32 side) {
    return on{[this](net::accepted e) {
                const u16 port = e.stream.remote().port;
                if (e.stream.local().port == 7 && port >= 1000 && port < 1004) accepted[port - 1000] = e.stream, ++accepted_count;
                // Where a ring is full a reset is lost, and nobody reads at port 8: who asks finds out that the peer has gone.
                if (e.stream.local().port != 7) (void)e.stream.set(option::keep_alive{true, 1, 1, 3});
                ++events;
              },
              [this, side](net::readable e) {
                ++events;
                if (e.stream.local().port == 9) echo(e.stream);
                else expect(e.stream.peek().size() == e.stream.info()->unread);
                (void)stacks[side]->next_deadline();
              },
              [this](net::writable e) {
                ++events;
                if (e.stream.local().port == 9) echo(e.stream);
              },
              [this](net::peer_closed e) {
                ++events;
                if (e.stream.local().port >= 8 && e.stream.local().port <= 9) (void)e.stream.close();
              },
              [this](net::timer e) { ++events, (void)e.stream.set_timer(net::duration::ms(1)); },
              [this](net::datagram e) {
                ++events;
                std::byte room[64];
                (void)e.socket.receive(room);
              },
              [this](net::closed) { ++closed; }, ignore_rest{}};
  }
  static void echo(net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); }
  void poll(u32 side, u32 frames = 64) { (void)stacks[side]->poll(now(), budget{frames}, handler(side)); }
};

/// One thread's end of one connection: what it writes and reads, at random.
struct talker {
  world& w;
  u32 side, name;
  net::stream s;
  u64 state;
  u32 sent = 0, got = 0;
  bool has_ended = false;
  net::datagram_socket datagrams{};
  net::stream short_lived{};
  std::vector<std::byte> room = std::vector<std::byte>(65536);

  static std::byte byte_at(u32 who, u32 at) { return static_cast<std::byte>(at * 167 + who * 59 + (at >> 8)); }
  u32 random(u32 below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<u32>(state >> 33) % below;
  }
  net& mine() { return *w.stacks[side]; }
  [[nodiscard]] u32 me() const { return name * 2 + side; }
  [[nodiscard]] u32 peer() const { return name * 2 + 1 - side; }

  std::vector<std::byte> next(u32 n) const {
    std::vector<std::byte> bytes(n);
    for (u32 i = 0; i < n; ++i) bytes[i] = byte_at(me(), sent + i);
    return bytes;
  }
  void check(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) w.expect(b == byte_at(peer(), got++));
  }
  void write(u32 n) {
    const tcp::send_flags flags{.more = random(4) == 0, .now_please = random(4) == 0};
    sent += static_cast<u32>(s.send(next(n), flags).value_or(0));
  }
  void read(u32 n) {
    const auto came = s.receive(std::span(room).first(n));
    if (came) check(std::span(room).first(*came));
    else if (came.error() == tcp::receive_error::end_of_stream || came.error() == tcp::receive_error::stale) has_ended = true;  // the poller heard of the end before us
    else w.expect(came.error() == tcp::receive_error::would_block);
  }
  void several() {
    const auto turn = mine().lock(now());
    for (const auto part : s.peek()) check(part);
    (void)s.consume(s.peek().size());
    for (u32 i = random(4); i-- > 0;) write(1 + random(300));
  }
  void in_place() {
    auto place = s.reserve(1 + random(1000));
    if (!place) return;
    const u32 n = static_cast<u32>(place->room().size());
    const auto bytes = next(n);
    copy_bytes(place->room().data(), bytes.data(), n);
    sent += static_cast<u32>(s.commit(std::move(*place), n).value_or(0));
  }
  void look() {
    switch (random(12)) {
      case 0: w.expect(s.info().has_value()); break;
      case 1: w.expect(s.is_live()); break;
      case 2: w.expect(s.remote().port != 0 && s.local().port != 0); break;
      case 3: w.expect(mine().counters().polls > 0); break;
      case 4: (void)mine().next_deadline(); break;
      case 5: (void)mine().idle(); break;
      case 6: (void)mine().chunks_in_use(); break;
      case 7: {
        const auto last = mine().now();
        w.expect(!now().is_before(last));
        break;
      }
      case 8: mine().advance(now()); break;
      case 9: w.expect(s.get<option::no_delay>().has_value()); break;
      case 10: (void)mine().generation(), (void)mine().memory_in_use(); break;
      default: w.expect(mine().on_layer<shared::template tcp>([](auto& tcp, auto) { return tcp.connections(); }) > 0); break;
    }
  }
  /// Connections that come and go: closed, aborted, left alone; some are echoed on.
  void live_shortly() {
    if (!short_lived.is_live()) {
      if (const auto c = mine().connect({.remote = {address[1 - side], static_cast<u16>(8 + random(2))}})) short_lived = *c;
      return;
    }
    std::byte some[600]{};
    switch (random(6)) {
      case 0: (void)short_lived.close(); break;
      case 1: (void)short_lived.abort(); break;
      case 2: (void)short_lived.receive(some); break;
      case 3: (void)short_lived.take(); break;
      case 4: (void)short_lived.shutdown_send(); break;
      default: (void)short_lived.send(std::span(some).first(1 + random(600))); break;
    }
  }
  void talk_in_datagrams() {
    if (!datagrams.is_live()) {
      if (const auto d = mine().bind({.port = static_cast<u16>(100 + name)})) datagrams = *d;
      return;
    }
    std::byte some[100]{};
    if (random(50) == 0) (void)datagrams.close();
    else if (random(2) == 0) (void)datagrams.receive(some);
    else (void)datagrams.send_to(std::span(some).first(random(100)), net::endpoint{address[1 - side], static_cast<u16>(100 + random(4))});
  }
  void call() {
    switch (random(20)) {
      case 0: case 1: case 2: case 3: case 4: write(1 + random(200)); break;
      case 5: write(4096 + random(12000)); break;
      case 6: case 7: case 8: case 9: read(1 + random(1000)); break;
      case 10: read(4096 + random(60000)); break;
      case 11: several(); break;
      case 12: in_place(); break;
      case 13: w.poll(side, 1 + random(8)); break;
      case 14: live_shortly(); break;
      case 15: talk_in_datagrams(); break;
      case 16: (void)s.set(option::no_delay{random(2) == 0}); break;
      case 17: (void)(random(2) == 0 ? s.set_timer(net::duration::ms(2)) : s.cancel_timer()); break;
      case 18:
        if (const auto view = s.take()) check(view->bytes());
        break;
      default: look(); break;
    }
  }
  void run(u32 calls) {
    while (calls-- > 0) call();
    (void)s.set(option::no_delay{true});
    (void)s.cancel_timer();
    if (short_lived.is_live()) (void)short_lived.abort();
    if (datagrams.is_live()) (void)datagrams.close();
    w.expect(s.shutdown_send().has_value());
    while (!has_ended && !w.is_over) read(60000);
    (void)s.close();
  }
};

u32 calls_of_each() {
  const char* const wanted = std::getenv("STRATA_CALLS");
  return wanted != nullptr ? static_cast<u32>(std::strtoul(wanted, nullptr, 10)) : 10'000;
}

TEST_CASE("Eight threads call at random while two poll: every byte stream is whole, nobody waits for ever, and nothing is left") {
  const auto w = std::make_unique<world>();
  for (const u16 port : {u16{7}, u16{8}, u16{9}}) REQUIRE(w->stacks[1]->listen({.port = port}));
  for (const u16 port : {u16{8}, u16{9}}) REQUIRE(w->stacks[0]->listen({.port = port}));
  std::vector<std::thread> pollers, all;
  for (u32 side = 0; side < 2; ++side)
    pollers.emplace_back([&, side] {
      while (!w->is_over) {
        w->poll(side);
        std::this_thread::yield();
      }
    });
  net::stream clients[4]{};
  for (u16 i = 0; i < 4; ++i) clients[i] = *w->stacks[0]->connect({.remote = {address[1], 7}, .local = {{}, static_cast<u16>(1000 + i)}});
  while (w->accepted_count < 4) std::this_thread::yield();
  const u32 calls = calls_of_each();
  std::vector<std::unique_ptr<talker>> talkers;
  for (u32 i = 0; i < 4; ++i)
    for (u32 side = 0; side < 2; ++side) talkers.push_back(std::make_unique<talker>(*w, side, i, side == 0 ? clients[i] : w->accepted[i], u64{i} * 2 + side + 1));
  const u64 start = posix::monotonic_ns();
  for (const auto& t : talkers) all.emplace_back([&t = *t, calls] { t.run(calls); });
  for (std::thread& t : all) t.join();
  const u64 ns = posix::monotonic_ns() - start;
  for (u32 i = 0; i < talkers.size(); i += 2) {
    CHECK(talkers[i]->got == talkers[i + 1]->sent);
    CHECK(talkers[i + 1]->got == talkers[i]->sent);
    CHECK(talkers[i]->sent > calls);
  }
  const auto open = [&] {
    u32 n = 0;
    for (const auto& s : w->stacks) n += s->chunks_in_use();
    return n;
  };
  for (u64 until = posix::monotonic_ns() + 20'000'000'000; open() != 0 && posix::monotonic_ns() < until;) std::this_thread::yield();
  w->is_over = true;
  for (std::thread& t : pollers) t.join();
  CAPTURE(w->fault_line.load());
  CHECK(w->faults == 0);
  CHECK(open() == 0);
  u64 queued = 0, dropped = 0, deferred = 0;
  for (const auto& s : w->stacks) {
    const auto c = s->on_layer<shared::template tcp>([](auto& tcp, auto) { return tcp.backlog_counters(); });
    queued += c.queued, dropped += c.dropped, deferred += c.deferred;
  }
  std::printf("threads calls=%u seconds=%.2f events=%llu backlog=%llu dropped=%llu deferred=%llu\n", 8 * calls, static_cast<double>(ns) / 1e9,
              static_cast<unsigned long long>(w->events), static_cast<unsigned long long>(queued), static_cast<unsigned long long>(dropped),
              static_cast<unsigned long long>(deferred));
}

}  // namespace
