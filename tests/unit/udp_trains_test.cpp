// SPDX-License-Identifier: MIT
// Datagrams that come behind one header: each is told of and read as if it had come alone.
#include "datagram_trains.hpp"

namespace {
using namespace strata;
using buffer::descriptor;

struct config : presets::testing {
  using nic = strata::nic::wire_pair::copying_trains;
  using neighbour = strata::neighbour::fixed;
};
using net = stack<config>;

using world = test::world_of<config>;
using test::octet, test::sizes;

TEST_CASE("datagrams behind one header are each an event, the last may be shorter") {
  auto w = std::make_unique<world>();
  w->send(1000, {500, 500, 500, 120});
  CHECK(w->poll() == sizes{500, 500, 500, 120});
  w->send(1000, {300, 300}, false);
  CHECK(w->poll() == sizes{300, 300});
  CHECK(w->a.transport<1>().counted().in_datagrams == 6);
}
TEST_CASE("datagrams that chunks cut in two are whole again") {
  auto w = std::make_unique<world>();
  w->send(1000, {400, 250, 350, 399, 1, 1000});
  CHECK(w->poll() == sizes{400, 400, 400, 400, 400, 400});
}
TEST_CASE("datagrams that begin and end in one chunk are read where they lie, and cost no chunk more") {
  auto w = std::make_unique<world>();
  w->send(1000, {500, 500, 500, 120});
  sizes read;
  w->a.poll({1'000'000}, budget{64}, on{[&](net::datagram d) {
                                       CHECK(w->a.chunks_in_use() == 4);
                                       const auto view = d.socket.peek();
                                       REQUIRE(view);
                                       CHECK((view->bytes.data() >= w->memory && view->bytes.data() < w->memory + sizeof w->memory && view->segment_size == 0));
                                       CHECK(view->bytes[7] == octet(read.size() * 500 + 7));
                                       CHECK(w->a.transport<1>().unread(d.socket.id()) == 4 - read.size());
                                       read.push_back(view->bytes.size());
                                       CHECK(d.socket.consume());
                                     },
                                     ignore_rest{}});
  CHECK(read == sizes{500, 500, 500, 120});
  CHECK(w->a.transport<1>().counted().in_gathered == 0);
}
TEST_CASE("only a datagram that lies in two chunks is gathered to be looked at, and once") {
  auto w = std::make_unique<world>();
  w->send(1000, {400, 250, 350, 399, 1, 1000});  // 400 each: the second one and the last but one lie in two chunks or more
  std::size_t at = 0;
  w->a.poll({1'000'000}, budget{64}, on{[&](net::datagram d) {
                                       const auto view = d.socket.peek(), again = d.socket.peek();
                                       REQUIRE((view && again && view->bytes.size() == 400 && again->bytes.data() == view->bytes.data()));
                                       bool is_right = true;
                                       for (std::size_t i = 0; i < 400; ++i) is_right = is_right && view->bytes[i] == octet(at + i);
                                       CHECK(is_right);
                                       at += 400;
                                       CHECK(d.socket.consume());
                                     },
                                     ignore_rest{}});
  CHECK(at == 2400);
  CHECK(w->a.transport<1>().counted().in_gathered == 3);
}
TEST_CASE("what is left of a train goes with its socket, and with its stack") {
  auto w = std::make_unique<world>();
  w->send(1000, {400, 250, 350, 399, 1, 1000});
  w->send(1000, {300, 300});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->socket.consume());
  CHECK(w->socket.peek()->bytes.size() == 400);  // gathered
  CHECK(w->a.chunks_in_use() == 9);
  CHECK(w->socket.close());
  CHECK(w->a.chunks_in_use() == 0);
  w->socket = *w->a.bind({.port = 1000});
  w->send(1000, {300, 300});
  w->a.poll({1'500'000}, budget{64}, ignore_rest{});
  w->send(1000, {300, 300});
  w->send(1000, {300, 300});
  w->a.poll({1'600'000}, budget{1}, ignore_rest{});  // one of them waits in the batch
  w->a.shut_down();
  CHECK(w->a.chunks().in_use() == 0);
}
TEST_CASE("no chunk to gather in is would_block, and receive() needs none") {
  auto w = std::make_unique<world>();
  w->send(1000, {400, 250, 350});
  w->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(w->socket.consume());
  std::vector<packet> hold;
  while (packet p = w->a.chunks().take(0)) hold.push_back(std::move(p));
  CHECK(w->socket.peek().error() == udp::receive_error::would_block);
  CHECK(w->a.transport<1>().counted().mem_errors == 1);
  std::byte to[500];
  CHECK(w->socket.receive(to)->bytes == 400);
}
TEST_CASE("a wrong checksum drops all, and a port without a socket refuses once") {
  auto w = std::make_unique<world>();
  w->send(1000, {300, 300}, false);
  descriptor& first = *w->line.ways[1].ring[0];
  first.chunk[first.offset + 60] ^= std::byte{1};
  CHECK(w->poll().empty());
  CHECK(w->a.transport<1>().counted().in_csum_errors == 1);
  first.chunk[first.offset + 60] ^= std::byte{1};
  w->send(1001, {300, 300, 20});
  CHECK(w->poll().empty());
  CHECK(w->a.transport<1>().counted().no_ports == 1);
  packet answers[4];
  CHECK(w->end.receive(w->there.chunks, answers) == 1);  // one ICMP error
}
TEST_CASE("what finds no place in the socket's queue is counted, and the rest is read") {
  auto w = std::make_unique<world>();
  w->send(1000, {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 4});
  const auto read = w->poll();
  CHECK(read.size() == config::limits.datagrams);
  CHECK(w->a.transport<1>().counted().rcvbuf_errors == 20 - config::limits.datagrams);
}
TEST_CASE("a handler that closes the socket hears of no further datagram") {
  auto w = std::make_unique<world>();
  w->send(1000, {100, 100, 100});
  int events = 0;
  w->a.poll({1'000'000}, budget{64}, on{[&](net::datagram d) { ++events, (void)d.socket.close(); }, ignore_rest{}});
  CHECK(events == 1);
}

}  // namespace
