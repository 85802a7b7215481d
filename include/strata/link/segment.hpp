// SPDX-License-Identifier: MIT
// Frames of a train whose driver takes frames only. Each part becomes a frame where it lies: the head's headers are copied in front of it and patched, and no
// byte of payload is read. Linux: validate_xmit_skb, skb_gso_segment, tcp_gso_segment, __udp_gso_segment.
//
//   length, IP header checksum    of each frame by itself                      identification   counts up, unless the packets are atomic (RFC 6864 §4.1)
//   sequence number               the head's and the payload before            PSH, FIN         on the last only
//   checksum                      the constant words, once a train; length,    CWR              on the first only (RFC 3168 §6.1.2)
//                                 sequence number and flags; the payload's sum, which descriptor::sum holds
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/core/checksum.hpp>
#include <strata/wire/ipv4.hpp>
#include <strata/wire/ipv6.hpp>
#include <strata/wire/tcp.hpp>
#include <strata/wire/udp.hpp>

namespace strata::inline STRATA_ABI::link {

/// Works on one train; see buffer/train.hpp for what its head says. The head's frame begins with `link_header` bytes of link header and an IP header without
/// options or extension headers; its own length fields and checksum are those of its part alone, and its flags those of the whole.
class segmenter {
 public:
  segmenter(const buffer::descriptor& head, u32 link_header) : from_(head.chunk + head.offset), size_(buffer::sent_header_size(head)), network_(link_header) {
    transport_ = head.transport - head.offset;
    is_v4_ = static_cast<u8>(from_[network_]) >> 4 == 4;
    is_udp_ = static_cast<u8>(from_[network_ + (is_v4_ ? 9u : 6u)]) == wire::udp::protocol;
    is_partial_ = (head.flags & buffer::descriptor::checksum_partial) != 0;
    if (is_v4_) {
      const u32 id = load_be<u32>(from_ + network_ + 4);
      id_ = static_cast<u16>(id >> 16);
      step_ = id_ == 0 && (id & 0x4000) != 0 ? 0 : 1;
      ip_sum_ = ones_sum({from_ + network_, 2}) + ones_sum({from_ + network_ + 6, 4}) + ones_sum({from_ + network_ + 12, transport_ - network_ - 12});
      sum_ = ones_sum({from_ + network_ + 12, 8});
    } else {
      sum_ = ones_sum({from_ + network_ + 8, 32});
    }
    sum_ += is_udp_ ? wire::udp::protocol : wire::tcp::protocol;
    const std::byte* const at = from_ + transport_;
    if (is_udp_) {
      if (!is_partial_) sum_ += u32{load_be<u16>(at)} + load_be<u16>(at + 2);
    } else {
      seq_ = load_be<u32>(at + 4);
      flags_ = static_cast<u8>(at[13]);
      if (!is_partial_) sum_ += ones_sum({at, 4}) + ones_sum({at + 8, 5}) + ones_sum({at + 14, 2}) + ones_sum({at + 18, size_ - transport_ - 18});
    }
  }

  /// The head as the first frame. Precondition: it is not the last part.
  void first(const packet& head) {
    id_ = static_cast<u16>(id_ + step_);
    if (is_udp_) return;
    seq_ += buffer::sent_segment_size(head.d());
    constexpr u8 of_the_last = wire::tcp::flag::psh | wire::tcp::flag::fin;
    if ((flags_ & of_the_last) == 0) return;
    std::byte* const at = head.writable_bytes().data() + transport_;
    const u8 flags = static_cast<u8>(flags_ & ~of_the_last);
    at[13] = std::byte{flags};
    // RFC 1624 (3): ~m + m' of the one word that changed.
    if (!is_partial_) store_be<u16>(at + 16, static_cast<u16>(~fold(static_cast<u32>(static_cast<u16>(~load_be<u16>(at + 16))) + static_cast<u16>(~flags_) + flags)));
  }
  /// The next part as a frame; its own is payload alone.
  void next(const packet& part, bool is_last) {
    const u32 payload = static_cast<u32>(part.size());
    std::byte* const start = part.push(size_);
    copy_bytes(start, from_, size_);
    const u32 datagram = static_cast<u32>(part.size()) - network_, length = static_cast<u32>(part.size()) - transport_;
    std::byte* const ip = start + network_;
    if (is_v4_) {
      store_be<u16>(ip + 2, static_cast<u16>(datagram));
      store_be<u16>(ip + 4, id_);
      store_be<u16>(ip + 10, static_cast<u16>(~fold(ip_sum_ + datagram + id_)));
      id_ = static_cast<u16>(id_ + step_);
    } else {
      store_be<u16>(ip + 4, static_cast<u16>(length));
    }
    std::byte* const at = start + transport_;
    u64 sum = u64{sum_} + length;
    if (is_udp_) {
      store_be<u16>(at + 4, static_cast<u16>(length));
      if (!is_partial_) sum += length + part->sum;
    } else {
      const u8 flags = static_cast<u8>(flags_ & ~(is_last ? wire::tcp::flag::cwr : wire::tcp::flag::cwr | wire::tcp::flag::psh | wire::tcp::flag::fin));
      store_be<u32>(at + 4, seq_);
      at[13] = std::byte{flags};
      if (!is_partial_) sum += u64{seq_} + flags + part->sum;  // a word of 32 bits adds as its two halves do: 2^16 is 1
      seq_ += payload;
    }
    const u16 folded = fold(sum);
    u16 field = is_partial_ ? folded : static_cast<u16>(~folded);
    if (is_udp_ && !is_partial_ && field == 0) field = 0xffff;  // RFC 768: zero would say that there is none
    store_be<u16>(at + (is_udp_ ? 6 : 16), field);
    part->transport = static_cast<u16>(part->offset + transport_);
    constexpr u8 of_checksum = buffer::descriptor::checksum_partial | buffer::descriptor::checksum_of_udp;
    part->flags = static_cast<u8>((part->flags & ~of_checksum) | (is_partial_ ? buffer::descriptor::checksum_partial : 0) |
                                  (is_partial_ && is_udp_ ? buffer::descriptor::checksum_of_udp : 0));
  }

 private:
  const std::byte* from_;
  u32 size_, network_, transport_ = 0;  // bytes of headers; where the IP and the transport header begin
  u32 sum_ = 0, ip_sum_ = 0;            // of the words that are the same in each frame, the pseudo-header's among them
  u32 seq_ = 0;
  u16 id_ = 0, step_ = 0;
  u8 flags_ = 0;
  bool is_v4_ = false, is_udp_ = false, is_partial_ = false;
};

/// The head's lengths and checksums become those of the whole, for a driver that takes trains: the identification is the first frame's, and the checksum is
/// left, with the length of the whole in the pseudo-header's sum. Precondition: descriptor::checksum_partial. Linux: __tcp_v4_send_check, virtio_net_hdr_from_skb.
inline void lengthen(const packet& head, u32 link_header) {
  const u32 more = buffer::train_bytes(head.d()) - head->length;
  std::byte* const ip = head.writable_bytes().data() + link_header;
  if (static_cast<u8>(ip[0]) >> 4 == 4) {
    const u32 total = load_be<u16>(ip + 2) + more;
    store_be<u16>(ip + 2, static_cast<u16>(total));
    store_be<u16>(ip + 10, static_cast<u16>(~fold(static_cast<u32>(static_cast<u16>(~load_be<u16>(ip + 10))) + more)));
  } else {
    store_be<u16>(ip + 4, static_cast<u16>(load_be<u16>(ip + 4) + more));
  }
  const bool is_udp = (head->flags & buffer::descriptor::checksum_of_udp) != 0;
  std::byte* const at = head->chunk + head->transport;
  if (is_udp) store_be<u16>(at + 4, static_cast<u16>(load_be<u16>(at + 4) + more));
  std::byte* const field = at + (is_udp ? 6 : 16);
  store_be<u16>(field, fold(load_be<u16>(field) + more));
}

}  // namespace strata::inline STRATA_ABI::link
