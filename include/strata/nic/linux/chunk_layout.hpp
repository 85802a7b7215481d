// SPDX-License-Identifier: MIT
// How the region's chunks and the kernel's go together. The stack cuts the region in chunks of `chunk_size`; the kernel wants chunks of 2048 bytes or
// more, a power of two up to a page, or, unaligned, of any size between.
//
//   chunk_size 2048, 4096        one of ours is one of the kernel's
//   a multiple of 4096 or 2048   one of ours is several of the kernel's, for frames longer than one: each of a frame's pieces that is sent lies in its own
//                                place, nothing is copied. Received pieces come in the first of the kernel's chunks of as many of ours, and the others are
//                                copied behind the first, where the rest of its chunk has room
//   between 2048 and 4096        unaligned: one of ours is one of the kernel's
//
// A received frame begins 256 bytes behind the start of its chunk.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/buffer/region.hpp>
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/xdp_abi.hpp>

#include <cerrno>

namespace strata::inline STRATA_ABI::nic::kernel {

class chunk_layout {
 public:
  static constexpr u32 page = 4096;
  static constexpr u32 link_header = 14;

  /// errno_value == 0: it fits.
  [[nodiscard]] open_error open(region memory, u32 chunk_size) {
    static constexpr const char* step = "options.chunk_size";
    if (chunk_size < xdp::least_chunk || chunk_size > 0xffff)
      return {"AF_XDP takes no chunks of this size", step, "give 2048, the same as limits.chunk_size of the Config", EINVAL};
    if (chunk_size > page && chunk_size % xdp::least_chunk != 0)
      return {"AF_XDP takes no chunks of this size", step, "give a multiple of 2048, the same as limits.chunk_size of the Config", EINVAL};
    if (reinterpret_cast<std::uintptr_t>(memory.data()) % page != 0)
      return {"the region does not begin at a page", "options.memory", "take posix::huge_pages(), or align it to 4096 bytes", EINVAL};
    chunk_size_ = chunk_size;
    kernel_chunk_ = chunk_size % page == 0 ? page : chunk_size % xdp::least_chunk == 0 ? xdp::least_chunk : chunk_size;
    chunks_ = static_cast<u32>(memory.size() / chunk_size);
    base_ = memory.data();
    reciprocal_ = ~u64{0} / chunk_size + 1;
    if (chunks_ < 2) return {"the region holds less than two chunks", "options.memory", "give more memory", EINVAL};
    return {};
  }

  [[nodiscard]] bool is_unaligned() const { return kernel_chunk_ % xdp::least_chunk != 0; }
  /// Whether one of ours is several of the kernel's.
  [[nodiscard]] bool has_pieces() const { return kernel_chunk_ != chunk_size_; }
  [[nodiscard]] u32 chunk_size() const { return chunk_size_; }      ///< bytes
  [[nodiscard]] u32 kernel_chunk() const { return kernel_chunk_; }  ///< bytes
  [[nodiscard]] u32 chunks() const { return chunks_; }
  [[nodiscard]] u64 size() const { return u64{chunks_} * chunk_size_; }  ///< bytes that the kernel registers
  [[nodiscard]] std::byte* base() const { return base_; }
  /// The largest IP packet that comes in one of the kernel's chunks, and that one of ours can hold, bytes.
  [[nodiscard]] u32 most_whole() const { return kernel_chunk_ - xdp::packet_headroom - link_header; }
  [[nodiscard]] u32 most() const { return chunk_size_ - xdp::packet_headroom - link_header; }

  /// Bytes from the region's start, as the kernel counts; far behind its end for what is not in it.
  [[nodiscard]] u64 address_of(const std::byte* p) const { return static_cast<u64>(reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(base_)); }
  [[nodiscard]] static u64 plain(u64 address) { return (address & ((u64{1} << xdp::offset_shift) - 1)) + (address >> xdp::offset_shift); }
  /// Which chunk: address / chunk_size, exact for every address in 48 bits (reciprocal_ is less than one too large, and chunks have more than 2^11 bytes).
  [[nodiscard]] u32 chunk_of(u64 address) const {
#ifdef __SIZEOF_INT128__
    __extension__ using wide = unsigned __int128;
    return static_cast<u32>(static_cast<wide>(address) * reciprocal_ >> 64);
#else
    return static_cast<u32>(address / chunk_size_);
#endif
  }

 private:
  std::byte* base_ = nullptr;
  u64 reciprocal_ = 0;  // 2^64 / chunk_size, rounded up
  u32 chunk_size_ = 0;
  u32 kernel_chunk_ = 0;
  u32 chunks_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
