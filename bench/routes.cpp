// SPDX-License-Identifier: MIT
// The way to an address: the walk over a handful of routes, the trie with a million. Prefix lengths are spread as in the Internet's table: most of 24 bits, some
// of 16 to 23, and few shorter or longer, in 40,000 networks of 16 bits; looked for are addresses that some route holds, in no order, so most look-ups miss the caches.
#include <strata/ip/trie.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

namespace {

using namespace strata;
using address = ipv4_address;
using table = ip::trie<65'536>::of<address, 1'000'100>;
using few = ip::linear::of<address, 16>;

constexpr address gateway{10u << 24 | 2};

subnet<address> drawn(auto& random) {
  const u32 n = static_cast<u32>(random() % 100);
  const u32 prefix = n < 60 ? 24 : n < 97 ? 16 + static_cast<u32>(random() % 8) : n < 99 ? 8 + static_cast<u32>(random() % 8) : 25 + static_cast<u32>(random() % 8);
  const u32 network = random() % 40'000 * 2'654'435'761u & 0xffff'0000u, a = network | (random() & 0xffff);
  return {{a & ~(prefix == 32 ? 0u : 0xffffffffu >> prefix)}, static_cast<u8>(prefix)};
}
struct filled {
  std::unique_ptr<table> t = std::make_unique<table>();
  std::vector<subnet<address>> all{};
  explicit filled(u32 n) {
    std::mt19937 random(1);
    (void)t->configure(0, {{10u << 24 | 1}, 8});
    while (all.size() < n) {
      const auto to = drawn(random);
      if (!t->add(to, gateway, 0)) break;
      all.push_back(to);
    }
  }
  static filled& of(u32 n) {
    static filled million(1'000'000), thousand(1000);
    return n > 1000 ? million : thousand;
  }
};

void trie_lookup(benchmark::State& state) {
  filled& f = filled::of(static_cast<u32>(state.range(0)));
  std::mt19937 random(2);
  std::vector<address> asked(1 << 16);
  for (address& a : asked) {
    const auto& to = f.all[random() % f.all.size()];
    a = {to.address.value | (static_cast<u32>(random()) & (to.prefix == 32 ? 0u : 0xffffffffu >> to.prefix))};
  }
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(f.t->best(asked[i++ & (asked.size() - 1)]));
  state.counters["routes"] = static_cast<double>(f.all.size());
  state.counters["nodes"] = f.t->nodes();
}
BENCHMARK(trie_lookup)->Arg(1000)->Arg(1'000'000);

/// One route taken out and put in again.
void trie_update(benchmark::State& state) {
  filled& f = filled::of(static_cast<u32>(state.range(0)));
  std::mt19937 random(3);
  for (auto _ : state) {
    const auto& to = f.all[random() % f.all.size()];
    (void)f.t->remove(to, gateway, 0);
    if (!f.t->add(to, gateway, 0)) state.SkipWithError("a route that was there did not find room again");
  }
}
BENCHMARK(trie_update)->Arg(1000)->Arg(1'000'000);

void linear_lookup(benchmark::State& state) {
  few t;
  (void)t.configure(0, {{10u << 24 | 1}, 8});
  std::mt19937 random(4);
  while (t.size() < state.range(0)) (void)t.add(drawn(random), gateway, 0);
  for (auto _ : state) benchmark::DoNotOptimize(t.best({static_cast<u32>(random())}));
}
BENCHMARK(linear_lookup)->Arg(2)->Arg(16);

}  // namespace

BENCHMARK_MAIN();
