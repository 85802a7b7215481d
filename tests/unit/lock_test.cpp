// SPDX-License-Identifier: MIT
// exclusion::locked: one owner at a time, who may enter again; calls of others wait, or are run by the owner when it leaves. Threads are names here, and
// what happens while one waits is written down, so that every interleaving is the same in each run.
#include "named_threads.hpp"

#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

std::unique_ptr<lock::guard> entered(lock& l) { return std::unique_ptr<lock::guard>(new lock::guard(l.enter())); }

static_assert(exclusion::shared<exclusion::locked> && !exclusion::shared<exclusion::single_owner>);

TEST_CASE("The owner of the lock enters again, and others only when it has left as often") {
  const fresh all;
  lock l;
  auto outer = entered(l), inner = entered(l);
  CHECK(l.is_held());
  CHECK(!l.is_held_once());
  as(bob, [&] { CHECK(!l.is_held()); });
  u32 waited = 0;
  meanwhile = [&](u32 round) {
    waited = round + 1;
    if (round == 4) as(ann, [&] { inner.reset(); });
    if (round == 9) as(ann, [&] { CHECK(l.is_held_once()); outer.reset(); });
  };
  as(bob, [&] {
    const auto mine = l.enter();
    CHECK(l.is_held_once());
  });
  CHECK(waited == 10);
  CHECK(!l.is_held());
}

TEST_CASE("A call that meets the lock is posted after its tries, and run by the owner when it leaves") {
  const fresh all;
  lock l;
  auto held = entered(l);
  meanwhile = [&](u32 round) {
    if (round == 20) as(ann, [&] { held.reset(); });
  };
  const void* ran_as = nullptr;
  as(bob, [&] {
    CHECK(l.run([&] { ran_as = current; return std::optional<int>(7); }) == 7);
    CHECK(!l.is_held());
  });
  CHECK(ran_as == &ann);
  CHECK(l.served() == 1);
  held = entered(l);
  meanwhile = [&](u32 round) {
    if (round == 1) as(ann, [&] { held.reset(); });
  };
  as(bob, [&] { CHECK(l.run([&] { ran_as = current; return std::optional<int>(8); }) == 8); });
  CHECK(ran_as == &bob);  // before it was posted
  CHECK(l.served() == 1);
}

TEST_CASE("A call is posted at the try behind its last, not before") {
  for (const u32 left_at : {3u, 4u}) {
    const fresh all;
    lock l;
    auto held = entered(l);
    u32 waits = 0;
    meanwhile = [&](u32) {
      if (++waits == left_at) as(ann, [&] { held.reset(); });
    };
    const void* ran_as = nullptr;
    as(bob, [&] { CHECK(l.run([&] { ran_as = current; return std::optional<int>(9); }) == 9); });
    CHECK(ran_as == (left_at == 3 ? &bob : &ann));
  }
}

TEST_CASE("With all places taken a call waits for the lock") {
  const fresh all;
  lock l;
  auto held = entered(l);
  const void *first_as = nullptr, *second_as = nullptr;
  u32 second = 0;
  meanwhile = [&](u32 round) {
    if (round != 10) return;
    as(eve, [&] {  // bob's call is posted
      meanwhile = [&](u32 later) {
        if (later == 30) as(ann, [&] { held.reset(); });
      };
      second = l.run([&] { second_as = current; return std::optional<u32>(2u); });
    });
  };
  as(bob, [&] { CHECK(l.run([&] { first_as = current; return std::optional<u32>(1u); }) == 1); });
  CHECK(second == 2);
  CHECK(first_as == &ann);
  CHECK(second_as == &eve);
  CHECK(l.served() == 1);
}

TEST_CASE("A call that cannot be done yet stays posted until it can") {
  const fresh all;
  lock l;
  auto held = entered(l);
  bool is_time = false;
  u32 asked = 0;
  meanwhile = [&](u32 round) {
    if (round == 10) as(ann, [&] { held.reset(); });
    if (round == 20) is_time = true;
  };
  as(bob, [&] { CHECK(l.run([&] { return ++asked, is_time ? std::optional<int>(5) : std::nullopt; }) == 5); });
  CHECK(asked > 3);
  CHECK(!l.is_held());
}

// ---- a stack ----
struct rung : nic::wire_pair {
  using wire_pair::wire_pair;
  static inline u32 rings = 0;
  nic::kick flush() { return ++rings, nic::kick::done; }
};
struct shared : presets::testing {
  using exclusion = lock;
  using nic = rung;
};

TEST_CASE("lock(now) takes the stack, sets its time, and rings the doorbell once when it ends") {
  const fresh all;
  auto t = two_stacks<shared>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  t->turns(4, ignore_rest{}, ignore_rest{});
  rung::rings = 0;
  t->ms += 5;
  {
    const auto turn = t->a.lock(t->now());
    CHECK(t->a.now() == t->now());
    CHECK(s->send(bytes_of("one")).value_or(0) == 3);
    CHECK(s->send(bytes_of("two")).value_or(0) == 3);
    CHECK(t->a.counters().polls > 0);
    CHECK(t->a.transport<0>().counters().active_opens == 1);  // by reference, while it is held
    CHECK(rung::rings == 0);
  }
  CHECK(rung::rings == 1);
  t->a.advance(t->now());
  CHECK(rung::rings == 1);
  std::string got;
  t->turn(ignore_rest{}, on{[&](stack<shared>::readable e) { got += text_of(e.stream.peek().front()); }, ignore_rest{}});
  CHECK(got == "one");  // Nagle holds the second back
}

TEST_CASE("Handlers may call anything, and a thread that meets a poll gets its call run by the poller") {
  const fresh all;
  using net = stack<shared>;
  auto t = two_stacks<shared>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  bool connected = false;
  t->turns(4, on{[&](net::connected e) {
             connected = true;
             const auto turn = t->a.lock(t->now());  // the poller's own
             CHECK(e.stream.send(bytes_of("hello")).value_or(0) == 5);
             CHECK(t->a.connect({.remote = {"10.0.0.2"_ip, 8}}));
             CHECK(!t->a.poll(t->now(), budget{1}, ignore_rest{}));
             CHECK(e.stream.info().has_value());
             CHECK(t->a.next_deadline().has_value());
           }, ignore_rest{}},
           ignore_rest{});
  CHECK(connected);
  // bob's call comes while ann polls: she is in a handler of b when he begins, and goes on when he has posted it.
  net::stream server{};
  (void)s->send(bytes_of("more"));
  bool asked = false;
  std::size_t sent = 0;
  t->turns(4, ignore_rest{}, on{[&](net::readable e) {
             if (std::exchange(asked, true)) return;
             server = e.stream;
             const auto peeked = vector_of(e.stream.peek().front());
             CHECK(text_of(peeked).starts_with("hello"));
           }, ignore_rest{}});
  REQUIRE(asked);
  auto held = std::make_unique<net::scope>(t->b, t->now());
  meanwhile = [&](u32 round) {
    if (round == 10) as(ann, [&] { held.reset(); });
  };
  as(bob, [&] { sent = server.send(bytes_of("from bob")).value_or(0); });
  CHECK(sent == 8);
  std::string got;
  t->turns(4, on{[&](net::readable e) { got += text_of(e.stream.peek().front()); }, ignore_rest{}}, ignore_rest{});
  CHECK(got == "from bob");
}

TEST_CASE("A chunk in the application's hands goes back under the lock, whoever drops it") {
  const fresh all;
  using net = stack<shared>;
  auto t = two_stacks<shared>::make();
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  auto u = t->a.bind({.port = 9});
  REQUIRE((s && u));
  net::stream server{};
  t->turns(4, ignore_rest{}, on{[&](net::accepted e) { server = e.stream; }, ignore_rest{}});
  {
    auto place = s->reserve(100);
    auto other = u->reserve(100);
    REQUIRE((place && other));
    CHECK(place->room().size() == 100);
    CHECK(t->a.chunks_in_use() == 2);
    auto held = std::make_unique<net::scope>(t->a, t->now());
    u32 waited = 0;
    meanwhile = [&](u32 round) {
      waited = round;
      if (round == 5) as(ann, [&] { held.reset(); });
    };
    as(bob, [&] { net::reservation(std::move(*place)); });
    CHECK(waited == 5);
    CHECK(t->a.chunks_in_use() == 1);
    *other = net::datagram_reservation{};
    CHECK(t->a.chunks_in_use() == 0);
  }
  auto place = s->reserve(3);
  REQUIRE(place);
  copy_bytes(place->room().data(), bytes_of("abc").data(), 3);
  CHECK(s->commit(std::move(*place), 3).value_or(0) == 3);
  auto letter = u->reserve(3);
  REQUIRE(letter);
  CHECK(u->commit_to(std::move(*letter), 3, net::endpoint{"10.0.0.2"_ip, 9}).value_or(0) == 3);
  t->turns(2, ignore_rest{}, ignore_rest{});
  auto view = server.take();
  REQUIRE(view);
  CHECK(*view);
  CHECK(text_of(view->bytes()) == "abc");
  CHECK(t->b.chunks_in_use() == 1);
  *view = net::owned_view{};
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("what is copied without the lock, and how much waits meanwhile, is what core/lock.hpp says") {
  CHECK(exclusion::locked::copied_apart == 4096);
  CHECK(exclusion::locked::backlog_segments == 64);
}

}  // namespace
