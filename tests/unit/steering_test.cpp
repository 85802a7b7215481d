// SPDX-License-Identifier: MIT
// The steering program, run by an interpreter that is as strict as the kernel's verifier. tests/steering/ has the interpreter and the table of frames, and runs
// the same table in the kernel.
#include <steering/frames.hpp>
#include <steering/oracle.hpp>

#include <strata/core/entropy.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <string>

#include <sanitized.hpp>

namespace {
using namespace steering_test;
using namespace std::string_literals;

std::vector<std::byte> bytes_of(std::span<const u8> a) { return {std::as_bytes(a).begin(), std::as_bytes(a).end()}; }

maps own_addresses() {
  maps m;
  m.sockets = {0, 3};
  for (const auto& a : ours4) m.own4.insert(bytes_of(a));
  for (const auto& a : ours6) m.own6.insert(bytes_of(a));
  return m;
}
maps of_a_router() {
  maps m = own_addresses();
  m.own4.insert(std::vector<std::byte>(4));
  m.kernel4 = {bytes_of(kernel4)};
  return m;
}

struct seen {
  const char* fault = nullptr;
  u64 answer = 0;
  steering::verdict counted = passed;
  friend bool operator==(const seen&, const seen&) = default;
};

/// Runs it once and says which counter it raised. A fault as well: none, more than one, by more than one.
seen one_run(std::span<const ebpf::instruction> code, maps& m, std::span<const std::byte> frame, u32 queue = 0) {
  m.verdicts = {};
  const outcome o = interpreter(code, m).run(frame, queue);
  if (o.fault != nullptr) return {o.fault};
  seen s{nullptr, o.answer};
  u32 raised = 0;
  for (u32 r = 0; r < steering::verdict_rows; ++r)
    for (u32 c = 0; c < steering::verdict_columns; ++c) {
      if (m.verdicts[r][c] == 0) continue;
      if (m.verdicts[r][c] != 1 || r != queue % steering::verdict_rows) return {"counts wrongly"};
      s.counted = static_cast<steering::verdict>(c);
      ++raised;
    }
  if (raised != 1) return {"counts no verdict, or two"};
  return s;
}
/// What the driver puts in the map of that name.
u64 first_of(const u8 (&address)[4]) {
  u32 word;
  std::memcpy(&word, address, sizeof word);
  return steering::first_value(word);
}

// Some with a socket and some without, and one that shares its row of counters with another.
constexpr u32 queues[] = {0, 3, 1, 2, 15, 16, 19, 4095};
bool has_socket(u32 queue) { return queue == 0 || queue == 3; }

seen as_wanted(steering::verdict v, u32 queue = 0) {
  const bool is_ours = v == arp || v == ip || v == neighbour || v == group || v == transit;
  if (is_ours && !has_socket(queue)) return {nullptr, 2, no_socket};
  return {nullptr, is_ours ? u64{4} : u64{2}, v};
}
std::string said(const seen& s) { return s.fault != nullptr ? s.fault : "answer " + std::to_string(s.answer) + ", verdict " + std::to_string(static_cast<int>(s.counted)); }

// A buffer of exactly that length, so that a sanitizer sees what the interpreter does not.
std::vector<std::byte> cut(const row& r, std::size_t size) { return {r.sent.data, r.sent.data + size}; }

/// The first row and length at which `code` does not do what the table says.
std::string first_difference(std::span<const ebpf::instruction> code, bool every_length) {
  // The address in first4 is in no other map here, so what finds it is known.
  maps in_own4 = own_addresses(), in_first4[hosts4] = {in_own4, in_own4};
  for (u32 i = 0; i < hosts4; ++i) {
    in_first4[i].first4 = first_of(ours4[i]);
    in_first4[i].own4.erase(bytes_of(ours4[i]));
  }
  for (const row& r : table)
    for (std::size_t size = every_length ? 0 : r.sent.size; size <= r.sent.size; ++size)
      for (const u32 queue : queues) {
        if (size != r.sent.size && queue != 0) break;
        const bool is_usual = r.sent.data[12] == std::byte{8} && r.sent.data[13] == std::byte{0} && r.sent.data[14] == std::byte{0x45};  // others do not look there
        maps& m = is_usual && (size + queue) % 2 != 0 ? in_first4[size / 2 % hosts4] : in_own4;
        const seen s = one_run(code, m, cut(r, size), queue);
        if (s != as_wanted(wanted(r, size), queue)) return r.what + ", "s + std::to_string(size) + " bytes, queue " + std::to_string(queue) + ": " + said(s);
      }
  maps router = of_a_router();
  for (const row& r : router_table)
    for (std::size_t size = every_length ? 0 : r.sent.size; size <= r.sent.size; ++size)
      for (const u32 queue : {0u, 1u})
        if (const seen s = one_run(code, router, cut(r, size), queue); s != as_wanted(wanted(r, size), queue))
          return "a router, "s + r.what + ", " + std::to_string(size) + " bytes, queue " + std::to_string(queue) + ": " + said(s);
  return {};
}

// A frame for us that came by a queue without a socket is passed, and counted as that.
TEST_CASE("each frame of the table is redirected or passed as the table says, at each length from no byte on, by each queue", "[steering]") {
  CHECK(first_difference(steering::own_address, true) == "");
  for (const row& r : table) CHECK(r.needs <= r.sent.size);
  for (const row& r : router_table) CHECK(r.needs <= r.sent.size);
}

TEST_CASE("the description says the same of each frame and length", "[steering]") {
  const maps m = own_addresses();
  for (const row& r : table)
    for (std::size_t size = 0; size <= r.sent.size; ++size) {
      INFO(r.what << ", " << size << " bytes");
      CHECK(by_description(r.sent.bytes().first(size), m) == wanted(r, size));
    }
  for (const row& r : router_table)
    for (std::size_t size = 0; size <= r.sent.size; ++size) {
      INFO("a router, " << r.what << ", " << size << " bytes");
      CHECK(by_description(r.sent.bytes().first(size), of_a_router()) == wanted(r, size));
    }
}

TEST_CASE("frames with changed bytes are taken as the description takes them", "[steering]") {
  entropy::seeded random{20260101};
  maps all[] = {own_addresses(), of_a_router()};
  u32 redirected = 0, differences = 0;
  for (u32 i = 0; i < 60'000; ++i) {
    const row& r = table[random.below(std::size(table))];
    std::vector<std::byte> bytes = cut(r, random.below(8) == 0 ? random.below(r.sent.size + 1) : r.sent.size);
    for (u64 n = random.below(4); n-- > 0 && !bytes.empty();) {
      // Half of them bytes that other frames have in this place: what is random all over only tests the first comparison.
      const std::size_t at = random.below(bytes.size());
      const row& other = table[random.below(std::size(table))];
      bytes[at] = random.below(2) == 0 && at < other.sent.size ? other.sent.data[at] : static_cast<std::byte>(random.next());
    }
    maps& m = all[random.below(2)];
    m.first4 = random.below(2) == 0 ? first_of(ours4[random.below(hosts4)]) : 0;
    const seen s = one_run(steering::own_address, m, bytes);
    const steering::verdict v = by_description(bytes, m);
    redirected += s.answer == 4;
    if (s != as_wanted(v)) {
      UNSCOPED_INFO("frame " << i << " from: " << r.what << ": " << said(s) << "; wanted " << static_cast<int>(v));
      ++differences;
    }
  }
  CHECK(differences == 0);
  CHECK(redirected > 10'000);
}

TEST_CASE("nothing is redirected to who claimed no address", "[steering]") {
  maps m;
  m.sockets = {0};
  for (const row& r : table) {
    const steering::verdict v = r.becomes == malformed ? malformed : passed;
    CHECK(one_run(steering::own_address, m, r.sent.bytes()) == as_wanted(v));
  }
}

// What it does not notice does the same as the original: an OR of bits that do not overlap made an addition, a byte read as the low byte of a word and masked.
TEST_CASE("the table notices nearly every change of one instruction", "[steering]") {
  u32 mutants = 0, noticed = 0;
  std::string unnoticed;
  const auto original = steering::own_address;
  for (std::size_t at = 0; at < original.size(); at += strata::test::is_sanitized ? 8 : 1) {
    const ebpf::instruction i = original[at];
    std::vector<ebpf::instruction> changed;
    const auto with = [&](auto&& change) {
      ebpf::instruction m = i;
      change(m);
      if (m != i) changed.push_back(m);
    };
    const u8 kind = i.operation & 7;
    if (i.operation == 0) continue;  // the second half of a load of 64 bits
    with([](auto& m) { m = ebpf::mov(ebpf::r0, ebpf::r0).code; m.operation = 0x05; m.registers = 0; });  // goto +0
    with([](auto& m) { ++m.immediate; });
    with([](auto& m) { --m.immediate; });
    if (kind == ebpf::opcode::jump || kind == ebpf::opcode::ldx || kind == ebpf::opcode::stx) {
      with([](auto& m) { ++m.offset; });
      with([](auto& m) { --m.offset; });
    }
    if (kind == ebpf::opcode::ldx)
      for (const u8 size : {ebpf::opcode::byte, ebpf::opcode::half, ebpf::opcode::word}) with([&](auto& m) { m.operation = static_cast<u8>((m.operation & ~0x18) | size); });
    if (kind == ebpf::opcode::jump)
      for (const u8 how : {ebpf::opcode::eq, ebpf::opcode::ne, ebpf::opcode::gt, ebpf::opcode::ge, ebpf::opcode::lt, ebpf::opcode::le})
        with([&](auto& m) { m.operation = static_cast<u8>((m.operation & 0x0f) | how); });
    if (kind == ebpf::opcode::alu64)
      for (const u8 how : {ebpf::opcode::add, ebpf::opcode::sub, ebpf::opcode::bit_and, ebpf::opcode::bit_or, ebpf::opcode::bit_xor, ebpf::opcode::mov,
                           ebpf::opcode::shift_left, ebpf::opcode::shift_right})
        with([&](auto& m) { m.operation = static_cast<u8>((m.operation & 0x0f) | how); });
    for (const ebpf::instruction& m : changed) {
      auto code = original;
      code[at] = m;
      ++mutants;
      if (first_difference(code, false) != "" || first_difference(code, true) != "") ++noticed;
      else unnoticed += " " + std::to_string(at) + ":" + std::to_string(m.operation) + "," + std::to_string(m.offset) + "," + std::to_string(m.immediate);
    }
  }
  INFO("noticed " << noticed << " of " << mutants << "; not (slot:operation,offset,immediate):" << unnoticed);
  CHECK(noticed * 100 >= mutants * 96);
}

}  // namespace
