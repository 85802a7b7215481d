// SPDX-License-Identifier: MIT
// A user's program: two stacks on one cable, the one says hello to the other. Its own flags, exceptions and run-time types included, must not be
// touched by strata's target, and its warnings find nothing in strata's headers.
#include <strata/strata.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <typeinfo>

#if defined(WANTS_LINK_CHECK) && !defined(HAS_NO_LTO)
#if WANTS_LINK_CHECK
#ifndef STRATA_LINK_CHECK
#error "strata::strata sets STRATA_LINK_CHECK"
#endif
#elif defined(STRATA_LINK_CHECK)
#error "not under link-time optimisation"
#endif
#endif

namespace st = strata;
using namespace strata::literals;

struct config : st::presets::testing {};
using net = st::stack<config>;

struct host {
  alignas(64) std::byte memory[std::size_t{config::limits.chunks} * config::limits.chunk_size]{};
  net tcp_ip{};
};

int main() try {
  const auto cable = std::make_unique<st::nic::wire>();
  const auto a = std::make_unique<host>(), b = std::make_unique<host>();
  (void)a->tcp_ip.start({.nic = {*cable, 0}, .memory = a->memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
  (void)b->tcp_ip.start({.nic = {*cable, 1}, .memory = b->memory, .entropy = {2}, .address = "10.0.0.2/24"_net});
  if (!b->tcp_ip.listen({.port = 7})) throw std::runtime_error("listen");
  if (!a->tcp_ip.connect({.remote = {"10.0.0.2"_ip, 7}})) throw std::runtime_error("connect");

  std::size_t arrived = 0;
  for (st::u64 ms = 1; ms < 1000 && arrived < 5; ++ms) {
    const net::time_point now{ms * 1'000'000};
    (void)a->tcp_ip.poll(now, st::budget{64}, st::on{[](net::connected e) { (void)e.stream.send(std::as_bytes(std::span("hello", 5))); }, st::ignore_rest{}});
    (void)b->tcp_ip.poll(now, st::budget{64}, st::on{[&](net::readable e) {
      std::byte room[16];
      const auto n = e.stream.receive(room);
      if (n && *n == 5 && std::memcmp(room, "hello", 5) == 0) arrived += *n;
    }, st::ignore_rest{}});
  }
  if (arrived != 5) throw std::runtime_error("hello did not arrive");
  std::printf("%s\n", typeid(net).name());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "consumer: error: %s\n", e.what());
  return 1;
}
