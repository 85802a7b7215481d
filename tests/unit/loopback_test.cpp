// SPDX-License-Identifier: MIT
// A stack that talks to itself, through all of its layers: what it sends to its own addresses comes back, and what comes by a cable cannot pretend to.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using namespace strata;
using namespace strata::test;

struct config : presets::testing {
  template <class C> using interfaces = strata::interfaces<strata::interface<C>, strata::interface<strata::loopback>>;
};
using net = stack<config>;

struct host {
  nic::wire cable{};
  alignas(64) std::byte memory[std::size_t{config::limits.chunks} * 2048]{};
  net n{};
  u64 ms = 1;

  host() {
    (void)n.start({.memory = memory, .entropy = {1}, .interfaces = {{.nic = {cable, 0}, .address = "10.0.0.1/24"_net}, {.nic = {}, .address = "127.0.0.1/8"_net}}});
    n.advance({1});
  }
  void turn(auto&& h) { (void)n.poll({ms * 1'000'000}, budget{64}, h), ++ms; }
  void pass(u64 length) {
    for (const u64 end = ms + length; ms < end; ms += 9) turn(ignore_rest{});
  }
  [[nodiscard]] u64 on_the_cable() const { return cable.of(0).transmitted; }
};

/// Sends `length` bytes to a listener of the same stack, which sends them back; how many came, or zero if one was another.
std::size_t echoed(host& h, const net::endpoint& to, std::size_t length) {
  const auto listener = h.n.listen({.port = to.port});
  const auto s = h.n.connect({.remote = to});
  if (!listener || !s) return 0;
  std::size_t sent = 0, got = 0;
  u32 closed = 0;
  const auto octet = [](std::size_t i) { return static_cast<std::byte>(i * 7 + i / 253); };
  const auto write = [&] {
    while (sent < length) {
      std::byte some[1000];
      const std::size_t n = std::min(sizeof some, length - sent);
      for (std::size_t i = 0; i < n; ++i) some[i] = octet(sent + i);
      const std::size_t taken = s->send(std::span(some).first(n)).value_or(0);
      sent += taken;
      if (taken < n) return;
    }
  };
  const auto on_event = on{[&](net::connected) { write(); },
                           [&](net::writable e) {
                             if (e.stream.id() == s->id()) write();
                             else (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0));
                           },
                           [&](net::readable e) {
                             if (e.stream.id() != s->id()) {
                               (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0));
                               return;
                             }
                             for (const auto part : e.stream.peek())
                               for (const std::byte b : part)
                                 if (b == octet(got)) ++got;
                             (void)e.stream.consume(e.stream.peek().size());
                             if (got == length) (void)e.stream.close();
                           },
                           [](net::peer_closed e) { (void)e.stream.close(); }, [&](net::closed) { ++closed; }, ignore_rest{}};
  for (u32 i = 0; i < 20'000 && closed < 2; ++i) h.turn(on_event);
  (void)listener->close();
  h.pass(70'000);
  return closed == 2 && h.n.chunks_in_use() == 0 ? got : 0;
}

TEST_CASE("a stream to an address of our own comes back, and no frame leaves the host") {
  const auto h = std::make_unique<host>();
  CHECK(echoed(*h, {"10.0.0.1"_ip, 7}, 200'000) == 200'000);
  CHECK(echoed(*h, {"127.0.0.1"_ip, 7}, 50'000) == 50'000);
  CHECK(echoed(*h, {"127.8.9.1"_ip, 7}, 1'000) == 1'000);
  CHECK(h->on_the_cable() == 0);
}
TEST_CASE("whoever names no source is himself") {
  const auto h = std::make_unique<host>();
  const auto to_lan = h->n.connect({.remote = {"10.0.0.1"_ip, 7}}), to_loopback = h->n.connect({.remote = {"127.3.0.1"_ip, 7}});
  CHECK(to_lan->local().address == ipv4_address("10.0.0.1"_ip));
  CHECK(to_loopback->local().address == ipv4_address("127.0.0.1"_ip));
  // Nobody listens: both are refused by our own reset.
  u32 refused = 0;
  for (u32 i = 0; i < 10; ++i) h->turn(on{[&](net::closed e) { refused += e.why == close_reason::refused; }, ignore_rest{}});
  CHECK(refused == 2);
}
TEST_CASE("datagrams come back, and one that nobody waits for says so") {
  const auto h = std::make_unique<host>();
  const auto a = h->n.bind({.port = 1000}), b = h->n.bind({.port = 2000});
  CHECK(a->send_to(bytes_of("to b"), net::endpoint{"127.0.0.1"_ip, 2000}));
  std::string got;
  u32 from = 0;
  for (u32 i = 0; i < 3; ++i)
    h->turn(on{[&](net::datagram d) {
                 std::byte room[10];
                 const auto r = d.socket.receive(room);
                 got = text_of(std::span<const std::byte>(room).first(r->bytes));
                 from = r->from.port;
               },
               ignore_rest{}});
  CHECK(got == "to b");
  CHECK(from == 1000);
  const auto c = h->n.bind({.port = 3000});
  CHECK(c->connect(net::endpoint{"10.0.0.1"_ip, 4000}));
  CHECK(c->send(bytes_of("anybody?")));
  u32 errors = 0;
  for (u32 i = 0; i < 3; ++i) h->turn(on{[&](net::error e) { errors += e.reason == icmp_error_kind::port_unreachable; }, ignore_rest{}});
  CHECK(errors == 1);
  CHECK(h->on_the_cable() == 0);
}
TEST_CASE("nobody sleeps while a frame is on its way back") {
  const auto h = std::make_unique<host>();
  const auto a = h->n.bind({.port = 1000}), b = h->n.bind({.port = 2000});
  h->turn(ignore_rest{});
  CHECK(h->n.idle());
  CHECK(a->send_to(bytes_of("x"), net::endpoint{"127.0.0.1"_ip, 2000}));
  (void)h->n.poll({h->ms * 1'000'000}, budget{0}, ignore_rest{});
  CHECK(!h->n.idle());
  CHECK(h->n.next_deadline()->count <= h->ms * 1'000'000);
  h->turn(ignore_rest{});
  h->turn(ignore_rest{});
  CHECK(h->n.idle());
  (void)b->consume();
  CHECK(h->n.chunks_in_use() == 0);
}
TEST_CASE("what was bound to the loopback address does not leave the host") {
  const auto h = std::make_unique<host>();
  const auto a = h->n.bind({.port = 1000, .address = "127.0.0.1"_ip});
  REQUIRE(a);
  CHECK(a->send_to(bytes_of("x"), net::endpoint{"10.0.0.9"_ip, 9}).error() == udp::send_error::no_route);
  CHECK(!h->n.connect({.remote = {"10.0.0.9"_ip, 9}, .local = {"127.0.0.1"_ip, 0}}));
  h->pass(100);
  CHECK(h->on_the_cable() == 0);
}

/// An IPv4 packet with a UDP datagram of no bytes, as it comes to 02:..:01 by the cable.
std::vector<std::byte> from_the_cable(const wire::ipv4& h) {
  std::vector<std::byte> f(14 + 20 + 8);
  wire::store_mac(f.data(), "02:00:00:00:00:01"_mac);
  wire::store_mac(f.data() + 6, "02:00:00:00:00:02"_mac);
  store_be<u16>(f.data() + 12, 0x0800);
  h.emit(f.data() + 14);
  store_be<u16>(f.data() + 34, 9);
  store_be<u16>(f.data() + 36, 2000);
  store_be<u16>(f.data() + 38, 8);
  return f;
}
TEST_CASE("nobody on a cable is ourselves, and nobody there reaches the loopback address") {
  const auto h = std::make_unique<host>();
  const auto b = h->n.bind({.port = 2000});
  bare_peer peer(h->cable);
  const wire::ipv4 good{.total_length = 28, .protocol = 17, .source = "10.0.0.2"_ip, .destination = "10.0.0.1"_ip};
  auto as_ours = good, as_loopback = good, to_loopback = good;
  as_ours.source = "10.0.0.1"_ip;
  as_loopback.source = "127.0.0.1"_ip;
  to_loopback.destination = "127.0.0.1"_ip;
  u32 came = 0;
  const auto count = on{[&](net::datagram d) { ++came, (void)d.socket.consume(); }, ignore_rest{}};
  peer.send(from_the_cable(good));
  h->turn(count), h->turn(count);
  CHECK(came == 1);
  // Also when the same pair of addresses was just seen within.
  CHECK(b->send_to(bytes_of("x"), net::endpoint{"10.0.0.1"_ip, 2000}));
  h->turn(count), h->turn(count);
  CHECK(came == 2);
  peer.send(from_the_cable(as_ours));
  peer.send(from_the_cable(as_loopback));
  peer.send(from_the_cable(to_loopback));
  h->turn(count), h->turn(count);
  CHECK(came == 2);
  CHECK(h->n.network().counted().in_martian_src == 2);
  CHECK(h->n.network().counted().in_addr_errors == 1);
  (void)peer.receive();
  // Nor is a neighbour told where 127.0.0.1 is.
  std::vector<std::byte> ask(42);
  wire::store_mac(ask.data(), mac_address::broadcast());
  wire::store_mac(ask.data() + 6, "02:00:00:00:00:02"_mac);
  store_be<u16>(ask.data() + 12, 0x0806);
  wire::arp{.operation = wire::arp::request, .sender_mac = "02:00:00:00:00:02"_mac, .sender = "10.0.0.2"_ip, .target = "127.0.0.1"_ip}.emit(ask.data() + 14);
  peer.send(ask);
  h->turn(count), h->turn(count);
  CHECK(peer.receive().empty());
}
TEST_CASE("a full ring and an empty pool put frames off and lose none") {
  const auto h = std::make_unique<host>();
  const auto a = h->n.bind({.port = 1000}), b = h->n.bind({.port = 2000});
  u32 came = 0, sent = 0;
  for (u32 i = 0; i < 100; ++i) sent += a->send_to(bytes_of("x"), net::endpoint{"127.0.0.1"_ip, 2000}).has_value();
  for (u32 i = 0; i < 50; ++i) h->turn(on{[&](net::datagram d) { while (d.socket.consume()) ++came; }, ignore_rest{}});
  CHECK(sent >= 64);
  CHECK(came + h->n.transport<1>().counted().rcvbuf_errors == sent);
  CHECK(h->n.chunks_in_use() == 0);
}

struct config_v6 : presets::testing {
  using family = only_v6;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  template <class C> using network = strata::layers<strata::ip::v6<C>>;
  template <class C> using interfaces = strata::interfaces<strata::interface<C>, strata::interface<strata::loopback>>;
};
TEST_CASE("::1 is ourselves as well") {
  using net6 = stack<config_v6>;
  nic::wire cable{};
  static std::byte memory[std::size_t{config_v6::limits.chunks} * 2048];
  const auto n = std::make_unique<net6>();
  REQUIRE(n->start({.memory = region(memory), .entropy = {1}, .interfaces = {{.nic = {cable, 0}, .address = "fd00::1/64"_net}, {.nic = {}, .address = "::1/128"_net}}}) == bad_option::none);
  u64 ms = 1;
  for (const ipv6_address to : {ipv6_address("::1"_ip), ipv6_address("fd00::1"_ip)}) {
    const auto a = n->bind({.port = 1000}), b = n->bind({.port = 2000});
    CHECK(a->send_to(bytes_of("x"), net6::endpoint{to, u16{2000}}));
    u32 came = 0;
    for (u32 i = 0; i < 3; ++i, ++ms)
      (void)n->poll({ms * 1'000'000}, budget{64}, on{[&](net6::datagram d) {
                                                       std::byte room[4];
                                                       came += d.socket.receive(room)->from == net6::endpoint{to, u16{1000}};
                                                     },
                                                     ignore_rest{}});
    CHECK(came == 1);
    (void)a->close(), (void)b->close();
  }
  CHECK(cable.of(0).transmitted == 0);
  CHECK(n->chunks_in_use() == 0);
}

}  // namespace
