// SPDX-License-Identifier: MIT
// What the tests of whole stacks share: two of them on one cable, in virtual time, and a peer that sends and sees bare frames.
#pragma once
#include <strata/strata.hpp>

#include <memory>
#include <vector>

namespace strata::test {

using namespace strata::literals;

/// Two stacks `a` (10.0.0.1) and `b` (10.0.0.2) of one Config over a wire_pair. Time is in milliseconds and starts at 1000.
template <class C> struct two_stacks {
  using net = strata::stack<C>;
  using end = typename C::nic;
  static constexpr std::size_t memory_bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;

  nic::wire cable{};
  alignas(64) std::byte memory_a[memory_bytes]{};
  alignas(64) std::byte memory_b[memory_bytes]{};
  net a{};
  net b{};
  u32 ms = 1000;

  two_stacks() {
    cable.poisons = true;
    start_a();
    start_b();
    a.advance(now());
    b.advance(now());
  }
  [[nodiscard]] static typename C::entropy seed(u64 n) {
    typename C::entropy e{};
    if constexpr (requires { e.key; }) e.key.k0 = n;
    else e.state = n;
    return e;
  }
  void start_a() { (void)a.start({.nic = {cable, 0}, .memory = memory_a, .entropy = seed(1), .address = "10.0.0.1/24"_net}); }
  void start_b() { (void)b.start({.nic = {cable, 1}, .memory = memory_b, .entropy = seed(2), .address = "10.0.0.2/24"_net}); }
  [[nodiscard]] static std::unique_ptr<two_stacks> make() { return std::make_unique<two_stacks>(); }

  [[nodiscard]] typename net::time_point now() const { return typename net::time_point{} + net::duration::from_ms(ms); }
  /// One poll of each; time stands still.
  template <class Ha, class Hb> void turn(Ha&& ha, Hb&& hb) {
    (void)a.poll(now(), budget{64}, ha);
    (void)b.poll(now(), budget{64}, hb);
  }
  void turn() { turn(ignore_rest{}, ignore_rest{}); }
  /// `n` turns.
  template <class Ha, class Hb> void turns(u32 n, Ha&& ha, Hb&& hb) {
    while (n-- > 0) turn(ha, hb);
  }
  /// Turns until `length` milliseconds have passed, `step` apart.
  template <class Ha, class Hb> void pass(u32 length, Ha&& ha, Hb&& hb, u32 step = 10) {
    for (const u32 end_ms = ms + length; ms < end_ms;) {
      ms += step;
      turn(ha, hb);
    }
  }
  void pass(u32 length, u32 step = 10) { pass(length, ignore_rest{}, ignore_rest{}, step); }
};

inline std::span<const std::byte> bytes_of(const char* text) { return {reinterpret_cast<const std::byte*>(text), __builtin_strlen(text)}; }
inline std::vector<std::byte> vector_of(std::span<const std::byte> s) { return {s.begin(), s.end()}; }
inline std::string_view text_of(std::span<const std::byte> s) { return {reinterpret_cast<const char*>(s.data()), s.size()}; }

/// Side 1 of a cable without a stack: frames are written and read as bytes.
struct bare_peer {
  explicit bare_peer(nic::wire& cable) : end(cable, 1) { chunks.open(region(memory), table, 2048); }
  bare_peer(const bare_peer&) = delete;
  bare_peer& operator=(const bare_peer&) = delete;
  ~bare_peer() { end.close(); }

  void send(std::span<const std::byte> frame) {
    packet done[16];
    (void)end.reclaim(done);
    packet p = chunks.take(64);
    copy_bytes(p.room().data(), frame.data(), frame.size());
    p.extend(frame.size());
    p.become(buffer::owner::nic);
    (void)end.transmit({&p, 1});
  }
  /// Everything that came since the last time.
  std::vector<std::vector<std::byte>> receive() {
    std::vector<std::vector<std::byte>> all;
    packet batch[16];
    for (std::size_t n; (n = end.receive(chunks, batch)) != 0;)
      for (std::size_t i = 0; i < n; ++i) {
        all.push_back(vector_of(batch[i].bytes()));
        batch[i].reset();
      }
    return all;
  }

  alignas(64) std::byte memory[64 * 2048]{};
  buffer::descriptor table[64]{};
  buffer::pool chunks{};
  nic::wire_pair end;
};

}  // namespace strata::test
