// SPDX-License-Identifier: MIT
// The whole order in which a stack gives way when its pool runs down: it stops taking from applications, then it drops data out of order and datagrams, then new SYNs
// go without an answer; what is next in order on an empty connection comes to the last chunk but those of a receive batch.
#include <strata/neighbour/fixed.hpp>
#include <strata/link/raw_ip.hpp>

#include "../two_stacks.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {
using namespace strata;
using namespace strata::literals;

struct config : presets::testing {
  using coalescing = strata::tcp::none;
  using acks = strata::tcp::immediate_acks;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  static constexpr strata::limits limits{.chunks = 96, .connections = 8, .listeners = 2, .backlog = 4, .syn_slots = 4, .time_wait = 4, .send_chunks = 16, .receive_chunks = 16,
                                         .datagram_sockets = 2, .datagrams = 4, .errors = 4, .receive_reserve = 16};
};
using net = stack<config>;
constexpr u32 reserve = config::limits.receive_reserve;

/// `a`, of whose chunks `level` are free, and `b`, who has all it wants.
struct world {
  std::unique_ptr<test::two_stacks<config>> t = test::two_stacks<config>::make();
  net::stream at_a{}, at_b{};
  net::datagram_socket u{}, v{};
  std::vector<packet> held;
  std::vector<std::byte> bytes = std::vector<std::byte>(1000);

  explicit world(u32 level) {
    REQUIRE(t->a.listen({.port = 7}));
    at_b = *t->b.connect({.remote = {"10.0.0.1"_ip, 7}});
    t->turns(4, on{[&](net::accepted e) { at_a = e.stream; }, ignore_rest{}}, ignore_rest{});
    u = *t->a.bind({.port = 9}), v = *t->b.bind({.port = 9});
    t->turns(2, ignore_rest{}, ignore_rest{});
    REQUIRE(t->a.chunks().in_use() == 0);
    while (t->a.chunks().available() > level) held.push_back(t->a.chunks().take(0));
  }
  ~world() {
    held.clear();
    t->pass(5000, ignore_rest{}, ignore_rest{});
  }
  [[nodiscard]] const tcp::counters& count() const { return t->a.transport<0>().counters(); }
  void poll_a() { (void)t->a.poll(t->now(), budget{64}, ignore_rest{}); }
  void poll_b() { (void)t->b.poll(t->now(), budget{64}, ignore_rest{}); }
};

bool takes_from_an_application(u32 level) {
  world w(level);
  const bool of_tcp = w.at_a.send(w.bytes).value_or(0) == 1000;
  world other(level);
  const auto of_udp = other.u.send_to(other.bytes, net::endpoint{"10.0.0.2"_ip, 9});
  CHECK(of_tcp == of_udp.has_value());
  CHECK((of_udp || of_udp.error() == udp::send_error::would_block));
  return of_tcp;
}
bool keeps_what_is_out_of_order(u32 level) {
  world w(level);
  CHECK(w.at_b.send(w.bytes).value_or(0) == 1000);
  CHECK(w.at_b.send(w.bytes).value_or(0) == 1000);
  w.poll_b();
  {
    std::vector<std::byte> memory(std::size_t{4} * 2048);
    buffer::descriptor table[4]{};
    buffer::pool chunks{};
    chunks.open(region(memory), table, 2048);
    packet first[1];
    REQUIRE(config::nic(w.t->cable, 0).receive(chunks, first) == 1);  // lost
  }
  w.poll_a();
  CHECK(w.count().out_of_order + w.count().out_of_order_dropped <= 2);
  return w.count().out_of_order == 1 && w.count().out_of_order_dropped == 0;
}
bool keeps_a_datagram(u32 level) {
  world w(level);
  CHECK(w.v.send_to(w.bytes, net::endpoint{"10.0.0.1"_ip, 9}));
  w.poll_a();
  const auto& c = w.t->a.transport<1>().counted();
  CHECK((level == 0 || c.in_datagrams + c.mem_errors == 1));
  return c.in_datagrams == 1;
}
bool answers_a_syn(u32 level) {
  world w(level);
  const auto s = w.t->b.connect({.remote = {"10.0.0.1"_ip, 7}});
  REQUIRE(s);
  w.poll_a(), w.poll_b();
  return s->info()->state == tcp::state::established;
}
bool receives_what_is_next(u32 level) {
  world w(level);
  CHECK(w.at_b.send(w.bytes).value_or(0) == 1000);
  w.poll_a();
  return w.at_a.peek().size() == 1000;
}
/// The fewest free chunks with which it is done; with each more it is done too.
u32 least(bool (*is_done)(u32)) {
  u32 n = reserve + 4;
  while (n > 0 && is_done(n - 1)) --n;
  for (u32 fewer = n; fewer-- > 0;) CHECK_FALSE(is_done(fewer));
  return n;
}

TEST_CASE("a pool that runs down stops applications first, then what is out of order and datagrams, then new SYNs, and last what is next") {
  const u32 application = least(takes_from_an_application), ahead = least(keeps_what_is_out_of_order), datagram = least(keeps_a_datagram), syn = least(answers_a_syn),
            next = least(receives_what_is_next);
  CHECK(application == reserve + 1);
  CHECK(ahead == reserve + 1);     // the frame has its chunk when it is looked at
  CHECK(datagram == reserve + 1);
  CHECK(syn == reserve * 3 / 4 + 2);  // its answer may have a quarter of what is kept, and the SYN has a chunk
  CHECK(next == 2);                   // the frame's, and one is free all the same
  CHECK((application >= ahead && application >= datagram && ahead > syn && datagram > syn));
}

}  // namespace
