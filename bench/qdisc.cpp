// SPDX-License-Identifier: MIT
// A frame into a queue and the next one out, by discipline, where frames of 1, 100 or 1000 flows wait.
#include "queues.hpp"

#include <benchmark/benchmark.h>

namespace {

template <class Queue> void through(benchmark::State& state) {
  const auto s = std::make_unique<bench::steady<Queue>>(static_cast<bench::u32>(state.range(0)));
  for (auto _ : state) s->turn();
  if (s->lost != 0) state.SkipWithError("the queue refused or kept a frame");
}
#define ROW(queue) BENCHMARK_TEMPLATE(through, bench::queue)->Name("qdisc/" #queue)->Arg(1)->Arg(100)->Arg(1000)
ROW(fifo);
ROW(prio);
ROW(tbf);
ROW(drr);
ROW(fq);
ROW(fq_paced);
ROW(fq_codel);

}  // namespace

BENCHMARK_MAIN();
