// SPDX-License-Identifier: MIT
// A stream of many pieces from one stack to another, over wires that differ.
#pragma once
#include "../two_stacks.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

namespace strata::test {

/// A ring of few places, over a wire.
struct few_places : nic::wire_pair {
  static constexpr u32 places = 3;
  u32 used = 0;
  using wire_pair::wire_pair;
  std::size_t transmit(std::span<packet> batch) {
    const std::size_t n = used < places ? nic::wire_pair::transmit(batch.first(batch.size() < places - used ? batch.size() : places - used)) : 0;
    used += static_cast<u32>(n);
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) {
    const std::size_t n = nic::wire_pair::reclaim(batch);
    used -= static_cast<u32>(n);
    return n;
  }
};
constexpr std::byte octet(std::size_t at) { return static_cast<std::byte>(at * 7 + (at >> 8) * 3); }

/// `a` sends `length` bytes in pieces of many sizes, `b` reads them all; true if they are the same.
template <class C> bool arrives(two_stacks<C>& t, std::size_t length, u32 least, u32 most) {
  using net = stack<C>;
  REQUIRE(t.b.listen({.port = 7}));
  const auto s = t.a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  std::size_t sent = 0, read = 0;
  bool is_right = true;
  u32 state = 1;
  std::vector<std::byte> piece(most);
  const auto write = [&](typename net::stream to) {
    while (sent < length) {
      state = state * 1664525 + 1013904223;
      std::size_t n = least + (state >> 8) % (most - least + 1);
      n = n < length - sent ? n : length - sent;
      for (std::size_t i = 0; i < n; ++i) piece[i] = octet(sent + i);
      const std::size_t taken = to.send(std::span(piece).first(n)).value_or(0);
      sent += taken;
      if (taken < n) return;
    }
    (void)to.shutdown_send();
  };
  for (u32 i = 0; i < 20'000 && read < length; ++i)
    t.pass(1, on{[&](typename net::connected e) { write(e.stream); }, [&](typename net::writable e) { write(e.stream); }, ignore_rest{}},
           on{[&](typename net::readable e) {
                for (const auto part : e.stream.peek())
                  for (const std::byte b : part) is_right = is_right && b == octet(read++);
                (void)e.stream.consume(e.stream.peek().size());
              },
              ignore_rest{}},
           1);
  CHECK(read == length);
  t.pass(2000, ignore_rest{}, on{[](typename net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}});
  return is_right;
}

inline constexpr strata::limits with_slots = [] {
  strata::limits l = presets::testing::limits;
  l.slots = 512, l.send_chunks = 128;
  return l;
}();
template <class Nic> struct in_slots : presets::testing {
  using nic = Nic;
  using coalescing = strata::tcp::none;
  static constexpr strata::limits limits = with_slots;
  static constexpr strata::tcp::write_path writes{.collapse = true};
};
template <class Nic> struct in_slots_and_trains : in_slots<Nic> {
  using coalescing = strata::tcp::nagle;
  static constexpr u32 gso_max_size = 65000;
};
template <class C> void messages_arrive() {
  auto t = two_stacks<C>::make();
  CHECK(arrives(*t, 120'000, 1, 700));
  CHECK(t->a.chunks_in_use() + t->b.chunks_in_use() == 0);
  t->b.shut_down(), t->a.shut_down();
  CHECK(t->a.chunks().in_use() + t->b.chunks().in_use() == 0);
}

}  // namespace strata::test
