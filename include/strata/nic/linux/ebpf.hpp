// SPDX-License-Identifier: MIT
// An assembler for the kernel's virtual machine (RFC 9669), as far as small XDP programs need it. A program is an array of statements with labels,
// one line a statement, and the compiler turns it into instructions:
//
//   inline constexpr ebpf::statement source[] = {
//       load32(r2, r1, 0),                       //   r2 = *(u32*)(r1 + 0)
//       jump_eq(r2, 7, "seven"),                 //   if r2 == 7 goto seven
//       mov(r0, 1),
//       exit_with_r0(),
//       label("seven"),
//       mov(r0, 2),
//       exit_with_r0(),
//   };
//   constexpr auto program = ebpf::assemble<source>();
//
// What the kernel's verifier would refuse for its shape alone does not compile: a label that is missing, defined twice or not used, a jump backwards
// (kernels before 5.3 know no loops), code that nothing reaches, an end that is run past. What it says of registers and bounds, only the kernel (or a
// test) knows.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/types.hpp>

#include <array>
#include <bit>

namespace strata::inline STRATA_ABI::nic::ebpf {

/// r0: result of calls and of the program. r1..r5: arguments, lost in a call. r6..r9: kept. r10: end of the stack of 512 bytes, read-only.
enum class reg : u8 { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 };
inline constexpr reg r0 = reg::r0, r1 = reg::r1, r2 = reg::r2, r3 = reg::r3, r4 = reg::r4, r5 = reg::r5, r6 = reg::r6, r7 = reg::r7, r8 = reg::r8,
                     r9 = reg::r9, r10 = reg::r10;

/// As the kernel's struct bpf_insn lies in memory.
struct instruction {
  u8 operation = 0;  ///< class in the low three bits; the rest depends on it (RFC 9669 §3)
  u8 registers = 0;  ///< destination and source, a nibble each; which is the low one depends on the byte order of the machine
  std::int16_t offset = 0;
  i32 immediate = 0;

  [[nodiscard]] constexpr reg destination() const {
    return static_cast<reg>(std::endian::native == std::endian::little ? registers & 15 : registers >> 4);
  }
  [[nodiscard]] constexpr reg source() const {
    return static_cast<reg>(std::endian::native == std::endian::little ? registers >> 4 : registers & 15);
  }
  friend constexpr bool operator==(const instruction&, const instruction&) = default;
};
static_assert(sizeof(instruction) == 8);

/// One line of a program: an instruction (two slots of them for `load_map`), or a label, which is none.
struct statement {
  instruction code{};
  const char* label = nullptr;  ///< of a jump: where to. Without an instruction: the name of this place
  u8 slots = 1;
};

// RFC 9669 §3: classes, and what stands in the other bits.
namespace opcode {
inline constexpr u8 ld = 0x00, ldx = 0x01, st = 0x02, stx = 0x03, jump = 0x05, alu64 = 0x07;  // classes
inline constexpr u8 word = 0x00, half = 0x08, byte = 0x10, double_word = 0x18;                // sizes of loads and stores
inline constexpr u8 imm = 0x00, mem = 0x60, atomic = 0xc0;                                    // modes of them
inline constexpr u8 of_register = 0x08;                                                       // the second operand is a register
inline constexpr u8 add = 0x00, sub = 0x10, bit_or = 0x40, bit_and = 0x50, shift_left = 0x60, shift_right = 0x70, bit_xor = 0xa0, mov = 0xb0;
inline constexpr u8 always = 0x00, eq = 0x10, gt = 0x20, ge = 0x30, ne = 0x50, call = 0x80, exit = 0x90, lt = 0xa0, le = 0xb0;
inline constexpr u8 map_by_descriptor = 1, value_of_map = 2;  // in the place of the source register
}  // namespace opcode

namespace detail {
constexpr instruction make(u32 operation, reg to, reg from, i32 offset, i32 immediate) {
  const u32 d = static_cast<u32>(to), s = static_cast<u32>(from);
  return {static_cast<u8>(operation), static_cast<u8>(std::endian::native == std::endian::little ? s << 4 | d : d << 4 | s),
          static_cast<std::int16_t>(offset), immediate};
}
// Not constexpr: the name is the compiler's message.
inline void this_label_is_not_defined() { __builtin_trap(); }
inline void this_label_is_defined_twice() { __builtin_trap(); }
inline void this_label_is_not_used() { __builtin_trap(); }
inline void this_jump_goes_backwards() { __builtin_trap(); }
inline void this_jump_goes_too_far() { __builtin_trap(); }
inline void this_statement_is_not_reached() { __builtin_trap(); }
inline void this_program_runs_past_its_end() { __builtin_trap(); }
inline void this_offset_does_not_fit() { __builtin_trap(); }

constexpr instruction memory(u32 operation, reg to, reg from, i32 offset) {
  if (offset < -0x8000 || offset > 0x7fff) this_offset_does_not_fit();
  return make(operation, to, from, offset, 0);
}
}  // namespace detail

/// A 16-bit (32-bit) number of the network's byte order as a load of that size sees it.
constexpr i32 network16(u16 v) { return std::endian::native == std::endian::little ? static_cast<u16>(v << 8 | v >> 8) : v; }
constexpr i32 network32(u32 v) { return static_cast<i32>(std::endian::native == std::endian::little ? __builtin_bswap32(v) : v); }

// to = from, to += from, ...: 64 bits; an immediate is sign-extended to them.
#define STRATA_EBPF_ALU(NAME)                                                                                                                    \
  constexpr statement NAME(reg to, reg from) { return {detail::make(u32{opcode::alu64} | opcode::of_register | opcode::NAME, to, from, 0, 0)}; } \
  constexpr statement NAME(reg to, i32 immediate) { return {detail::make(u32{opcode::alu64} | opcode::NAME, to, r0, 0, immediate)}; }
STRATA_EBPF_ALU(mov)
STRATA_EBPF_ALU(add)
STRATA_EBPF_ALU(sub)
STRATA_EBPF_ALU(bit_and)
STRATA_EBPF_ALU(bit_or)
STRATA_EBPF_ALU(bit_xor)
STRATA_EBPF_ALU(shift_left)
STRATA_EBPF_ALU(shift_right)
#undef STRATA_EBPF_ALU

/// to = *(uN*)(base + offset), zero-extended.
constexpr statement load8(reg to, reg base, i32 offset) { return {detail::memory(u32{opcode::ldx} | opcode::mem | opcode::byte, to, base, offset)}; }
constexpr statement load16(reg to, reg base, i32 offset) { return {detail::memory(u32{opcode::ldx} | opcode::mem | opcode::half, to, base, offset)}; }
constexpr statement load32(reg to, reg base, i32 offset) { return {detail::memory(u32{opcode::ldx} | opcode::mem | opcode::word, to, base, offset)}; }
constexpr statement load64(reg to, reg base, i32 offset) {
  return {detail::memory(u32{opcode::ldx} | opcode::mem | opcode::double_word, to, base, offset)};
}
/// *(uN*)(base + offset) = from.
constexpr statement store32(reg base, i32 offset, reg from) {
  return {detail::memory(u32{opcode::stx} | opcode::mem | opcode::word, base, from, offset)};
}
constexpr statement store64(reg base, i32 offset, reg from) {
  return {detail::memory(u32{opcode::stx} | opcode::mem | opcode::double_word, base, from, offset)};
}
/// *(u64*)(base + offset) += from, in one go.
constexpr statement atomic_add64(reg base, i32 offset, reg from) {
  return {detail::memory(u32{opcode::stx} | opcode::atomic | opcode::double_word, base, from, offset)};
}

// if a OP b goto label: unsigned, 64 bits.
#define STRATA_EBPF_JUMP(NAME)                                                                     \
  constexpr statement jump_##NAME(reg a, reg b, const char* to) {                                  \
    return {detail::make(u32{opcode::jump} | opcode::of_register | opcode::NAME, a, b, 0, 0), to}; \
  }                                                                                                \
  constexpr statement jump_##NAME(reg a, i32 b, const char* to) { return {detail::make(u32{opcode::jump} | opcode::NAME, a, r0, 0, b), to}; }
STRATA_EBPF_JUMP(eq)
STRATA_EBPF_JUMP(ne)
STRATA_EBPF_JUMP(gt)
STRATA_EBPF_JUMP(ge)
STRATA_EBPF_JUMP(lt)
STRATA_EBPF_JUMP(le)
#undef STRATA_EBPF_JUMP
constexpr statement jump(const char* to) { return {detail::make(u32{opcode::jump} | opcode::always, r0, r0, 0, 0), to}; }

constexpr statement label(const char* name) { return {{}, name, 0}; }
/// r0 = helper(r1, ..., r5), by the number that the kernel gave it (enum bpf_func_id).
constexpr statement call(i32 helper) { return {detail::make(u32{opcode::jump} | opcode::call, r0, r0, 0, helper)}; }
constexpr statement exit_with_r0() { return {detail::make(u32{opcode::jump} | opcode::exit, r0, r0, 0, 0)}; }
/// to = the map of that index in the list which `relocate` is given.
constexpr statement load_map(reg to, i32 index) {
  return {detail::make(u32{opcode::ld} | opcode::imm | opcode::double_word, to, static_cast<reg>(opcode::map_by_descriptor), 0, index), nullptr, 2};
}

/// to = where the only value of that map lies: an array of one entry, read without a call (Linux 5.2).
constexpr statement load_map_value(reg to, i32 index) {
  return {detail::make(u32{opcode::ld} | opcode::imm | opcode::double_word, to, static_cast<reg>(opcode::value_of_map), 0, index), nullptr, 2};
}

[[nodiscard]] constexpr bool is_load_map(const instruction& i) {
  const u8 kind = static_cast<u8>(i.source());
  return i.operation == (u32{opcode::ld} | opcode::imm | opcode::double_word) && (kind == opcode::map_by_descriptor || kind == opcode::value_of_map);
}

namespace detail {
constexpr bool same(const char* a, const char* b) {
  for (; *a == *b; ++a, ++b)
    if (*a == 0) return true;
  return false;
}
constexpr bool goes_nowhere_else(const statement& s) {  // what stands behind it is reached by a jump only
  return s.slots != 0 && (s.code.operation == (u32{opcode::jump} | opcode::exit) || s.code.operation == (u32{opcode::jump} | opcode::always));
}
}  // namespace detail

/// The instructions of `Source`, an array of statements.
template <const auto& Source>
[[nodiscard]] consteval auto assemble() {
  constexpr std::size_t slots = [] {
    std::size_t n = 0;
    for (const statement& s : Source) n += s.slots;
    return n;
  }();
  std::array<instruction, slots> code{};
  std::size_t at = 0;
  bool is_reached = true;
  const statement* last = nullptr;
  for (const statement& s : Source) {
    last = &s;
    if (s.slots == 0) {
      std::size_t uses = 0, definitions = 0;
      for (const statement& other : Source)
        if (other.label != nullptr && detail::same(other.label, s.label)) ++(other.slots == 0 ? definitions : uses);
      if (definitions > 1) detail::this_label_is_defined_twice();
      if (uses == 0) detail::this_label_is_not_used();
      is_reached = true;
      continue;
    }
    if (!is_reached) detail::this_statement_is_not_reached();
    is_reached = !detail::goes_nowhere_else(s);
    code[at] = s.code;
    if (s.label != nullptr) {
      std::size_t target = 0;
      bool is_found = false;
      for (const statement& other : Source) {
        if (other.slots == 0 && detail::same(other.label, s.label)) {
          is_found = true;
          break;
        }
        target += other.slots;
      }
      if (!is_found) detail::this_label_is_not_defined();
      if (target <= at) detail::this_jump_goes_backwards();
      if (target - at - 1 > 0x7fff) detail::this_jump_goes_too_far();
      code[at].offset = static_cast<std::int16_t>(target - at - 1);
    }
    at += s.slots;
  }
  if (last == nullptr || is_reached) detail::this_program_runs_past_its_end();
  return code;
}

/// Puts the descriptors of a program's maps in the places of their indices.
constexpr void relocate(std::span<instruction> code, std::span<const int> maps) {
  for (instruction& i : code)
    if (is_load_map(i)) i.immediate = maps[static_cast<std::size_t>(i.immediate)];
}

}  // namespace strata::inline STRATA_ABI::nic::ebpf
