// SPDX-License-Identifier: MIT
// Nothing allocates after construction: every operator new of this binary is counted.
#include "two_stacks.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <new>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)  // links an operator new of its own, and no second one beside it
#define HAS_ANOTHER_NEW 1
#endif
#endif

namespace {
std::size_t allocations = 0;
}
#ifndef HAS_ANOTHER_NEW
void* operator new(std::size_t n) {
  ++allocations;
  void* const p = std::malloc(n != 0 ? n : 1);
  if (p == nullptr) std::abort();
  return p;
}
void* operator new[](std::size_t n) { return operator new(n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
#endif

TEST_CASE("operator new is never called after construction") {
#ifdef HAS_ANOTHER_NEW
  SKIP("ThreadSanitizer has an operator new of its own, which does not count");
#endif
  using namespace strata;
  using namespace strata::literals;
  struct config : presets::testing {};
  using net = stack<config>;
  const auto t = test::two_stacks<config>::make();
  static std::byte bytes[20000];
  const std::size_t before = allocations;

  REQUIRE(t->b.listen({.port = 7}));
  const auto hearer = t->b.bind({.port = 9});
  const auto talker = t->a.bind({});
  const auto stream = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(hearer);
  REQUIRE(talker);
  REQUIRE(stream);
  std::size_t echoed = 0, closed = 0, datagrams = 0, sent = 0;
  auto push = [&](net::stream s) { sent += s.send(std::span(bytes).subspan(sent)).value_or(0); };
  auto client = on{[&](net::connected e) { push(e.stream); }, [&](net::writable e) { push(e.stream); },
                   [&](net::readable e) {
                     echoed += e.stream.consume(e.stream.peek().size()).value_or(0);
                     if (echoed == sizeof bytes) (void)e.stream.close();
                   },
                   [&](net::closed) { ++closed; }, ignore_rest{}};
  auto server = on{[&](net::readable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); },
                   [&](net::writable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); },
                   [&](net::peer_closed e) { (void)e.stream.close(); }, [&](net::closed) { ++closed; },
                   [&](net::datagram d) { datagrams += d.socket.consume().has_value(); }, ignore_rest{}};
  (void)talker->send_to(std::span(bytes).first(100), net::endpoint{"10.0.0.2"_ip, 9});
  t->pass(120'000, client, server, 20);

  const std::size_t after = allocations;
  CHECK(after == before);
  CHECK(echoed == sizeof bytes);
  CHECK(closed == 2);
  CHECK(datagrams == 1);
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}
