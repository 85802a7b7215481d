// SPDX-License-Identifier: MIT
// Path MTUs that routers told: the table, and two stacks with a router between them whose far side carries less. RFC 1191 §6.
#include "../ip_endpoint/endpoint.hpp"

namespace {
using namespace strata;
using namespace strata::literals;
using tick = nanoseconds64;
using at = time_point<tick>;
using table = ip::path_mtus<ipv4_address, 3, tick>;
constexpr u64 second = 1'000'000'000;

struct small : ip_endpoint::over_v4 {
  static constexpr strata::limits limits = presets::testing::limits;
};
using net = stack<small>;

/// a, a router that carries `narrow` bytes on its far side and says so, and b.
struct narrow_path {
  ip_endpoint::tunnel wires[2]{};
  ip_endpoint::octets memory[2] = {ip_endpoint::octets(std::size_t{small::limits.chunks} * small::limits.chunk_size),
                                   ip_endpoint::octets(std::size_t{small::limits.chunks} * small::limits.chunk_size)};
  net ends[2]{};
  net& a = ends[0];
  net& b = ends[1];
  u64 now = 0;
  std::size_t narrow = 1500, refused = 0, longest = 0, received = 0, errors = 0;
  u16 offered = 0;  // by the last SYN

  narrow_path() {
    REQUIRE(a.start({.nic = ip_endpoint::tunnel_nic{wires[0]}, .memory = std::span(memory[0]), .entropy = {1}, .address = "192.0.2.1/24"_net}) == bad_option::none);
    REQUIRE(b.start({.nic = ip_endpoint::tunnel_nic{wires[1]}, .memory = std::span(memory[1]), .entropy = {2}, .address = "192.0.2.2/24"_net}) == bad_option::none);
    REQUIRE(b.listen({.port = 80}));
  }
  static constexpr ipv4_address ends_of_the_path[2] = {"192.0.2.1"_ip, "192.0.2.2"_ip};
  static constexpr ipv4_address ours(std::size_t i) { return ends_of_the_path[i]; }

  void carry(std::size_t from, ip_endpoint::octets&& p) {
    const auto h = wire::ipv4::parse(p);
    REQUIRE(h);
    if (h->protocol == wire::tcp::protocol && (p[33] & std::byte{2}) != std::byte{}) offered = load_be<u16>(p.data() + 42);
    if (p.size() <= narrow) {
      if (p.size() > longest) longest = p.size();
      return wires[1 - from].in.push_back(std::move(p));
    }
    ++refused;
    REQUIRE(h->dont_fragment);
    ip_endpoint::octets error(20 + 8 + 28);
    wire::ipv4 ip;
    ip.total_length = static_cast<u16>(error.size()), ip.ttl = 64, ip.protocol = wire::icmpv4::protocol, ip.source = "192.0.2.254"_ip, ip.destination = ours(from);
    ip.emit(error.data());
    std::byte* const icmp = error.data() + 20;
    wire::icmpv4{wire::icmpv4::type_of::unreachable, wire::icmpv4::code_of::fragmentation_needed, 0, static_cast<u32>(narrow)}.emit(icmp);
    copy_bytes(icmp + 8, p.data(), 28);
    store_be<u16>(icmp + 2, static_cast<u16>(~fold(ones_sum({icmp, 36}))));
    wires[from].in.push_back(std::move(error));
  }
  void turn() {
    for (std::size_t i = 0; i < 2; ++i) {
      (void)ends[i].poll({now}, {64}, on{[this](net::readable e) {
                                           std::byte to[4096];
                                           while (const auto n = e.stream.receive(to)) received += *n;
                                         },
                                         [this](net::error) { ++errors; }, ignore_rest{}});
      while (!wires[i].out.empty()) {
        auto p = std::move(wires[i].out.front().bytes);
        wires[i].out.pop_front();
        carry(i, std::move(p));
      }
    }
  }
  /// Lets `ns` go by, a millisecond at a time at first.
  void pass(u64 ns) {
    const u64 until = now + ns;
    for (int i = 0; i < 400 && now + 1'000'000 < until; ++i) now += 1'000'000, turn();
    while (now < until) now = now + second / 4 < until ? now + second / 4 : until, turn();
  }
  net::stream open() {
    auto s = a.connect({.remote = {ours(1), 80}});
    REQUIRE(s);
    for (int i = 0; i < 4; ++i) turn();
    return *s;
  }
  /// `bytes` from a to b; how many packets the router refused meanwhile, and the longest one that came through.
  std::size_t sends(net::stream s, std::size_t bytes) {
    const ip_endpoint::octets data(bytes, std::byte{7});
    const std::size_t before = received;
    refused = longest = 0;
    REQUIRE(s.send(data).value_or(0) == bytes);
    pass(2 * second);
    REQUIRE(received - before == bytes);
    return refused;
  }
  std::size_t mss(net::stream s) { return s.info()->mss; }
};
}  // namespace

TEST_CASE("The table of path MTUs keeps the narrowest for ten minutes") {
  table t;
  const ipv4_address one = "10.0.0.1"_ip, two = "10.0.0.2"_ip;
  CHECK((t.to(one, {0}) == 0 && t.size() == 0));
  t.learn(one, 1400, at{5});
  t.learn(one, 1450, at{second});  // wider, or as wide: nothing new, and no younger
  t.learn(one, 1400, at{second});
  CHECK((t.to(one, {second}) == 1400 && t.to(two, {second}) == 0 && t.size() == 1));
  CHECK((t.to(one, {600 * second + 4}) == 1400 && t.to(one, {600 * second + 5}) == 0));
  t.learn(one, 1399, at{second});
  CHECK((t.to(one, {601 * second - 1}) == 1399 && t.to(one, {601 * second}) == 0 && t.size() == 1));
  t.learn(one, 1450, at{601 * second});  // what was said before is too old to be narrower
  CHECK((t.to(one, {1201 * second - 1}) == 1450 && t.to(one, {1201 * second}) == 0 && t.size() == 1));
}
TEST_CASE("The table of path MTUs tells nobody less than 552 bytes") {
  table t;
  const ipv4_address one = "10.0.0.1"_ip;
  t.learn(one, 553, {0});
  CHECK(t.to(one, {0}) == 553);
  t.learn(one, 68, at{1});
  CHECK(t.to(one, {1}) == 552);
  t.learn(one, 552, at{second});
  CHECK(t.to(one, {600 * second + 1}) == 0);
}
TEST_CASE("Where the table of path MTUs is full the oldest makes room") {
  table t;
  const ipv4_address who[] = {"10.0.0.1"_ip, "10.0.0.2"_ip, "10.0.0.3"_ip, "10.0.0.4"_ip, "10.0.0.5"_ip};
  t.learn(who[0], 1000, at{2 * second}), t.learn(who[1], 1001, at{1 * second}), t.learn(who[2], 1002, at{3 * second});
  t.learn(who[3], 1003, at{4 * second});
  const at now{5 * second};
  CHECK((t.size() == 3 && t.to(who[0], now) == 1000 && t.to(who[1], now) == 0 && t.to(who[2], now) == 1002 && t.to(who[3], now) == 1003));
  t.learn(who[2], 999, now), t.learn(who[4], 1004, now);
  CHECK((t.size() == 3 && t.to(who[0], now) == 0 && t.to(who[2], now) == 999 && t.to(who[3], now) == 1003 && t.to(who[4], now) == 1004));
}

TEST_CASE("What a router said of a path holds for new connections too, for ten minutes, and for what is sent alone") {
  narrow_path w;
  const auto first = w.open();
  CHECK(w.sends(first, 8000) == 0);
  const std::size_t full = w.mss(first);
  CHECK(w.longest == 1500);
  w.narrow = 1300;
  CHECK(w.sends(first, 8000) > 0);
  CHECK((w.mss(first) == full - 200 && w.longest == 1300 && w.a.network().counted().frag_fails == 0));
  const auto second_one = w.open();
  CHECK((w.mss(second_one) == full - 200 && w.offered == 1460));  // the MSS option is about what comes to us: RFC 1191 §3.1
  CHECK((w.sends(second_one, 8000) == 0 && w.longest == 1300));
  // A neighbour, a route or a link that changes gives nobody back what was too wide.
  REQUIRE(w.a.add_route("198.51.100.0/24"_net, narrow_path::ours(1)));
  CHECK((w.sends(first, 8000) == 0 && w.sends(second_one, 8000) == 0 && w.longest == 1300));
  // Ten minutes after it was said a connection that pauses for longer than an RTO tries the link's length again, with what is written after that.
  w.pass(600 * second);
  w.narrow = 1500;
  CHECK((w.sends(first, 100) == 0 && w.mss(first) == full && w.sends(first, 8000) == 0 && w.longest == 1500));
  CHECK(w.mss(w.open()) == full);
  // And still narrow: it is said again.
  w.narrow = 1300;
  CHECK((w.sends(first, 8000) > 0 && w.longest == 1300 && w.mss(w.open()) == full - 200));
}
TEST_CASE("Who goes a narrow way already and was not told sends what he has, and is told himself") {
  narrow_path w;
  const auto first = w.open(), other = w.open();
  w.narrow = 1300;
  CHECK(w.sends(first, 8000) > 0);
  REQUIRE(w.a.add_route("198.51.100.0/24"_net, narrow_path::ours(1)));  // every way is renewed
  CHECK((w.sends(other, 8000) > 0 && w.longest == 1300 && w.a.network().counted().frag_fails == 0));
}
TEST_CASE("Datagrams know what a router said of the path, of another socket too, for ten minutes") {
  narrow_path w;
  auto one = w.a.bind({.port = 7}), two = w.a.bind({.port = 8});
  REQUIRE((one && two));
  const net::endpoint there{narrow_path::ours(1), 9};
  REQUIRE(one->connect(there));
  const ip_endpoint::octets data(1472, std::byte{7});
  w.narrow = 1300;
  CHECK(one->send(data));
  w.turn(), w.turn();
  CHECK((w.refused == 1 && w.errors == 1));
  CHECK(one->send(data).error() == udp::send_error::too_big);
  CHECK(two->send_to(data, there).error() == udp::send_error::too_big);
  CHECK(one->send(std::span(data).first(1272)));
  CHECK(two->send_to(std::span(data).first(1272), there));
  CHECK(two->send_to(std::span(data).first(1273), there).error() == udp::send_error::too_big);
  w.pass(599 * second);
  CHECK(one->send(data).error() == udp::send_error::too_big);
  w.pass(1 * second);
  CHECK((one->send(data) && two->send_to(data, there)));
}
TEST_CASE("A forged word about one datagram does not stop connections to the same destination") {
  narrow_path w;
  auto one = w.a.bind({.port = 7});
  REQUIRE(one);
  REQUIRE(one->connect(net::endpoint{narrow_path::ours(1), 9}));
  w.narrow = 68;
  CHECK(one->send(ip_endpoint::octets(100)));
  w.turn(), w.turn();
  CHECK((w.refused == 1 && w.errors == 1));
  CHECK(one->send(ip_endpoint::octets(600)).error() == udp::send_error::too_big);
  w.narrow = 1500;
  const auto s = w.open();
  CHECK((w.sends(s, 8000) == 0 && w.longest == 552));
}
