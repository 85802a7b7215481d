// SPDX-License-Identifier: MIT
// From reset to main, and the four functions that a compiler may call without being asked. No C library.
#include "board.hpp"

#include <cstddef>
#include <cstdint>

extern "C" {
extern std::uint32_t image_of_data[], data_begins[], data_ends[], bss_begins[], bss_ends[], stack_begins[], stack_ends[];

void* memcpy(void* to, const void* from, std::size_t n);
void* memmove(void* to, const void* from, std::size_t n);
void* memset(void* to, int value, std::size_t n);
int memcmp(const void* a, const void* b, std::size_t n);
}
int main();

namespace {

using word = std::uint32_t __attribute__((may_alias));
constexpr std::uintptr_t misaligned = 3;

[[noreturn]] void reset() {
#if !defined(__ARM_FEATURE_UNALIGNED)
  // A Cortex-M0 faults on every misaligned access. Here it runs on its bigger sister, who is told to do the same: CCR.UNALIGN_TRP.
  board::reg(0xe000'ed14) = board::reg(0xe000'ed14) | 1u << 3;
#endif
  std::uint32_t* here;
  __asm__ volatile("mov %0, sp" : "=r"(here));
  for (std::uint32_t* p = stack_begins; p < here; ++p) *p = 0x57ac'57ac;  // so that what was used can be counted
  const std::uint32_t* from = image_of_data;
  for (std::uint32_t* p = data_begins; p < data_ends; ++p) *p = *from++;
  for (std::uint32_t* p = bss_begins; p < bss_ends; ++p) *p = 0;
  board::exit(static_cast<std::uint32_t>(main()));
}
[[noreturn]] void fault() { board::exit(3); }

struct vector_table {
  const void* stack;
  void (*handlers[15])();
};
[[gnu::section(".vectors"), gnu::used]] const vector_table vectors = {
    stack_ends, {reset, fault, fault, fault, fault, fault, nullptr, nullptr, nullptr, nullptr, fault, fault, nullptr, fault, fault}};

}  // namespace

// Words where both ends agree, else bytes; `-fno-tree-loop-distribute-patterns` keeps the compiler from calling the function inside itself.
void* memcpy(void* to, const void* from, std::size_t n) {
  auto* t = static_cast<unsigned char*>(to);
  const auto* f = static_cast<const unsigned char*>(from);
  if (n >= 8 && ((reinterpret_cast<std::uintptr_t>(t) ^ reinterpret_cast<std::uintptr_t>(f)) & misaligned) == 0) {
    for (; (reinterpret_cast<std::uintptr_t>(t) & misaligned) != 0; --n) *t++ = *f++;
    for (; n >= 16; n -= 16, t += 16, f += 16) {
      auto* tw = reinterpret_cast<word*>(t);
      const auto* fw = reinterpret_cast<const word*>(f);
      const word a = fw[0], b = fw[1], c = fw[2], d = fw[3];
      tw[0] = a, tw[1] = b, tw[2] = c, tw[3] = d;
    }
    for (; n >= 4; n -= 4, t += 4, f += 4) *reinterpret_cast<word*>(t) = *reinterpret_cast<const word*>(f);
  }
  for (; n != 0; --n) *t++ = *f++;
  return to;
}
void* memmove(void* to, const void* from, std::size_t n) {
  auto* t = static_cast<unsigned char*>(to);
  const auto* f = static_cast<const unsigned char*>(from);
  if (t <= f) return memcpy(to, from, n);  // ours goes upwards
  while (n-- != 0) t[n] = f[n];
  return to;
}
void* memset(void* to, int value, std::size_t n) {
  auto* t = static_cast<unsigned char*>(to);
  const auto byte = static_cast<unsigned char>(value);
  for (; n != 0 && (reinterpret_cast<std::uintptr_t>(t) & misaligned) != 0; --n) *t++ = byte;
  const word four = byte * 0x0101'0101u;
  for (; n >= 4; n -= 4, t += 4) *reinterpret_cast<word*>(t) = four;
  for (; n != 0; --n) *t++ = byte;
  return to;
}
int memcmp(const void* a, const void* b, std::size_t n) {
  const auto* p = static_cast<const unsigned char*>(a);
  const auto* q = static_cast<const unsigned char*>(b);
  for (; n != 0; --n, ++p, ++q)
    if (*p != *q) return *p - *q;
  return 0;
}
