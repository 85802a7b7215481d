// SPDX-License-Identifier: MIT
// What the tests of the drivers share: a pool with its memory, frames that can be told apart.
#pragma once
#include <strata/buffer/slots.hpp>
#include <strata/core/bytes.hpp>

#include <catch2/catch_template_test_macros.hpp>

namespace strata::nic_test {

inline std::byte pattern(u8 mark, std::size_t i) { return static_cast<std::byte>(mark + 31 * i); }

inline void fill(std::span<std::byte> bytes, u8 mark) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(mark, i);
}
inline bool frame_is(const packet& p, u8 mark, std::size_t length) {
  if (!p || p.size() != length) return false;
  for (std::size_t i = 0; i < length; ++i)
    if (p.bytes()[i] != pattern(mark, i)) return false;
  return true;
}
inline void drop(std::span<packet> batch) {
  for (packet& p : batch) p.reset();
}
inline void scribble(std::span<std::byte> memory) {
  for (std::byte& b : memory) b = std::byte{0xee};
}

/// A pool over its own memory; builds with checks watch the law of the frame.
template <u32 N, u32 ChunkSize = 2048> struct pool_of {
  alignas(64) std::byte memory[N * ChunkSize];
  buffer::descriptor table[N]{};
  u32 hashes[N]{};
  buffer::pool chunks{};

  pool_of() { chunks.open(region(memory), table, ChunkSize, hashes); }
  /// A frame that the NIC owns, as transmit() wants it; nothing if no chunk is left.
  packet frame(u8 mark, std::size_t length, u32 headroom = 64) {
    packet p = chunks.take(headroom);
    if (!p) return p;
    fill(p.room().first(length), mark);
    p.extend(length);
    p.become(buffer::owner::nic);
    return p;
  }
};

/// The same, of which chunks are cut in slots of 256 bytes.
struct pool_of_slots {
  alignas(64) std::byte memory[4 * 2048];
  buffer::descriptor table[4 + 16]{};
  u32 hashes[4 + 16]{};
  buffer::pool chunks{};
  buffer::slot_pool slots{};

  pool_of_slots() {
    chunks.open(region(memory), std::span(table).first(4), 2048, hashes);
    slots.open(chunks, table, 4, 16, 256, hashes);
  }
  packet frame(std::span<const std::byte> bytes) {
    packet p = slots.take(64, 0);
    copy_bytes(p.room().data(), bytes.data(), bytes.size());
    p.extend(bytes.size());
    p.become(buffer::owner::nic);
    return p;
  }
};

}  // namespace strata::nic_test
