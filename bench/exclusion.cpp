// SPDX-License-Identifier: MIT
// What sharing a stack costs: a send of 64 B and the poll that follows, with one owner, with a lock that nobody else wants, and with a second thread that
// calls all the time. The same Config, wire and memory as in end_to_end.cpp.
#include "pair.hpp"

#include <strata/posix/locked.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>
#include <time.h>

namespace {
using namespace bench;
constexpr int calls = 64;

struct locked : low_latency { using exclusion = strata::posix::locked; };

strata::u64 clock_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<strata::u64>(t.tv_sec) * 1'000'000'000 + static_cast<strata::u64>(t.tv_nsec);
}

/// 64 sends of 64 B, then one poll of each end, which takes the answers. `Threads` 2: another one calls on the same stack meanwhile.
template <class C, int Threads> void send_and_poll(benchmark::State& state) {
  ends<C> e;
  std::atomic<bool> is_over{false};
  std::atomic<strata::u64> others{0};
  std::thread other;
  if constexpr (Threads == 2) {
    other = std::thread([&] {  // what it calls touches no wire, which is one thread's
      while (!is_over) {
        (void)e.client.set(strata::option::user_timeout{60'000});  // posted, if the lock is taken
        benchmark::DoNotOptimize(e.client.info());                 // waits for it
        others.fetch_add(2, std::memory_order_relaxed);
      }
    });
  }
  const std::vector<std::byte> bytes(64, std::byte{7});
  strata::u64 send_ns = 0, poll_ns = 0, taken = 0;
  for (auto _ : state) {
    const strata::u64 start = clock_ns();
    for (int i = 0; i < calls; ++i) taken += e.client.send(bytes).value_or(0);
    const strata::u64 sent = clock_ns();
    e.poll_a();
    const strata::u64 polled = clock_ns();
    send_ns += sent - start, poll_ns += polled - sent;
    state.SetIterationTime(static_cast<double>(polled - start) / 1e9 / calls);
    e.turn(), e.turn(), e.turn();
  }
  is_over = true;
  if (other.joinable()) other.join();
  for (int i = 0; i < 16; ++i) e.turn();
  if (e.received != taken) state.SkipWithError("bytes are missing");
  const double n = static_cast<double>(state.iterations());
  state.counters["send_ns"] = static_cast<double>(send_ns) / n / calls;
  state.counters["poll_ns"] = static_cast<double>(poll_ns) / n;
  state.counters["others"] = static_cast<double>(others) / n;  // calls of the other thread an iteration
  state.SetLabel(e.pages());
}
BENCHMARK(send_and_poll<low_latency, 1>)->Name("exclusion/single_owner")->UseManualTime();
BENCHMARK(send_and_poll<locked, 1>)->Name("exclusion/locked")->UseManualTime();
BENCHMARK(send_and_poll<locked, 2>)->Name("exclusion/locked_contended")->UseManualTime()->Iterations(2000);

/// One large send, copied without the lock, and its receive; against the same under one owner.
template <class C> void bulk(benchmark::State& state) {
  ends<C> e;
  const std::vector<std::byte> bytes(32 * 1460, std::byte{7});
  std::size_t taken = 0;
  for (auto _ : state) {
    const strata::u64 start = clock_ns();
    taken += e.client.send(bytes).value_or(0);
    for (int i = 0; i < 6; ++i) e.turn();
    state.SetIterationTime(static_cast<double>(clock_ns() - start) / 1e9);
  }
  if (e.received != taken) state.SkipWithError("bytes are missing");
  state.SetLabel(e.pages());
}
BENCHMARK(bulk<low_latency>)->Name("exclusion/bulk_single_owner")->UseManualTime();
BENCHMARK(bulk<locked>)->Name("exclusion/bulk_locked")->UseManualTime();

}  // namespace
BENCHMARK_MAIN();
