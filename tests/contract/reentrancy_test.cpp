// SPDX-License-Identifier: MIT
// A handler that makes a random call on a random object at each event, a million times. What must hold: a stream's life is told in order and ends once,
// nothing is told about it afterwards, no chunk is lost. The sanitizers see the rest.
#include "configs.hpp"
#include "talk.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<contract>;

struct chaos {
  static constexpr u32 streams = 48;
  struct life {
    bool is_known = false, is_connected = false, is_closed = true;
    u32 generation = 0;
  };
  struct side {
    net* own = nullptr;
    net::address peer{};
    net::stream stream[streams]{};  // many of them stale
    net::listener listener[4]{};
    net::datagram_socket socket[8]{};
    life lives[contract::limits.connections]{};
    tcp::owned_view kept[4]{};
    tcp::reservation place[2]{};
    udp::reservation spot[2]{};
    strata::socket::owned<net::stream> own_stream[2]{};   // what these end is told as ever
    strata::socket::owned<net::listener> own_listener{};
    strata::socket::owned<net::datagram_socket> own_socket{};
  };

  std::unique_ptr<two_stacks<contract>> t = two_stacks<contract>::make();
  side a{&t->a, "10.0.0.2"_ip}, b{&t->b, "10.0.0.1"_ip};
  entropy::seeded dice;
  u64 events = 0, wrong = 0;
  int first = 0;  ///< line of the first expectation that failed
  std::byte bytes[5000]{};

  explicit chaos(u64 seed) : dice{seed} {}

  u32 pick(u32 n) { return static_cast<u32>(dice.below(n)); }
  void expect(bool ok, int line = __builtin_LINE()) { if (!ok && wrong++ == 0) first = line; }

  void born(side& s, const net::stream& who, bool is_accepted) {
    life& l = s.lives[who.id().index];
    expect(l.is_closed);  // the former one of this slot was told its end
    l = {true, is_accepted, false, who.id().generation};
    s.stream[pick(streams)] = who;
  }
  /// An event about a stream must be about the life that is on now.
  life& alive(side& s, const net::stream& who) {
    life& l = s.lives[who.id().index];
    expect(l.is_known && !l.is_closed && l.generation == who.id().generation);
    expect(who.is_live());
    return l;
  }

  static void replace(auto& old, auto&& made) {
    if (!made) return;
    (void)old.close();
    old = *made;
  }
  /// Any stream of this side: mostly one that lives, sometimes one of long ago.
  net::stream any(side& s) {
    const u32 index = pick(contract::limits.connections);
    return pick(4) != 0 ? net::stream(*s.own, {index, s.lives[index].generation}) : s.stream[pick(streams)];
  }
  void act(side& s) {
    ++events;
    const net::stream who = any(s);
    net::datagram_socket& socket = s.socket[pick(8)];
    const std::span<const std::byte> some{bytes, pick(pick(8) == 0 ? 5000 : 300)};
    switch (pick(44)) {
      case 0:
      case 1:
      case 2:
        if (auto c = s.own->connect({.remote = {s.peer, static_cast<u16>(7 + pick(3))}})) born(s, *c, false);
        break;
      case 3:
        replace(s.listener[pick(4)], s.own->listen({.port = static_cast<u16>(7 + pick(3)), .backlog = pick(4)}));
        break;
      case 4:
        if (pick(20) == 0) (void)s.listener[pick(4)].close();
        break;
      case 5: (void)who.close(); break;
      case 6: (void)who.abort(); break;
      case 7: (void)who.shutdown_send(); break;
      case 8:
      case 9:
      case 10:
      case 11: (void)who.send(some, {.more = pick(8) == 0, .now_please = pick(4) == 0}); break;
      case 12:
      case 13: (void)who.consume(who.send(who.peek()).value_or(0)); break;
      case 14:  // the bytes of one stream into another
        (void)who.consume(any(s).send(who.peek()).value_or(0));
        break;
      case 15: (void)who.consume(pick(3000)); break;
      case 16: {
        std::byte room[700];
        (void)who.receive(std::span(room).first(pick(700)));
        break;
      }
      case 17:
        if (auto v = who.take()) s.kept[pick(4)] = std::move(*v);
        break;
      case 18: s.kept[pick(4)] = {}; break;
      case 19:
        if (auto r = who.reserve(1 + pick(1400))) s.place[pick(2)] = std::move(*r);
        break;
      case 20: {
        tcp::reservation& r = s.place[pick(2)];
        const u32 n = static_cast<u32>(r.room().size());
        if (n != 0) (void)who.commit(std::move(r), pick(n + 1));
        break;
      }
      case 21: s.place[pick(2)] = {}; break;
      case 22: (void)who.set(option::no_delay{pick(2) == 0}); break;
      case 23: (void)who.set(option::user_timeout{pick(20'000)}); break;
      case 24: (void)who.set_timer(net::duration::from_ms(pick(2000))); break;
      case 25: (void)who.cancel_timer(); break;
      case 26:
        if (const auto i = who.info()) expect(i->unread == who.peek().size());
        if (auto* d = who.data()) ++d->number;
        (void)who.get<option::no_delay>(), (void)who.get<option::user_timeout>(), (void)who.local(), (void)who.remote();
        (void)s.own->next_deadline(), (void)s.own->idle(), (void)who.send({});
        break;
      case 27:
        replace(socket, s.own->bind({.port = static_cast<u16>(pick(3) == 0 ? 0 : 100 + pick(4))}));
        break;
      case 28: (void)socket.send_to(some.first(some.size() < 1400 ? some.size() : 1400), net::endpoint{s.peer, static_cast<u16>(100 + pick(6))}, {.now_please = pick(4) == 0}); break;
      case 29: (void)socket.connect(net::endpoint{s.peer, static_cast<u16>(100 + pick(6))}), (void)socket.send(some.first(some.size() < 1400 ? some.size() : 1400)); break;
      case 30: {
        std::byte room[600];
        if (pick(2) == 0) (void)socket.receive(room);
        else if (socket.peek()) expect(static_cast<bool>(socket.consume()));
        (void)socket.local(), (void)socket.remote();
        break;
      }
      case 31:
        if (pick(8) == 0) (void)socket.close();
        else if (auto r = socket.reserve(pick(1000))) (void)socket.commit_to(std::move(*r), pick(static_cast<u32>(r->room().size()) + 2), net::endpoint{s.peer, 100});
        break;
      case 32:
        if (s.own->poll(t->now(), budget{8}, ignore_rest{})) expect(false);  // we are inside its poll
        break;
      case 33: s.own->advance(t->now() + net::duration::from_ms(pick(3))); break;
      case 34: misuse(s, who, socket); break;
      case 35: misuse(s, net::stream{}, net::datagram_socket{}); break;
      case 36: s.own_stream[pick(2)] = strata::socket::owned<net::stream>(who); break;
      case 37:
        if (auto c = s.own->connect({.remote = {s.peer, static_cast<u16>(7 + pick(3))}, .local = {{}, static_cast<u16>(pick(4) == 0 ? 50'000 + pick(3) : 0)}})) {
          born(s, *c, false);
          s.own_stream[pick(2)] = strata::socket::owned(*c);
        }
        break;
      case 38: std::swap(s.own_stream[0], s.own_stream[1]), s.own_stream[0] = pick(2) == 0 ? std::move(s.own_stream[1]) : strata::socket::owned<net::stream>{}; break;
      case 39:
        if (auto l = s.own->listen({.port = static_cast<u16>(10 + pick(2))})) s.own_listener = strata::socket::owned(*l);
        else if (pick(2) == 0) (void)s.own_listener.release().close();
        break;
      case 40:
        if (auto u = s.own->bind({.port = static_cast<u16>(200 + pick(2))})) s.own_socket = strata::socket::owned(*u);
        else (void)s.own_socket->send_to(some.first(some.size() < 1400 ? some.size() : 1400), net::endpoint{s.peer, 200});
        break;
      case 41:
        if (auto r = socket.reserve(pick(1473))) s.spot[pick(2)] = std::move(*r);
        break;
      case 42: {  // mostly through another socket than it was meant for
        udp::reservation& r = s.spot[pick(2)];
        const std::size_t room = r.room().size(), n = pick(static_cast<u32>(room) + 2);
        if (const auto done = socket.commit_to(std::move(r), n, net::endpoint{s.peer, static_cast<u16>(100 + pick(4))})) expect(*done == n && n <= room);
        break;
      }
      case 43: {
        const auto in_use = s.own->memory_in_use();
        (void)in_use;
        expect(s.own->chunks_in_use() <= contract::limits.chunks);
        (void)s.own->counters(), (void)s.own->now(), (void)who.data();
        expect(who.info().has_value() || !who.is_live());
        break;
      }
    }
  }
  /// Sizes, ports and times that no call takes, or that it takes to the letter.
  void misuse(side& s, const net::stream& who, const net::datagram_socket& socket) {
    const bool lives = who.is_live();
    switch (pick(15)) {
      case 0: expect(!who.reserve(0)), expect(!who.reserve(1461)), expect(!who.reserve(~u32{0})); break;
      case 1: {
        auto r = who.reserve(1 + pick(500));
        if (!r) break;
        const u32 room = static_cast<u32>(r->room().size());
        expect(!who.commit(std::move(*r), room + 1 + pick(3)));
        break;
      }
      case 2: expect(!who.commit(tcp::reservation{}, pick(3))); break;
      case 3: {
        const std::size_t there = who.peek().size();
        const auto n = who.consume(~std::size_t{0});
        if (n) expect(*n == there && who.peek().empty());
        else expect(!lives || n.error() != tcp::receive_error::none);
        break;
      }
      case 4: {
        const auto n = who.receive({});
        if (n) expect(*n == 0);
        break;
      }
      case 5: (void)who.set_timer(net::duration::from_ms(0)); break;
      case 6: (void)who.set_timer(net::duration::max()), (void)who.cancel_timer(), (void)who.cancel_timer(); break;
      case 7: (void)who.set(option::user_timeout{~u32{0}}), (void)who.set(option::user_timeout{0}); break;
      case 8: expect(!s.own->listen({.port = 0})), expect(!s.own->connect({.remote = {s.peer, 0}})), expect(!s.own->connect({.remote = {{}, 7}})); break;
      case 9: expect(!s.own->connect({.remote = {"255.255.255.255"_ip, 7}})), expect(!s.own->connect({.remote = {"224.0.0.1"_ip, 7}})); break;
      case 10: expect(!socket.send_to({bytes, 100}, net::endpoint{s.peer, 0})), expect(!socket.send_to(bytes, net::endpoint{s.peer, 100})); break;
      case 11: expect(!socket.reserve(~std::size_t{0})), expect(!socket.commit_to(udp::reservation{}, 5, net::endpoint{s.peer, 100})); break;
      case 12: {
        const auto got = socket.receive({});
        if (got) expect(got->bytes == 0);
        expect(!net::datagram_socket(*s.own, {~u32{0}, 1}).consume());
        break;
      }
      case 13: {  // names that were never given out
        const net::stream nobody(*s.own, {pick(2) == 0 ? contract::limits.connections + pick(9) : ~u32{0}, pick(5)});
        expect(!nobody.is_live()), expect(!nobody.send({bytes, 1})), expect(!nobody.close()), expect(!nobody.abort()), expect(nobody.peek().empty()), expect(!nobody.info());
        expect(!net::listener(*s.own, {contract::limits.listeners + pick(9), 0}).close()), expect(!net::datagram_socket(*s.own, {contract::limits.datagram_sockets, 0}).close());
        break;
      }
      case 14:
        if (lives || who.info()) break;  // aborted and not told so yet: closing it again is no error
        expect(!who.close()), expect(!who.abort()), expect(!who.shutdown_send()), expect(!who.send({bytes, 1})), expect(!who.take()), expect(!who.cancel_timer());
        expect(who.data() == nullptr), expect(!who.set(option::no_delay{true})), expect(!who.get<option::no_delay>()), expect(!who.set_timer(net::duration::from_ms(1)));
        break;
    }
  }
  auto handler(side& s) {
    return on{[&](net::accepted e) { born(s, e.stream, true), act(s); },
              [&](net::connected e) {
                life& l = alive(s, e.stream);
                expect(!l.is_connected);
                l.is_connected = true;
                act(s);
              },
              [&](net::readable e) { (void)alive(s, e.stream), act(s); },
              [&](net::writable e) { (void)alive(s, e.stream), act(s); },
              [&](net::peer_closed e) { (void)alive(s, e.stream), act(s); },
              [&](net::timer e) { (void)alive(s, e.stream), act(s); },
              [&](net::error e) { if (e.stream.net() != nullptr) (void)alive(s, e.stream); act(s); },
              [&](net::datagram e) { expect(e.socket.is_live()), act(s); },
              [&](net::closed e) {
                alive(s, e.stream).is_closed = true;
                expect(e.why != close_reason::none);
                act(s);
              }};
  }
  void turn(u32 longest_step) {
    t->ms += pick(longest_step);
    (void)t->a.poll(t->now(), budget{1 + pick(64)}, handler(a));
    (void)t->b.poll(t->now(), budget{1 + pick(64)}, handler(b));
  }
  void run(u64 wanted) {
    for (u64 turns = 0; events < wanted && turns < wanted; ++turns) {
      if (pick(2) == 0) act_outside(pick(2) == 0 ? a : b);
      turn(pick(100) == 0 ? 3000 : 20);
    }
  }
  // Between polls everything but the busy poll is allowed, too.
  void act_outside(side& s) {
    if (auto c = s.own->connect({.remote = {s.peer, static_cast<u16>(7 + pick(3))}})) born(s, *c, false);
    for (u32 n = pick(8); n > 0; --n) {
      (void)any(s).send({bytes, pick(2000)});
      (void)any(s).consume(pick(4000));
      (void)any(s).set_timer(net::duration::from_ms(pick(200)));
    }
    (void)any(s).close();
    if (pick(4) == 0) replace(s.listener[pick(4)], s.own->listen({.port = static_cast<u16>(7 + pick(3))}));
  }
  /// Everybody lets go, time passes, and nothing may be left.
  void settle() {
    const auto told = [](side& s) {
      return on{[&s](net::closed e) { s.lives[e.stream.id().index].is_closed = true; }, [](net::accepted e) { (void)e.stream.abort(); }, ignore_rest{}};
    };
    for (side* s : {&a, &b}) {
      for (auto& v : s->kept) v = {};
      for (auto& p : s->place) p = {};
      for (auto& p : s->spot) p = {};
      for (auto& o : s->own_stream) o = {};
      s->own_listener = {}, s->own_socket = {};
      for (auto& l : s->listener) (void)l.close();
      for (auto& u : s->socket) (void)u.close();
      for (u32 i = 0; i < contract::limits.connections; ++i)
        if (!s->lives[i].is_closed) (void)net::stream(*s->own, {i, s->lives[i].generation}).abort();
    }
    for (u32 i = 0; i < 300; ++i) {
      t->ms += 1000;
      t->turn(told(a), told(b));
    }
    for (side* s : {&a, &b})
      for (const life& l : s->lives) expect(l.is_closed);
  }
};

TEST_CASE("a handler that makes a random call at each event, a million times, breaks nothing") {
  u64 all = 0;
  for (u64 seed = 1; seed <= 20; ++seed) {
    auto c = std::make_unique<chaos>(seed);
    c->run(50'000);
    const u64 wrong = c->wrong;
    all += c->events;
    c->settle();
    INFO("seed " << seed << ", line " << c->first);
    CHECK(wrong == 0);
    CHECK(c->wrong == wrong);
    CHECK(c->t->a.chunks_in_use() == 0);
    CHECK(c->t->b.chunks_in_use() == 0);
    CHECK(c->t->a.transport<0>().connections() == 0);
    CHECK(c->t->b.transport<0>().connections() == 0);
  }
  CHECK(all >= 1'000'000);
}

}  // namespace
