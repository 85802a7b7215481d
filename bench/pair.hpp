// SPDX-License-Identifier: MIT
// Two stacks on one wire, one thread, both ends, in memory of their own: what the end-to-end rows measure. Time is virtual; every row says what it
// counts. Definitions as in docs/benchmarks.md.
#pragma once
#include <strata/posix/memory.hpp>
#include <strata/strata.hpp>

#include <cstdlib>
#include <memory>
#include <vector>

namespace bench {
using namespace strata::literals;

/// MTU 1500, copying wire, software checksums both ways, ACKs, flow lookup, neighbour and timers on. No Nagle, so that a small write is a segment.
struct low_latency : strata::presets::low_latency {
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr bool timestamps = false;
  static constexpr strata::limits limits{.chunks = 4096, .connections = 16, .send_chunks = 256, .receive_chunks = 256};
};
struct lending : low_latency {
  using nic = strata::nic::wire_pair::lending;
};
/// Up to 64 KB behind one header, over a wire that takes them whole, as a veth pair does.
struct trains : low_latency {
  using nic = strata::nic::wire_pair::copying_trains;
  static constexpr strata::u32 gso_max_size = 65000;
};

template <class C> struct ends {
  using net = strata::stack<C>;
  static constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;

  strata::posix::mapping memory[2] = {strata::posix::mapping::of(bytes), strata::posix::mapping::of(bytes)};
  strata::nic::wire wire{};
  std::unique_ptr<net> a = std::make_unique<net>(typename net::options{.nic = {wire, 0}, .memory = memory[0].memory(), .entropy = {1}, .address = "10.0.0.1/24"_net});
  std::unique_ptr<net> b = std::make_unique<net>(typename net::options{.nic = {wire, 1}, .memory = memory[1].memory(), .entropy = {2}, .address = "10.0.0.2/24"_net});
  typename net::stream client{}, server{};
  typename net::datagram_socket talker{}, hearer{};
  std::size_t received = 0;
  std::vector<std::byte> sink = std::vector<std::byte>(std::size_t{1} << 16);  // where the copying API puts what it receives
  strata::u64 now = 1'000'000'000;

  ends() {
    (void)b->listen({.port = 7});
    auto c = a->connect({.remote = {"10.0.0.2"_ip, 7}});
    auto t = a->bind({.port = 9});
    auto h = b->bind({.port = 9});
    if (!c || !t || !h) std::abort();
    client = *c, talker = *t, hearer = *h;
    for (int i = 0; i < 8; ++i) turn();
    if (server == typename net::stream{}) std::abort();
    (void)talker.connect(typename net::endpoint{"10.0.0.2"_ip, 9});
    (void)hearer.connect(typename net::endpoint{"10.0.0.1"_ip, 9});
  }
  typename net::time_point tick() { return {now += 1000}; }
  void poll_a() { a->poll(tick(), {256}, strata::on{[this](typename net::readable e) { take(e.stream); }, strata::ignore_rest{}}); }
  void poll_b() {
    b->poll(tick(), {256}, strata::on{[this](typename net::accepted e) { server = e.stream; }, [this](typename net::readable e) { take(e.stream); }, strata::ignore_rest{}});
  }
  void turn() { poll_a(), poll_b(); }
  /// The copying API: bytes go to the application's memory.
  void take(typename net::stream s) {
    for (;;) {
      const auto n = s.receive(sink);
      if (!n || *n == 0) return;
      received += *n;
    }
  }
  [[nodiscard]] const char* pages() const {
    switch (memory[0].memory().pages()) {
      case strata::buffer::page_kind::huge: return "pages=huge";
      case strata::buffer::page_kind::transparent_huge: return "pages=transparent_huge";
      default: return "pages=plain";
    }
  }
};

}  // namespace bench
