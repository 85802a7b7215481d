// SPDX-License-Identifier: MIT
// One stream between two stacks, there and back and closed.
#pragma once
#include <two_stacks.hpp>

#include <string>

namespace strata::test {

/// Connects, sends `text` there and back, closes; what came back. Both sides end clean.
template <class C, class Stacks> std::string echo_over(Stacks& t, const endpoint<typename C::family::address>& to, const char* text) {
  using net = stack<C>;
  if (!t.b.listen({.port = to.port})) return "no listener";
  const auto s = t.a.connect({.remote = to});
  if (!s) return "no connection";
  std::string got;
  u32 closed = 0;
  const auto ha = on{[&](typename net::connected e) { (void)e.stream.send(bytes_of(text)); },
                     [&](typename net::readable e) {
                       for (const auto part : e.stream.peek()) got += text_of(part);
                       (void)e.stream.consume(e.stream.peek().size());
                       if (got.size() == __builtin_strlen(text)) (void)e.stream.close();
                     },
                     [&](typename net::closed) { ++closed; }, ignore_rest{}};
  const auto hb = on{[](typename net::readable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); },
                     [](typename net::peer_closed e) { (void)e.stream.close(); }, [&](typename net::closed) { ++closed; }, ignore_rest{}};
  for (u32 i = 0; i < 400 && closed < 2; ++i) t.turn(ha, hb), ++t.ms;
  t.turn(ha, hb);
  if (closed != 2) return "not closed";
  if (t.a.chunks_in_use() + t.b.chunks_in_use() != 0) return "chunks are left";
  return got;
}

}  // namespace strata::test
