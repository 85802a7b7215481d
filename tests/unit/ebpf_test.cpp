// SPDX-License-Identifier: MIT
// The assembler, and the faults that the interpreter of tests/steering/ finds in programs that the kernel's verifier would refuse as well.
#include <steering/interpreter.hpp>

#include <strata/nic/linux/bpf.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <string>

namespace {
using namespace steering_test;
using namespace strata::nic::ebpf;

// The program of the header's comment.
constexpr statement seven[] = {
    load32(r2, r1, 0), jump_eq(r2, 7, "seven"), mov(r0, 1), exit_with_r0(), label("seven"), mov(r0, 2), exit_with_r0(),
};
constexpr auto seven_code = assemble<seven>();
static_assert(seven_code.size() == 6);
static_assert(seven_code[0].operation == 0x61 && seven_code[0].destination() == r2 && seven_code[0].source() == r1);  // RFC 9669 §5
static_assert(seven_code[1].operation == 0x15 && seven_code[1].offset == 2 && seven_code[1].immediate == 7);
static_assert(seven_code[2].operation == 0xb7 && seven_code[3].operation == 0x95);

TEST_CASE("labels take no slot and maps take two", "[ebpf]") {
  static constexpr statement source[] = {
      jump_ne(r1, r2, "far"), load_map(r1, 3), jump("end"), label("far"), mov(r0, r1), jump_eq(r0, 0, "end"), mov(r0, 1), label("end"), exit_with_r0(),
  };
  auto code = assemble<source>();
  static_assert(code.size() == 8);
  CHECK(code[0].offset == 3);
  CHECK(code[3].offset == 3);
  CHECK(code[5].offset == 1);
  CHECK(code[2] == instruction{});  // the upper half of the map's descriptor
  const int maps[] = {-1, -1, -1, 42};
  relocate(code, maps);
  CHECK(code[1].immediate == 42);
  CHECK(code[1].operation == 0x18);
  CHECK(static_cast<int>(code[1].source()) == BPF_PSEUDO_MAP_FD);
}

// The kernel's own words for each instruction, by its header's macros.
TEST_CASE("instructions are those of the kernel's header", "[ebpf]") {
  const auto is = [](const statement& s, u8 code, u8 to, u8 from, std::int16_t offset, i32 immediate) {
    bpf_insn wanted{};
    wanted.code = code;
    wanted.dst_reg = to & 15;
    wanted.src_reg = from & 15;
    wanted.off = offset;
    wanted.imm = immediate;
    return std::memcmp(&wanted, &s.code, sizeof wanted) == 0;
  };
  CHECK(is(mov(r9, r10), BPF_ALU64 | BPF_MOV | BPF_X, 9, 10, 0, 0));
  CHECK(is(mov(r3, -2), BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, -2));
  CHECK(is(add(r3, 14), BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, 14));
  CHECK(is(sub(r3, r4), BPF_ALU64 | BPF_SUB | BPF_X, 3, 4, 0, 0));
  CHECK(is(bit_and(r3, 15), BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 15));
  CHECK(is(bit_or(r3, r5), BPF_ALU64 | BPF_OR | BPF_X, 3, 5, 0, 0));
  CHECK(is(bit_xor(r3, r5), BPF_ALU64 | BPF_XOR | BPF_X, 3, 5, 0, 0));
  CHECK(is(shift_left(r3, 2), BPF_ALU64 | BPF_LSH | BPF_K, 3, 0, 0, 2));
  CHECK(is(shift_right(r3, 2), BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 2));
  CHECK(is(load8(r1, r2, 3), BPF_LDX | BPF_MEM | BPF_B, 1, 2, 3, 0));
  CHECK(is(load16(r1, r2, 3), BPF_LDX | BPF_MEM | BPF_H, 1, 2, 3, 0));
  CHECK(is(load32(r1, r2, -4), BPF_LDX | BPF_MEM | BPF_W, 1, 2, -4, 0));
  CHECK(is(load64(r1, r2, 8), BPF_LDX | BPF_MEM | BPF_DW, 1, 2, 8, 0));
  CHECK(is(store32(r10, -4, r5), BPF_STX | BPF_MEM | BPF_W, 10, 5, -4, 0));
  CHECK(is(store64(r10, -8, r5), BPF_STX | BPF_MEM | BPF_DW, 10, 5, -8, 0));
  CHECK(is(atomic_add64(r0, 8, r4), BPF_STX | BPF_ATOMIC | BPF_DW, 0, 4, 8, BPF_ADD));
  CHECK(is(jump_eq(r1, 5, ""), BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0, 5));
  CHECK(is(jump_ne(r1, r2, ""), BPF_JMP | BPF_JNE | BPF_X, 1, 2, 0, 0));
  CHECK(is(jump_gt(r1, r2, ""), BPF_JMP | BPF_JGT | BPF_X, 1, 2, 0, 0));
  CHECK(is(jump_ge(r1, r2, ""), BPF_JMP | BPF_JGE | BPF_X, 1, 2, 0, 0));
  CHECK(is(jump_lt(r1, r2, ""), BPF_JMP | BPF_JLT | BPF_X, 1, 2, 0, 0));
  CHECK(is(jump_le(r1, r2, ""), BPF_JMP | BPF_JLE | BPF_X, 1, 2, 0, 0));
  CHECK(is(jump(""), BPF_JMP | BPF_JA, 0, 0, 0, 0));
  CHECK(is(call(BPF_FUNC_redirect_map), BPF_JMP | BPF_CALL, 0, 0, 0, 51));
  CHECK(is(exit_with_r0(), BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  CHECK(is(load_map(r1, 2), BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 2));
}

TEST_CASE("numbers in the network's byte order are as a load sees them", "[ebpf]") {
  static constexpr std::byte bytes[] = {std::byte{0x08}, std::byte{0x06}, std::byte{0xff}, std::byte{0x01}};
  std::uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
  CHECK(network16(0x0806) == half);
  i32 word;
  std::memcpy(&word, bytes, sizeof word);
  CHECK(network32(0x0806'ff01) == word);
}

template <const auto& Source> std::string fault_of(std::size_t frame_size = 60) {
  maps m;
  m.own4.insert(std::vector<std::byte>(4));
  const std::vector<std::byte> frame(frame_size);
  const outcome o = interpreter(assemble<Source>(), m).run(frame);
  return o.fault != nullptr ? o.fault : "";
}

TEST_CASE("the interpreter refuses what the verifier refuses", "[ebpf]") {
  static constexpr statement good[] = {mov(r0, 2), exit_with_r0()};
  CHECK(fault_of<good>() == "");
  static constexpr statement no_answer[] = {exit_with_r0()};
  CHECK(fault_of<no_answer>() == "the answer is no number");
  static constexpr statement pointer_as_answer[] = {mov(r0, r1), exit_with_r0()};
  CHECK(fault_of<pointer_as_answer>() == "the answer is no number");
  static constexpr statement unwritten[] = {mov(r0, r3), exit_with_r0()};
  CHECK(fault_of<unwritten>() == "reads a register that was not written");
  static constexpr statement lost_in_a_call[] = {mov(r2, r10), add(r2, -4), mov(r3, 0), store32(r2, 0, r3), load_map(r1, 1), call(1), mov(r0, r3), exit_with_r0()};
  CHECK(fault_of<lost_in_a_call>() == "reads a register that was not written");

  static constexpr statement unchecked[] = {load32(r2, r1, 0), load8(r0, r2, 0), exit_with_r0()};
  CHECK(fault_of<unchecked>() == "reads bytes of the frame that it did not check");
  static constexpr statement checked[] = {load32(r2, r1, 0), load32(r3, r1, 4), mov(r4, r2), add(r4, 4), mov(r0, 0), jump_gt(r4, r3, "end"), load32(r0, r2, 0),
                                          label("end"), exit_with_r0()};
  CHECK(fault_of<checked>() == "");
  static constexpr statement one_too_few[] = {load32(r2, r1, 0), load32(r3, r1, 4), mov(r4, r2), add(r4, 3), mov(r0, 0), jump_gt(r4, r3, "end"), load32(r0, r2, 0),
                                              label("end"), exit_with_r0()};
  CHECK(fault_of<one_too_few>() == "reads bytes of the frame that it did not check");
  static constexpr statement wrong_way[] = {load32(r2, r1, 0), load32(r3, r1, 4), mov(r4, r2), add(r4, 4), mov(r0, 0), jump_lt(r4, r3, "end"), load32(r0, r2, 0),
                                            label("end"), exit_with_r0()};
  CHECK(fault_of<wrong_way>(4) == "reads bytes of the frame that it did not check");
  static constexpr statement in_front_of_it[] = {load32(r2, r1, 0), load32(r3, r1, 4), mov(r4, r2), add(r4, 4), mov(r0, 0), jump_gt(r4, r3, "end"), load32(r0, r2, -1),
                                                 label("end"), exit_with_r0()};
  CHECK(fault_of<in_front_of_it>() == "reads bytes of the frame that it did not check");

  static constexpr statement not_compared_with_zero[] = {mov(r2, r10), add(r2, -4), mov(r3, 0), store32(r2, 0, r3), load_map(r1, 3), call(1), mov(r4, 1),
                                                         atomic_add64(r0, 0, r4), mov(r0, 0), exit_with_r0()};
  CHECK(fault_of<not_compared_with_zero>() == "writes where steering does not write");
  static constexpr statement beyond_its_counter[] = {mov(r2, r10), add(r2, -4), mov(r3, 0), store32(r2, 0, r3), load_map(r1, 3), call(1), jump_eq(r0, 0, "end"), mov(r4, 1),
                                                 atomic_add64(r0, 8, r4), mov(r0, 0), label("end"), exit_with_r0()};
  CHECK(fault_of<beyond_its_counter>() == "writes outside the counter");
  static constexpr statement counter_by_data[] = {mov(r2, r10), add(r2, -4), mov(r6, 0), store32(r2, 0, r6), load_map(r1, 3), call(1), jump_eq(r0, 0, "end"), mov(r4, 1),
                                                  add(r0, r6), atomic_add64(r0, 0, r4), mov(r0, 0), label("end"), exit_with_r0()};
  CHECK(fault_of<counter_by_data>() == "adds to a pointer what depends on data");
  static constexpr statement half_a_key[] = {mov(r2, r10), add(r2, -6), mov(r3, 0), store32(r10, -4, r3), load_map(r1, 1), call(1), mov(r0, 0), exit_with_r0()};
  CHECK(fault_of<half_a_key>() == "the key is not all there");
  static constexpr statement key_behind_the_stack[] = {mov(r2, r10), load_map(r1, 1), call(1), mov(r0, 0), exit_with_r0()};
  CHECK(fault_of<key_behind_the_stack>() == "the key is not all there");
  static constexpr statement outside_its_stack[] = {mov(r3, 0), store32(r10, -516, r3), mov(r0, 0), exit_with_r0()};
  CHECK(fault_of<outside_its_stack>() == "writes outside its stack");
  static constexpr statement multiplied_pointer[] = {load32(r2, r1, 0), shift_left(r2, 1), mov(r0, 0), exit_with_r0()};
  CHECK(fault_of<multiplied_pointer>() == "calculates with a pointer");
  static constexpr statement no_map[] = {mov(r1, 0), mov(r2, 0), mov(r3, 0), call(51), exit_with_r0()};
  CHECK(fault_of<no_map>() == "the first argument is no map");
}

}  // namespace
