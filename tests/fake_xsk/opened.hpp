// SPDX-License-Identifier: MIT
// A driver that was opened over a fake kernel, with the pool of a stack. At its end everything must have been given back.
#pragma once
#include <fake_xsk/fake_system.hpp>
#include <unit/nic_test_pool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

extern template class strata::nic::af_xdp_over<strata::test::fake_system>;

namespace strata::test {

using fake_af_xdp = nic::af_xdp_over<fake_system>;

/// Memory that begins at a page.
struct page_memory {
  std::byte* at;
  std::size_t size;
  explicit page_memory(std::size_t n) : at(static_cast<std::byte*>(std::aligned_alloc(4096, (n + 4095) / 4096 * 4096))), size(n) {}
  page_memory(const page_memory&) = delete;
  ~page_memory() { std::free(at); }
  operator region() const { return region({at, size}); }
};

struct shape {
  u32 chunks = 64;
  u32 chunk_size = 2048;
  u32 slots = 0;                ///< descriptors behind those of the chunks
  u32 start_index = 0xfffffff0;  ///< of the rings: each test runs through their wrap
};

struct opened {
  fake_kernel kernel{};
  page_memory memory;
  std::vector<buffer::descriptor> table;
  std::vector<u32> hashes;
  buffer::pool chunks{};
  fake_af_xdp nic{};

  explicit opened(nic::af_xdp_options o = {}, const shape& s = {}) : memory(std::size_t{s.chunks} * s.chunk_size), table(s.chunks + s.slots), hashes(s.chunks + s.slots) { start(o, s); }
  opened(const opened&) = delete;
  ~opened() { finish(); }

  packet frame(u8 mark, std::size_t length, u32 headroom = 64);
  bool transmit(u8 mark, std::size_t length, u32 headroom = 64);
  bool deliver(u8 mark, std::size_t length, u32 queue = 0);
  std::vector<packet> receive(std::size_t most = 32);
  u32 reclaim();                                                   ///< how many there were
  bool is_sent(std::size_t index, u8 mark, std::size_t length) const;

 private:
  void start(nic::af_xdp_options o, const shape& s);
  void finish();
};

}  // namespace strata::test
