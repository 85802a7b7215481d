// SPDX-License-Identifier: MIT
// The public contract, events and handlers.
#include "contract.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

using net = pair_of::net;

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

}  // namespace
