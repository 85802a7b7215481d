// SPDX-License-Identifier: MIT
// Arm's MPS2 board with a Cortex-M4 (AN386), as QEMU has it: `-M mps2-an386`. What a program needs of it: a clock, sleep, and an end.
#pragma once
#include "lan9118.hpp"

#include <strata/core/time.hpp>

namespace board {

[[nodiscard]] inline volatile u32& reg(std::uintptr_t at) { return *reinterpret_cast<volatile u32*>(at); }

inline constexpr std::uintptr_t nic_base = 0x4020'0000;
inline constexpr u32 nic_interrupt = 13;
inline constexpr u32 counts_per_ms = 25'000;

/// The free-running counter of the board's FPGA: 25 MHz, 32 bits, around in 171 s.
[[nodiscard]] inline u32 counter() { return reg(0x4002'8018); }

/// Milliseconds since the start, in 32 bits. now() must be called once in a second at least: sleep() never takes longer than 0.7 s.
class clock {
 public:
  using time_point = strata::time_point<strata::milliseconds32>;
  [[nodiscard]] time_point now() {
    // A division by 25000 = 8 * 3125 without a divider: 1342 / 2^22 is a little less than 1 / 3125, and what it leaves over is counted next time.
    const u32 elapsed = ((counter() - last_) >> 3) * 1342 >> 22;
    last_ += elapsed * counts_per_ms;
    ms_ += elapsed;
    return {ms_};
  }

 private:
  u32 last_ = 0;
  u32 ms_ = 0;
};

/// Interrupts wake the processor and are never taken: there is nothing to lock and no handler that could run at a bad moment.
inline void prepare_sleep() {
  __asm__ volatile("cpsid i" ::: "memory");
  reg(0xe000'e100) = 1u << nic_interrupt;  // NVIC: enable
}
inline void clear_nic_interrupt() { reg(0xe000'e280) = 1u << nic_interrupt; }  // NVIC: not pending
/// Sleeps until the NIC has a frame, but at most so many milliseconds.
inline void sleep(u32 ms) {
  constexpr u32 longest = 0xff'ffff / counts_per_ms;
  reg(0xe000'e014) = (ms < longest ? ms : longest) * counts_per_ms;  // SysTick: from here down to zero
  reg(0xe000'e018) = 0;
  reg(0xe000'e010) = 7;                                              // the processor's clock, interrupt, on
  __asm__ volatile("wfi" ::: "memory");
  reg(0xe000'e010) = 0;
  reg(0xe000'ed04) = 1u << 25;                                       // not pending any more
}

/// The end of the program under a debugger or an emulator: semihosting's SYS_EXIT_EXTENDED.
[[noreturn]] inline void exit(u32 code) {
  const u32 block[2] = {0x20026, code};
  register u32 operation __asm__("r0") = 0x20;
  register const u32* argument __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
  for (;;) {}
}

}  // namespace board
