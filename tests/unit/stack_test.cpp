// SPDX-License-Identifier: MIT
// The wiring itself: options, the way up, the way down, time, budget, errors, interfaces. Transports have tests of their own.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using namespace strata;
using namespace strata::test;

struct plain : presets::testing {};
using pair_of = two_stacks<plain>;
using net = pair_of::net;

static_assert(net::memory().object() == sizeof(net));
static_assert(net::memory().chunks == plain::limits.chunks * plain::limits.chunk_size);
static_assert(!std::is_copy_constructible_v<net> && !std::is_move_constructible_v<net>);
static_assert(std::is_trivially_copyable_v<net::stream> && std::is_trivially_copyable_v<net::datagram_socket> && std::is_trivially_copyable_v<net::listener>);

// Words at even offsets of a frame, as the wire has them.
u16 word(const std::vector<std::byte>& f, std::size_t at) { return load_be<u16>(f.data() + at); }

struct ping_host {
  nic::wire cable{};
  alignas(64) std::byte memory[256 * 2048]{};
  net a{};
  bare_peer peer{cable};
  ping_host() { (void)a.start({.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net}); }

  // The peer is 10.0.0.9 at 02:00:00:00:00:09.
  static constexpr mac_address mac{{2, 0, 0, 0, 0, 9}};
  static constexpr mac_address ours{{2, 0, 0, 0, 0, 1}};
  std::vector<std::byte> ethernet(const mac_address& to, u16 type) {
    std::vector<std::byte> f(14);
    __builtin_memcpy(f.data(), to.bytes, 6);
    __builtin_memcpy(f.data() + 6, mac.bytes, 6);
    store_be<u16>(f.data() + 12, type);
    return f;
  }
  void ask_who_is() {
    auto f = ethernet(mac_address::broadcast(), 0x0806);
    f.resize(14 + wire::arp::header_size);
    wire::arp request;
    request.operation = wire::arp::request;
    request.sender_mac = mac;
    request.sender = "10.0.0.9"_ip;
    request.target = "10.0.0.1"_ip;
    request.emit(f.data() + 14);
    peer.send(f);
  }
  std::vector<std::byte> datagram(u8 protocol, std::span<const std::byte> payload) {
    auto f = ethernet(ours, 0x0800);
    f.resize(34 + payload.size());
    wire::ipv4 h;
    h.protocol = protocol;
    h.total_length = static_cast<u16>(20 + payload.size());
    h.source = "10.0.0.9"_ip;
    h.destination = "10.0.0.1"_ip;
    h.emit(f.data() + 14);
    copy_bytes(f.data() + 34, payload.data(), payload.size());
    return f;
  }
  void poll(u32 ms) { (void)a.poll({u64{ms} * 1'000'000}, budget{64}, ignore_rest{}); }
};

TEST_CASE("a stack answers ARP and a ping, and keeps nothing") {
  auto h = std::make_unique<ping_host>();
  h->ask_who_is();
  h->poll(1);
  auto frames = h->peer.receive();
  REQUIRE(frames.size() == 1);
  CHECK(word(frames[0], 12) == 0x0806);
  CHECK(word(frames[0], 20) == 2);  // a reply

  std::vector<std::byte> echo(8 + 56);
  for (std::size_t i = 8; i < echo.size(); ++i) echo[i] = static_cast<std::byte>(i);
  echo[0] = std::byte{8};
  store_be<u16>(echo.data() + 2, static_cast<u16>(~fold(ones_sum(echo))));
  h->peer.send(h->datagram(1, echo));
  h->poll(2);
  frames = h->peer.receive();
  REQUIRE(frames.size() == 1);
  REQUIRE(frames[0].size() == 34 + echo.size());
  CHECK(frames[0][34] == std::byte{0});
  CHECK(text_of(std::span(frames[0]).subspan(42)) == text_of(std::span(echo).subspan(8)));
  h->poll(3);
  CHECK(h->a.chunks_in_use() == 0);
}

// RFC 1122 §3.2.2.1.
TEST_CASE("a protocol that nobody here speaks is unreachable, and counted") {
  auto h = std::make_unique<ping_host>();
  h->ask_who_is();
  h->poll(1);
  (void)h->peer.receive();
  h->peer.send(h->datagram(253, bytes_of("whatever")));
  h->poll(2);
  const auto frames = h->peer.receive();
  REQUIRE(frames.size() == 1);
  CHECK(frames[0][23] == std::byte{1});
  CHECK(frames[0][34] == std::byte{3});
  CHECK(frames[0][35] == std::byte{2});
  CHECK(h->a.counters().unknown_protocol == 1);
  h->poll(3);
  CHECK(h->a.chunks_in_use() == 0);
}

TEST_CASE("a frame of a family that this Config does not have is dropped and counted") {
  auto h = std::make_unique<ping_host>();
  auto f = h->ethernet(ping_host::ours, 0x86dd);
  f.resize(14 + 40);
  h->peer.send(f);
  h->poll(1);
  CHECK(h->a.counters().no_network == 1);
  CHECK(h->a.chunks_in_use() == 0);
}

TEST_CASE("two stacks find each other by ARP and exchange a datagram") {
  auto t = pair_of::make();
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  REQUIRE((here && there));
  CHECK(here->send_to(bytes_of("hello"), net::endpoint{"10.0.0.2"_ip, 7}).value_or(0) == 5);
  std::string got;
  t->turns(4, ignore_rest{}, on{[&](net::datagram e) {
    std::byte room[16];
    const auto r = e.socket.receive(room);
    REQUIRE(r);
    got = text_of(std::span(room).first(r->bytes));
    CHECK(r->from == net::endpoint{"10.0.0.1"_ip, 1000});
  }, ignore_rest{}});
  CHECK(got == "hello");
  t->turn();
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

// ---- options ----
alignas(64) std::byte too_small[2048];
template <class Change> bad_option checked(Change&& change) {
  static nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  net::options o{.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net};
  change(o);
  return net::check(o);
}
TEST_CASE("check names the first bad option") {
  CHECK(checked([](auto&) {}) == bad_option::none);
  CHECK(checked([](auto& o) { o.memory = {}; }) == bad_option::memory);
  CHECK(checked([](auto& o) { o.memory = too_small; }) == bad_option::memory);
  CHECK(checked([](auto& o) { o.mac = "01:00:5e:00:00:01"_mac; }) == bad_option::mac);
  CHECK(checked([](auto& o) { o.mtu = 67; }) == bad_option::mtu);
  CHECK(checked([](auto& o) { o.mtu = 1501; }) == bad_option::mtu);
  CHECK(checked([](auto& o) { o.mtu = 1500; }) == bad_option::none);
  CHECK(checked([](auto& o) { o.address = "0.0.0.0/0"_net; }) == bad_option::address);
  CHECK(checked([](auto& o) { o.address = "224.0.0.1/24"_net; }) == bad_option::address);
  CHECK(checked([](auto& o) { o.address.prefix = 33; }) == bad_option::prefix);
  CHECK(checked([](auto& o) { o.gateway = "10.0.1.1"_ip; }) == bad_option::gateway);
  CHECK(checked([](auto& o) { o.gateway = "10.0.0.1"_ip; }) == bad_option::gateway);
  CHECK(checked([](auto& o) { o.gateway = "10.0.0.254"_ip; }) == bad_option::none);
  CHECK(checked([](auto& o) { o.mac = "01:00:5e:00:00:01"_mac; o.mtu = 1; o.memory = {}; }) == bad_option::memory);
}

TEST_CASE("a source of secrets that was given none does not start a stack") {
  struct keyed_config : presets::testing { using entropy = strata::entropy::keyed; };
  using keyed_net = stack<keyed_config>;
  nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  keyed_net::options o{.nic = {cable, 0}, .memory = memory, .address = "10.0.0.1/24"_net};
  CHECK(keyed_net::check(o) == bad_option::entropy);
  o.entropy.key = {1, 2};
  CHECK(keyed_net::check(o) == bad_option::none);
}

TEST_CASE("a stack with bad options sends nothing and says so to every call") {
  auto t = std::make_unique<net>();
  nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  CHECK(t->start({.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "0.0.0.0/0"_net}) == bad_option::address);
  CHECK(!t->is_started());
  CHECK(t->bind({.port = 7}).error() == udp::bind_error::bad_options);
  CHECK(t->poll({1}, budget{64}, ignore_rest{}));
  CHECK(t->idle());
  CHECK(!t->next_deadline());
  CHECK(cable.of(0).transmitted == 0);
}

// ---- time ----
TEST_CASE("time never runs back: an earlier one is counted and clamped") {
  auto t = pair_of::make();
  (void)t->a.poll({5'000'000'000}, budget{1}, ignore_rest{});
  (void)t->a.poll({4'000'000'000}, budget{1}, ignore_rest{});
  CHECK(t->a.now().count == 5'000'000'000);
  t->a.advance({1});
  CHECK(t->a.now().count == 5'000'000'000);
  CHECK(t->a.counters().time_ran_back == 2);
  t->a.advance({6'000'000'000});
  CHECK(t->a.now().count == 6'000'000'000);
}

TEST_CASE("the first time may be any") {
  auto n = std::make_unique<net>();
  (void)n->poll({~u64{0} - 5}, budget{1}, ignore_rest{});
  (void)n->poll({3}, budget{1}, ignore_rest{});  // behind the wrap
  CHECK(n->now().count == 3);
  CHECK(n->counters().time_ran_back == 0);
}

// ---- turns ----
TEST_CASE("the budget bounds the frames of a poll, and the stack says that there is more") {
  auto t = pair_of::make();
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  t->turns(1, ignore_rest{}, ignore_rest{});
  const net::endpoint to{"10.0.0.2"_ip, 7};
  (void)here->send_to(bytes_of("first"), to);
  t->turns(3, ignore_rest{}, ignore_rest{});
  std::byte room[16];
  (void)there->receive(room);
  for (int i = 0; i < 10; ++i) (void)here->send_to(bytes_of("x"), to);
  t->a.poll(t->now(), budget{64}, ignore_rest{});
  u32 events = 0;
  const auto count = on{[&](net::datagram) { ++events; }, ignore_rest{}};
  for (const u32 after : {4u, 8u, 10u}) {
    t->b.poll(t->now(), budget{4}, count);
    CHECK(events == after);
    CHECK(t->b.idle() == (after == 10));
    if (after != 10) CHECK(t->b.next_deadline() == t->now());
  }
}

TEST_CASE("poll inside a handler is busy and does nothing") {
  auto t = pair_of::make();
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  u32 busy = 0, seen = 0;
  t->turns(4, ignore_rest{}, on{[&](net::datagram) {
    ++seen;
    if (!t->b.poll(t->now(), budget{64}, ignore_rest{})) ++busy;
  }, ignore_rest{}});
  CHECK(seen == 1);
  CHECK(busy == 1);
  CHECK(t->b.counters().busy_polls == 1);
}

// RFC 9293 §3.9.2.3; MUST-46: no connection to many.
TEST_CASE("connect() to a broadcast or multicast address is refused, that of our own network too") {
  auto t = pair_of::make();
  const net::endpoint many[] = {{"10.0.0.255"_ip, 7}, {"255.255.255.255"_ip, 7}, {"224.0.0.1"_ip, 7}, {"0.0.0.0"_ip, 7}};
  for (const net::endpoint& to : many) CHECK(t->a.connect({.remote = to}).error() == tcp::connect_error::bad_address);
  const net::endpoint one{"10.0.0.254"_ip, 7};
  CHECK(t->a.connect({.remote = one}));
}

// A neighbour that does not answer is an error of a later turn; as many wait as limits.errors says.
TEST_CASE("a packet that waited for a neighbour in vain becomes an error of its socket") {
  auto t = pair_of::make();
  auto here = t->a.bind({.port = 1000});
  const net::endpoint nobody{"10.0.0.77"_ip, 7};
  REQUIRE(here->connect(nobody));
  CHECK(here->send(bytes_of("x")).value_or(0) == 1);
  u32 errors = 0;
  t->pass(5000, on{[&](net::error e) {
    ++errors;
    CHECK(e.socket == *here);
    CHECK(e.kind == event::error_kind::network);
    CHECK(e.reason == icmp_error_kind::host_unreachable);
  }, ignore_rest{}}, ignore_rest{}, 100);
  CHECK(errors == 1);
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("a destroyed stack has returned its chunks and lets the other side go on") {
  auto t = pair_of::make();
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  t->turns(4, ignore_rest{}, ignore_rest{});
  CHECK(t->b.chunks_in_use() == 1);  // unread
  t->b.shut_down();
  CHECK(t->b.chunks_in_use() == 0);
  CHECK(there->send(bytes_of("x")).error() == udp::send_error::bad_options);
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  t->turns(2, ignore_rest{}, ignore_rest{});
  CHECK(t->a.chunks_in_use() == 0);
  t->start_b();
  t->pass(40'000, 1000);
  CHECK(t->b.bind({.port = 7}));
}
TEST_CASE("a listener that was closed is stale, also where another one has its place") {
  auto t = pair_of::make();
  auto before = t->b.listen({.port = 80});
  REQUIRE(before);
  const auto copy = *before;
  CHECK(before->close());
  auto after = t->b.listen({.port = 80});
  REQUIRE(after);
  CHECK(*after != copy);
  CHECK(copy.close().error() == tcp::call_error::stale);
  CHECK(after->close());
}
TEST_CASE("a listener from before shut_down is stale, also where another one has its place") {
  auto t = pair_of::make();
  auto before = t->b.listen({.port = 80});
  REQUIRE(before);
  t->b.shut_down();
  t->start_b();
  auto after = t->b.listen({.port = 80});
  REQUIRE(after);
  CHECK(*after != *before);
  CHECK(before->close().error() == tcp::call_error::stale);
  CHECK(after->close());
}

}  // namespace
