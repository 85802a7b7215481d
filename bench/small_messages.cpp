// SPDX-License-Identifier: MIT
// Messages of 64 bytes, each a segment of its own, two hundred of them in flight: in whole chunks and in slots of chunks. Time of one, from send() until it is
// acknowledged and its place is free, reader included; and how many bytes of chunks the flight takes.
#include <strata/neighbour/fixed.hpp>
#include <strata/strata.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace {

using namespace strata::literals;

struct in_chunks : strata::presets::low_latency {
  using neighbour = strata::neighbour::fixed;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr strata::limits limits{.chunks = 2048, .connections = 4, .send_chunks = 256, .receive_chunks = 256};
};
struct in_slots : in_chunks {
  static constexpr strata::limits limits = [] {
    strata::limits l = in_chunks::limits;
    l.slots = 1024;
    return l;
  }();
};
constexpr int flight = 200;

template <class C> void messages_of_64(benchmark::State& state) {
  using net = strata::stack<C>;
  const auto line = std::make_unique<strata::nic::wire>();
  std::vector<std::byte> memory[2] = {std::vector<std::byte>(std::size_t{2048} * 2048), std::vector<std::byte>(std::size_t{2048} * 2048)};
  const auto a = std::make_unique<net>(), b = std::make_unique<net>();
  (void)a->start({.nic = {*line, 0}, .memory = std::span(memory[0]), .entropy = {1}, .address = "10.0.0.1/24"_net});
  (void)b->start({.nic = {*line, 1}, .memory = std::span(memory[1]), .entropy = {2}, .address = "10.0.0.2/24"_net});
  a->at_interface().neighbour.set(strata::mac_address{{2, 0, 0, 0, 0, 2}});
  b->at_interface().neighbour.set(strata::mac_address{{2, 0, 0, 0, 0, 1}});
  typename net::time_point now{};
  (void)b->listen({.port = 7});
  const auto s = *a->connect({.remote = {"10.0.0.2"_ip, 7}});
  const auto turn = [&] {
    now = now + net::duration::us(10);
    (void)b->poll(now, strata::budget{512}, strata::on{[](typename net::readable e) { (void)e.stream.consume(e.stream.peek().size()); }, strata::ignore_rest{}});
    (void)a->poll(now, strata::budget{512}, strata::ignore_rest{});
  };
  const std::vector<std::byte> message(64), much(14'600);
  for (int i = 0; i < 400; ++i) {  // until the congestion window takes a flight
    (void)s.send(much);
    turn(), turn();
  }
  strata::u32 most = 0;
  for (auto _ : state) {
    for (int i = 0; i < flight; ++i)
      if (s.send(message).value_or(0) != message.size()) state.SkipWithError("a message found no place");
    if (a->chunks_in_use() > most) most = a->chunks_in_use();
    turn(), turn();
  }
  state.SetItemsProcessed(state.iterations() * flight);
  state.counters["bytes_in_flight"] = static_cast<double>(most) * 2048;
}
BENCHMARK(messages_of_64<in_chunks>);
BENCHMARK(messages_of_64<in_slots>);

}  // namespace

BENCHMARK_MAIN();
