// SPDX-License-Identifier: MIT
// The loop of a program that does nothing but serve one stack: poll, sleep until a frame or a timer, end on SIGINT or SIGTERM.
#pragma once
#include <strata/nic/driver.hpp>
#include <strata/posix/clock.hpp>
#include <strata/posix/mailbox.hpp>

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace strata::inline STRATA_ABI::posix {

struct run_options {
  u32 budget = 64;                    ///< frames and timers per poll
  u64 for_ns = 0;                     ///< ends after so long; zero: never
  u64 longest_sleep_ns = 100'000'000; ///< also bounds how long `until` is not asked, and how long a full NIC waits to be tried again
};

/// What run() asks of a stack, beside poll(now, budget, handler).
template <class Stack> concept says_how_long_it_may_sleep = requires(const Stack& s) {
  { s.next_deadline() } -> std::same_as<std::optional<typename Stack::time_point>>;
};
template <class Stack> concept says_whether_it_is_idle = requires(const Stack& s) {
  { s.idle() } -> std::same_as<bool>;
};
template <class Stack> concept shows_its_drivers = requires(Stack& s) { s.for_each_driver([](auto&) {}); };
template <class Stack, class Handler> concept can_be_run =
    says_how_long_it_may_sleep<Stack> && says_whether_it_is_idle<Stack> && shows_its_drivers<Stack> &&
    requires(Stack& s, typename Stack::time_point now, Handler& h) {
      { s.poll(now, {run_options{}.budget}, h) } -> std::same_as<bool>;
    };

struct never {
  constexpr bool operator()() const { return false; }
};

namespace detail {

template <class> struct tick_of;
template <class Tick> struct tick_of<time_point<Tick>> { using type = Tick; };

/// SIGINT and SIGTERM as a descriptor; the calling thread's mask is what it was afterwards. No handler, so nothing global.
class stop_signals {
 public:
  stop_signals() {
    sigset_t wanted;
    (void)::sigemptyset(&wanted);
    (void)::sigaddset(&wanted, SIGINT);
    (void)::sigaddset(&wanted, SIGTERM);
    (void)::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_ = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals() {
    if (fd_ >= 0) (void)::close(fd_);
    (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool came() const {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
  }

 private:
  sigset_t before_{};
  int fd_ = -1;
};

/// What a loop sleeps on: the signals and each driver's descriptor.
class waiting_room {
 public:
  static constexpr nfds_t most = 17;

  explicit waiting_room(int signals) { fds_[0] = {signals, POLLIN, 0}; }
  template <class Driver> void add(const Driver& driver) {
    if constexpr (nic::can_be_waited_for<Driver>) {
      if (count_ < most && driver.descriptor() >= 0) {
        fds_[count_++] = {driver.descriptor(), POLLIN, 0};
        return;
      }
    }
    must_not_sleep_ = true;  // it cannot tell us when a frame comes
  }
  /// Until a frame, a signal or `ns` from now. A descriptor that only has an error to tell (its interface was deleted) is not asked for 10 ms.
  void sleep(u64 ns) {
    if (must_not_sleep_) ns = 0;
    const int ready = wait(count_, ns);
    if (ready <= 0) return;
    for (nfds_t i = 0; i < count_; ++i)
      if ((fds_[i].revents & POLLIN) != 0) return;
    (void)wait(1, ns < 10'000'000 ? ns : 10'000'000);
  }

 private:
  int wait(nfds_t count, u64 ns) {
    const timespec t{static_cast<std::time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    return ::ppoll(fds_, count, &t, nullptr);
  }

  pollfd fds_[most] = {};
  nfds_t count_ = 1;
  bool must_not_sleep_ = false;
};

/// In the place of a mailbox: nobody posts.
struct no_letters {
  static constexpr u32 deliver() { return 0; }
  static constexpr bool empty() { return true; }
  static constexpr void will_sleep() {}
  static constexpr void is_awake() {}
};

}  // namespace detail

/// Serves `net` with `handler` until SIGINT or SIGTERM comes, `until()` says true after a turn, or `for_ns` have passed; then returns 0, and the
/// caller closes what it opened. Sleeps only while the stack is idle, at most until its next deadline; never, if a driver has no descriptor to sleep on.
/// A program with more threads blocks both signals before it starts them, or one of those will take the signal.
/// `box`: what other threads post is done before each turn, at its time; a letter ends the sleep (mailbox.hpp).
template <class Stack, class Handler, class Box, class Until = never>
  requires can_be_run<Stack, std::remove_reference_t<Handler>> && (letter_box<Box> || std::same_as<Box, detail::no_letters>)
int run(Stack& net, Handler&& handler, Box& box, run_options options = {}, Until until = {}) {
  using tick = typename detail::tick_of<typename Stack::time_point>::type;
  const detail::stop_signals signals;
  detail::waiting_room room{signals.descriptor()};
  net.for_each_driver([&](auto& driver) { room.add(driver); });
  if constexpr (letter_box<Box>) room.add(box);

  const u64 start = monotonic_ns();
  for (u32 turn = 0;; ++turn) {
    const u64 now = monotonic_ns();
    if (!box.empty()) {
      if constexpr (requires { net.advance(moment<tick>(now)); }) net.advance(moment<tick>(now));
      (void)box.deliver();
    }
    (void)net.poll(moment<tick>(now), {options.budget}, handler);
    if (until()) return 0;
    if (options.for_ns != 0 && now - start >= options.for_ns) return 0;
    const bool is_idle = net.idle();
    if (is_idle) {
      u64 ns = options.longest_sleep_ns;
      if (const auto deadline = net.next_deadline()) {
        const u64 wait = static_cast<u64>(deadline->since(moment<tick>(now)).count) * (1'000'000'000 / tick::per_second);
        if (wait < ns) ns = wait;
      }
      if (options.for_ns != 0 && options.for_ns - (now - start) < ns) ns = options.for_ns - (now - start);
      box.will_sleep();
      room.sleep(box.empty() ? ns : 0);
      box.is_awake();
    }
    // A busy loop asks for signals every 16th turn: the system call is dearer than a small poll.
    if ((is_idle || turn % 16 == 0) && signals.came()) return 0;
  }
}
template <class Stack, class Handler, class Until = never>
  requires can_be_run<Stack, std::remove_reference_t<Handler>>
int run(Stack& net, Handler&& handler, run_options options = {}, Until until = {}) {
  detail::no_letters nobody;
  return run(net, handler, nobody, options, until);
}

}  // namespace strata::inline STRATA_ABI::posix
