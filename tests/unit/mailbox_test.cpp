// SPDX-License-Identifier: MIT
// posix::mailbox: other threads post, the owner of the stack delivers; bounded, in order, and a loop that sleeps wakes up.
#include <two_stacks.hpp>

#include <strata/posix.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <fcntl.h>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace strata;
using namespace strata::test;

TEST_CASE("Letters are delivered in the order in which they were posted, and a full mailbox says so") {
  posix::mailbox<4> box;
  std::vector<int> done;
  CHECK(box.empty());
  CHECK(box.deliver() == 0);
  for (int round = 0; round < 5; ++round) {
    done.clear();
    for (int i = 0; i < 4; ++i) CHECK(box.post([&done, i] { done.push_back(i); }));
    CHECK(box.post([] {}).error() == posix::post_error::full);
    CHECK(!box.empty());
    CHECK(box.deliver() == 4);
    CHECK(done == std::vector{0, 1, 2, 3});
    CHECK(box.empty());
  }
}

TEST_CASE("A letter may post, and what it posts is delivered within the bound of one delivery") {
  posix::mailbox<2> box;
  int done = 0;
  struct again {
    posix::mailbox<2>* box;
    int* done;
    void operator()() const {
      ++*done;
      (void)box->post(*this);
    }
  };
  REQUIRE(box.post(again{&box, &done}));
  CHECK(box.deliver() == 2);  // no more, though there is one
  CHECK(done == 2);
  CHECK(!box.empty());
}

TEST_CASE("What a letter captures is destroyed once, done or not") {
  struct counted {
    int* alive;
    explicit counted(int& n) : alive(&n) { ++*alive; }
    counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
    ~counted() { --*alive; }
  };
  int alive = 0, done = 0;
  {
    posix::mailbox<4> box;
    for (int i = 0; i < 3; ++i) REQUIRE(box.post([c = counted(alive), &done] { ++done; }));
    CHECK(alive == 3);
    CHECK(box.deliver() == 3);
    CHECK(alive == 0);
    REQUIRE(box.post([c = counted(alive), &done] { ++done; }));
  }
  CHECK(alive == 0);
  CHECK(done == 3);
}

TEST_CASE("Many threads post, and each one's letters are done in its order") {
  posix::mailbox<16> box;
  constexpr u32 threads = 4, each = 5000;
  u32 next[threads] = {};
  bool in_order = true;
  std::vector<std::thread> all;
  for (u32 t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      for (u32 i = 0; i < each;) {
        if (box.post([&, t, i] { in_order = in_order && next[t] == i, ++next[t]; })) ++i;
        else std::this_thread::yield();
      }
    });
  for (u32 done = 0; done < threads * each;) {
    const u32 n = box.deliver();
    done += n;
    if (n == 0) std::this_thread::yield();
  }
  for (std::thread& t : all) t.join();
  CHECK(in_order);
  for (const u32 n : next) CHECK(n == each);
  CHECK(box.empty());
}

/// A stack that never has anything to do, over a driver that can be slept on.
struct nothing_to_do {
  using time_point = strata::time_point<nanoseconds64>;
  struct quiet {
    int fd = ::eventfd(0, EFD_NONBLOCK);
    ~quiet() { (void)::close(fd); }
    int descriptor() const { return fd; }
  } nic{};
  u32 turns = 0;
  time_point now{};
  struct budget_type {
    u32 frames;
  };
  bool poll(time_point at, budget_type, auto&) { return now = at, ++turns, true; }
  void advance(time_point at) { now = at; }
  std::optional<time_point> next_deadline() const { return {}; }
  void for_each_driver(auto f) { f(nic); }
  bool idle() const { return true; }
};

TEST_CASE("run() sleeps until a letter comes, and does it at the time of its turn") {
  nothing_to_do net;
  posix::mailbox<8> box;
  std::atomic<bool> is_done{false};
  const u64 start = posix::monotonic_ns();
  u64 waited = 0;
  expected<void, posix::post_error> posted;  // looked at when the thread has ended: Catch2 has one owner
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    posted = box.post([&] {
      waited = posix::monotonic_ns() - start;
      CHECK(static_cast<u64>(net.now.count) + 1'000'000'000 > start + waited);
      is_done = true;
    });
  });
  CHECK(posix::run(net, [] {}, box, {.longest_sleep_ns = 60'000'000'000}, [&] { return is_done.load(); }) == 0);
  other.join();
  CHECK(posted);
  CHECK(waited >= 29'000'000);
  CHECK(waited < 30'000'000'000);
  CHECK(net.turns < 20);  // it slept
}

TEST_CASE("Another thread sends through the owner's loop, byte for byte") {
  using net = stack<presets::testing>;
  auto t = two_stacks<presets::testing>::make();
  t->turn();
  REQUIRE(t->b.listen({.port = 7}));
  const auto client = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  posix::mailbox<4> box;
  std::atomic<u32> sent{0};
  std::thread writer([&] {
    for (u32 i = 0; i < 200;) {
      if (box.post([&, i] {
            const std::byte b{static_cast<u8>(i)};
            if (client.send({&b, 1})) ++sent;  // Nagle: they share chunks, and the queue does not fill
          })) ++i;
      else std::this_thread::yield();
    }
  });
  std::vector<u8> got;
  for (u32 turns = 0; got.size() < 200 && turns < 1'000'000; ++turns) {
    (void)box.deliver();
    t->ms += 1;
    t->turn(ignore_rest{}, on{[&](net::readable e) {
              std::byte room[64];
              while (const auto n = e.stream.receive(room))
                for (std::size_t i = 0; i < *n; ++i) got.push_back(static_cast<u8>(room[i]));
            }, ignore_rest{}});
    std::this_thread::yield();
  }
  writer.join();
  REQUIRE(got.size() == sent);
  REQUIRE(sent == 200);
  for (u32 i = 0; i < 200; ++i) CHECK(got[i] == static_cast<u8>(i));
}

bool is_readable(int descriptor) {
  pollfd p{descriptor, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST_CASE("only an owner who sleeps is woken, and once awake he has heard all of it") {
  posix::mailbox<4> box;
  REQUIRE(box.descriptor() >= 0);
  REQUIRE(box.post([] {}));
  CHECK_FALSE(is_readable(box.descriptor()));
  box.will_sleep();
  REQUIRE(box.post([] {}));
  REQUIRE(box.post([] {}));
  CHECK(is_readable(box.descriptor()));
  box.is_awake();
  CHECK_FALSE(is_readable(box.descriptor()));
  REQUIRE(box.post([] {}));
  CHECK_FALSE(is_readable(box.descriptor()));
  CHECK(box.deliver() == 4);
}

TEST_CASE("a wakeup's descriptor ends with it, be it the first that there is") {
  const int kept = ::dup(0);
  REQUIRE(kept >= 0);
  (void)::close(0);
  {
    const posix::wakeup w;
    CHECK(w.descriptor() == 0);
  }
  CHECK(::fcntl(0, F_GETFD) == -1);
  CHECK(::dup2(kept, 0) == 0);
  (void)::close(kept);
  int other = 0;
  {
    const posix::wakeup w;
    other = w.descriptor();
    CHECK(other > 0);
  }
  CHECK(::fcntl(other, F_GETFD) == -1);
}

}  // namespace
