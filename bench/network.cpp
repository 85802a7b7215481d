// SPDX-License-Identifier: MIT
// The network layer and what is around it, a packet at a time: forwarding, a filter's rules, fragments, echoes, groups, raw sockets, tags, loopback. Manual time: what is
// measured is one poll (or the calls) of one stack; what brings the packets there and takes them away runs outside it.
#include "pair.hpp"

#include <benchmark/benchmark.h>

#include <time.h>

namespace {
using namespace bench;
using namespace strata;
constexpr u32 calls = 32;  // packets, so that reading the clock weighs nothing

struct host : low_latency {
  static constexpr bool long_datagrams = true;
  static constexpr strata::limits limits = [] {
    auto l = low_latency::limits;
    l.groups = 4;
    return l;
  }();
  template <class C> using transports = layers<typename C::template tcp<C>, typename C::template udp<C>, raw::layer<C>>;
};
struct tagged : low_latency {
  using link = strata::link::vlan<strata::link::ethernet>;
};
struct by_itself : low_latency {
  template <class C> using interfaces = strata::interfaces<strata::interface<C>, strata::interface<strata::loopback>>;
};
struct router : low_latency {
  static constexpr bool forwards = true;
  struct lan {
    using nic = strata::nic::wire_pair;
    using link = strata::link::ethernet;
    using neighbour = strata::neighbour::arp;
    using qdisc = strata::qdisc::direct;
  };
  template <class C> using interfaces = strata::interfaces<strata::interface<lan>, strata::interface<lan>>;
};
/// Ten rules of which the last lets the packets through.
struct firewall : router {
  using hooks = ip::hooks<ip::filter<"drop tcp to any port 1"_rule, "drop tcp to any port 2"_rule, "drop tcp to any port 3"_rule, "drop tcp to any port 4"_rule, "drop tcp to any port 5"_rule,
                                     "drop udp to any port 1"_rule, "drop udp to any port 2"_rule, "drop udp to any port 3"_rule, "drop udp to any port 4"_rule, "accept udp to any port 9"_rule>>;
};

u64 clock_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec);
}
/// `bring` and `take` around what is measured, which is `calls` packets.
void measure(benchmark::State& state, auto&& bring, auto&& what, auto&& take) {
  for (auto _ : state) {
    bring();
    const u64 start = clock_ns();
    what();
    state.SetIterationTime(static_cast<double>(clock_ns() - start) / calls / 1e9);
    take();
  }
}
void check(benchmark::State& state, u64 seen) {
  if (seen != static_cast<u64>(state.iterations()) * calls) state.SkipWithError("packets are missing");
}
void several(auto&& f) {
  for (u32 i = 0; i < calls; ++i) f();
}
const std::vector<std::byte>& bytes_of(u32 n) {
  static const std::vector<std::byte> all(8192, std::byte{7});
  static std::vector<std::byte> some;
  return some.assign(all.begin(), all.begin() + n), some;
}

/// Two hosts with a router between them: only its poll is measured.
template <class R> void forward(benchmark::State& state) {
  using end = stack<host>;
  using net = stack<R>;
  constexpr std::size_t room = std::size_t{low_latency::limits.chunks} * low_latency::limits.chunk_size;
  nic::wire near_cable{}, far_cable{};
  posix::mapping memory[3] = {posix::mapping::of(room), posix::mapping::of(room), posix::mapping::of(room)};
  const auto near = std::make_unique<end>(typename end::options{.nic = {near_cable, 0}, .memory = memory[0].memory(), .entropy = {1}, .address = "10.0.0.1/24"_net, .gateway = "10.0.0.254"_ip});
  const auto far = std::make_unique<end>(typename end::options{.nic = {far_cable, 1}, .memory = memory[1].memory(), .entropy = {2}, .address = "10.9.0.1/24"_net, .gateway = "10.9.0.254"_ip});
  const auto between = std::make_unique<net>();
  (void)between->start({.memory = memory[2].memory(),
                        .entropy = {3},
                        .interfaces = {{.nic = {near_cable, 1}, .address = "10.0.0.254/24"_net}, {.nic = {far_cable, 0}, .address = "10.9.0.254/24"_net, .mtu = static_cast<u16>(state.range(1))}}});
  const auto talker = near->bind({.port = 9});
  const auto hearer = far->bind({.port = 9});
  if (!talker || !hearer) return state.SkipWithError("a socket is missing");
  std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)), std::byte{7});
  u64 now = 1'000'000'000, seen = 0;
  const auto poll = [&](auto& n) { (void)n.poll(typename end::time_point{now += 1000}, {256}, ignore_rest{}); };
  const auto send = [&](u32 n) {
    for (u32 i = 0; i < n; ++i) (void)talker->send_to(payload, typename end::endpoint{"10.9.0.1"_ip, 9});
    poll(*near);
  };
  const auto take = [&] {
    poll(*far), poll(*near);
    while (hearer->consume()) ++seen;
    poll(*between);  // what the wire gives back
  };
  for (u32 i = 0; i < 8; ++i) send(1), poll(*between), take(), poll(*near), poll(*between);
  seen = 0;
  measure(state, [&] { send(calls); }, [&] { poll(*between); }, take);
  if (state.range(1) == 1500) check(state, seen);
  else if (between->network().router_counted().frag_creates == 0) state.SkipWithError("no packet was cut");
}
BENCHMARK_TEMPLATE(forward, router)->Name("network/forward")->Args({64, 1500})->Args({1400, 1500})->UseManualTime();
BENCHMARK_TEMPLATE(forward, router)->Name("network/forward_cut")->Args({2952, 600})->UseManualTime();  // two fragments come, six leave
BENCHMARK_TEMPLATE(forward, firewall)->Name("network/forward_ten_rules")->Args({64, 1500})->UseManualTime();

/// Datagrams to the other end of a wire, or in fragments where they are long.
template <class C> void udp_send(benchmark::State& state) {
  ends<C> e;
  const auto& payload = bytes_of(static_cast<u32>(state.range(0)));
  measure(state, [] {}, [&] { several([&] { (void)e.talker.send(payload); }); }, [&] { e.turn(), e.turn(); while (e.hearer.consume()) {} });
}
template <class C> void udp_receive(benchmark::State& state) {
  ends<C> e;
  const auto& payload = bytes_of(static_cast<u32>(state.range(0)));
  u64 seen = 0;
  measure(state, [&] { several([&] { (void)e.talker.send(payload); }); }, [&] { e.poll_b(); },
          [&] {
            while (e.hearer.consume()) ++seen;
            e.turn();
          });
  check(state, seen);
}
BENCHMARK_TEMPLATE(udp_send, host)->Name("network/udp_send")->Arg(64)->Arg(4000)->UseManualTime();
BENCHMARK_TEMPLATE(udp_receive, host)->Name("network/udp_receive")->Arg(64)->Arg(4000)->UseManualTime();
BENCHMARK_TEMPLATE(udp_receive, tagged)->Name("network/udp_receive_vlan")->Arg(64)->UseManualTime();

/// To ourselves: the call, and the poll that brings it up again.
void loopback_udp(benchmark::State& state) {
  using net = stack<by_itself>;
  posix::mapping memory = posix::mapping::of(std::size_t{low_latency::limits.chunks} * low_latency::limits.chunk_size);
  nic::wire cable{};
  const auto n = std::make_unique<net>();
  (void)n->start({.memory = memory.memory(), .entropy = {1}, .interfaces = {{.nic = {cable, 0}, .address = "10.0.0.1/24"_net}, {.nic = {}, .address = "127.0.0.1/8"_net}}});
  const auto talker = n->bind({.port = 9}), hearer = n->bind({.port = 10});
  if (!talker || !hearer) return state.SkipWithError("a socket is missing");
  u64 now = 1'000'000'000, seen = 0;
  const auto& payload = bytes_of(64);
  measure(state, [] {},
          [&] {
            several([&] { (void)talker->send_to(payload, typename net::endpoint{"127.0.0.1"_ip, 10}); });
            (void)n->poll(typename net::time_point{now += 1000}, {256}, ignore_rest{});
          },
          [&] {
            while (hearer->consume()) ++seen;
            (void)n->poll(typename net::time_point{now += 1000}, {256}, ignore_rest{});
          });
  check(state, seen);
}
BENCHMARK(loopback_udp)->Name("network/loopback_udp_64")->UseManualTime();

/// To a group that the other end is in.
void group_receive(benchmark::State& state) {
  ends<host> e;
  const auto talker = e.a->bind({.port = 20}), hearer = e.b->bind({.port = 20});
  if (!talker || !hearer || !hearer->join({.group = "239.1.2.3"_ip})) return state.SkipWithError("a socket is missing");
  u64 seen = 0;
  measure(state, [&] { several([&] { (void)talker->send_to(bytes_of(64), ends<host>::net::endpoint{"239.1.2.3"_ip, 20}); }); }, [&] { e.poll_b(); },
          [&] {
            while (hearer->consume()) ++seen;
            e.turn();
          });
  check(state, seen);
}
BENCHMARK(group_receive)->Name("network/group_receive_64")->UseManualTime();

/// A protocol of its own, or pings that ip answers and nobody overhears.
struct raw_world {
  ends<host> e{};
  ends<host>::net::raw_socket from{}, to{};
  u64 seen = 0;
  explicit raw_world(u8 protocol) {
    const auto a = e.a->open_raw({.protocol = protocol}), b = e.b->open_raw({.protocol = 253});
    if (a && b) from = *a, to = *b;
  }
  void send(std::span<const std::byte> what) { (void)from.send_to(what, "10.0.0.2"_ip); }
  void take() {
    while (to.consume()) ++seen;
    e.turn();
    while (from.consume()) ++seen;
  }
};
void raw_send(benchmark::State& state) {
  raw_world w(253);
  measure(state, [] {}, [&] { several([&] { w.send(bytes_of(64)); }); }, [&] { w.e.poll_b(), w.take(); });
  check(state, w.seen);
}
void raw_receive(benchmark::State& state) {
  raw_world w(253);
  measure(state, [&] { several([&] { w.send(bytes_of(64)); }); }, [&] { w.e.poll_b(); }, [&] { w.take(); });
  check(state, w.seen);
}
void echo(benchmark::State& state) {
  raw_world w(1);
  std::vector<std::byte> ping(64, std::byte{7});
  ping[0] = std::byte{8}, ping[1] = std::byte{0}, ping[2] = ping[3] = std::byte{0};
  store_be<u16>(ping.data() + 2, checksum(ping));
  measure(state, [&] { several([&] { w.send(ping); }); }, [&] { w.e.poll_b(); }, [&] { w.take(); });
  check(state, w.seen);
}
BENCHMARK(raw_send)->Name("network/raw_send_64")->UseManualTime();
BENCHMARK(raw_receive)->Name("network/raw_receive_64")->UseManualTime();
BENCHMARK(echo)->Name("network/echo_64")->UseManualTime();

/// Requests for our address, of as many senders as the table has room for, or of twice as many, of whom each one drives out another.
void arp_answer(benchmark::State& state) {
  using net = stack<low_latency>;
  nic::wire cable{};
  posix::mapping memory[2] = {posix::mapping::of(std::size_t{low_latency::limits.chunks} * 2048), posix::mapping::of(256 * 2048)};
  const auto n = std::make_unique<net>(net::options{.nic = {cable, 0}, .memory = memory[0].memory(), .entropy = {1}, .mac = "02:00:00:00:00:01"_mac, .address = "10.0.0.1/16"_net});
  std::vector<buffer::descriptor> table(256);
  buffer::pool chunks{};
  chunks.open(memory[1].memory(), table, 2048);
  nic::wire_pair end(cable, 1);
  const u32 senders = static_cast<u32>(state.range(0));
  u64 now = 1'000'000'000, seen = 0;
  u32 who = 0;
  packet batch[64];
  const auto ask = [&] {
    packet p = chunks.take(0);
    std::byte* const at = p.room().data();
    const u32 host = 2 + who++ % senders;
    const mac_address mac{{2, 0, 0, 1, static_cast<u8>(host >> 8), static_cast<u8>(host)}};
    wire::ethernet{mac_address::broadcast(), mac, wire::ethertype::arp}.emit(at);
    wire::arp{.operation = wire::arp::request, .sender_mac = mac, .sender = {10u << 24 | host}, .target = "10.0.0.1"_ip}.emit(at + wire::ethernet::header_size);
    p.extend(wire::ethernet::header_size + wire::arp::header_size);
    p.become(buffer::owner::nic);
    (void)end.transmit({&p, 1});
  };
  const auto take = [&] {
    for (std::size_t came; (came = end.receive(chunks, batch)) != 0; seen += came)
      for (std::size_t i = 0; i < came; ++i) batch[i].reset();
    while (std::size_t back = end.reclaim(batch))
      while (back != 0) batch[--back].reset();
  };
  const auto poll = [&] { (void)n->poll(net::time_point{now += 1000}, {256}, ignore_rest{}); };
  poll(), take(), poll();
  seen = 0;
  measure(state, [&] { several(ask); }, poll, take);
  check(state, seen);
  end.close();
}
BENCHMARK(arp_answer)->Name("network/arp_answer")->Arg(low_latency::limits.neighbours)->Arg(2 * low_latency::limits.neighbours)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
