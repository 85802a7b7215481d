// SPDX-License-Identifier: MIT
// connect() without a local port, where so many of the 28,232 ports to the peer are taken: the search, and beside it all that a connect and an abort do.
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/strata.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace {

using namespace strata::literals;

/// Takes every frame and brings none: connections stay in SYN-SENT.
struct sink {
  static constexpr std::size_t ring_bytes = 0;
  static constexpr strata::nic::capabilities may{};
  std::size_t receive(strata::buffer::pool&, std::span<strata::packet>) { return 0; }
  std::size_t transmit(std::span<strata::packet> batch) {
    for (auto& p : batch) p.reset();
    return batch.size();
  }
  std::size_t reclaim(std::span<strata::packet>) { return 0; }
  strata::nic::kick flush() { return strata::nic::kick::done; }
  [[nodiscard]] strata::u16 mtu() const { return 1500; }
  [[nodiscard]] strata::mac_address address() const { return {}; }
  [[nodiscard]] strata::nic::capabilities has() const { return {}; }
};
struct config : strata::presets::server {
  using nic = sink;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr strata::limits limits{.chunks = 256, .connections = 28'500};
};
using net = strata::stack<config>;

void connect_to_one_peer(benchmark::State& state) {
  std::vector<std::byte> memory(std::size_t{256} * 2048);
  const auto tcp_ip = std::make_unique<net>();
  (void)tcp_ip->start({.nic = {}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net});
  strata::u32 taken = 0, refused = 0;
  for (; taken < state.range(0); ++taken)
    if (!tcp_ip->connect({.remote = {"10.0.0.2"_ip, 80}})) state.SkipWithError("a port was free and not found");
  for (auto _ : state) {
    const auto s = tcp_ip->connect({.remote = {"10.0.0.2"_ip, 80}});
    if (s) (void)s->abort();
    else ++refused;
    (void)tcp_ip->poll({}, {}, strata::ignore_rest{});
  }
  state.counters["no_port"] = benchmark::Counter(refused, benchmark::Counter::kAvgIterations);
}
BENCHMARK(connect_to_one_peer)->Arg(0)->Arg(14'116)->Arg(28'000)->Arg(28'231)->Arg(28'232);

}  // namespace

BENCHMARK_MAIN();
