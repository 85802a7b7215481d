// SPDX-License-Identifier: MIT
// Runs a steering program in user space, over one frame and a model of its maps. It is as strict as the kernel's verifier on the way that the frame takes: a
// register or a byte of the stack that was not written, a byte of the frame that the program did not compare with data_end, a result of a lookup that it did
// not compare with zero, an argument of the wrong kind: each is a fault, with its name.
#pragma once
#include <strata/nic/linux/steering.hpp>

#include <array>
#include <set>
#include <vector>

namespace steering_test {
using namespace strata;
namespace ebpf = nic::ebpf;
namespace steering = nic::steering;

using row_of_counters = std::array<u64, steering::verdict_columns>;

/// The maps of steering.hpp as the program and the driver see them.
struct maps {
  std::set<u32> sockets;  ///< queues that have one
  std::set<std::vector<std::byte>> own4, own6, kernel4;
  std::array<row_of_counters, steering::verdict_rows> verdicts{};
  u64 first4 = 0;
};

struct outcome {
  const char* fault = nullptr;
  u64 answer = 0;  ///< enum xdp_action
};

class interpreter {
 public:
  interpreter(std::span<const ebpf::instruction> code, maps& m) : code_(code), maps_(m) {}

  outcome run(std::span<const std::byte> frame, u32 queue = 0) {
    frame_ = frame;
    queue_ = queue;
    registers_ = {};
    registers_[1] = {kind::context};
    registers_[10] = {kind::stack, stack_size};
    stack_ = {};
    is_written_ = {};
    checked_ = 0;
    fault_ = nullptr;
    std::size_t at = 0;
    for (u32 steps = 0; steps < 4096; ++steps) {
      if (at >= code_.size()) return {"runs out of the program"};
      const ebpf::instruction i = code_[at];
      if (i == ebpf::exit_with_r0().code) {
        if (registers_[0].is != kind::scalar) return {"the answer is no number"};
        return {nullptr, registers_[0].n};
      }
      at = step(i, at);
      if (fault_ != nullptr) return {fault_};
    }
    return {"does not end"};
  }

 private:
  static constexpr u64 stack_size = 512;
  static constexpr u32 cells = steering::verdict_rows * steering::verdict_columns;
  enum class kind : u8 { nothing, scalar, context, packet, packet_end, stack, map, map_value, map_value_or_null, first_value };
  struct value {
    kind is = kind::nothing;
    u64 n = 0;         // the number, or the offset from the start of what is pointed to
    u32 which = 0;     // map, or of map_value: its row
    bool found = false;
  };

  std::size_t fault(const char* what) {
    fault_ = what;
    return 0;
  }
  static u64 size_of(u8 operation) {
    switch (operation & 0x18) {
      case ebpf::opcode::byte: return 1;
      case ebpf::opcode::half: return 2;
      case ebpf::opcode::word: return 4;
      default: return 8;
    }
  }
  static bool leaves_unused_fields_zero(const ebpf::instruction& i) {
    using namespace ebpf::opcode;
    const bool is_by_register = (i.operation & of_register) != 0, has_source = static_cast<u8>(i.source()) != 0;
    switch (i.operation & 7) {
      case alu64: return i.offset == 0 && (is_by_register ? i.immediate == 0 : !has_source);
      case ldx: return i.immediate == 0;
      case stx: return i.immediate == 0;
      case ebpf::opcode::jump:
        switch (i.operation & 0xf0) {
          case ebpf::opcode::call: return i.offset == 0 && i.registers == 0;
          case ebpf::opcode::exit: return false;  // the one that does is known
          case always: return i.immediate == 0 && i.registers == 0;
          default: return is_by_register ? i.immediate == 0 : !has_source;
        }
      default: return true;
    }
  }
  value* to(const ebpf::instruction& i) {
    const auto r = static_cast<u32>(i.destination());
    return r < registers_.size() ? &registers_[r] : nullptr;
  }
  const value* from(const ebpf::instruction& i) const {
    const auto r = static_cast<u32>(i.source());
    return r < registers_.size() && registers_[r].is != kind::nothing ? &registers_[r] : nullptr;
  }

  std::size_t step(const ebpf::instruction& i, std::size_t at) {
    using namespace ebpf::opcode;
    if (to(i) == nullptr) return fault("there is no such register");
    if (!leaves_unused_fields_zero(i)) return fault("says something in a field that this instruction does not use");
    switch (i.operation & 7) {
      case alu64: calculate(i); return at + 1;
      case ldx: load(i); return at + 1;
      case stx: store(i); return at + 1;
      case ld:
        if (!ebpf::is_load_map(i)) return fault("an instruction that is not known here");
        if (i.immediate < 0 || i.immediate >= static_cast<i32>(steering::maps)) return fault("there is no such map");
        if (static_cast<u8>(i.source()) == value_of_map && i.immediate != static_cast<i32>(steering::map::first4)) return fault("a map that has not one value alone");
        *to(i) = {static_cast<u8>(i.source()) == value_of_map ? kind::first_value : kind::map, 0, static_cast<u32>(i.immediate)};
        return at + 2;
      case ebpf::opcode::jump: {
        if (i.operation == (u32{ebpf::opcode::jump} | ebpf::opcode::call)) return call(i), at + 1;
        const bool goes = i.operation == (u32{ebpf::opcode::jump} | always) || compare(i);
        const i64 target = static_cast<i64>(at) + 1 + (goes ? i.offset : 0);
        if (target <= static_cast<i64>(at)) return fault("jumps backwards");
        return static_cast<std::size_t>(target);
      }
      default: return fault("an instruction that is not known here");
    }
  }

  void calculate(const ebpf::instruction& i) {
    using namespace ebpf::opcode;
    const bool has_register = (i.operation & of_register) != 0;
    const value immediate{kind::scalar, static_cast<u64>(i64{i.immediate})};
    const value* const b = has_register ? from(i) : &immediate;
    value& a = *to(i);
    if (static_cast<u32>(i.destination()) == 10) return (void)fault("writes to r10");
    if (b == nullptr) return (void)fault("reads a register that was not written");
    const u8 what = i.operation & 0xf0;
    if (what == mov) return (void)(a = *b);
    if (a.is == kind::nothing) return (void)fault("reads a register that was not written");
    const auto is_pointer = [](const value& v) { return v.is == kind::packet || v.is == kind::stack || v.is == kind::map_value; };
    // With a register the sum depends on data, and the verifier wants CAP_PERFMON for that.
    if (has_register && (is_pointer(a) || is_pointer(*b))) return (void)fault("adds to a pointer what depends on data");
    if ((what == add || what == sub) && is_pointer(a) && b->is == kind::scalar) return (void)(a.n = what == add ? a.n + b->n : a.n - b->n);
    if (a.is != kind::scalar || b->is != kind::scalar) return (void)fault("calculates with a pointer");
    switch (what) {
      case add: a.n += b->n; break;
      case sub: a.n -= b->n; break;
      case bit_or: a.n |= b->n; break;
      case bit_and: a.n &= b->n; break;
      case bit_xor: a.n ^= b->n; break;
      case shift_left:
      case shift_right:
        if (b->n > 63) return (void)fault("shifts too far");
        a.n = what == shift_left ? a.n << b->n : a.n >> b->n;
        break;
      default: (void)fault("an instruction that is not known here");
    }
  }

  bool compare(const ebpf::instruction& i) {
    using namespace ebpf::opcode;
    const value immediate{kind::scalar, static_cast<u64>(i64{i.immediate})};
    const value* const b = (i.operation & of_register) != 0 ? from(i) : &immediate;
    value& a = *to(i);
    const u8 what = i.operation & 0xf0;
    if (b == nullptr || a.is == kind::nothing) return fault("reads a register that was not written"), false;
    if (a.is == kind::map_value_or_null && b->is == kind::scalar && b->n == 0 && (what == eq || what == ne)) {
      const bool is_null = !a.found;
      if (is_null) a = {kind::scalar, 0};
      else a.is = kind::map_value;
      return is_null == (what == eq);
    }
    u64 x = a.n, y = b->n;
    if (a.is == kind::packet && b->is == kind::packet_end) y = frame_.size();
    else if (a.is != kind::scalar || b->is != kind::scalar) return fault("compares what cannot be compared"), false;
    bool goes = false;
    switch (what) {
      case eq: goes = x == y; break;
      case ne: goes = x != y; break;
      case gt: goes = x > y; break;
      case ge: goes = x >= y; break;
      case lt: goes = x < y; break;
      case le: goes = x <= y; break;
      default: return fault("an instruction that is not known here"), false;
    }
    // What the verifier takes for proof that the bytes before `a` are there.
    const bool proves = a.is == kind::packet && ((!goes && (what == gt || what == ge)) || (goes && (what == lt || what == le)));
    if (proves && x > checked_ && x < 0x10000) checked_ = x;
    return goes;
  }

  void load(const ebpf::instruction& i) {
    using namespace ebpf::opcode;
    const value* const base = from(i);
    value& a = *to(i);
    const u64 size = size_of(i.operation);
    if ((i.operation & 0xe0) != mem) return (void)fault("an instruction that is not known here");
    if (static_cast<u32>(i.destination()) == 10) return (void)fault("writes to r10");
    if (base == nullptr) return (void)fault("reads a register that was not written");
    const u64 at = base->n + static_cast<u64>(i64{i.offset});
    if (base->is == kind::context) {
      if (size != 4) return (void)fault("reads the context by other than words");
      if (at == 0) a = {kind::packet, 0};
      else if (at == 4) a = {kind::packet_end, 0};
      else if (at == 16) a = {kind::scalar, queue_};
      else (void)fault("reads of the context what steering does not need");
      return;
    }
    if (base->is == kind::packet) {
      if (!is_readable_frame(at, size)) return (void)fault("reads bytes of the frame that it did not check");
      a = {kind::scalar, number_at(frame_.data() + at, size)};
      return;
    }
    if (base->is == kind::first_value && at == 0 && size == 8) return (void)(a = {kind::scalar, maps_.first4});
    (void)fault("reads what steering does not read");
  }

  void store(const ebpf::instruction& i) {
    using namespace ebpf::opcode;
    const value* const b = from(i);
    const value& base = *to(i);
    const u64 size = size_of(i.operation), at = base.n + static_cast<u64>(i64{i.offset});
    if (b == nullptr) return (void)fault("reads a register that was not written");
    if (b->is != kind::scalar) return (void)fault("stores a pointer");
    if ((i.operation & 0xe0) == mem && base.is == kind::stack) {
      if (at > stack_size || size > stack_size - at) return (void)fault("writes outside its stack");
      if (at % size != 0) return (void)fault("writes to its stack at an odd place");
      u64 n = b->n;
      for (u64 k = 0; k < size; ++k, n >>= 8) {
        const u64 place = std::endian::native == std::endian::little ? at + k : at + size - 1 - k;
        stack_[place] = static_cast<std::byte>(n);
        is_written_[place] = true;
      }
      return;
    }
    if (i.operation == (u32{stx} | atomic | double_word) && i.immediate == 0 && base.is == kind::map_value) {
      if (base.which >= cells) return (void)fault("writes to an address that is ours");
      if (at != 0) return (void)fault("writes outside the counter");
      maps_.verdicts[base.which / steering::verdict_columns][base.which % steering::verdict_columns] += b->n;
      return;
    }
    (void)fault("writes where steering does not write");
  }

  void call(const ebpf::instruction& i) {
    const value map = registers_[1], second = registers_[2], third = registers_[3];
    for (u32 r = 0; r <= 5; ++r) registers_[r] = {};
    if (map.is != kind::map) return (void)fault("the first argument is no map");
    const auto which = static_cast<steering::map>(map.which);
    if (i.immediate == 1) {
      const u64 size = which == steering::map::own6 ? 16 : 4;
      if (which == steering::map::sockets || which == steering::map::first4) return (void)fault("looks up what is not looked up");
      std::byte key[16] = {};
      for (u64 k = 0; k < size; ++k) {
        const u64 at = second.n + k;
        if (second.is == kind::packet && is_readable_frame(at, 1)) key[k] = frame_[at];
        else if (second.is == kind::stack && at < stack_size && is_written_[at]) key[k] = stack_[at];
        else return (void)fault("the key is not all there");
      }
      value& answer = registers_[0] = {kind::map_value_or_null, 0, cells, false};
      if (which == steering::map::verdicts) {
        answer.which = static_cast<u32>(number_at(key, 4));
        answer.found = answer.which < cells;
        if (!answer.found) (void)fault("there is no such counter");
      } else {
        const auto& own = which == steering::map::own4 ? maps_.own4 : which == steering::map::own6 ? maps_.own6 : maps_.kernel4;
        answer.found = own.contains({key, key + size});
      }
      return;
    }
    if (i.immediate == 51) {
      if (which != steering::map::sockets) return (void)fault("redirects by a map without sockets");
      if (second.is != kind::scalar || third.is != kind::scalar) return (void)fault("an argument is no number");
      if (third.n > 3) return (void)fault("redirects with flags that steering does not use");
      registers_[0] = {kind::scalar, maps_.sockets.contains(static_cast<u32>(second.n)) ? u64{4} : third.n};
      return;
    }
    (void)fault("calls what steering does not call");
  }

  [[nodiscard]] bool is_readable_frame(u64 at, u64 size) const { return at <= checked_ && size <= checked_ - at && checked_ <= frame_.size(); }
  static u64 number_at(const std::byte* p, u64 size) {
    u64 n = 0;
    for (u64 k = 0; k < size; ++k) {
      const u64 place = std::endian::native == std::endian::little ? size - 1 - k : k;
      n = n << 8 | static_cast<u64>(p[place]);
    }
    return n;
  }

  std::span<const ebpf::instruction> code_;
  maps& maps_;
  std::span<const std::byte> frame_;
  u32 queue_ = 0;
  std::array<value, 11> registers_{};
  std::array<std::byte, stack_size> stack_{};
  std::array<bool, stack_size> is_written_{};
  u64 checked_ = 0;  // bytes of the frame that the program knows to be there
  const char* fault_ = nullptr;
};

}  // namespace steering_test
