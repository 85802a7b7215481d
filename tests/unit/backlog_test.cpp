// SPDX-License-Identifier: MIT
// A thread that copies a stream's bytes holds its owner word and not the lock: what meets the word waits for its release, in order and bounded.
#include "named_threads.hpp"

#include <two_stacks.hpp>

namespace {

using namespace strata;
using namespace strata::test;

struct shared : presets::testing {
  using exclusion = lock;
  using coalescing = strata::tcp::none;
};
using net = stack<shared>;

/// Two stacks with an open connection, and one end of it in the hands of a thread that copies.
struct held : fresh {
  std::unique_ptr<two_stacks<shared>> both = two_stacks<shared>::make();
  two_stacks<shared>& t = *both;
  net::stream client{}, server{};
  tcp::apart places{};
  std::vector<std::byte> bytes = std::vector<std::byte>(8192);
  u32 readable = 0, writable = 0, closed = 0;
  close_reason why = close_reason::none;
  std::function<void(net::stream)> on_readable{};

  held() {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
    REQUIRE(t.b.listen({.port = 7}));
    client = *t.a.connect({.remote = {"10.0.0.2"_ip, 7}});
    turns(4);
    REQUIRE(server.is_live());
  }
  void turns(u32 n) {
    t.turns(n, ignore_rest{}, on{[&](net::accepted e) { server = e.stream; },
                                 [&](net::readable e) {
                                   ++readable;
                                   if (on_readable) on_readable(e.stream);
                                 },
                                 [&](net::writable) { ++writable; },
                                 [&](net::closed e) { ++closed, why = e.why; }, ignore_rest{}});
  }
  auto of(net& n, auto&& f) {
    return n.on_layer<shared::template tcp>([&](auto& tcp, auto below) { return f(tcp, below); });
  }
  /// eve takes the word of the server's end, to read or to write.
  void begin_receive(std::span<std::byte> to) {
    const auto n = of(t.b, [&](auto& tcp, auto below) { return tcp.begin_receive(below, server.id(), to, places, t.now()).value_or(99); });
    REQUIRE(n == 0);
    REQUIRE(places.count() != 0);
  }
  void end_receive() {
    of(t.b, [&](auto& tcp, auto below) { tcp.end_receive(below, server.id(), places, t.now()); });
    places = {};
  }
  std::size_t begin_send(std::span<const std::byte> from) {
    const auto n = of(t.b, [&](auto& tcp, auto below) { return tcp.begin_send(below, server.id(), from, places, {}, t.now()).value_or(0); });
    REQUIRE(places.count() != 0);
    return n;
  }
  void end_send(std::span<const std::byte> from) {
    places.fill(from);
    of(t.b, [&](auto& tcp, auto below) { tcp.end_send(below, server.id(), places, false, {}, t.now()); });
    places = {};
  }
  tcp::backlog_counters counted() {
    return of(t.b, [](auto& tcp, auto) { return tcp.backlog_counters(); });
  }
  std::span<const std::byte> part(std::size_t from, std::size_t n) const { return std::span(bytes).subspan(from, n); }
};

TEST_CASE("Segments for a connection that is held wait in order, and are processed at release") {
  held h;
  REQUIRE(h.client.send(h.part(0, 4380)).value_or(0) == 4380);
  h.turns(2);
  std::vector<std::byte> to(4380);
  h.begin_receive(to);
  CHECK(h.places.bytes() == 4380);
  const u32 told = h.readable;
  REQUIRE(h.client.send(h.part(4380, 2920)).value_or(0) == 2920);
  REQUIRE(h.client.send(h.part(7300, 100)).value_or(0) == 100);
  h.turns(2);
  CHECK(h.counted().queued >= 2);
  CHECK(h.readable == told);                  // no event is told meanwhile
  CHECK(h.server.info()->unread == 4380);
  CHECK(h.client.info()->unacked == 3020);    // nor anything acknowledged
  h.places.copy_to(to);
  h.end_receive();
  CHECK(std::ranges::equal(to, h.part(0, 4380)));
  CHECK(h.server.info()->unread == 3020);
  h.turns(2);
  CHECK(h.readable == told + 1);
  CHECK(h.client.info()->unacked == 0);
  CHECK(h.server.receive(to).value_or(0) == 3020);
  CHECK(std::ranges::equal(std::span(to).first(3020), h.part(4380, 3020)));
  CHECK(h.counted().dropped == 0);
}

TEST_CASE("Who holds a connection to write fills the segment that waits at its tail, and no more, before new chunks are taken") {
  held h;
  REQUIRE(h.server.send(h.part(0, 100), {.more = true}).value_or(0) == 100);
  const std::size_t mss = h.server.info()->mss;
  CHECK(h.begin_send(h.part(100, 4000)) == mss - 100);
  CHECK(h.places.bytes() == 4100 - mss);
  CHECK(h.server.info()->send_chunks == 1);
  h.end_send(h.part(mss, 4100 - mss));
  h.turns(4);
  std::vector<std::byte> to(4100);
  CHECK(h.client.receive(to).value_or(0) == 4100);
  CHECK(std::ranges::equal(to, h.part(0, 4100)));
}

TEST_CASE("What waited is the held connection's, whichever got a segment meanwhile") {
  held h;
  REQUIRE(h.client.send(h.part(0, 4380)).value_or(0) == 4380);
  h.turns(2);
  const net::stream first = h.server;
  const auto other = *h.t.a.connect({.remote = {"10.0.0.2"_ip, 7}});
  h.turns(4);
  const net::stream second = std::exchange(h.server, first);
  REQUIRE(second.id().index != first.id().index);
  std::vector<std::byte> to(4380);
  h.begin_receive(to);
  REQUIRE(h.client.send(h.part(4380, 50)).value_or(0) == 50);
  h.turns(2);
  REQUIRE(h.counted().queued == 1);
  REQUIRE(other.send(h.part(1000, 30)).value_or(0) == 30);
  h.turns(2);
  h.places.copy_to(to);
  h.end_receive();
  CHECK(first.info()->unread == 50);
  CHECK(second.info()->unread == 30);
  CHECK(first.receive(to).value_or(0) == 50);
  CHECK(std::ranges::equal(std::span(to).first(50), h.part(4380, 50)));
}

TEST_CASE("Beyond its bound the backlog drops, and the peer sends again") {
  held h;
  REQUIRE(h.client.send(h.part(0, 5000)).value_or(0) == 5000);
  h.turns(2);
  std::vector<std::byte> to(5000);
  h.begin_receive(to);
  for (u32 i = 0; i < lock::backlog_segments + 10; ++i) (void)h.client.send(h.part(5000 + i, 1)), h.turns(1);
  const auto all = h.counted();
  CHECK(all.queued == lock::backlog_segments);
  CHECK(all.dropped >= 1);
  h.places.copy_to(to);
  h.end_receive();
  h.t.pass(3000, ignore_rest{}, ignore_rest{});
  CHECK(h.server.info()->unread == lock::backlog_segments + 10);
  CHECK(h.server.receive(to).value_or(0) == lock::backlog_segments + 10);
  CHECK(std::ranges::equal(std::span(to).first(lock::backlog_segments + 10), h.part(5000, lock::backlog_segments + 10)));
}

TEST_CASE("A timer that is due while the connection is held fires at release") {
  held h;
  const auto timeouts = [&] { return h.of(h.t.b, [](auto& tcp, auto) { return tcp.counters().timeouts; }); };
  REQUIRE(h.server.send(h.part(0, 100)).value_or(0) == 100);  // and the client does not poll
  (void)h.begin_send(h.part(100, 5000));
  for (u32 i = 0; i < 40; ++i) h.t.ms += 10, (void)h.t.b.poll(h.t.now(), budget{64}, ignore_rest{});
  CHECK(timeouts() == 0);
  CHECK(h.counted().deferred == 1);
  h.end_send(h.part(100, 5000));
  CHECK(timeouts() == 1);
  h.t.pass(1000, ignore_rest{}, ignore_rest{});
  std::vector<std::byte> to(5100);
  CHECK(h.client.receive(to).value_or(0) == 5100);
  CHECK(std::ranges::equal(to, h.part(0, 5100)));
}

TEST_CASE("A handler that calls on a connection that is held gets would_block and an event after it, or is obeyed at release") {
  held h;
  std::byte room[16];
  SECTION("sending") {
    (void)h.begin_send(h.part(0, 5000));
    {
      const auto turn = h.t.b.lock(h.t.now());  // as a handler: the lock is held, nobody may wait for the word
      CHECK(h.server.send(h.part(0, 1)).error() == tcp::send_error::would_block);
      CHECK(h.server.reserve(1).error() == tcp::send_error::would_block);
    }
    h.end_send(h.part(0, 5000));
    h.turns(3);
    CHECK(h.writable == 1);
  }
  SECTION("receiving") {
    REQUIRE(h.client.send(h.part(0, 5000)).value_or(0) == 5000);
    h.turns(2);
    std::vector<std::byte> to(4500);
    h.begin_receive(to);
    const u32 told = h.readable;
    {
      const auto turn = h.t.b.lock(h.t.now());
      CHECK(h.server.receive(room).error() == tcp::receive_error::would_block);
      CHECK(h.server.take().error() == tcp::receive_error::would_block);
      CHECK(h.server.consume(1).value_or(9) == 0);
      CHECK(h.server.peek().empty());
    }
    h.end_receive();
    h.turns(2);
    CHECK(h.readable == told + 1);
    CHECK(h.server.info()->unread == 500);
  }
  SECTION("closing") {
    (void)h.begin_send(h.part(0, 5000));
    {
      const auto turn = h.t.b.lock(h.t.now());
      CHECK(h.server.close());
    }
    h.turns(2);
    CHECK(h.server.info()->state == tcp::state::established);
    h.end_send(h.part(0, 5000));
    CHECK(h.server.info()->state == tcp::state::fin_wait_1);  // behind the bytes
    h.turns(3);
    CHECK(h.client.info()->unread == 5000);
    CHECK(h.client.info()->state == tcp::state::close_wait);
  }
  SECTION("shutting down") {
    (void)h.begin_send(h.part(0, 5000));
    {
      const auto turn = h.t.b.lock(h.t.now());
      CHECK(h.server.shutdown_send());
      CHECK(h.server.shutdown_receive());
    }
    h.end_send(h.part(0, 5000));
    h.turns(2);
    CHECK(h.client.info()->state == tcp::state::close_wait);
    REQUIRE(h.client.send(h.part(0, 10)));
    h.turns(2);
    CHECK(h.server.info()->unread == 0);
  }
  SECTION("aborting, which is stronger than closing") {
    (void)h.begin_send(h.part(0, 5000));
    {
      const auto turn = h.t.b.lock(h.t.now());
      CHECK(h.server.close());
      CHECK(h.server.abort());
    }
    h.turns(2);
    CHECK(h.closed == 0);
    h.end_send(h.part(0, 5000));
    h.turns(2);
    CHECK(h.closed == 1);
    CHECK(h.why == close_reason::aborted);
    CHECK(!h.server.is_live());
    CHECK(h.t.b.chunks_in_use() == 0);
  }
}

TEST_CASE("A thread without the lock waits for the word, and its call comes behind the bytes") {
  held h;
  (void)h.begin_send(h.part(0, 5000));
  u32 waited = 0;
  meanwhile = [&](u32 round) {
    waited = round;
    if (round == 20) as(eve, [&] { h.end_send(h.part(0, 5000)); });
  };
  as(bob, [&] { CHECK(h.server.send(h.part(5000, 10)).value_or(0) == 10); });
  CHECK(waited >= 20);
  (void)h.begin_send(h.part(5010, 2000));
  meanwhile = [&](u32 round) {
    if (round == 20) as(eve, [&] { h.end_send(h.part(5010, 2000)); });
  };
  as(bob, [&] { CHECK(h.server.close()); });
  meanwhile = nullptr;
  h.turns(4);
  std::vector<std::byte> to(7010);
  CHECK(h.client.receive(to).value_or(0) == 7010);
  CHECK(std::ranges::equal(to, h.part(0, 7010)));
}

TEST_CASE("A reset that waits ends the connection at release, and what waits behind it finds nobody") {
  held h;
  REQUIRE(h.client.send(h.part(0, 5000)).value_or(0) == 5000);
  h.turns(2);
  std::vector<std::byte> to(5000);
  h.begin_receive(to);
  REQUIRE(h.client.send(h.part(5000, 100)).value_or(0) == 100);
  h.turns(1);
  REQUIRE(h.client.abort());
  h.turns(2);
  CHECK(h.closed == 0);
  CHECK(h.server.is_live());
  h.places.copy_to(to);
  CHECK(std::ranges::equal(to, h.part(0, 5000)));
  h.end_receive();
  h.turns(2);
  CHECK(h.closed == 1);
  CHECK(h.why == close_reason::reset);
  CHECK(h.t.b.chunks_in_use() == 0);
}

TEST_CASE("An error of the network that meets the word is dropped and counted") {
  held h;
  REQUIRE(h.server.send(h.part(0, 100)).value_or(0) == 100);
  const auto info = *h.server.info();
  (void)h.begin_send(h.part(100, 5000));
  h.of(h.t.b, [&](auto& tcp, auto below) {
    network_error<ipv4_address> e{.local = h.server.local().address, .remote = h.server.remote().address, .protocol = 6, .kind = icmp_error_kind::packet_too_big, .mtu = 600};
    store_be<u16>(e.quoted, h.server.local().port), store_be<u16>(e.quoted + 2, h.server.remote().port);
    CHECK(!tcp.on_error(below, e, h.t.now()));
  });
  CHECK(h.counted().errors_dropped == 1);
  CHECK(h.server.info()->mss == info.mss);
  h.end_send(h.part(100, 5000));
}

TEST_CASE("The end of the stack waits for a thread that copies") {
  held h;
  (void)h.begin_send(h.part(0, 5000));
  u32 waited = 0;
  meanwhile = [&](u32 round) {
    waited = round;
    if (round == 10) as(eve, [&] { h.end_send(h.part(0, 5000)); });
  };
  as(bob, [&] { h.t.b.shut_down(); });
  CHECK(waited == 10);
  CHECK(!h.t.b.is_started());
  CHECK(h.t.b.chunks_in_use() == 0);
}

// ---- the same frames ----
struct recorded : nic::wire_pair {
  using wire_pair::wire_pair;
  static inline std::vector<std::vector<std::byte>> frames{};
  std::size_t transmit(std::span<packet> batch) {
    for (const packet& p : batch) frames.push_back(vector_of(p.bytes()));
    return wire_pair::transmit(batch);
  }
};
struct alone : presets::testing { using nic = recorded; };
struct in_company : alone { using exclusion = lock; };

template <class C> std::vector<std::vector<std::byte>> frames_of() {
  const fresh all;
  using stack_type = stack<C>;
  recorded::frames.clear();
  auto t = two_stacks<C>::make();
  typename stack_type::stream server{};
  REQUIRE(t->b.listen({.port = 7}));
  const auto client = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  const auto turns = [&] {
    t->turns(4, ignore_rest{}, on{[&](typename stack_type::accepted e) { server = e.stream; }, ignore_rest{}});
    t->ms += 50;
  };
  turns();
  std::vector<std::byte> bytes(200'000), got(200'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 >> 4);
  std::size_t sent = 0, received = 0;
  for (std::size_t n = 100; received < bytes.size(); n = n * 3 % 60'001) {
    sent += client.send(std::span(bytes).subspan(sent, std::min(n, bytes.size() - sent))).value_or(0);
    turns();
    received += server.receive(std::span(got).subspan(received)).value_or(0);
  }
  CHECK(got == bytes);
  REQUIRE(client.close());
  turns();
  return recorded::frames;
}

TEST_CASE("A large send or receive that copies without the lock gives the frames of one that has no lock") {
  const auto here = frames_of<alone>(), there = frames_of<in_company>();
  CHECK(here.size() > 140);
  CHECK((here == there));
}

}  // namespace
