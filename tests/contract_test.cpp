// SPDX-License-Identifier: MIT
// The public contract of handles, events and time: one case for each sentence of it, in its order, named after it. docs/architecture.md has the text.
// It is compiled in parts, each in a few seconds: this file by itself is the first, contract/events_test.cpp and contract/time_test.cpp are the others.
#ifndef CONTRACT_PART
#define CONTRACT_PART 1
#endif
#include "contract/configs.hpp"
#include "contract/talk.hpp"

#include <catch2/catch_test_macros.hpp>

#ifdef __linux__
#include <strata/nic/linux/tap.hpp>
#endif

namespace {

using namespace strata;
using namespace strata::test;

using pair_of = talk<contract>;
using net = pair_of::net;

[[maybe_unused]] std::vector<std::byte> bytes(std::size_t n) {
  std::vector<std::byte> b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::byte>(i * 7);
  return b;
}

#if CONTRACT_PART == 1

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
  CHECK(s.set(option::keep_alive{true}).error() == tcp::call_error::stale);
  CHECK(s.set(option::linger{true}).error() == tcp::call_error::stale);
  CHECK(s.shutdown_receive().error() == tcp::call_error::stale);
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

#elif CONTRACT_PART == 2

// ---- events ----

TEST_CASE("the events are accepted, connected, readable, writable, peer_closed, closed, datagram, error and timer") {
  static_assert(net::is_event<net::accepted> && net::is_event<net::connected> && net::is_event<net::readable> && net::is_event<net::writable> &&
                net::is_event<net::peer_closed> && net::is_event<net::closed> && net::is_event<net::datagram> && net::is_event<net::error> && net::is_event<net::timer>);
  static_assert(std::same_as<decltype(net::closed{}.why), close_reason>);
  auto t = pair_of::make();
  t->listen();
  auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  net::listener told;
  net::stream got;
  t->two_stacks<contract>::turns(4, record<net>(t->at_a), on{[&](net::accepted e) { told = e.listener, got = e.stream; }, ignore_rest{}});
  CHECK(told == t->port);
  CHECK(got.remote().address == ipv4_address{0x0a000001});
  CHECK(got.local() == net::endpoint{"10.0.0.2"_ip, 7});
  REQUIRE(t->at_a.size() == 1);
  CHECK(t->at_a[0].what == seen::connected);
}

TEST_CASE("readable is an edge: it comes when bytes arrived since the last one, at most once per stream and poll") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes(6000)).value_or(0) == 6000);  // five segments
  t->poll_a();
  t->poll_b();
  CHECK(count(t->at_b, seen::readable) == 1);
  const std::size_t first = t->server.peek().size();
  CHECK(first > 1460);
  t->clear();
  t->turns(3);  // what cwnd held back comes
  t->clear();
  t->turns(5);  // nothing arrives, and nothing is consumed: no edge
  CHECK(count(t->at_b, seen::readable) == 0);
  CHECK(t->server.peek().size() == 6000);
  REQUIRE(t->server.consume(10));
  t->pass(100);
  CHECK(count(t->at_b, seen::readable) == 0);
  REQUIRE(t->client.send(bytes_of("more")));
  t->turns(2);
  CHECK(count(t->at_b, seen::readable) == 1);
}

TEST_CASE("peek views all unread bytes as a sequence of spans, and send takes that sequence") {
  auto t = pair_of::make();
  t->open();
  const auto data = bytes(5000);
  REQUIRE(t->client.send(data).value_or(0) == data.size());
  t->turns(4);
  const auto view = t->server.peek();
  CHECK(view.size() == data.size());
  std::size_t spans = 0, total = 0;
  for (const auto part : view) {
    CHECK(text_of(part) == text_of(std::span(data).subspan(total, part.size())));
    total += part.size();
    ++spans;
  }
  CHECK(total == data.size());
  CHECK(spans > 1);
  std::size_t again = 0;
  for (auto at = view.begin(); at != view.end();) again += (*at++).size();
  CHECK(again == total);
  CHECK(t->server.consume(t->server.send(t->server.peek()).value_or(0)).value_or(0) == data.size());
  CHECK(t->server.peek().empty());
  t->turns(4);
  CHECK(unread(t->client) == text_of(data));
}

TEST_CASE("only a short send leaves bytes behind, and writable follows it") {
  auto t = pair_of::make();
  t->open();
  const auto data = bytes(60'000);
  std::size_t sent_bytes = 0;
  for (u32 full = 0; full < 5;) {  // nobody reads: the peer's window closes, then our queue fills
    const auto n = t->client.send(data);
    if (n) sent_bytes += *n;
    else CHECK(n.error() == tcp::send_error::would_block);
    full = n ? 0 : full + 1;
    t->pass(100, 50);
  }
  t->clear();
  t->pass(1000, 50);
  CHECK(count(t->at_a, seen::writable) == 0);
  std::size_t got = 0;
  for (u32 i = 0; i < 50 && count(t->at_a, seen::writable) == 0; ++i) {
    const std::size_t n = t->server.peek().size();
    got += t->server.consume(n).value_or(0);
    t->pass(100, 50);
  }
  CHECK(count(t->at_a, seen::writable) == 1);
  CHECK(t->client.send(bytes_of("x")).value_or(0) == 1);
  for (u32 i = 0; i < 100 && got < sent_bytes + 1; ++i) {
    got += t->server.consume(t->server.peek().size()).value_or(0);
    t->pass(100, 50);
  }
  CHECK(got == sent_bytes + 1);
  CHECK(count(t->at_a, seen::writable) == 1);
}

TEST_CASE("consume, receive and take an owning view are the other ways to read") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes_of("abcdefgh")));
  t->turns(2);
  CHECK(t->server.consume(2).value_or(0) == 2);
  std::byte room[3];
  CHECK(t->server.receive(room).value_or(0) == 3);
  CHECK(text_of(room) == "cde");
  {
    auto rest = t->server.take();
    REQUIRE(rest);
    CHECK(text_of(rest->bytes()) == "fgh");
    CHECK(t->server.peek().empty());
    t->turns(2);
    CHECK(t->b.chunks_in_use() == 1);
    CHECK(text_of(rest->bytes()) == "fgh");
  }
  CHECK(t->b.chunks_in_use() == 0);
  CHECK(t->server.receive(room).error() == tcp::receive_error::would_block);
  CHECK(t->server.take().error() == tcp::receive_error::would_block);
  CHECK(t->server.consume(1).value_or(9) == 0);
}

TEST_CASE("peer_closed comes once the last byte before the FIN was consumed") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes_of("0123456789")));
  REQUIRE(t->client.close());
  t->turns(4);
  CHECK(count(t->at_b, seen::readable) == 1);
  CHECK(count(t->at_b, seen::peer_closed) == 0);
  REQUIRE(t->server.consume(9));
  t->turns(2);
  CHECK(count(t->at_b, seen::peer_closed) == 0);
  REQUIRE(t->server.consume(1));
  t->turns(2);
  CHECK(count(t->at_b, seen::peer_closed) == 1);
  std::byte room[1];
  CHECK(t->server.receive(room).error() == tcp::receive_error::end_of_stream);
  t->turns(2);
  CHECK(count(t->at_b, seen::peer_closed) == 1);
}

// One ending each: what was opened, how it ends, and why.
void check_ending(const notes& log, connection_id id, close_reason why, u32 connected) {
  CHECK(count(log, seen::connected, id) == connected);
  REQUIRE(count(log, seen::closed, id) == 1);
  const note* last = nullptr;
  for (const note& e : log)
    if (e.id == id) last = &e;
  REQUIRE(last != nullptr);
  CHECK(last->what == seen::closed);
  CHECK(last->why == why);
}

TEST_CASE("every stream ends with exactly one closed, nothing follows it, connected comes at most once and before it: orderly") {
  auto t = pair_of::make();
  t->listen();
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  t->turns(5);
  REQUIRE(t->at_b.size() == 1);
  const connection_id peer = t->at_b[0].id;
  REQUIRE(s->close());
  t->turns(3);
  REQUIRE(net::stream(t->b, peer).close());
  t->pass(130'000, 1000);
  check_ending(t->at_a, s->id(), close_reason::orderly, 1);
  check_ending(t->at_b, peer, close_reason::orderly, 0);
}
TEST_CASE("every stream ends with exactly one closed: refused") {
  auto t = pair_of::make();
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 9}});
  t->pass(10'000, 100);
  check_ending(t->at_a, s->id(), close_reason::refused, 0);
  CHECK(t->at_b.empty());
}
TEST_CASE("every stream ends with exactly one closed: timed out") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.set(option::user_timeout{20'000}));
  t->b.shut_down();
  REQUIRE(t->client.send(bytes_of("anybody?")));
  t->pass(120'000, 100);
  check_ending(t->at_a, t->client.id(), close_reason::timed_out, 0);
  CHECK(t->a.chunks_in_use() == 0);
}
TEST_CASE("every stream ends with exactly one closed: unreachable") {
  auto t = pair_of::make();
  const auto s = t->a.connect({.remote = {"10.0.0.99"_ip, 7}});
  t->pass(200'000, 500);
  check_ending(t->at_a, s->id(), close_reason::unreachable, 0);
  CHECK(t->a.chunks_in_use() == 0);
}
TEST_CASE("every stream ends with exactly one closed: reset and aborted") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->server.abort());
  t->pass(5000, 100);
  check_ending(t->at_b, t->server.id(), close_reason::aborted, 0);
  check_ending(t->at_a, t->client.id(), close_reason::reset, 0);
}
TEST_CASE("every stream ends with exactly one closed: aborted before its handshake ends") {
  auto t = pair_of::make();
  t->listen();
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s->abort());
  t->pass(70'000, 100);
  check_ending(t->at_a, s->id(), close_reason::aborted, 0);
  CHECK(t->at_b.empty());
  CHECK(t->b.transport<0>().half_open() + t->b.transport<0>().connections() == 0);
}
TEST_CASE("every stream ends with exactly one closed: a peer that never closes its side") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.close());
  t->pass(130'000, 500);
  check_ending(t->at_a, t->client.id(), close_reason::timed_out, 0);
  CHECK(t->server.send(bytes_of("too late")).value_or(0) == 8);
  t->pass(1000);
  check_ending(t->at_b, t->server.id(), close_reason::reset, 0);
}
TEST_CASE("a stream that accepted never delivered is not closed either") {
  auto t = pair_of::make();
  t->listen();
  t->open();
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  t->poll_a(), t->poll_b(), t->poll_a();  // SYN, SYN-ACK, ACK
  REQUIRE(count(t->at_a, seen::connected, s->id()) == 1);
  REQUIRE(s->abort());
  t->pass(1000);  // ACK and RST come in one poll
  CHECK(t->at_b.empty());
  CHECK(t->b.transport<0>().connections() == 1);
}
TEST_CASE("a stream that is closed before its handshake ends is closed, too") {
  auto t = pair_of::make();
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s->close());
  t->pass(2000, 100);
  CHECK(count(t->at_a, seen::closed, s->id()) == 1);
  CHECK(count(t->at_a, seen::connected, s->id()) == 0);
}

TEST_CASE("error is only for what ends nothing") {
  auto t = pair_of::make();
  auto u = t->a.bind({.port = 1000});
  REQUIRE(u->connect(net::endpoint{"10.0.0.2"_ip, 9}));
  REQUIRE(u->send(bytes_of("nobody is there")));
  t->turns(4);
  CHECK(count(t->at_a, seen::error) == 1);
  CHECK(u->is_live());
  CHECK(u->send(bytes_of("again")));
  t->turns(3);
  CHECK(count(t->at_a, seen::error) == 2);
}
TEST_CASE("error about a stream is for what it may survive: its neighbour is gone for a while") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes_of("where are you?")));
  for (u32 i = 0; i < 1500; ++i) t->ms += 100, t->poll_a();  // the other one does nothing
  CHECK(count(t->at_a, seen::error, t->client.id()) > 0);
  CHECK(count(t->at_a, seen::closed) == 0);
  CHECK(t->client.is_live());
  t->pass(120'000, 200);
  CHECK(unread(t->server) == "where are you?");
  CHECK(t->client.info()->unacked == 0);
}

// The texts of the errors are tests of their own: refuses/handler_without_closed.cpp, refuses/overload_that_is_never_called.cpp.
// RFC 9293 §3.9.1.8; SHLD-20: whoever does not want to hear of errors names ignore_rest.
TEST_CASE("a handler that lacks an overload and has no ignore_rest does not compile, nor does an overload that takes no event by value or const&") {
  const auto only_readable = on{[](net::readable) {}};
  using lacking = decltype(only_readable);
  static_assert(handles<lacking, net::readable> && !handles<lacking, net::closed>);
  const auto rest = on{[](net::readable) {}, ignore_rest{}};
  static_assert(handles<decltype(rest), net::closed>);
  static_assert(net::is_event<net::readable> && net::is_event<const net::readable&>);
  static_assert(!net::is_event<net::readable&> && !net::is_event<int> && !net::is_event<net::readable*>);
  const auto wrong = on{[](int) {}, ignore_rest{}};
  const auto reference = on{[](net::readable&) {}, ignore_rest{}};
  static_assert(detail::every_overload_is_reached<decltype(rest), net>::value);
  static_assert(!detail::every_overload_is_reached<decltype(wrong), net>::value && !detail::every_overload_is_reached<decltype(reference), net>::value);
  SUCCEED();
}

TEST_CASE("a handler runs only where the connection is consistent") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes(3000)));
  REQUIRE(t->client.close());
  u32 told = 0, after = 0;
  t->two_stacks<contract>::turns(6, ignore_rest{}, on{[&](net::readable e) {
    ++told;
    const auto info = e.stream.info();
    REQUIRE(info);
    CHECK(info->unread == e.stream.peek().size());
    CHECK(e.stream.send(bytes_of("answer")).value_or(0) == 6);  // also completes what was deferred: the ACK rides on it
    REQUIRE(e.stream.abort());                                  // ends it in the middle of its own events
    CHECK(e.stream.send(bytes_of("x")).error() != tcp::send_error::none);
  }, [&](net::peer_closed) { ++after; }, [&](net::writable) { ++after; }, ignore_rest{}});
  CHECK(told == 1);
  CHECK(after == 0);
}

TEST_CASE("a handler may call anything on any object but poll, which answers busy") {
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes_of("x")));
  u32 calls = 0;
  t->two_stacks<contract>::turns(3, ignore_rest{}, on{[&](net::readable e) {
    ++calls;
    CHECK(!t->b.poll(t->now(), budget{1}, ignore_rest{}));
    CHECK(t->b.listen({.port = 8}));
    CHECK(t->b.bind({.port = 8}));
    CHECK(t->b.connect({.remote = {"10.0.0.1"_ip, 80}}));
    t->b.advance(t->now());
    CHECK(t->port.close());
    CHECK(e.stream.set_timer(net::duration::ms(5)));
    CHECK(t->a.poll(t->now(), budget{64}, ignore_rest{}));  // another stack's poll is nobody's business
    CHECK(e.stream.close());
  }, ignore_rest{}});
  CHECK(calls == 1);
  CHECK(t->b.counters().busy_polls == 1);
}

TEST_CASE("sends go through the qdisc at once, and the doorbell rings at the end of the batch or with now_please") {
  using rung = stack<ringing>;
  auto t = std::make_unique<two_stacks<ringing>>();
  u32 rings = 0;
  t->b.shut_down();
  (void)t->b.start({.nic = {t->cable, 1, &rings}, .memory = t->memory_b, .entropy = {2}, .address = "10.0.0.2/24"_net});
  t->turns(1, ignore_rest{}, ignore_rest{});
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  const rung::endpoint back{"10.0.0.1"_ip, 1000};
  (void)here->send_to(bytes_of("find me"), rung::endpoint{"10.0.0.2"_ip, 7});
  t->turns(3, ignore_rest{}, ignore_rest{});
  u32 answers = 0;
  (void)here->send_to(bytes_of("1"), rung::endpoint{"10.0.0.2"_ip, 7});
  (void)here->send_to(bytes_of("2"), rung::endpoint{"10.0.0.2"_ip, 7});
  (void)t->a.poll(t->now(), budget{64}, ignore_rest{});
  const u32 before = rings;
  (void)t->b.poll(t->now(), budget{64}, on{[&](rung::datagram e) {
    const u64 frames = t->cable.of(1).transmitted;
    CHECK(e.socket.send_to(bytes_of("answer"), back));
    CHECK(t->cable.of(1).transmitted == frames + 1);
    CHECK(rings == before);
    ++answers;
  }, ignore_rest{}});
  CHECK(answers == 2);
  CHECK(rings == before + 1);
  CHECK(there->send_to(bytes_of("at once"), back, {.now_please = true}));
  CHECK(rings == before + 2);
}

#elif CONTRACT_PART == 3

// ---- time ----

TEST_CASE("calls use the time of the last poll or advance, which never runs back") {
  auto t = pair_of::make();
  const auto then = t->now();
  t->a.advance(then + net::duration::seconds(5));
  CHECK(t->a.now() == then + net::duration::seconds(5));
  (void)t->a.poll(t->a.now(), budget{64}, ignore_rest{});
  const auto s = t->a.connect({.remote = {"10.0.0.77"_ip, 7}});
  REQUIRE(s);
  REQUIRE(t->a.next_deadline());
  CHECK(t->a.next_deadline()->count > (then + net::duration::seconds(5)).count);
  (void)t->a.poll(then, budget{64}, ignore_rest{});
  CHECK(t->a.now() == then + net::duration::seconds(5));
  CHECK(t->a.counters().time_ran_back == 1);
  t->a.advance(then);
  CHECK(t->a.now() == then + net::duration::seconds(5));
  CHECK(t->a.counters().time_ran_back == 2);
}

// refuses/constant_beyond_the_tick.cpp has the constant that does not compile.
TEST_CASE("the tick is a type of the Config and states its horizon; ages saturate") {
  static_assert(std::same_as<net::tick, nanoseconds64> && std::same_as<stack<presets::embedded>::tick, milliseconds32>);
  static_assert(milliseconds32::horizon == 0x7fffffff);
  using ms = duration<milliseconds32>;
  static_assert(ms::from_ms(0xffffffff) == ms::max());
  static_assert(time_point<milliseconds32>{5}.since({7}) == ms{0});
  SUCCEED();
}

TEST_CASE("next_deadline says how long a loop may sleep") {
  auto t = pair_of::make();
  t->turns(1);
  CHECK(!t->a.next_deadline());
  t->open();
  t->pass(200);
  REQUIRE(t->client.set_timer(net::duration::ms(1500)));
  const auto due = t->a.next_deadline();
  REQUIRE(due);
  CHECK(!(t->now() + net::duration::ms(1500)).is_before(*due));  // not later
  // A loop that sleeps until each deadline misses nothing.
  for (u32 i = 0; i < 100 && count(t->at_a, seen::timer) == 0; ++i) {
    const auto next = t->a.next_deadline();
    REQUIRE(next);
    const u32 ms = static_cast<u32>((next->count + 999'999) / 1'000'000);
    if (ms > t->ms) t->ms = ms;
    t->turns(1);
  }
  CHECK(count(t->at_a, seen::timer) == 1);
}

TEST_CASE("expiries obey a budget: a jump of hours is safe") {
  using busy = stack<many>;
  auto t = talk<many>::make();
  t->listen();
  std::vector<busy::stream> all;
  for (u32 i = 0; i < 100; ++i) {
    if (auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}})) all.push_back(*s);
    t->turns(1);
  }
  t->turns(6);
  REQUIRE(count(t->at_a, seen::connected) == 100);
  t->pass(1000);
  for (const auto& s : all) REQUIRE(s.set_timer(busy::duration::seconds(2)));
  t->clear();
  t->ms += 10 * 3600 * 1000;
  t->poll_a();
  const u32 first = count(t->at_a, seen::timer);
  CHECK(first > 0);
  CHECK(first <= busy::stream_layer::timers_per_turn);
  REQUIRE(t->a.next_deadline());
  CHECK(t->now().reached(*t->a.next_deadline()));  // the rest is due
  for (u32 i = 0; i < 5; ++i) t->poll_a();
  CHECK(count(t->at_a, seen::timer) == 100);
}

// ---- the rest ----

TEST_CASE("each connection has the Config's connection_data") {
  static_assert(std::same_as<decltype(net::stream{}.data()), contract::connection_data*>);
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.data() != nullptr);
  CHECK(t->client.data()->number == 0);
  t->client.data()->number = 5;
  const net::stream copy = t->client;
  CHECK(copy.data()->number == 5);
  REQUIRE(t->client.abort());
  u32 at_the_end = 0;
  (void)t->a.poll(t->now(), budget{64}, on{[&](net::closed e) { at_the_end = e.stream.data() != nullptr ? e.stream.data()->number : 0; }, ignore_rest{}});
  CHECK(at_the_end == 5);
  CHECK(t->client.data() == nullptr);
}

TEST_CASE("application timers run on the same wheel") {
  auto t = pair_of::make();
  t->open();
  t->pass(500);
  REQUIRE(t->client.set_timer(net::duration::ms(300)));
  REQUIRE(t->client.set_timer(net::duration::ms(100)));  // replaces it
  t->clear();
  t->pass(90);
  CHECK(count(t->at_a, seen::timer) == 0);
  t->pass(30);
  CHECK(count(t->at_a, seen::timer) == 1);
  t->pass(500);
  CHECK(count(t->at_a, seen::timer) == 1);
  REQUIRE(t->client.set_timer(net::duration::ms(100)));
  REQUIRE(t->client.cancel_timer());
  t->pass(500);
  CHECK(count(t->at_a, seen::timer) == 1);
}

template <class S, class O> concept can_set = requires(S s, O o) { s.set(o); };

TEST_CASE("options are set and told by type, and an option of an absent policy does not compile") {
  static_assert(can_set<net::stream, option::no_delay> && can_set<net::stream, option::user_timeout>);
  static_assert(!can_set<stack<eager>::stream, option::no_delay>);
  static_assert(!can_set<stack<presets::embedded>::stream, option::keep_alive> && !can_set<stack<presets::embedded>::stream, option::linger>);
  auto t = pair_of::make();
  t->open();
  CHECK(t->client.get<option::keep_alive>()->idle_s == 7200);
  REQUIRE(t->client.set(option::keep_alive{.value = true, .idle_s = 60}));
  CHECK(t->client.get<option::keep_alive>()->idle_s == 60);
  REQUIRE(t->client.set(option::cork{true}));
  CHECK(t->client.get<option::cork>()->value);
  REQUIRE(t->client.set(option::linger{.value = true, .ms = 5}));
  CHECK(t->client.get<option::linger>()->ms == 5);
  CHECK(t->client.get<option::no_delay>()->value == false);
  REQUIRE(t->client.set(option::no_delay{true}));
  CHECK(t->client.get<option::no_delay>()->value == true);
  REQUIRE(t->client.set(option::user_timeout{1234}));
  CHECK(t->client.get<option::user_timeout>()->ms == 1234);
}

TEST_CASE("info is one struct of plain fields") {
  static_assert(std::is_trivially_copyable_v<tcp::connection_info> && std::is_aggregate_v<tcp::connection_info>);
  auto t = pair_of::make();
  t->open();
  REQUIRE(t->client.send(bytes(1000)));
  t->turns(3);
  const auto a = t->client.info(), b = t->server.info();
  REQUIRE((a && b));
  CHECK(a->state == tcp::state::established);
  CHECK(a->mss >= 1448);
  CHECK(a->path_mtu == 1500);
  CHECK(b->unread == 1000);
  CHECK(b->bytes_received == 1000);
}

#endif

}  // namespace
