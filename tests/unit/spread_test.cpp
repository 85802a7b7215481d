// SPDX-License-Identifier: MIT
// Stacks on several cores with one address: every core listens on the same port, and each frame finds its stack by whichever queue it comes. One thread, virtual
// time; tests/threads has a thread for each.
#include <several_queues.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>

namespace {

using namespace strata;
using namespace strata::test;

using mine = on_queues<nic::wire_pair>;
using net = stack<mine>;
static_assert(nic::driver<mine::nic> && nic::owns_ports<mine::nic> && nic::can_be_closed<mine::nic> && !nic::can_be_waited_for<mine::nic>);

struct world : several_cores<mine, 3> {
  u32 ms = 1000;
  world() : several_cores(time(1000)) {}
  static net::time_point time(u32 ms) { return net::time_point{} + net::duration::from_ms(ms); }
  template <class P, class H> void turns(u32 n, P&& at_peer, H&& at_core) {
    for (; n-- > 0; ++ms) {
      (void)peer->poll(time(ms), budget{64}, at_peer);
      for (u32 i = 0; i < 3; ++i) {
        auto handler = at_core(i);
        (void)core[i]->poll(time(ms), budget{64}, handler);
      }
    }
  }
};
std::vector<std::byte> text_of(u32 who, u32 n) {
  std::vector<std::byte> bytes(n);
  for (u32 i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + who * 31 + (i >> 8));
  return bytes;
}
auto echo(u32& accepted, u32& closed) {
  const auto back = [](net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); };
  return on{[&](net::accepted) { ++accepted; }, [=](net::readable e) { back(e.stream); }, [=](net::writable e) { back(e.stream); },
            [](net::peer_closed e) { (void)e.stream.close(); }, [&](net::closed e) { closed += e.why == close_reason::orderly; }, ignore_rest{}};
}

TEST_CASE("Sixty connections to one port are spread over three stacks, and their bytes are whole though nearly each frame comes to a wrong core") {
  world w;
  u32 accepted[3] = {}, closed[3] = {};
  for (auto& c : w.core) REQUIRE(c->listen({.port = 7}));
  constexpr u32 connections = 60, bytes = 20'000;
  std::vector<net::stream> streams;
  std::vector<std::vector<std::byte>> got(connections);
  std::map<u32, u32> who_of;
  u32 over = 0;
  for (u32 i = 0; i < connections; ++i) {
    streams.push_back(*w.peer->connect({.remote = {of_cores, 7}}));
    who_of[streams.back().id().index] = i;
  }
  std::vector<u32> sent(connections);
  const auto write = [&](net::stream s) {
    const u32 i = who_of.at(s.id().index);
    const auto all = text_of(i, bytes);
    if (sent[i] < bytes) sent[i] += static_cast<u32>(s.send(std::span(all).subspan(sent[i])).value_or(0));
  };
  const auto at_peer = on{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); },
                          [&](net::readable e) {
                            auto& to = got[who_of.at(e.stream.id().index)];
                            for (const auto part : e.stream.peek()) to.insert(to.end(), part.begin(), part.end());
                            (void)e.stream.consume(e.stream.peek().size());
                            if (to.size() == bytes) (void)e.stream.close();
                          },
                          [&](net::closed e) { over += e.why == close_reason::orderly; }, ignore_rest{}};
  for (u32 rounds = 0; over < connections && rounds < 300; ++rounds) w.turns(10, at_peer, [&](u32 i) { return echo(accepted[i], closed[i]); });
  CHECK(over == connections);
  u32 all_accepted = 0;
  for (u32 i = 0; i < 3; ++i) {
    CAPTURE(i, accepted[i]);
    CHECK(accepted[i] >= 8);
    all_accepted += accepted[i];
    CHECK(w.counted(i).handed_over > 100);
    CHECK(w.counted(i).taken_over > 100);
  }
  CHECK(all_accepted == connections);
  for (u32 i = 0; i < connections; ++i) {
    CAPTURE(i, got[i].size());
    CHECK((got[i] == text_of(i, bytes)));
  }
  const auto c = w.counted();
  CHECK(c.handed_over == c.taken_over);
  CHECK(c.handed_over > c.kept);  // two of three queues are wrong ones
  CHECK(c.full + c.too_long + c.orphans == 0);
  CHECK(c.for_all > 0);  // ARP replies
  for (auto& s : w.core) CHECK(s->transport<0>().counters().out_resets == 0);
  w.turns(100, ignore_rest{}, [](u32) { return ignore_rest{}; });
  CHECK(w.chunks_in_use() == 0);
}

TEST_CASE("Connections that the cores open from one address have ports that differ, and their answers come back to them") {
  world w;
  REQUIRE(w.peer->listen({.port = 7}));
  constexpr u32 each = 20;
  u32 connected[3] = {}, read[3] = {}, none = 0, nothing = 0;
  std::map<u16, u32> ports;
  for (u32 i = 0; i < 3; ++i)
    for (u32 n = 0; n < each; ++n) {
      const auto s = w.core[i]->connect({.remote = {of_peer, 7}});
      REQUIRE(s);
      CHECK(s->local().port % 3 == i);
      CHECK(++ports[s->local().port] == 1);
    }
  const auto at_core = [&](u32 i) {
    return on{[&, i](net::connected e) {
                ++connected[i];
                (void)e.stream.send(text_of(i, 3000));
              },
              [&, i](net::readable e) {
                read[i] += static_cast<u32>(e.stream.peek().size());
                (void)e.stream.consume(e.stream.peek().size());
              },
              ignore_rest{}};
  };
  w.turns(300, echo(none, nothing), at_core);
  for (u32 i = 0; i < 3; ++i) {
    CHECK(connected[i] == each);
    CHECK(read[i] == each * 3000);
    CHECK(w.core[i]->transport<0>().counters().retransmitted == 0);
  }
}

TEST_CASE("A datagram socket without a wish gets a port of its core, and the answers come to it") {
  world w;
  const auto server = *w.peer->bind({.port = 53});
  net::datagram_socket sockets[3][4]{};
  u32 answers[3] = {};
  for (u32 i = 0; i < 3; ++i)
    for (auto& s : sockets[i]) {
      s = *w.core[i]->bind({});
      CHECK(s.local().port % 3 == i);
      CHECK(s.send_to(text_of(i, 100), net::endpoint{of_peer, 53}));
    }
  const auto at_peer = on{[&](net::datagram e) {
                            std::byte room[200];
                            while (const auto d = e.socket.receive(room)) (void)server.send_to(std::span(room).first(d->bytes), d->from);
                          },
                          ignore_rest{}};
  const auto at_core = [&](u32 i) {
    return on{[&, i](net::datagram e) {
                std::byte room[200];
                while (const auto n = e.socket.receive(room)) answers[i] += n->bytes == 100;
              },
              ignore_rest{}};
  };
  w.turns(50, at_peer, at_core);
  for (const u32 n : answers) CHECK(n == 4);
}

TEST_CASE("A ring that nobody empties is full, which is counted, and what lies in it is received when its core goes on") {
  world w;
  for (auto& c : w.core) REQUIRE(c->bind({.port = 9}));
  const auto from = *w.peer->bind({.port = 10});
  u32 came[3] = {};
  const auto at_core = [&](u32 i) {
    return on{[&, i](net::datagram e) {
                std::byte room[16];
                came[i] += e.socket.receive(room).has_value();
              },
              ignore_rest{}};
  };
  REQUIRE(from.send_to(text_of(0, 8), net::endpoint{of_cores, 9}));
  w.turns(20, ignore_rest{}, at_core);
  REQUIRE(came[0] + came[1] + came[2] == 1);
  const u32 its = came[0] != 0 ? 0 : came[1] != 0 ? 1 : 2;
  constexpr u32 ring = 256, more = 100;  // of the crossing, and of its own cable
  u32 sent = 0;
  for (u32 n = 0; n < 3 * ring + more; ++n) {
    sent += from.send_to(text_of(n, 8), net::endpoint{of_cores, 9}).has_value();
    (void)w.peer->poll(world::time(++w.ms), budget{64}, ignore_rest{});
    for (u32 i = 0; i < 3; ++i) {
      auto handler = at_core(i);
      if (i != its) (void)w.core[i]->poll(world::time(w.ms), budget{64}, handler);
    }
  }
  REQUIRE(sent == 3 * ring + more);
  CHECK(w.counted().full == more);
  w.turns(100, ignore_rest{}, at_core);
  CHECK(came[its] == 1 + 3 * ring);
  CHECK(w.counted().handed_over == w.counted().taken_over);
  CHECK(w.counted().full == more);
}

}  // namespace
