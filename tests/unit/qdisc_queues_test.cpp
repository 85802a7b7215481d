// SPDX-License-Identifier: MIT
// A driver with several queues and a byte limit under a stack: flows are spread and keep their order, and what the limit holds back waits in the discipline.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>

namespace {

using namespace strata;
using namespace strata::test;

/// A cable of which each end says that it has four queues.
struct spread : nic::wire_pair {
  using nic::wire_pair::wire_pair;
  using nic::wire_pair::transmit;
  u32 sent[4] = {};
  u32 last = 0;
  std::size_t transmit(std::span<packet> batch, u32 queue) {
    REQUIRE(queue < 4);
    const std::size_t n = nic::wire_pair::transmit(batch);
    sent[last = queue] += static_cast<u32>(n);
    return n;
  }
  [[nodiscard]] u32 queues() const { return 4; }
};
static_assert(nic::driver<spread> && nic::has_queues<spread> && !nic::has_queues<nic::wire_pair>);
struct config : presets::testing {
  using nic = spread;
  using qdisc = strata::qdisc::fq_of<strata::qdisc::fq_options{.flows = 256}>;
  using queue_selection = strata::qdisc::by_flow;
  using byte_limit = strata::qdisc::byte_limit;
};
using net = stack<config>;
using pair = two_stacks<config>;

/// Both know each other, and what their talk left is out of the way.
void acquaint(pair& t, const net::datagram_socket& u) {
  (void)u.send_to(bytes_of("hello"), net::endpoint{"10.0.0.2"_ip, 9});
  for (u32 i = 0; i < 4; ++i) t.pass(20);
}

TEST_CASE("a flow leaves by one queue, many flows by all, and the hash is not the fair queue's") {
  const auto t = pair::make();
  std::vector<net::datagram_socket> sockets;
  REQUIRE(t->b.bind({.port = 9}));
  for (u16 i = 0; i < 8; ++i) sockets.push_back(*t->a.bind({.port = static_cast<u16>(2000 + i)}));
  acquaint(*t, sockets[0]);
  std::set<u32> used;
  for (u16 port = 1; port < 40; ++port) {
    std::set<u32> of_flow;
    for (u32 i = 0; i < 3; ++i) {
      CHECK(sockets[port % 8].send_to(bytes_of("datagram"), net::endpoint{"10.0.0.2"_ip, port}));
      of_flow.insert(t->a.at_interface().nic->last);
      t->turn();
    }
    CHECK(of_flow.size() == 1);
    used.insert(of_flow.begin(), of_flow.end());
  }
  CHECK(used.size() == 4);
}

TEST_CASE("what the byte limit holds back waits in the discipline, leaves when frames come back, and nothing is lost") {
  const auto t = pair::make();
  const auto u = t->a.bind({.port = 1000});
  REQUIRE(t->b.bind({.port = 9}));
  acquaint(*t, *u);
  auto& i = t->a.at_interface();
  CHECK(i.limit.in_flight() == 0);
  std::byte bytes[1000]{};
  for (u32 n = 0; n < 12; ++n) CHECK(u->send_to(bytes, net::endpoint{"10.0.0.2"_ip, 9}));
  CHECK(i.limit.in_flight() >= i.limit.limit());
  CHECK(i.limit.in_flight() < i.limit.limit() + 1042);
  CHECK(i.limit.counted().held_back > 0);
  CHECK(i.counters().ring_full == 0);
  CHECK(i.qdisc.size() == 12 - 3 - 1);  // three in the ring, one before its door
  CHECK(t->a.idle());
  CHECK(t->a.next_deadline() == t->now() + net::duration::us(100));  // to look whether frames came back
  const u32 before = i.limit.limit();
  u32 got = 0;
  const on count{[&](net::datagram e) { ++got, (void)e.socket.consume(); }, ignore_rest{}};
  for (u32 n = 0; n < 20; ++n) t->pass(1, ignore_rest{}, count, 1);
  CHECK(got == 12);
  CHECK(i.limit.limit() > before);  // it ran empty while others waited
  CHECK(i.limit.in_flight() == 0);
  CHECK(t->a.chunks_in_use() == 0);
  for (u32 n = 0; n < 12; ++n) CHECK(u->send_to(bytes, net::endpoint{"10.0.0.2"_ip, 9}));
  t->a.shut_down();
  t->b.shut_down();
  CHECK(t->a.chunks_in_use() == 0);
  t->start_a();
  CHECK(i.limit.in_flight() == 0);
}

}  // namespace
