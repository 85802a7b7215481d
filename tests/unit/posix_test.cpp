// SPDX-License-Identifier: MIT
#include <strata/posix.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <thread>

namespace {
using namespace strata;

/// What a stack looks like to run(): a driver that is a pipe, and one timer.
struct pipe_nic {
  int fds[2] = {-1, -1};
  pipe_nic() { REQUIRE(::pipe(fds) == 0); }
  pipe_nic(const pipe_nic&) = delete;
  ~pipe_nic() {
    (void)::close(fds[0]);
    (void)::close(fds[1]);
  }
  int descriptor() const { return fds[0]; }
};
struct budget {
  u32 most;
};
template <class Tick> struct stack_of_one_pipe {
  using time_point = strata::time_point<Tick>;
  pipe_nic nic{};
  std::optional<time_point> deadline{};
  u32 turns = 0;
  u32 frames = 0;
  bool poll(time_point now, budget b, auto& handler) {
    CHECK(b.most == 64);
    ++turns;
    if (deadline && now.reached(*deadline)) {
      deadline.reset();
      handler();
    }
    pollfd p{nic.fds[0], POLLIN, 0};
    char c;
    while (::poll(&p, 1, 0) == 1 && ::read(nic.fds[0], &c, 1) == 1) ++frames;
    return true;
  }
  std::optional<time_point> next_deadline() const { return deadline; }
  template <class F> void for_each_driver(F f) { f(nic); }
  bool idle() const { return true; }
};
using nanosecond_stack = stack_of_one_pipe<nanoseconds64>;

/// What explain() prints, and returns in `code`.
struct captured {
  char text[512] = {};
  int code = 0;
};
captured explained(const nic::open_error& e, const char* program) {
  captured c;
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const int before = ::dup(2);
  (void)std::fflush(stderr);
  (void)::dup2(fds[1], 2);
  c.code = posix::explain(e, program);
  (void)std::fflush(stderr);
  (void)::dup2(before, 2);
  (void)::close(before);
  (void)::close(fds[1]);
  (void)!::read(fds[0], c.text, sizeof c.text - 1);
  (void)::close(fds[0]);
  return c;
}
}  // namespace

TEST_CASE("nanoseconds become moments of any tick, on its circle") {
  static_assert(posix::moment(5'000'000'123).count == 5'000'000'123);
  static_assert(posix::moment<milliseconds32>(5'000'999'999).count == 5000);
  static_assert(posix::moment<microseconds32>((u64{1} << 32) * 1000 + 7000).count == 7);
  const auto a = posix::now(), b = posix::now();
  CHECK_FALSE(b.is_before(a));
}

TEST_CASE("the time stamp counter agrees with the monotonic clock, or says why it is not used") {
  const posix::tsc_clock clock;
  INFO("reason: " << clock.reason());
  CHECK(clock.is_tsc() == (std::strlen(clock.reason()) == 0));
  u64 last = clock.ns();
  for (int i = 0; i < 10'000; ++i) {
    const u64 now = clock.ns();
    REQUIRE(now >= last);
    last = now;
  }
  const u64 before = posix::monotonic_ns(), here = clock.ns(), after = posix::monotonic_ns();
  CHECK(here + 1'000'000 > before);
  CHECK(here < after + 1'000'000);
}

TEST_CASE("each random source has a key of its own") {
  auto a = posix::random(), b = posix::random();
  CHECK(a.key.k0 != b.key.k0);
  CHECK(a.next() != b.next());
  CHECK(a.next() != a.next());
}

TEST_CASE("memory is zeroed, writable to its end and says what it is made of") {
  for (const auto wanted : {posix::pages_wanted::huge, posix::pages_wanted::transparent_huge, posix::pages_wanted::plain}) {
    const auto m = posix::mapping::of((4 << 20) + 100, wanted);
    const region r = m;
    INFO("wanted " << static_cast<int>(wanted) << ", pages " << static_cast<int>(r.pages()));
    REQUIRE(r.size() == (4 << 20) + 100);
    CHECK(r.pages() != buffer::page_kind::unknown);
    if (wanted == posix::pages_wanted::plain) CHECK(r.pages() == buffer::page_kind::plain);
    if (r.pages() != buffer::page_kind::plain) CHECK(reinterpret_cast<std::size_t>(r.data()) % posix::mapping::huge_page == 0);
    CHECK(r.data()[r.size() - 1] == std::byte{0});
    r.data()[0] = r.data()[r.size() - 1] = std::byte{1};
  }
  CHECK(posix::mapping::of(~std::size_t{0} / 4).memory().size() == 0);  // more than any address space
  CHECK(posix::mapping::of(0).memory().size() == 0);
}

TEST_CASE("a region from huge_pages outlives the call") {
  const region r = posix::huge_pages(1 << 20);
  REQUIRE(r.size() == 1 << 20);
  r.data()[r.size() - 1] = std::byte{7};
  CHECK(r.data()[r.size() - 1] == std::byte{7});
}

TEST_CASE("an error is one line with the step, the errno and the remedy") {
  const auto e = explained({"the interface is taken", "ioctl TUNSETIFF", "give another name", EBUSY, false}, "echo");
  CHECK(e.code == 1);
  CHECK(std::strcmp(e.text, "echo: error: the interface is taken (ioctl TUNSETIFF, errno EBUSY); give another name\n") == 0);
  const auto s = explained({"not allowed", "open /dev/net/tun", "run as root", EPERM, true}, "echo");
  CHECK(s.code == 77);
  CHECK(std::strcmp(s.text, "echo: skipped: not allowed (open /dev/net/tun, errno EPERM); run as root\n") == 0);
  const auto n = explained({"odd", "step", "none", 4095, false}, "x");
  CHECK(std::strcmp(n.text, "x: error: odd (step, errno 4095); none\n") == 0);
}

TEST_CASE("run sleeps until the next deadline, not longer and not in circles") {
  nanosecond_stack net;
  net.deadline = posix::now() + duration<nanoseconds64>::ms(30);
  const u64 before = posix::monotonic_ns();
  bool rang = false;
  CHECK(posix::run(net, [&] { rang = true; }, {}, [&] { return rang; }) == 0);
  CHECK(posix::monotonic_ns() - before >= 30'000'000);
  CHECK(posix::monotonic_ns() - before < 2'000'000'000);
  CHECK(net.turns <= 5);
}

TEST_CASE("run sleeps with a tick of milliseconds too") {
  stack_of_one_pipe<milliseconds32> net;
  net.deadline = posix::now<milliseconds32>() + duration<milliseconds32>::ms(20);
  bool rang = false;
  CHECK(posix::run(net, [&] { rang = true; }, {}, [&] { return rang; }) == 0);
  CHECK(net.turns <= 10);
}

TEST_CASE("a frame wakes run from its sleep") {
  nanosecond_stack net;
  std::thread peer([&] {
    timespec t{0, 20'000'000};
    (void)::nanosleep(&t, nullptr);
    (void)!::write(net.nic.fds[1], "x", 1);
  });
  const u64 before = posix::monotonic_ns();
  CHECK(posix::run(net, [] {}, {.longest_sleep_ns = 10'000'000'000}, [&] { return net.frames > 0; }) == 0);
  CHECK(posix::monotonic_ns() - before < 5'000'000'000);
  CHECK(net.turns <= 3);
  peer.join();
}

TEST_CASE("run ends when its time is over") {
  nanosecond_stack net;
  const u64 before = posix::monotonic_ns();
  CHECK(posix::run(net, [] {}, {.for_ns = 20'000'000}) == 0);
  CHECK(posix::monotonic_ns() - before >= 20'000'000);
  CHECK(net.turns <= 4);
}

TEST_CASE("SIGTERM and SIGINT end run with zero, and the mask is what it was") {
  for (const int signal : {SIGTERM, SIGINT}) {
    nanosecond_stack net;
    bool was_sent = false;
    // Raised from within a turn: it is blocked then, and found when the loop wants to sleep.
    net.deadline = posix::now();
    CHECK(posix::run(net, [&] {
            was_sent = true;
            (void)::raise(signal);
          }) == 0);
    CHECK(was_sent);
    CHECK(net.turns == 1);
    sigset_t now;
    REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &now) == 0);
    CHECK(::sigismember(&now, signal) == 0);
  }
}

TEST_CASE("a driver whose interface is gone does not make run spin") {
  nanosecond_stack net;
  (void)::close(net.nic.fds[1]);  // the reading end now reports POLLHUP for ever
  net.nic.fds[1] = -1;
  CHECK(posix::run(net, [] {}, {.for_ns = 50'000'000}) == 0);
  CHECK(net.turns <= 10);
}

TEST_CASE("a pcap file says when it cannot be opened or written") {
  posix::pcap_file none("/nonexistent/strata.pcap");
  CHECK_FALSE(none.is_open());
  none.write({});
  posix::pcap_file full("/dev/full");
  REQUIRE(full.is_open());
  const std::byte bytes[64]{};
  full.write(bytes);
  full.flush();
  CHECK(full.has_failed());
}
