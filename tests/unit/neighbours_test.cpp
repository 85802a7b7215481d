// SPDX-License-Identifier: MIT
// Neighbours as the application meets them: an address that nobody answers for is an error of the call or the socket, a datagram in fragments waits whole or not
// at all, and the application may say where somebody is. One stack, 10.0.0.1, and a peer that sees bare frames.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>

namespace {

using namespace strata;
using namespace strata::test;

struct with_long : presets::testing { static constexpr bool long_datagrams = true; };
using net = stack<with_long>;
using end_at = endpoint<ipv4_address>;

struct host {
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{with_long::limits.chunks} * 2048);
  net a{};
  bare_peer peer{cable};
  u32 ms = 0;
  std::vector<std::vector<std::byte>> arp{}, ip{};

  host() { (void)a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {1}, .mac = "02:00:00:00:00:01"_mac, .address = "10.0.0.1/24"_net}); }

  template <class H> void pass(u32 length, H&& handler) {
    for (u32 i = 0; i <= length; ++i) {
      (void)a.poll({u64{ms + i} * 1'000'000}, budget{64}, handler);
      for (auto& f : peer.receive()) (load_be<u16>(f.data() + 12) == 0x0806 ? arp : ip).push_back(std::move(f));
    }
    ms += length;
  }
  void pass(u32 length) { pass(length, ignore_rest{}); }
  /// An ARP message to us from 10.0.0.`from`, whose card ends in the same number.
  void say(u16 operation, u8 from, ipv4_address to) {
    std::vector<std::byte> f(14 + wire::arp::header_size);
    const mac_address mac{{2, 0, 0, 0, 0, from}}, ours = "02:00:00:00:00:01"_mac;
    store_mac(f.data(), ours), store_mac(f.data() + 6, mac), store_be<u16>(f.data() + 12, 0x0806);
    wire::arp{operation, mac, {0x0a000000u + from}, ours, to}.emit(f.data() + 14);
    peer.send(f);
  }
  void answer(u8 from) { say(wire::arp::reply, from, "10.0.0.1"_ip); }
  static void store_mac(std::byte* at, const mac_address& m) { __builtin_memcpy(at, m.bytes, 6); }
};
mac_address to_whom(const std::vector<std::byte>& frame) {
  mac_address m;
  __builtin_memcpy(m.bytes, frame.data(), 6);
  return m;
}

template <class Said> auto error_of(const Said& said) { return said ? decltype(said.error()){} : said.error(); }

struct endings {
  std::optional<close_reason> why{};
  u32 errors = 0;
  icmp_error_kind reason = icmp_error_kind::parameter_problem;
  void operator()(const net::closed& e) { why = e.why; }
  void operator()(const net::error& e) { ++errors, reason = e.reason; }
  void operator()(const net::accepted&) {}
  void operator()(const net::connected&) {}
  void operator()(const net::readable&) {}
  void operator()(const net::writable&) {}
  void operator()(const net::peer_closed&) {}
  void operator()(const net::timer&) {}
  void operator()(const net::datagram&) {}
};

TEST_CASE("connect to an address that nobody answers for ends as unreachable when the third request was in vain") {  // RFC 1122 §2.4
  auto h = std::make_unique<host>();
  h->pass(0);
  REQUIRE(h->a.connect({.remote = {"10.0.0.9"_ip, 80}}));
  endings end;
  h->pass(2'999, end);
  CHECK(h->arp.size() == 3);
  CHECK_FALSE(end.why);
  h->pass(1, end);
  REQUIRE(end.why);
  CHECK(*end.why == close_reason::unreachable);
  CHECK(h->ip.empty());
  CHECK(h->a.chunks_in_use() == 0);
}

TEST_CASE("a datagram to an address that nobody answers for is an error of its socket, and the next one of the call") {
  auto h = std::make_unique<host>();
  h->pass(0);
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  REQUIRE(s->connect(end_at{"10.0.0.9"_ip, 9}));
  CHECK(s->send(bytes_of("who")));
  endings end;
  h->pass(3'000, end);
  CHECK(end.errors == 1);
  CHECK(end.reason == icmp_error_kind::host_unreachable);
  CHECK(error_of(s->send(bytes_of("there"))) == udp::send_error::no_route);
  h->pass(1'000, end);
  CHECK(s->send(bytes_of("now?")));  // and a second later he is asked again
  h->pass(0);
  CHECK(h->arp.size() == 4);
  h->answer(9);
  h->pass(1);
  CHECK(h->ip.size() == 1);
}

TEST_CASE("who answers is spoken with at once, however many others do not") {
  auto h = std::make_unique<host>();
  h->pass(0);
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  for (u8 dead = 20; dead < 30; ++dead)
    for (int i = 0; i < 6; ++i) CHECK(s->send_to(bytes_of("x"), end_at{ipv4_address{0x0a000000u + dead}, 9}));
  CHECK(s->send_to(bytes_of("first"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(1);
  h->answer(9);
  h->pass(1);
  REQUIRE(h->ip.size() == 1);
  CHECK(to_whom(h->ip[0]) == "02:00:00:00:00:09"_mac);
  CHECK(s->send_to(bytes_of("second"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(0);
  CHECK(h->ip.size() == 2);
}

TEST_CASE("the fragments of a datagram all wait for their neighbour, or it is refused whole") {
  auto h = std::make_unique<host>();
  h->pass(0);
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  static_assert(with_long::limits.neighbour_queue == 4);
  const std::vector<std::byte> four(4 * 1480 - 8), five(5 * 1480 - 8);
  const end_at there{"10.0.0.9"_ip, 9}, other{"10.0.0.8"_ip, 9};
  CHECK(error_of(s->send_to(five, there)) == udp::send_error::would_block);
  CHECK(h->a.at_interface().neighbour.counted().unres_refused == 1);
  h->pass(1);
  CHECK(h->a.chunks_in_use() == 0);
  CHECK(s->send_to(four, there));
  CHECK(error_of(s->send_to(std::span(four).first(1480), there)) == udp::send_error::would_block);  // two more: none goes for them
  CHECK(h->a.at_interface().neighbour.counted().unres_discards == 0);
  h->pass(1);
  CHECK(h->arp.size() == 1);  // the refused one asked, and nobody asks twice
  h->answer(9);
  h->pass(1);
  REQUIRE(h->ip.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK((load_be<u16>(h->ip[i].data() + 20) & 0x1fff) == i * 185);  // in order from the first
  CHECK(s->send_to(five, there));
  h->pass(0);
  CHECK(h->ip.size() == 9);

  endings end;
  CHECK(s->connect(other));
  CHECK(s->send_to(four, other));  // to nobody: one error, of the first, whose ports can be read
  h->pass(3'000, end);
  CHECK(end.errors == 1);
  CHECK(error_of(s->send_to(five, other)) == udp::send_error::no_route);  // known not to answer: that is said, and not that it should wait
}

TEST_CASE("the application may say where a neighbour is, and take it back") {
  auto h = std::make_unique<host>();
  h->pass(0);
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK(s->send_to(bytes_of("waits"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(0);
  CHECK(h->a.add_neighbour(0, "10.0.0.9"_ip, "02:00:00:00:00:33"_mac));
  CHECK(s->send_to(bytes_of("goes"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(0);
  REQUIRE(h->ip.size() == 2);
  for (const auto& f : h->ip) CHECK(to_whom(f) == "02:00:00:00:00:33"_mac);
  h->pass(100'000);
  h->answer(9);
  h->pass(1);
  CHECK(s->send_to(bytes_of("still"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(0);
  REQUIRE(h->ip.size() == 3);
  CHECK(to_whom(h->ip[2]) == "02:00:00:00:00:33"_mac);
  CHECK(h->arp.size() == 1);

  CHECK(error_of(h->a.add_neighbour(1, "10.0.0.9"_ip, "02:00:00:00:00:33"_mac)) == neighbour::neighbour_error::bad_link);
  CHECK(error_of(h->a.add_neighbour(0, "10.0.0.1"_ip, "02:00:00:00:00:33"_mac)) == neighbour::neighbour_error::bad_address);
  CHECK(h->a.remove_neighbour(0, "10.0.0.9"_ip));
  CHECK_FALSE(h->a.remove_neighbour(0, "10.0.0.9"_ip));
  CHECK_FALSE(h->a.remove_neighbour(1, "10.0.0.9"_ip));
  CHECK(s->send_to(bytes_of("again"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(0);
  CHECK(h->ip.size() == 3);
  CHECK(h->arp.size() == 2);
}

TEST_CASE("an address that is added later is answered for, and its neighbours are asked in its name") {
  auto h = std::make_unique<host>();
  h->pass(0);
  CHECK(h->a.add_address(0, "192.168.5.1/24"_net));
  h->say(wire::arp::request, 9, "192.168.5.1"_ip);
  h->pass(1);
  REQUIRE(h->arp.size() == 1);
  CHECK(wire::arp::parse(std::span(h->arp[0]).subspan(14))->sender == ipv4_address{0xc0a80501});
  auto s = h->a.bind({.port = 7});
  REQUIRE(s);
  CHECK(s->send_to(bytes_of("x"), end_at{"192.168.5.77"_ip, 9}));
  h->pass(0);
  REQUIRE(h->arp.size() == 2);
  CHECK(wire::arp::parse(std::span(h->arp[1]).subspan(14))->sender == ipv4_address{0xc0a80501});
}

TEST_CASE("pings from neighbours that do not exist disturb neither the way to one that does, nor what others are told") {
  auto h = std::make_unique<host>();
  h->pass(0);
  auto s = h->a.bind({.port = 7});
  auto dead = h->a.bind({.port = 8});
  REQUIRE((s && dead));
  CHECK(s->send_to(bytes_of("x"), end_at{"10.0.0.9"_ip, 9}));
  h->pass(1);
  h->answer(9);
  h->pass(1);
  CHECK(h->a.at_interface().neighbour.state_of("10.0.0.9"_ip) == neighbour::state::reachable);
  REQUIRE(h->ip.size() == 1);
  const u32 generation = h->a.generation();
  REQUIRE(dead->connect(end_at{"10.0.0.77"_ip, 9}));
  for (u32 i = 0; i < 600; ++i) {
    std::vector<std::byte> f(14 + 20 + 8);
    host::store_mac(f.data(), "02:00:00:00:00:01"_mac), host::store_mac(f.data() + 6, "02:66:00:00:00:01"_mac), store_be<u16>(f.data() + 12, 0x0800);
    wire::ipv4{.total_length = 28, .protocol = 1, .source = {0x0a000000u + 10 + i % 60}, .destination = "10.0.0.1"_ip}.emit(f.data() + 14);
    store_be<u16>(f.data() + 34, 0x0800), store_be<u16>(f.data() + 36, 0xf7ff);
    h->peer.send(f);
    h->pass(1);
    if (i % 50 == 0) {
      CHECK(s->send_to(bytes_of("y"), end_at{"10.0.0.9"_ip, 9}));
      h->pass(0);
    }
  }
  CHECK(h->a.network().icmp_counted().in_echos == 600);
  CHECK(h->a.at_interface().neighbour.state_of("10.0.0.9"_ip) == neighbour::state::reachable);
  CHECK(h->a.generation() == generation);
  CHECK(h->ip.size() == 13);
  CHECK(dead->send(bytes_of("z")));
  endings end;
  h->pass(3'000, end);
  CHECK(end.errors == 1);
  CHECK(h->a.counters().errors_dropped == 0);
}

}  // namespace
