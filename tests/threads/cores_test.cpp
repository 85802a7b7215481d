// SPDX-License-Identifier: MIT
// Stacks on three cores and their peer, a thread each: what a core receives for another one crosses over without a lock, and a core that sleeps is woken. The
// thread sanitizer sees it (preset tsan). Time is real, since threads are.
#include <several_queues.hpp>
#include <strata/posix.hpp>
#include <strata/posix/cores.hpp>

#include "guarded_wire.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <poll.h>

namespace {

using namespace strata;
using namespace strata::test;

// The crossing needs no such guard.
using mine = on_queues<guarded_wire, posix::wakeup>;
using net = stack<mine>;
using world = several_cores<mine, 3>;

net::time_point now() { return posix::moment<mine::tick>(posix::monotonic_ns()); }

TEST_CASE("A ring between two threads, with nothing else between them, loses, doubles and mixes up nothing") {
  using ring = nic::crossing<2, 4, 128>;
  constexpr u32 frames = 20'000;
  const auto between = std::make_unique<ring>(nic::owner_options{.cores = 2});
  std::atomic<u32> faults{0}, in_use{0};
  posix::on_cores(2, [&](u32 core) {
    alignas(64) static thread_local std::byte memory[4 * 128];
    static thread_local buffer::descriptor table[4];
    buffer::pool chunks;
    chunks.open(region(memory), table, 128);
    for (u32 n = 0; n < frames;) {
      packet p = core == 0 ? chunks.take_receive(2) : between->take(0, 1, chunks);
      if (core == 0) {
        for (u32 i = 0; i < 25; ++i) store_be<u32>(p.room().data() + 4 * i, n + i);
        p.extend(100);
        if (between->give(0, 1, p.d()) == ring::result::done) ++n;
        else std::this_thread::yield();
      } else if (!p) {
        std::this_thread::yield();
      } else {
        for (u32 i = 0; i < 25; ++i) faults += load_be<u32>(p.bytes().data() + 4 * i) != n + i;
        faults += p.size() != 100;
        ++n;
      }
    }
    in_use += chunks.in_use();
  });
  CHECK(faults == 0);
  CHECK(in_use == 0);
}

TEST_CASE("Three cores serve one port of one address, each in its thread: every byte comes back, nothing is lost on the way over, and nothing is left") {
  constexpr u32 connections = 24, bytes = 60'000;
  const auto heap = std::make_unique<world>();
  world& w = *heap;
  std::atomic<bool> is_over{false};
  std::atomic<u32> ready{0}, accepted{0}, in_use{0}, serving{0};
  std::atomic<u64> handed_over{0}, lost{0};
  u32 whole = 0, ended = 0;

  const auto serve = [&](u32 core) {
    w.start_core(core, now());
    net& host = *w.core[core];
    ready += host.listen({.port = 7}).has_value();
    u32 here = 0;
    posix::core_door door{*w.between, core};
    const auto echo = [](net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); };
    auto handler = on{[&](net::accepted) { ++accepted, ++here; }, [&](net::readable e) { echo(e.stream); }, [&](net::writable e) { echo(e.stream); },
                      [](net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}};
    while (!is_over) {
      (void)host.poll(now(), budget{64}, handler);
      door.will_sleep();
      if (door.empty()) {
        pollfd bell{door.descriptor(), POLLIN, 0};
        (void)::poll(&bell, 1, 1);  // the cable has no descriptor: a millisecond at most
      }
      door.is_awake();
    }
    serving += here != 0;
    const nic::spread_counters c = w.counted(core);
    handed_over += c.handed_over, lost += c.full + c.too_long + c.orphans;
    host.shut_down();
    in_use += host.chunks_in_use();
    w.core[core].reset();
  };
  const auto ask = [&] {
    w.start_peer(now());
    net& peer = *w.peer;
    while (ready < 3) std::this_thread::yield();
    struct talk {
      u32 sent = 0, got = 0;
      bool is_right = true;
    };
    std::vector<talk> talks(mine::limits.connections);
    const auto byte_at = [](u32 who, u32 at) { return static_cast<std::byte>(at * 167 + who * 59 + (at >> 8)); };
    const auto write = [&](net::stream s) {
      talk& t = talks[s.id().index];
      std::byte block[4000];
      while (t.sent < bytes) {
        const u32 n = bytes - t.sent < sizeof block ? bytes - t.sent : static_cast<u32>(sizeof block);
        for (u32 i = 0; i < n; ++i) block[i] = byte_at(s.id().index, t.sent + i);
        const auto taken = s.send(std::span(block).first(n));
        if (!taken) return;
        t.sent += static_cast<u32>(*taken);
      }
    };
    auto handler = on{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); },
                      [&](net::readable e) {
                        talk& t = talks[e.stream.id().index];
                        for (const auto part : e.stream.peek())
                          for (const std::byte b : part) t.is_right = t.is_right && b == byte_at(e.stream.id().index, t.got++);
                        (void)e.stream.consume(e.stream.peek().size());
                        if (t.got == bytes) (void)e.stream.close();
                      },
                      [&](net::closed e) {
                        const talk& t = talks[e.stream.id().index];
                        ++ended, whole += e.why == close_reason::orderly && t.is_right && t.got == bytes;
                      },
                      ignore_rest{}};
    peer.advance(now());
    for (u32 i = 0; i < connections; ++i) (void)peer.connect({.remote = {of_cores, 7}});
    for (const u64 until = posix::monotonic_ns() + 60'000'000'000; ended < connections && posix::monotonic_ns() < until;) {
      if (!peer.poll(now(), budget{64}, handler)) std::this_thread::yield();
    }
    for (const u64 until = posix::monotonic_ns() + 100'000'000; posix::monotonic_ns() < until;) (void)peer.poll(now(), budget{64}, handler);
    is_over = true;
    peer.shut_down();
    in_use += peer.chunks_in_use();
    w.peer.reset();
  };
  posix::on_cores(4, [&](u32 core) {
    if (core < 3) serve(core);
    else ask();
  });
  CHECK(whole == connections);
  CHECK(accepted == connections);
  CHECK(serving == 3);
  CHECK(handed_over > connections);
  CHECK(lost == 0);
  CHECK(in_use == 0);
}

}  // namespace
