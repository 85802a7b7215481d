// SPDX-License-Identifier: MIT
// The paths of a frame through AF_XDP's rings. Included by af_xdp.hpp.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/af_xdp.hpp>

namespace strata::inline STRATA_ABI::nic {

/// The pool of the first packet is the one for good; the stack has asked holds() before.
template <class System> [[gnu::cold, gnu::noinline]] void af_xdp_over<System>::meet(buffer::pool& chunks) {
  STRATA_EXPECTS(s_.queues == 0 || (chunks.memory() == s_.layout.base() && chunks.chunk_size() == s_.layout.chunk_size()));
  if (s_.queues == 0) return;
  s_.table = chunks.named(1);
  s_.chunks = chunks.capacity();
  const u32 fair = chunks.capacity() / 4 / s_.queues;
  s_.most = s_.wanted_level != 0 ? s_.wanted_level : fair < 512 ? fair : 512;
  if (s_.most == 0) s_.most = 1;
  set_level(s_.wanted_level != 0 || s_.most < 64 ? s_.most : 64);
}
template <class System> void af_xdp_over<System>::set_level(u32 level) {
  s_.level = level;
  // Some at a time cost less each; while frames come there is no time for it.
  s_.calm = level - (level >= 64 ? 8 : level / 8 + 1);
  s_.low = level - (level / 4 + 1);
}

/// Frames of one queue, where they lie.
template <class System> [[gnu::noinline]] std::size_t af_xdp_over<System>::take(queue& q, std::span<packet> batch) {
  auto& ring = q.sock.receive;
  if (batch.empty() || !ring.has_more()) [[unlikely]] return 0;
  std::size_t n = 0;
  u64 bytes = 0;
  for (;;) {
    const kernel::xdp::descriptor came = ring.take();
    const u64 address = kernel::chunk_layout::plain(came.address);
    const u32 index = s_.layout.chunk_of(address);
    buffer::descriptor& d = s_.table[index];
    STRATA_EXPECTS(index < s_.chunks && d.below == s_.tag && d.holders == 1);
    d.offset = static_cast<u16>(address - u64{index} * s_.layout.chunk_size());
    d.length = static_cast<u16>(came.length);
    d.flags = s_.marks;
    d.below = 0;
    --q.lent;
    if (s_.has_pieces) [[unlikely]] {
      packet whole = join(packet::adopt(d, buffer::owner::holder), (came.options & kernel::xdp::continued) != 0);
      if (whole) bytes += whole->length, batch[n++] = std::move(whole);
    } else {
      bytes += came.length;
      batch[n++] = packet::adopt(d, buffer::owner::holder);
    }
    if (n == batch.size()) [[unlikely]] break;
    if (!ring.has_more()) [[likely]] break;
  }
  ring.release();
  count_.receive_frames += n;
  count_.receive_bytes += bytes;
  return n;
}

/// A queue whose frames fill each batch is not the first one the next time.
template <class System> std::size_t af_xdp_over<System>::take_in_turn(buffer::pool& chunks, std::span<packet> batch) {
  std::size_t n = 0;
  u32 turn = s_.turn;
  for (u32 i = 0; i < s_.queues; ++i) {
    n += take(queues_[turn], batch.subspan(n));
    if (++turn == s_.queues) turn = 0;
  }
  if (++s_.turn >= s_.queues) s_.turn = 0;
  for (u32 i = 0; i < s_.queues; ++i)
    if (queues_[i].lent <= (n == 0 ? s_.calm : s_.low)) refill(chunks, queues_[i]);
  return n;
}

/// Chunks for the kernel to receive into, up to the level. The ring hands them out in turn, so that each one more is a chunk more that passes through the
/// caches: few wait, until a burst takes more than half of them.
template <class System> [[gnu::noinline]] void af_xdp_over<System>::refill(buffer::pool& chunks, queue& q) {
  if (q.lent <= s_.level / 2 && s_.level < s_.most && std::exchange(q.was_filled, true)) set_level(2 * s_.level < s_.most ? 2 * s_.level : s_.most);
  auto& ring = q.sock.fill;
  while (q.lent < s_.level && ring.has_room(1)) {
    packet p = chunks.take_receive(0);
    if (!p) {
      ++count_.no_chunk;
      break;
    }
    p->below = s_.tag;
    ring.next() = s_.layout.address_of(p->chunk);
    (void)p.detach();
    ++q.lent;
  }
  ring.publish();
}

/// Where the kernel copies, it finds the fill ring by itself.
template <class System> void af_xdp_over<System>::wake() {
  for (u32 i = 0; i < s_.queues; ++i) {
    if (!s_.is_busy_polling && !queues_[i].sock.fill.wants_wakeup()) continue;
    ++count_.wakes;
    (void)queues_[i].sock.wake();
  }
}

/// The pieces of a frame, in the chunk of its first one; nothing until the last has come.
template <class System> packet af_xdp_over<System>::join(packet piece, bool goes_on) {
  if (s_.first == nullptr && !s_.is_dropping) {
    if (!goes_on) return piece;
    s_.first = piece.detach();
    return {};
  }
  if (s_.first != nullptr) {
    packet whole = packet::adopt(*s_.first, buffer::owner::holder);
    if (whole.room().size() >= piece.size()) {
      copy_bytes(whole.room().data(), piece.bytes().data(), piece.size());
      whole.extend(piece.size());
      ++count_.receive_copied;
      if (!goes_on) {
        s_.first = nullptr;
        return whole;
      }
      (void)whole.detach();
    } else {
      ++count_.oversized;
      s_.first = nullptr;
      s_.is_dropping = true;
    }
  }
  if (!goes_on) s_.is_dropping = false;
  return {};
}

template <class System> std::size_t af_xdp_over<System>::read_overheard(buffer::pool& chunks, std::span<packet> batch) {
  std::size_t n = 0;
  (void)overheard_.read(
      [&](std::span<const std::byte> frame) {
        packet p = chunks.take_receive(2);
        if (!p || p.room().size() < frame.size()) return;
        copy_bytes(p.room().data(), frame.data(), frame.size());
        p.extend(frame.size());
        ++count_.overheard;
        batch[n++] = std::move(p);
      },
      static_cast<u32>(batch.size()));
  return n;
}

template <class System> u32 af_xdp_over<System>::pieces_of(const buffer::descriptor& d) const {
  const u32 size = s_.layout.kernel_chunk();
  return (u32{d.offset} + d.length - 1) / size - d.offset / size + 1;
}
template <class System> void af_xdp_over<System>::post_pieces(u64 address, u32 length) {
  auto& ring = queues_[0].sock.transmit;
  const u32 size = s_.layout.kernel_chunk();
  while (length != 0) {
    const u32 room = size - static_cast<u32>(address % size);
    const u32 here = length < room ? length : room;
    ring.next() = {address, here, length == here ? 0u : u32{kernel::xdp::continued}};
    address += here;
    length -= here;
  }
}
/// Completions of one frame come in the order of its pieces.
template <class System> bool af_xdp_over<System>::is_last_piece(const buffer::descriptor& d, u64 address) const {
  const u32 size = s_.layout.kernel_chunk();
  const u32 at = static_cast<u32>(address - s_.layout.address_of(d.chunk));
  return at / size == (u32{d.offset} + d.length - 1) / size;
}

/// In front of the frame, in the headroom that nobody else writes. The kernel looks for its room even where a frame asks for nothing.
template <class System> bool af_xdp_over<System>::write_metadata(const buffer::descriptor& d, u32& with) const {
  kernel::xdp::transmit_metadata m{};
  if (d.offset < sizeof m) return false;
  if (s_.wants_timestamps) m.flags |= kernel::xdp::wants_timestamp;
  if ((d.flags & buffer::descriptor::checksum_partial) != 0) {
    m.flags |= kernel::xdp::wants_checksum;
    m.request.checksum_start = static_cast<u16>(d.transport - d.offset);
    m.request.checksum_offset = buffer::left_checksum_offset(d);
  }
  if (m.flags == 0) return true;
  __builtin_memcpy(d.chunk + d.offset - sizeof m, &m, sizeof m);
  with = kernel::xdp::metadata_in_front;
  return true;
}
template <class System> void af_xdp_over<System>::read_metadata(const buffer::descriptor& d) {
  if (!s_.wants_timestamps) return;
  kernel::xdp::transmit_metadata m;
  __builtin_memcpy(&m, d.chunk + d.offset - sizeof m, sizeof m);
  // A driver that does not tell leaves in its place what was asked for, which is less than 2^32.
  s_.sent_at = m.completion.timestamp >> 32 != 0 ? m.completion.timestamp : 0;
}

/// Whether the ring has room once the kernel was called: it may never have been, or had refused.
template <class System> [[gnu::cold, gnu::noinline]] bool af_xdp_over<System>::make_room(u32 pieces) {
  auto& ring = queues_[0].sock.transmit;
  if (s_.queues != 0) {
    ring.publish();
    if (ring.wants_wakeup()) (void)ring_doorbell();
    if (ring.has_room(pieces)) return true;
  }
  ++count_.full;
  return false;
}

/// Where the kernel copies, a call sends 32 frames and says EAGAIN if there are more: it is called again as long as that takes some off the ring.
template <class System> kick af_xdp_over<System>::ring_doorbell() {
  const u32 before = queues_[0].sock.transmit.waiting();
  ++count_.kicks;
  const long answer = queues_[0].sock.kick();
  if (answer >= 0) [[likely]] return kick::done;
  return ring_again(answer, before);
}
template <class System> STRATA_OFF_PATH kick af_xdp_over<System>::ring_again(long answer, u32 before) {
  for (;;) {
    if (answer == -ENETDOWN || answer == -ENXIO || answer == -ENODEV) {  // down; deleted
      ++count_.link_down;
      return kick::link_down;
    }
    const u32 left = queues_[0].sock.transmit.waiting();
    if (left == 0) return kick::done;  // a frame that could not leave is gone all the same
    if (answer != -EAGAIN || left == before) break;
    before = left;
    ++count_.kicks;
    answer = queues_[0].sock.kick();
    if (answer >= 0) return kick::done;
  }
  ++count_.kicks_again;
  return kick::again;
}

}  // namespace strata::inline STRATA_ABI::nic
