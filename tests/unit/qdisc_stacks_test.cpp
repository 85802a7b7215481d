// SPDX-License-Identifier: MIT
// A nest of disciplines in a stack that sleeps until its next deadline: the rate holds, what is dropped below is sent again, and nothing leaks.
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>

#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace {

using namespace strata;
using namespace strata::test;

struct shaped : presets::testing {
  using qdisc = strata::qdisc::tbf_of<strata::qdisc::tbf_options{.rate = 1'000'000, .burst = 4'000},
                                      strata::qdisc::prio<strata::qdisc::fifo, strata::qdisc::fq_codel_of<strata::qdisc::fq_codel_options{.flows = 64, .limit = 12}>>>;
};
using net = stack<shaped>;
static_assert(net::network_headroom == 14 + 20);

/// Both stacks, polled when one of them says so and at no other time.
struct sleepers : two_stacks<shaped> {
  u64 ns = 1'000'000'000;
  [[nodiscard]] auto& queue() { return a.at_interface().qdisc; }
  /// False: nobody wants to be asked again.
  bool turn_when_due(auto&& ha, auto&& hb) {
    (void)a.poll({ns}, budget{64}, ha);
    (void)b.poll({ns}, budget{64}, hb);
    if (a.at_interface().counters().received != cable.of(1).transmitted || b.at_interface().counters().received != cable.of(0).transmitted) return true;  // a frame wakes a sleeper
    const auto of_a = a.next_deadline(), of_b = b.next_deadline();
    if (!of_a && !of_b) return false;
    const u64 next = !of_b ? of_a->count : !of_a ? of_b->count : earlier_of(*of_a, *of_b).count;
    if (next > ns) ns = next;
    return true;
  }
};

TEST_CASE("a transfer through tbf<prio<fifo, fq_codel>> runs at the rate, by deadlines alone, and what the queue drops is sent again") {
  const auto t = std::make_unique<sleepers>();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  std::vector<std::byte> text(600'000), got;
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * 7 ^ i >> 9);
  std::size_t sent = 0;
  u32 ended = 0;
  const auto write = [&](net::stream w) {
    if (sent < text.size()) sent += w.send(std::span(text).subspan(sent)).value_or(0);
    if (sent == text.size()) (void)w.close();
  };
  const on from{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); }, [&](net::closed) { ++ended; }, ignore_rest{}};
  const on to{[&](net::readable e) {
                for (const auto part : e.stream.peek()) got.insert(got.end(), part.begin(), part.end());
                (void)e.stream.consume(e.stream.peek().size());
              },
              [](net::peer_closed e) { (void)e.stream.close(); }, [&](net::closed) { ++ended; }, ignore_rest{}};
  const u64 begin = t->ns;
  u64 whole = 0;
  for (u32 turns = 0; turns < 100'000 && t->turn_when_due(from, to); ++turns) {
    if (whole == 0 && got.size() == text.size()) whole = t->ns;
    if (ended == 2) break;
  }
  REQUIRE(got == text);
  const auto& codel = t->queue().inside().band<1>();
  CHECK(codel.counted().drop_overlimit + codel.counted().drop_codel > 0);
  CHECK(t->a.transport<0>().counters().retransmitted > 0);
  CHECK(t->queue().counted().overlimits > 300);
  CHECK(t->a.at_interface().counters().queue_dropped == 0);  // fq_codel takes each and drops another
  CHECK(whole - begin >= (600'000 - 4'000) * 1'000ull);
  CHECK(whole - begin < 3'000'000'000);
  for (u32 turns = 0; turns < 1'000 && t->turn_when_due(from, to); ++turns) {}
  CHECK(t->queue().size() == 0);
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("what waits in a queue when the stack shuts down goes back to the pool, and next_deadline says when it would have left") {
  const auto t = std::make_unique<sleepers>();
  const auto u = t->a.bind({.port = 1000});
  REQUIRE(u);
  std::byte bytes[1000]{};
  for (u32 i = 0; i < 3; ++i) (void)t->turn_when_due(ignore_rest{}, ignore_rest{});
  (void)u->send_to(bytes, net::endpoint{"10.0.0.2"_ip, 9});
  for (u32 i = 0; i < 6; ++i) (void)t->a.poll({t->ns}, budget{64}, ignore_rest{}), (void)t->b.poll({t->ns}, budget{64}, ignore_rest{});  // ARP
  for (u32 i = 0; i < 6; ++i) CHECK(u->send_to(bytes, net::endpoint{"10.0.0.2"_ip, 9}));
  CHECK(t->queue().size() > 0);
  const auto due = t->a.next_deadline();
  REQUIRE(due);
  CHECK(due->count > t->ns);
  CHECK(due->count < t->ns + 2'000'000);
  const auto left = t->a.at_interface().counters().transmitted;
  (void)t->a.poll({due->count - 1}, budget{64}, ignore_rest{});
  CHECK(t->a.at_interface().counters().transmitted == left);
  (void)t->a.poll(*due, budget{64}, ignore_rest{});
  CHECK(t->a.at_interface().counters().transmitted == left + 1);
  t->a.shut_down();
  CHECK(t->a.chunks_in_use() == 0);
}

}  // namespace
