// SPDX-License-Identifier: MIT
// One stack as a sim::router. Instantiated once for each pair of queues, in a file of its own.
#pragma once
#include "router.hpp"

#include <strata/strata.hpp>

#include <vector>

namespace strata::sim {

/// An interface of a router: a LAN with a queue.
template <class Qdisc> struct port {
  using nic = strata::nic::simulated;
  using link = strata::link::ethernet;
  using neighbour = strata::neighbour::arp_of<strata::neighbour::arp_options{.proxies = true}>;
  using qdisc = Qdisc;
};
template <class Qdisc0, class Qdisc1> struct between : presets::testing {
  static constexpr bool forwards = true;
  template <class C> using transports = strata::layers<typename C::template udp<C>>;
  template <class C> using interfaces = strata::interfaces<strata::interface<port<Qdisc0>>, strata::interface<port<Qdisc1>>>;
};

template <class C> class router_of final : public router {
  using net = strata::stack<C>;
  using time_point = typename net::time_point;

 public:
  explicit router_of(const middle& m) : memory_(std::size_t{C::limits.chunks} * C::limits.chunk_size + 64) {
    std::byte* const first = memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64;
    (void)net_.start({.memory = region(std::span(first, memory_.size() - 64)),
                      .entropy = {m.seed},
                      .now = at(0),
                      .interfaces = {{.nic = {*m.links[0], 1}, .mac = m.macs[0], .address = {{ip(0)}, 25}}, {.nic = {*m.links[1], 0}, .mac = m.macs[1], .address = {{ip(1)}, 25}}}});
    net_.advance(at(0));
  }

  void poll(u64 now) override {
    now_ = now > now_ ? now : now_;
    (void)net_.poll(at(now_), budget{64}, ignore_rest{});
  }
  std::optional<u64> next_deadline() const override {
    const auto t = net_.next_deadline();
    if (!t) return {};
    return now_ + t->since(at(now_)).count;
  }
  bool idle() const override { return net_.idle(); }
  u32 chunks_in_use() const override { return net_.chunks_in_use(); }
  ip::router_counters counted() const override { return net_.network().router_counted(); }
  void shut_down() override { net_.shut_down(); }

 private:
  [[nodiscard]] static time_point at(u64 ns) { return {1'000'000'000 + ns}; }

  u64 now_ = 0;
  std::vector<std::byte> memory_;
  net net_{};
};

}  // namespace strata::sim
