// SPDX-License-Identifier: MIT
// The public contract, construction and handles: one case for each sentence of it, in its order, named after it. contract/ has the rest.
#include "contract/contract.hpp"

#include <catch2/catch_test_macros.hpp>

#ifdef __linux__
#include <strata/nic/linux/tap.hpp>
#endif

namespace {

using namespace strata;
using namespace strata::test;

using net = pair_of::net;

// ---- construction ----

TEST_CASE("the order of construction is region, driver, stack with designated options") {
#ifdef __linux__
  static_assert(std::same_as<decltype(nic::tap::open({})), expected<nic::tap, nic::open_error>>);
#endif
  static_assert(requires(nic::open_error e) { e.step; e.errno_value; e.remedy; });
  nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  const region chunks = memory;
  auto n = std::make_unique<net>(net::options{.nic = nic::wire_pair(cable, 0), .memory = chunks, .entropy = {1}, .address = "10.0.0.1/24"_net});
  CHECK(n->is_started());
}

TEST_CASE("check names the first bad option") {
  nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  const auto check = [&](region m, subnet<ipv4_address> address, ipv4_address gateway) {
    return net::check({.nic = {cable, 0}, .memory = m, .entropy = {1}, .address = address, .gateway = gateway});
  };
  CHECK(check({}, {}, {}) == bad_option::memory);
  CHECK(check(memory, {}, {}) == bad_option::address);
  CHECK(check(memory, "224.0.0.1/24"_net, {}) == bad_option::address);
  CHECK(check(std::span(memory).first(32 * 2048), "10.0.0.1/24"_net, {}) == bad_option::memory);  // all of it is kept for receiving
  CHECK(check(memory, {"10.0.0.1"_ip, 33}, {}) == bad_option::prefix);
  CHECK(check(memory, {"10.0.0.1"_ip, 33}, "10.0.1.1"_ip) == bad_option::prefix);
  CHECK(check(memory, "10.0.0.1/24"_net, "10.0.1.1"_ip) == bad_option::gateway);
  CHECK(check(memory, "10.0.0.1/24"_net, "10.0.0.1"_ip) == bad_option::gateway);
  const auto check_link = [&](mac_address mac, u16 mtu) {
    return net::check({.nic = {cable, 0}, .memory = memory, .entropy = {1}, .mac = mac, .address = "10.0.0.1/24"_net, .mtu = mtu});
  };
  CHECK(check_link({{3, 0, 0, 0, 0, 1}}, 0) == bad_option::mac);
  CHECK(check_link({}, 67) == bad_option::mtu);
  CHECK(check_link({}, 9000) == bad_option::mtu);
  CHECK(check_link({{2, 0, 0, 0, 0, 1}}, 68) == bad_option::none);
  CHECK(check(memory, "10.0.0.1/24"_net, "10.0.0.254"_ip) == bad_option::none);
}

TEST_CASE("a stack with options that check refuses sends nothing and answers bad_options") {
  nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  auto n = std::make_unique<net>(net::options{.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = {}});
  CHECK(n->listen({.port = 7}).error() == tcp::listen_error::bad_options);
  CHECK(n->connect({.remote = {"10.0.0.2"_ip, 7}}).error() == tcp::connect_error::bad_options);
  CHECK(n->bind({.port = 7}).error() == udp::bind_error::bad_options);
  // Somebody asks for it and speaks to it all the time.
  alignas(64) static std::byte others_memory[64 * 2048];
  auto other = std::make_unique<net>(net::options{.nic = {cable, 1}, .memory = others_memory, .entropy = {2}, .address = "10.0.0.2/24"_net});
  const auto u = other->bind({.port = 7});
  REQUIRE(u);
  for (u64 t = 1; t < 10; ++t) {
    (void)u->send_to(bytes_of("who is there?"), net::endpoint{"10.0.0.1"_ip, 7});
    CHECK(other->poll({t * 1'000'000'000}, budget{64}, ignore_rest{}));
    CHECK(n->poll({t * 1'000'000'000}, budget{64}, ignore_rest{}));
  }
  CHECK(cable.of(1).transmitted > 0);
  CHECK(cable.of(0).transmitted == 0);
  CHECK(!n->is_started());
}

TEST_CASE("a stack is neither copied nor moved") {
  static_assert(!std::is_copy_constructible_v<net> && !std::is_copy_assignable_v<net>);
  static_assert(!std::is_move_constructible_v<net> && !std::is_move_assignable_v<net>);
  SUCCEED();
}

using still = stack<forever>;
static_assert(std::is_trivially_destructible_v<still> && !std::is_trivially_destructible_v<net>);
constinit still quiet;

TEST_CASE("a stack can be constinit, and zero is its initial state") {
  const auto* raw = reinterpret_cast<const unsigned char*>(&quiet);
  std::size_t set = 0;
  for (std::size_t i = 0; i < sizeof quiet; ++i) set += raw[i] != 0 ? 1 : 0;
  CHECK(set == 0);
  CHECK(quiet.listen({.port = 7}).error() == tcp::listen_error::bad_options);
  static nic::wire cable;
  alignas(64) static std::byte memory[64 * 2048];
  CHECK(quiet.start({.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  CHECK(quiet.listen({.port = 7}));
  alignas(64) static std::byte others_memory[64 * 2048];
  auto other = std::make_unique<net>(net::options{.nic = {cable, 1}, .memory = others_memory, .entropy = {2}, .address = "10.0.0.2/24"_net});
  const auto s = other->connect({.remote = {"10.0.0.1"_ip, 7}});
  REQUIRE(s);
  u32 accepted = 0;
  std::string answer;
  for (u64 t = 1; t < 20; ++t) {
    (void)quiet.poll({t * 1'000'000}, budget{64}, on{[&](still::accepted) { ++accepted; }, [](still::readable e) { (void)e.stream.consume(e.stream.send(e.stream.peek()).value_or(0)); }, ignore_rest{}});
    (void)other->poll({t * 1'000'000}, budget{64}, on{[](net::connected e) { (void)e.stream.send(bytes_of("echo")); }, [&](net::readable e) { answer += text_of(e.stream.peek().front()); }, ignore_rest{}});
  }
  CHECK(accepted == 1);
  CHECK(answer == "echo");
  quiet.shut_down();
  CHECK(quiet.chunks_in_use() == 0);
}

TEST_CASE("destroying a stack aborts its connections silently, returns every chunk, closes the driver") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes(4000)));
  t->turns(1);
  const u64 frames = t->cable.of(1).transmitted;
  CHECK(t->b.chunks_in_use() > 0);
  t->b.shut_down();  // what the destructor does
  CHECK(t->cable.of(1).transmitted == frames);
  CHECK(t->b.chunks_in_use() == 0);
  CHECK(t->cable.ways[0].is_deaf);
  CHECK(!t->b.at_interface().is_open());
  // The destructor itself.
  auto third = std::make_unique<net>(net::options{.nic = {t->cable, 1}, .memory = t->memory_b, .entropy = {3}, .address = "10.0.0.2/24"_net, .now = t->now()});
  REQUIRE(third->listen({.port = 8}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 8}});
  notes there;
  for (u32 i = 0; i < 400; ++i) {  // until the neighbour's new answer and the SYN are through
    t->ms += 10;
    t->poll_a();
    (void)third->poll(t->now(), budget{64}, record<net>(there));
  }
  REQUIRE(count(there, seen::accepted) == 1);
  t->clear();
  const u64 sent = t->cable.of(1).transmitted;
  third.reset();
  t->pass(100);
  CHECK(t->cable.of(1).transmitted == sent);
  CHECK(t->cable.ways[0].is_deaf);
  CHECK(count(t->at_a, seen::closed, s->id()) == 0);
  CHECK(s->is_live());
}

// ---- handles ----

void check_stale(const net::stream& s) {
  std::byte room[4];
  CHECK(!s.is_live());
  CHECK(s.send(bytes_of("x")).error() == tcp::send_error::stale);
  CHECK(s.send({}).error() == tcp::send_error::stale);
  CHECK(s.send(s.peek()).error() == tcp::send_error::stale);
  CHECK(s.reserve(1).error() == tcp::send_error::stale);
  CHECK(s.commit({}, 1).error() == tcp::send_error::stale);
  CHECK(s.peek().empty());
  CHECK(s.consume(1).error() == tcp::receive_error::stale);
  CHECK(s.receive(room).error() == tcp::receive_error::stale);
  CHECK(s.take().error() == tcp::receive_error::stale);
  CHECK(s.close().error() == tcp::call_error::stale);
  CHECK(s.shutdown_send().error() == tcp::call_error::stale);
  CHECK(s.abort().error() == tcp::call_error::stale);
  CHECK(s.set(option::no_delay{true}).error() == tcp::call_error::stale);
  CHECK(s.set(option::user_timeout{1}).error() == tcp::call_error::stale);
  CHECK(!s.get<option::no_delay>());
  CHECK(!s.get<option::user_timeout>());
  CHECK(s.set_timer(net::duration::seconds(1)).error() == tcp::call_error::stale);
  CHECK(s.cancel_timer().error() == tcp::call_error::stale);
  CHECK(s.data() == nullptr);
  CHECK(!s.info());
  CHECK(s.local() == net::endpoint{});
  CHECK(s.remote() == net::endpoint{});
}
void check_stale(const net::datagram_socket& u) {
  std::byte room[4];
  CHECK(!u.is_live());
  CHECK(u.connect(net::endpoint{"10.0.0.2"_ip, 9}).error() == udp::connect_error::stale);
  CHECK(u.send(bytes_of("x")).error() == udp::send_error::stale);
  CHECK(u.send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 9}).error() == udp::send_error::stale);
  CHECK(u.reserve(1).error() == udp::send_error::stale);
  CHECK(u.commit_to({}, 0, net::endpoint{"10.0.0.2"_ip, 9}).error() == udp::send_error::stale);
  CHECK(u.receive(room).error() == udp::receive_error::stale);
  CHECK(u.peek().error() == udp::receive_error::stale);
  CHECK(u.consume().error() == udp::receive_error::stale);
  CHECK(u.close().error() == udp::call_error::stale);
}

TEST_CASE("stream, listener and datagram_socket are copyable values, and a stale one answers stale") {
  static_assert(std::is_trivially_copyable_v<net::stream> && std::is_trivially_copyable_v<net::listener> && std::is_trivially_copyable_v<net::datagram_socket>);
  check_stale(net::stream{});
  check_stale(net::datagram_socket{});
  CHECK(net::listener{}.close().error() == tcp::call_error::stale);
  auto t = pair_of::make();
  t->open();
  check_stale(net::stream(t->a, {t->client.id().index, t->client.id().generation + 1}));  // of a life to come
  check_stale(net::stream(t->a, {contract::limits.connections, 0}));
  REQUIRE(t->client.abort());
  t->turns(2);
  check_stale(t->client);
  REQUIRE(t->port.close());
  CHECK(t->port.close().error() == tcp::call_error::stale);
  auto u = t->a.bind({.port = 9});
  REQUIRE(u->is_live());
  REQUIRE(u->close());
  check_stale(*u);
}

TEST_CASE("a stale handle never answers with another's connection") {
  auto t = pair_of::make();
  t->open();
  const net::stream old = t->client;
  REQUIRE(old.abort());
  t->turns(2);
  std::vector<net::stream> others;
  for (u32 i = 0; i < contract::limits.connections; ++i)
    if (auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}})) others.push_back(*s);
  bool slot_is_used_again = false;
  for (const net::stream& s : others) slot_is_used_again = slot_is_used_again || s.id().index == old.id().index;
  CHECK(slot_is_used_again);
  CHECK(old.send(bytes_of("x")).error() == tcp::send_error::stale);
  CHECK(old.abort().error() == tcp::call_error::stale);
  for (const net::stream& s : others) CHECK(s.is_live());
  // A stack that was started again does not forget whom it knew.
  t->a.shut_down();
  t->start_a();
  auto fresh = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(fresh);
  for (const net::stream& s : others) CHECK(!s.is_live());
}

TEST_CASE("no destructor closes, and socket::owned aborts") {
  auto t = pair_of::make();
  t->open();
  {
    const net::stream copy = t->client;
    (void)copy;
  }
  t->turns(2);
  CHECK(t->client.is_live());
  {
    const socket::owned mine{t->client};
    socket::owned<net::stream> empty;
    CHECK(mine->is_live());
  }
  t->turns(3);
  CHECK(!t->client.is_live());
  REQUIRE(count(t->at_b, seen::closed) == 1);
  CHECK(t->at_b.back().why == close_reason::reset);
}

TEST_CASE("close is orderly, and the stack finishes alone") {
  auto t = pair_of::make();
  t->open();
  const auto data = bytes(20'000);
  REQUIRE(t->client.send(data).value_or(0) == data.size());
  REQUIRE(t->client.close());
  std::size_t got = 0;
  t->two_stacks<contract>::pass(3000, ignore_rest{}, on{[&](net::readable e) { got += e.stream.peek().size(); (void)e.stream.consume(e.stream.peek().size()); },
                                                         [&](net::peer_closed e) { (void)e.stream.close(); }, ignore_rest{}});
  CHECK(got == data.size());
  CHECK(!t->client.is_live());
  CHECK(!t->server.is_live());
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("abort is a reset") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes_of("never read")));
  REQUIRE(t->client.abort());
  t->turns(3);
  REQUIRE(count(t->at_a, seen::closed) == 1);
  CHECK(t->at_a.back().why == close_reason::aborted);
  REQUIRE(count(t->at_b, seen::closed) == 1);
  CHECK(t->at_b.back().why == close_reason::reset);
}

TEST_CASE("control blocks never move, and a connection is named by index and generation") {
  auto t = pair_of::make();
  t->open();
  auto* const where = t->client.data();
  where->number = 77;
  std::vector<net::stream> others;
  for (u32 i = 0; i < 10; ++i)
    if (auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}})) others.push_back(*s);
  t->turns(4);
  for (const net::stream& s : others) (void)s.abort();
  t->turns(4);
  CHECK(t->client.data() == where);
  CHECK(where->number == 77);
  const net::stream again(t->a, {t->client.id().index, t->client.id().generation});
  CHECK(again == t->client);
  CHECK(again.data() == where);
  CHECK(again.send(bytes_of("x")).value_or(0) == 1);
}

TEST_CASE("closed connections go to a grave that poll empties at its end") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.abort());
  const auto in_use = [&] { return t->a.transport<0>().connections(); };
  const u32 before = in_use();
  u32 during = 0;
  (void)t->a.poll(t->now(), budget{64}, on{[&](net::closed) { during = in_use(); }, ignore_rest{}});
  CHECK(during == before);
  CHECK(in_use() == before - 1);
}

}  // namespace
