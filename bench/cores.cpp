// SPDX-License-Identifier: MIT
// What it costs that several cores share an address: whose a frame is, and both copies of one that came to the wrong core. In one thread: what lies between two
// cores is the machine's.
#include <strata/nic/crossing.hpp>

#include <benchmark/benchmark.h>

#include <memory>

namespace {

using namespace strata;
using ring = nic::crossing<2, 256, 2048>;

struct pool_of {
  alignas(64) std::byte memory[64 * 2048];
  buffer::descriptor table[64]{};
  buffer::pool chunks{};
  pool_of() { chunks.open(region(memory), table, 2048); }
};
struct side_by_side {
  std::unique_ptr<ring> between = std::make_unique<ring>(nic::owner_options{.cores = 2, .key = {1, 2}});
  std::unique_ptr<pool_of> from = std::make_unique<pool_of>(), to = std::make_unique<pool_of>();
  packet frame(std::size_t bytes) {
    packet p = from->chunks.take_receive(2);
    p.extend(bytes);
    return p;
  }
};

void owner(benchmark::State& state) {
  nic::frame_owner o{{.cores = 2, .key = {1, 2}}};
  std::byte f[64]{};
  f[0] = std::byte{2}, f[14] = std::byte{0x45}, f[23] = std::byte{6};
  store_be<u16>(f + 12, 0x0800);
  u16 port = 0;
  for (auto _ : state) {
    store_be<u16>(f + 34, ++port);
    benchmark::DoNotOptimize(o.of(f, nic::frame_start::ethernet));
  }
}
BENCHMARK(owner);

void cross(benchmark::State& state) {
  side_by_side s;
  const packet p = s.frame(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    (void)s.between->give(0, 1, p.d());
    benchmark::DoNotOptimize(s.between->take(0, 1, s.to->chunks));
  }
}
BENCHMARK(cross)->Arg(64)->Arg(1514);

}  // namespace

BENCHMARK_MAIN();
