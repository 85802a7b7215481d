// SPDX-License-Identifier: MIT
// A socket that asks for it gets datagrams of one peer and size as one view: those that came behind one header, and where `gro` of the Config is true those of one batch.
#include "datagram_trains.hpp"

namespace {
using namespace strata;

struct config : presets::testing {
  using nic = strata::nic::wire_pair::copying_trains;
  using neighbour = strata::neighbour::fixed;
};
struct counts_delivered {
  static constexpr bool is_active = true;
  u32 steps = 0;
  void on(const trace::record& r) { steps += r.what == trace::step::deliver; }
};
struct seen_by_one : config { using observer = counts_delivered; };
struct joining : config { static constexpr bool gro = true; };
using test::octet, test::sizes;

/// How long each datagram is, how many bytes there are, and in how many chunks.
struct seen {
  std::size_t size = 0, bytes = 0, chunks = 0;
  friend bool operator==(const seen&, const seen&) = default;
};
/// What peek() shows of each event, consumed.
template <class C> std::vector<seen> look(test::world_of<C>& w, bool each_begins_anew = false) {
  std::vector<seen> all;
  w.a.poll({1'000'000}, budget{64}, on{[&](typename stack<C>::datagram d) {
                                         const auto view = d.socket.peek();
                                         REQUIRE(view);
                                         seen s{view->segment_size, 0, 0};
                                         bool is_right = true;
                                         for (const auto part : view->spans) {
                                           const std::size_t at = each_begins_anew ? 0 : s.bytes;
                                           for (std::size_t i = 0; i < part.size(); ++i) is_right = is_right && part[i] == octet(at + i);
                                           s.bytes += part.size(), ++s.chunks;
                                         }
                                         CHECK((is_right && s.bytes == view->spans.size()));
                                         if (s.size == 0) s.bytes = view->bytes.size(), s.chunks = 1;
                                         else CHECK(view->bytes.data() == (*view->spans.begin()).data());
                                         all.push_back(s);
                                         CHECK(d.socket.consume());
                                       },
                                       ignore_rest{}});
  return all;
}

TEMPLATE_TEST_CASE("a train is one view of a socket that asked for it, without a copy", "", config, joining) {
  auto w = std::make_unique<test::world_of<TestType>>();
  CHECK(w->socket.template get<udp::option::gro>()->value == false);
  CHECK(w->socket.set(udp::option::gro{true}));
  CHECK(w->socket.template get<udp::option::gro>()->value);
  w->send(1000, {500, 500, 500, 120});
  CHECK(look(*w) == std::vector<seen>{{500, 1620, 4}});
  w->send(1000, {400, 250, 350, 399, 1, 1000}, false);
  w->send(1000, {70});
  CHECK(look(*w) == std::vector<seen>{{400, 2400, 6}, {0, 70, 1}});
  const auto& count = w->a.template transport<1>().counted();
  CHECK((count.in_datagrams == 11 && count.in_gathered == 0));
  CHECK(w->a.chunks_in_use() == 0);
}
TEST_CASE("an observer sees a train delivered once") {
  auto w = std::make_unique<test::world_of<seen_by_one>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  w->send(1000, {500, 500, 500, 120});
  CHECK(look(*w) == std::vector<seen>{{500, 1620, 4}});
  CHECK(w->a.observer().steps == 1);
}
TEST_CASE("receive() copies all of a view and says how long each datagram is") {
  auto w = std::make_unique<test::world_of<config>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  w->send(1000, {500, 500, 500, 120});
  w->send(1000, {500, 500, 500, 120});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->a.transport<1>().unread(w->socket.id()) == 8);
  std::byte to[2000];
  const auto got = w->socket.receive(to);
  REQUIRE(got);
  CHECK((got->bytes == 1620 && got->segment_size == 500 && !got->truncated && to[1619] == octet(1619)));
  CHECK(w->a.transport<1>().unread(w->socket.id()) == 4);
  const auto cut = w->socket.receive(std::span(to).first(700));
  CHECK((cut->bytes == 700 && cut->truncated && to[699] == octet(699)));
  CHECK(w->a.transport<1>().unread(w->socket.id()) == 0);
}
TEST_CASE("a socket with room takes a whole train, one without counts and drops it") {
  auto w = std::make_unique<test::world_of<config>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  w->send(1000, {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 4});
  w->send(1000, {300, 300});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->a.transport<1>().counted().rcvbuf_errors == 1);
  CHECK(w->a.transport<1>().unread(w->socket.id()) == 20);
  CHECK(w->socket.peek()->spans.size() == 308);
  CHECK(w->socket.consume());
  CHECK(w->a.chunks_in_use() == 0);
}
TEST_CASE("the option is a socket's own, ends with it, and a stale handle has none") {
  auto w = std::make_unique<test::world_of<config>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  const auto old = w->socket;
  CHECK(w->socket.close());
  CHECK(old.set(udp::option::gro{true}).error() == udp::call_error::stale);
  CHECK(old.get<udp::option::gro>().error() == udp::call_error::stale);
  w->socket = *w->a.bind({.port = 1000});
  CHECK(!w->socket.get<udp::option::gro>()->value);
  w->send(1000, {500, 500});
  CHECK(w->poll() == sizes{500, 500});
}
TEST_CASE("a change of the option leaves what waits as it came") {
  auto w = std::make_unique<test::world_of<config>>();
  w->send(1000, {500, 500});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->socket.set(udp::option::gro{true}));
  CHECK(w->socket.peek()->bytes.size() == 500);
  CHECK(w->socket.consume());
  CHECK((w->socket.peek()->bytes.size() == 500 && w->socket.peek()->segment_size == 0));
  w->send(1000, {300, 300});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->socket.set(udp::option::gro{false}));
  CHECK(w->socket.consume());
  CHECK((w->socket.peek()->segment_size == 300 && w->socket.peek()->spans.size() == 600));
}

TEST_CASE("datagrams of one batch are joined: one size, the last may be shorter, one peer") {
  auto w = std::make_unique<test::world_of<joining>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  for (const u32 n : {300u, 300u, 300u, 100u, 300u, 200u, 200u, 500u, 0u, 0u, 7u}) w->send(1000, {n}, n != 200);
  const auto all = look(*w, true);
  CHECK(all == std::vector<seen>{{300, 1000, 4}, {300, 500, 2}, {0, 200, 1}, {0, 500, 1}, {0, 0, 1}, {0, 0, 1}, {0, 7, 1}});
  for (const u16 from : {u16{2000}, u16{2000}, u16{2001}, u16{2000}}) w->send(1000, {40}, true, from);
  std::vector<u16> ports;
  w->a.poll({2'000'000}, budget{64}, on{[&](stack<joining>::datagram d) { ports.push_back(d.socket.peek()->from.port), (void)d.socket.consume(); }, ignore_rest{}});
  CHECK(ports == std::vector<u16>{2000, 2001, 2000});
  CHECK(w->a.transport<1>().counted().in_datagrams == 15);
}
TEST_CASE("receive() copies all datagrams that joined, and nothing is left to be told") {
  auto w = std::make_unique<test::world_of<joining>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  for (const u32 n : {300u, 300u, 300u, 100u}) w->send(1000, {n});
  int events = 0;
  w->a.poll({1'000'000}, budget{64}, on{[&](stack<joining>::datagram d) {
                                          ++events;
                                          std::byte to[2000];
                                          const auto got = d.socket.receive(to);
                                          REQUIRE(got);
                                          CHECK((got->bytes == 1000 && got->segment_size == 300 && !got->truncated && to[299] == octet(299) && to[300] == octet(0) && to[999] == octet(99)));
                                        },
                                        ignore_rest{}});
  CHECK(events == 1);
  CHECK(w->a.idle());
}
TEST_CASE("what was looked at grows no more, and nothing joins a train that a driver made") {
  auto w = std::make_unique<test::world_of<joining>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  w->send(1000, {200, 200});
  w->send(1000, {200});
  CHECK(look(*w) == std::vector<seen>{{200, 400, 2}, {0, 200, 1}});
  w->send(1000, {200});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  w->send(1000, {200});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->a.transport<1>().unread(w->socket.id()) == 2);
  CHECK(w->socket.peek()->segment_size == 0);
  CHECK(w->socket.consume());
  CHECK(w->socket.peek()->bytes.size() == 200);
}
TEST_CASE("where gro is on, a socket that did not ask gets each datagram by itself") {
  auto w = std::make_unique<test::world_of<joining>>();
  for (int i = 0; i < 3; ++i) w->send(1000, {300});
  const auto all = look(*w);
  CHECK(all == std::vector<seen>{{0, 300, 1}, {0, 300, 1}, {0, 300, 1}});
}
TEST_CASE("datagrams that joined are charged one by one, and a socket that is closed before it is told hears nothing") {
  auto w = std::make_unique<test::world_of<joining>>();
  CHECK(w->socket.set(udp::option::gro{true}));
  for (u32 i = 0; i < joining::limits.datagrams + 3; ++i) w->send(1000, {100});
  CHECK(look(*w, true) == std::vector<seen>{{100, 100u * joining::limits.datagrams, joining::limits.datagrams}});
  CHECK(w->a.transport<1>().counted().rcvbuf_errors == 3);
  const auto other = *w->a.bind({.port = 1001});
  CHECK(other.set(udp::option::gro{true}));
  w->send(1000, {100}), w->send(1001, {100});
  int events = 0;
  w->a.poll({1'000'000}, budget{64}, on{[&](stack<joining>::datagram d) { ++events, (void)(d.socket == other ? w->socket : other).close(); }, ignore_rest{}});
  CHECK(events == 1);
  (void)other.close();
}

}  // namespace
