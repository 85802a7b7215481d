// SPDX-License-Identifier: MIT
// TCP and UDP from the socket call to the wire and back, over wire_pair. Manual time: what is measured stands between two reads of the clock, the rest of
// the exchange (ACKs coming back, chunks reclaimed) runs outside it where a row says "to descriptor", inside where it says "all work done".
#include "pair.hpp"

#include <benchmark/benchmark.h>

#include <time.h>

namespace {
using namespace bench;
constexpr int calls = 64;  // back to back, so that reading the clock weighs nothing

strata::u64 clock_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<strata::u64>(t.tv_sec) * 1'000'000'000 + static_cast<strata::u64>(t.tv_nsec);
}
void report(benchmark::State& state, strata::u64 ns, const char* pages) {
  state.SetIterationTime(static_cast<double>(ns) / 1e9);
  state.SetLabel(pages);
}

/// 64 sends of `size` bytes each, to the descriptor: a frame each in the ring.
void tcp_send(benchmark::State& state) {
  ends<low_latency> e;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) {
    const strata::u64 start = clock_ns();
    for (int i = 0; i < calls; ++i) benchmark::DoNotOptimize(e.client.send(bytes));
    report(state, (clock_ns() - start) / calls, e.pages());
    e.turn(), e.turn(), e.turn();
  }
  if (e.received < static_cast<std::size_t>(state.iterations()) * calls * bytes.size()) state.SkipWithError("bytes are missing");
}
BENCHMARK(tcp_send)->Arg(64)->UseManualTime();

/// One frame of `size` bytes a poll: from the ring to the application's memory, ACK sent, all work done.
void tcp_receive(benchmark::State& state) {
  ends<low_latency> e;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) {
    strata::u64 ns = 0;
    for (int i = 0; i < calls; ++i) {
      (void)e.client.send(bytes);
      const strata::u64 start = clock_ns();
      e.poll_b();
      ns += clock_ns() - start;
      e.poll_a();
    }
    report(state, ns / calls, e.pages());
  }
  if (e.received < static_cast<std::size_t>(state.iterations()) * calls * bytes.size()) state.SkipWithError("bytes are missing");
}
BENCHMARK(tcp_receive)->Arg(64)->UseManualTime();

/// The same, 64 frames in one poll: the batch shares the poll, the event and the ACK.
void tcp_receive_batch(benchmark::State& state) {
  ends<low_latency> e;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) {
    for (int i = 0; i < calls; ++i) (void)e.client.send(bytes);
    const strata::u64 start = clock_ns();
    e.poll_b();
    report(state, (clock_ns() - start) / calls, e.pages());
    e.turn(), e.turn();
  }
}
BENCHMARK(tcp_receive_batch)->Arg(64)->UseManualTime();

/// There and back, both ends; each side answers inside its handler, so that an ACK rides on the answer. One round trip an iteration.
void ping_pong(benchmark::State& state) {
  ends<low_latency> e;
  using net = ends<low_latency>::net;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  std::size_t pongs = 0;
  const auto answer = [&](net::readable r) {
    const auto n = r.stream.receive(e.sink);
    if (n && *n == bytes.size()) (void)r.stream.send(bytes);
  };
  (void)e.client.send(bytes);
  for (auto _ : state) {
    e.b->poll(e.tick(), {64}, strata::on{answer, strata::ignore_rest{}});
    e.a->poll(e.tick(), {64}, strata::on{[&](net::readable r) { ++pongs, answer(r); }, strata::ignore_rest{}});
  }
  state.SetLabel(e.pages());
  if (pongs != static_cast<std::size_t>(state.iterations())) state.SkipWithError("round trips are missing");
}
BENCHMARK(ping_pong)->Arg(64)->Arg(1024);

/// One direction, `range` segments of 1460 bytes in flight, copying API at both ends, ACKs and all work inside; per segment.
template <class C> void bulk(benchmark::State& state) {
  ends<C> e;
  const std::size_t segments = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> bytes(segments * 1460, std::byte{7});
  for (int i = 0; i < 64; ++i) (void)e.client.send(std::span(bytes).first(1460 * 8)), e.turn(), e.turn();  // the congestion window opens
  const std::size_t before = e.received;
  std::size_t sent = 0;
  for (auto _ : state) {
    sent += e.client.send(bytes).value_or(0);
    e.poll_b();
    e.poll_a();
  }
  state.SetItemsProcessed(static_cast<int64_t>(sent / 1460));
  state.counters["ns_per_segment"] = benchmark::Counter(static_cast<double>(sent) / 1460 / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel(e.pages());
  for (int i = 0; i < 100 && e.received - before < sent; ++i) e.turn();
  if (e.received - before < sent) state.SkipWithError("bytes are missing");
}
BENCHMARK(bulk<low_latency>)->Arg(4)->Arg(16)->Arg(64);
BENCHMARK(bulk<lending>)->Arg(16);
BENCHMARK(bulk<trains>)->Arg(16)->Arg(64);

void udp_send(benchmark::State& state) {
  ends<low_latency> e;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) {
    const strata::u64 start = clock_ns();
    for (int i = 0; i < calls; ++i) benchmark::DoNotOptimize(e.talker.send(bytes));
    report(state, (clock_ns() - start) / calls, e.pages());
    e.turn();
    while (e.hearer.consume()) {}
    e.turn();
  }
}
BENCHMARK(udp_send)->Arg(64)->UseManualTime();

/// 64 datagrams in one poll, each copied out by receive().
void udp_receive(benchmark::State& state) {
  ends<low_latency> e;
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
  std::size_t got = 0, sent = 0;
  for (auto _ : state) {
    for (int i = 0; i < calls; ++i) sent += e.talker.send(bytes).has_value();
    const strata::u64 start = clock_ns();
    e.b->poll(e.tick(), {256}, strata::on{[&](ends<low_latency>::net::datagram d) { got += d.socket.receive(e.sink).has_value(); }, strata::ignore_rest{}});
    report(state, (clock_ns() - start) / calls, e.pages());
    e.turn();
  }
  if (got != sent) state.SkipWithError("datagrams are missing");
}
BENCHMARK(udp_receive)->Arg(64)->UseManualTime();

/// connect, accept, close by the server, close by the client; TIME-WAIT records are recycled. Per connection.
void connect_accept_close(benchmark::State& state) {
  ends<low_latency> e;
  using net = ends<low_latency>::net;
  std::size_t opened = 0, closed = 0;
  for (auto _ : state) {
    if (e.a->connect({.remote = {"10.0.0.2"_ip, 7}})) ++opened;
    for (int i = 0; i < 4; ++i) {
      e.b->poll(e.tick(), {64}, strata::on{[](net::accepted s) { s.stream.close(); }, strata::ignore_rest{}});
      e.a->poll(e.tick(), {64}, strata::on{[](net::peer_closed s) { s.stream.close(); }, [&](net::closed) { ++closed; }, strata::ignore_rest{}});
    }
  }
  state.SetLabel(e.pages());
  state.SetItemsProcessed(static_cast<int64_t>(closed));
  if (opened != static_cast<std::size_t>(state.iterations()) || closed != opened) state.SkipWithError("connections are missing");
}
BENCHMARK(connect_accept_close);

}  // namespace
BENCHMARK_MAIN();
