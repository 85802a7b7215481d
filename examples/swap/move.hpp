// SPDX-License-Identifier: MIT
// Moves bytes from one stack to another over a cable in memory and virtual time. Each unit beside this file is one Config that differs from `base` by
// one line, which the macro also keeps as text; the build measures the unit's machine code and adds it to the table.
#pragma once
#include <strata/strata.hpp>

#include <memory>
#include <span>

namespace example::swap {

struct outcome {
  const char* changed = "";         ///< the line
  std::size_t stack_bytes = 0;      ///< sizeof(stack<C>)
  std::size_t tcb_bytes = 0;        ///< of one connection
  std::size_t delivered = 0;
};
/// Is given what arrives, in order.
struct sink {
  void (*take)(void* self, std::span<const std::byte> bytes);
  void* self;
};

struct base : strata::presets::testing {};

template <class C> auto address(int host) {
  using namespace strata::literals;
  using subnet = strata::subnet<typename C::family::address>;
  if constexpr (C::family::address::bits == 128) return host == 1 ? subnet("fd00::1/64"_net) : subnet("fd00::2/64"_net);
  else return host == 1 ? subnet("10.0.0.1/24"_net) : subnet("10.0.0.2/24"_net);
}

template <class C> outcome move(const char* changed, std::span<const std::byte> data, sink to) {
  using net = strata::stack<C>;
  static strata::nic::wire cable;
  static std::byte memory[2][std::size_t{C::limits.chunks} * C::limits.chunk_size];
  const auto a = std::make_unique<net>(), b = std::make_unique<net>();
  (void)a->start({.nic = {cable, 0}, .memory = memory[0], .entropy = {1}, .address = address<C>(1)});
  (void)b->start({.nic = {cable, 1}, .memory = memory[1], .entropy = {2}, .address = address<C>(2)});
  outcome r{changed, sizeof(net), net::stream_layer::tcb_bytes, 0};
  std::size_t sent = 0;
  strata::u32 ended = 0;
  const auto write = [&](const typename net::stream& s) {
    sent += s.send(data.subspan(sent)).value_or(0);
    if (sent == data.size()) (void)s.close();
  };
  const strata::on handler{[&](typename net::connected e) { write(e.stream); }, [&](typename net::writable e) { write(e.stream); },
                           [&](typename net::readable e) {
                             for (const auto part : e.stream.peek()) {
                               to.take(to.self, part);
                               r.delivered += part.size();
                             }
                             (void)e.stream.consume(e.stream.peek().size());
                           },
                           [](typename net::peer_closed e) { (void)e.stream.close(); }, [&](typename net::closed) { ++ended; }, strata::ignore_rest{}};
  if (!b->listen({.port = 7}) || !a->connect({.remote = {address<C>(2).address, 7}})) return r;
  typename net::time_point now{};
  for (strata::u32 turn = 0; ended < 2 && turn < 8'000'000; ++turn) {
    now = now + net::duration::us(20);
    (void)a->poll(now, {}, handler);
    (void)b->poll(now, {}, handler);
  }
  return r;
}

}  // namespace example::swap

/// The Config NAME: `base` with one line changed.
#define EXAMPLE_SWAP(NAME, ...)                                                                                                                            \
  namespace example::swap {                                                                                                                                \
  struct NAME##_config : base { __VA_ARGS__ };                                                                                                             \
  outcome run_##NAME(std::span<const std::byte> data, sink to);                                                                                            \
  outcome run_##NAME(std::span<const std::byte> data, sink to) { return move<NAME##_config>(#__VA_ARGS__, data, to); }                                     \
  }
