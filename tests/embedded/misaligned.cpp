// SPDX-License-Identifier: MIT
// Reads a word at an odd address. Built for a Cortex-M0 it must fault, or the runs of `scripts/embedded` say nothing about alignment.
#include <cstdint>

int main() {
  static volatile std::uint32_t words[2] = {};
  std::uintptr_t odd = reinterpret_cast<std::uintptr_t>(words) + 1;
  __asm__ volatile("" : "+r"(odd));  // the compiler shall not know, or it reads four bytes
  return static_cast<int>(*reinterpret_cast<const volatile std::uint32_t*>(odd));
}
