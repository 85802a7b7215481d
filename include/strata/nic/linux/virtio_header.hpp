// SPDX-License-Identifier: MIT
// What stands in front of each frame on a TUN/TAP device with IFF_VNET_HDR: which checksum is missing, and how a super-frame is to be segmented (Virtual I/O
// Device specification §5.1.6). <linux/virtio_net.h> is no C++.
//
//   | flags 1 | gso_type 1 | hdr_len 2 | gso_size 2 | csum_start 2 | csum_offset 2 |      in the machine's order of bytes
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/buffer/left_checksum.hpp>
#include <strata/buffer/train.hpp>

#include <sys/uio.h>

namespace strata::inline STRATA_ABI::nic::kernel {

struct virtio_header {
  u8 flags = 0;
  u8 gso_type = 0;
  u16 header_length = 0;    ///< bytes in front of the payload
  u16 gso_size = 0;         ///< payload bytes of each segment but the last
  u16 checksum_start = 0;   ///< bytes from the frame's first to where the missing checksum begins to count
  u16 checksum_offset = 0;  ///< and from there to its field

  static constexpr u8 needs_checksum = 1, data_valid = 2;                    // flags
  static constexpr u8 none = 0, tcp4 = 1, tcp6 = 4, udp = 5, with_ecn = 0x80;  // gso_type

  /// Of a frame that is sent; `network` is where its IP header begins.
  [[nodiscard]] static virtio_header of(const buffer::descriptor& d, u32 network) {
    virtio_header h;
    if ((d.flags & buffer::descriptor::checksum_partial) != 0) {
      h.flags = needs_checksum;
      h.checksum_start = static_cast<u16>(d.transport - d.offset);
      h.checksum_offset = buffer::left_checksum_offset(d);
    }
    if (buffer::is_train(d)) {
      const bool is_v4 = static_cast<u8>(d.chunk[d.offset + network]) >> 4 == 4;
      h.gso_type = (d.flags & buffer::descriptor::checksum_of_udp) != 0 ? udp : is_v4 ? tcp4 : tcp6;
      h.gso_size = static_cast<u16>(buffer::sent_segment_size(d));
      h.header_length = static_cast<u16>(buffer::sent_header_size(d));
    }
    return h;
  }
  /// Marks what was received with this header.
  void mark(buffer::descriptor& d) const {
    if ((flags & needs_checksum) != 0) d.flags = static_cast<u8>(d.flags | buffer::descriptor::checksum_partial);
    if ((flags & data_valid) != 0) d.flags = static_cast<u8>(d.flags | buffer::descriptor::checksum_verified);
    if (gso_type != none) d.segment_size = gso_size;
  }
};
static_assert(sizeof(virtio_header) == 10);

/// Chunks for one super-frame, kept from read to read: a frame takes as many as it fills, and only those are taken anew.
class read_chain {
 public:
  static constexpr u32 most = buffer::most_train_parts;

  constexpr read_chain() = default;
  read_chain(read_chain&& other) noexcept { *this = std::move(other); }
  read_chain& operator=(read_chain&& other) noexcept {
    clear();
    count_ = std::exchange(other.count_, 0);
    for (u32 i = 0; i < count_; ++i) kept_[i] = other.kept_[i];
    return *this;
  }
  ~read_chain() { clear(); }

  /// Takes what is missing of a frame's longest chain, but not more than half of the pool, and writes the places to `to`; how many there are. Where the pool
  /// has no more, fewer: small frames still come in.
  [[nodiscard]] u32 fill(buffer::pool& chunks, u32 headroom, iovec* to) {
    const u32 wanted = (longest + headroom + chunks.chunk_size() - 1) / chunks.chunk_size(), half = chunks.capacity() / 2;
    const u32 places = wanted > most ? most : wanted;
    for (const u32 end = places < half ? places : half; count_ < end || count_ == 0;) {
      packet p = chunks.take_receive(0);
      if (!p) break;
      kept_[count_++] = p.detach();
    }
    for (u32 i = 0; i < count_; ++i) {
      const u32 from = i == 0 ? headroom : 0;
      to[i] = {kept_[i]->chunk + from, chunks.chunk_size() - from};
    }
    return count_;
  }
  /// The first `n` bytes of the places as a packet: the chain, its head behind `headroom`.
  [[nodiscard]] packet take(u32 n, u32 headroom) {
    packet head = one(0, headroom, n);
    u32 used = 1;
    for (buffer::descriptor* last = &head.d(); n != 0; ++used) {
      packet part = one(used, 0, n);
      buffer::descriptor* const d = &part.d();
      buffer::couple(*last, std::move(part));
      last = d;
    }
    count_ -= used;
    for (u32 i = 0; i < count_; ++i) kept_[i] = kept_[i + used];
    return head;
  }
  [[nodiscard]] u32 count() const { return count_; }
  void clear() {
    while (count_ != 0) packet::adopt(*kept_[--count_], buffer::owner::holder).reset();
  }

 private:
  static constexpr u32 longest = 65'536 + 18;  // IP packet, link header with a tag; one more than any, so that a frame that fills all was cut

  packet one(u32 i, u32 headroom, u32& left) {
    packet p = packet::adopt(*kept_[i], buffer::owner::holder);
    const u32 room = p->home->chunk_size() - headroom, n = left < room ? left : room;
    p->offset = static_cast<u16>(headroom);
    p->length = static_cast<u16>(n);
    left -= n;
    return p;
  }

  buffer::descriptor* kept_[most]{};
  u32 count_ = 0;
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
