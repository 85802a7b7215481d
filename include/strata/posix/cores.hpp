// SPDX-License-Identifier: MIT
// A stack on each of several cores: threads, and what their loops sleep on beside the NIC.
//
//   static strata::posix::crossing<8> between{{.cores = 2, .key = strata::posix::random().key}};      // nic/crossing.hpp
//   strata::posix::on_cores(2, [&](strata::u32 core) {
//     net tcp_ip{...};                                                                                // its NIC: nic/spread.hpp
//     strata::posix::core_door door{between, core};
//     strata::posix::run(tcp_ip, handler, door);                                                      // wakes up when another core hands a frame over
//   });
#pragma once
#include <strata/nic/crossing.hpp>
#include <strata/posix/mailbox.hpp>

#include <sched.h>
#include <thread>
#include <vector>

namespace strata::inline STRATA_ABI::posix {

/// Between cores that may sleep.
template <u32 Most, u32 Frames = 128, u32 Bytes = 2048> using crossing = nic::crossing<Most, Frames, Bytes, wakeup>;

/// The place of a mailbox in run(): nothing is delivered here, the driver receives what lies in the crossing.
template <class Crossing> class core_door {
 public:
  core_door(Crossing& between, u32 core) : between_(&between), core_(core) {}
  static u32 deliver() { return 0; }
  [[nodiscard]] bool empty() const { return !between_->has_frames(core_); }
  [[nodiscard]] int descriptor() const { return between_->bell_of(core_).descriptor(); }
  void will_sleep() { between_->will_sleep(core_); }
  void is_awake() {
    between_->is_awake(core_);
    between_->bell_of(core_).hear();
  }

 private:
  Crossing* between_;
  u32 core_;
};
static_assert(letter_box<core_door<crossing<2>>>);

/// Keeps the calling thread on the n-th of the processors that it may use, counted round and round. False: that is refused.
inline bool stay_on(u32 n) {
#ifdef __linux__
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) == 0) return false;
  n %= static_cast<u32>(CPU_COUNT(&allowed));
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || n-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
  }
#endif
  return (void)n, false;
}

/// f(core) for each core, in a thread on a processor of its own; comes back when all have. Signals that are blocked stay blocked in all of them.
template <class F> void on_cores(u32 cores, F&& f) {
  std::vector<std::thread> all;
  for (u32 core = 0; core < cores; ++core)
    all.emplace_back([&f, core] {
      (void)stay_on(core);
      f(core);
    });
  for (std::thread& t : all) t.join();
}

}  // namespace strata::inline STRATA_ABI::posix
