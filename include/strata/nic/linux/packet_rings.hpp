// SPDX-License-Identifier: MIT
// The rings of a packet socket, TPACKET_V3 (Documentation/networking/packet_mmap.rst), over any memory: what the kernel and a program share.
//
//   receive   blocks; the kernel fills one, frame behind frame, and hands the whole block over when it is full or its time is up
//             [block_desc | tpacket3_hdr, sockaddr_ll, frame | tpacket3_hdr, ...]   block_status: the kernel's, or ours
//   transmit  slots of one size; we fill one and say SEND_REQUEST, a send(2) makes the kernel look, and AVAILABLE says that the slot is ours again
//             [tpacket3_hdr | frame]                                                tp_status
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/types.hpp>
#include <strata/nic/linux/system_calls.hpp>

#include <linux/if_packet.h>

namespace strata::inline STRATA_ABI::nic::kernel {

namespace detail {
inline u32 load_acquire(const u32& at) { return __atomic_load_n(&at, __ATOMIC_ACQUIRE); }
inline void store_release(u32& at, u32 value) { __atomic_store_n(&at, value, __ATOMIC_RELEASE); }
}  // namespace detail

/// Bytes of a tpacket3_hdr with its padding: TPACKET_ALIGN, without the change of sign in it.
inline constexpr u32 packet_header = (sizeof(tpacket3_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;

/// Frames that the kernel wrote, in order.
class packet_receive_ring {
 public:
  packet_receive_ring() = default;
  packet_receive_ring(std::byte* memory, u32 block_size, u32 blocks) : memory_(memory), block_size_(block_size), blocks_(blocks) {}

  /// The oldest frame that waits, or null. It stays until pop().
  [[nodiscard]] const tpacket3_hdr* front() {
    // A block whose time was up may be empty; a lap of empty ones is as good as none.
    for (u32 looked = 0; left_ == 0; ++looked) {
      tpacket_block_desc& b = block();
      if (looked == blocks_ || (detail::load_acquire(b.hdr.bh1.block_status) & TP_STATUS_USER) == 0) return nullptr;
      left_ = b.hdr.bh1.num_pkts;
      frame_ = reinterpret_cast<std::byte*>(&b) + b.hdr.bh1.offset_to_first_pkt;
      if (left_ == 0) give_back();
    }
    return reinterpret_cast<const tpacket3_hdr*>(frame_);
  }
  /// Precondition: front() was not null. The last frame of a block gives the block back.
  void pop() {
    const u32 next = reinterpret_cast<const tpacket3_hdr*>(frame_)->tp_next_offset;
    if (--left_ == 0) give_back();
    else frame_ += next;
  }

  /// The bytes of a frame that the ring holds; tp_len says how long it was.
  [[nodiscard]] static std::span<const std::byte> bytes(const tpacket3_hdr& f) { return {reinterpret_cast<const std::byte*>(&f) + f.tp_mac, f.tp_snaplen}; }
  /// PACKET_HOST and so on.
  [[nodiscard]] static u8 kind(const tpacket3_hdr& f) {
    return reinterpret_cast<const sockaddr_ll*>(reinterpret_cast<const std::byte*>(&f) + packet_header)->sll_pkttype;
  }

 private:
  [[nodiscard]] tpacket_block_desc& block() { return *reinterpret_cast<tpacket_block_desc*>(memory_ + std::size_t{at_} * block_size_); }
  void give_back() {
    detail::store_release(block().hdr.bh1.block_status, TP_STATUS_KERNEL);
    at_ = at_ + 1 == blocks_ ? 0 : at_ + 1;
  }

  std::byte* memory_ = nullptr;
  std::byte* frame_ = nullptr;
  u32 block_size_ = 0, blocks_ = 0;
  u32 at_ = 0;    // the block that is looked at
  u32 left_ = 0;  // frames in it that were not taken
};

/// Frames for the kernel to read. It reads them in order, and only inside send(2).
class packet_transmit_ring {
 public:
  static constexpr u32 header = packet_header;  ///< bytes of a slot in front of the frame

  packet_transmit_ring() = default;
  packet_transmit_ring(std::byte* memory, u32 slot_size, u32 slots) : memory_(memory), slot_size_(slot_size), slots_(slots) {}

  /// Where the next frame goes, slot_size - header bytes; null while the kernel still has that slot.
  [[nodiscard]] std::byte* place() {
    tpacket3_hdr& s = slot(at_);
    return status_of(s) == TP_STATUS_AVAILABLE ? reinterpret_cast<std::byte*>(&s) + header : nullptr;
  }
  /// The frame of `length` bytes that was written to place().
  void post(u32 length) {
    tpacket3_hdr& s = slot(at_);
    s.tp_len = s.tp_snaplen = length;
    s.tp_next_offset = 0;  // the kernel takes no slots of different sizes
    detail::store_release(s.tp_status, TP_STATUS_SEND_REQUEST);
    at_ = at_ + 1 == slots_ ? 0 : at_ + 1;
  }
  /// Whether the kernel has not begun with some of what was posted: send(2) says so only if it took nothing at all.
  [[nodiscard]] bool has_unsent() { return status_of(slot(before(at_))) == TP_STATUS_SEND_REQUEST; }
  /// Takes those frames back; how many, and their bytes. The next one goes where the kernel will look next.
  u32 take_back(u64& bytes) {
    u32 n = 0;
    for (; n < slots_ && has_unsent(); ++n) {
      at_ = before(at_);
      bytes += slot(at_).tp_len;
      detail::store_release(slot(at_).tp_status, TP_STATUS_AVAILABLE);
    }
    return n;
  }

 private:
  [[nodiscard]] tpacket3_hdr& slot(u32 i) { return *reinterpret_cast<tpacket3_hdr*>(memory_ + std::size_t{i} * slot_size_); }
  [[nodiscard]] u32 before(u32 i) const { return (i == 0 ? slots_ : i) - 1; }
  // Without the bits that say which clock stamped it.
  [[nodiscard]] static u32 status_of(const tpacket3_hdr& s) {
    return detail::load_acquire(s.tp_status) & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING | TP_STATUS_WRONG_FORMAT);
  }

  std::byte* memory_ = nullptr;
  u32 slot_size_ = 0, slots_ = 0;
  u32 at_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
