// SPDX-License-Identifier: MIT
// One buffer from the application's write to the NIC's descriptor.
//
//   chunk  |<- headroom ->|<- headers written in front ->|<- payload, written once ->|<- room ->|
//                         ^ offset ... offset + length is the frame
//
// The law of the frame: while the qdisc or the NIC owns a descriptor, its frame fields and the bytes that they cover are constant: no append, trim,
// split or header write. An ACK changes stream fields only. Ownership: transmit owners are bits, each exists once; receive holders are counted.
// A chunk goes back to its pool when no owner is left.
#pragma once
#include <strata/buffer/region.hpp>
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::buffer {

class pool;

/// Transmit owners. `application` is whoever holds a handle in hand: the application that reserved it, or the code that passes it down.
enum class owner : u8 { none = 0, application = 1, send_queue = 2, qdisc = 4, nic = 8, holder = 16 };

/// Beside each chunk, in a parallel array; no template, since drivers see it. Links are 1 + the index in the array; zero is the end.
struct alignas(sizeof(void*) == 8 ? 64 : 4) descriptor {
  std::byte* chunk = nullptr;  ///< its first byte; a borrowed one lies in another pool's region
  pool* home = nullptr;
  // frame fields
  u16 offset = 0;              ///< of the frame's first byte in the chunk
  u8 link = 0;                 ///< interface that it came by or leaves by
  u8 flags = 0;                ///< `borrowed`, and what is known of the transport checksum
  u16 length = 0;              ///< of the frame, bytes; apart from the offset, since compilers would load the two as one, which waits for both stores
  u16 transport = 0;           ///< offset of the transport header in the chunk
  // owners
  u8 owners = 0;               ///< bits of `owner`
  u8 holders = 0;              ///< receive holders
  // stream fields: the transport's
  union {
    u16 marks = 0;             ///< of what a send queue holds
    u16 segment_size;          ///< of the head of a received train: payload bytes of each of its segments but the last
  };
  u32 seq = 0;                 ///< of the first payload byte
  u32 sum = 0;                 ///< uncomplemented sum of the payload, when `marks` says that it is known
  u16 body = 0;                ///< offset of the payload in the chunk
  u16 body_length = 0;         ///< payload bytes
  u16 done = 0;                ///< payload bytes at the front that are acknowledged (sending) or consumed (receiving)
  u16 network = 0;             ///< offset of the IP header in the chunk, of a received packet: errors quote it
  u32 queue = 0;               ///< next in the send queue, receive queue or out-of-order queue
  u32 below = 0;               ///< next in the qdisc or in a neighbour's queue; the driver's own while it has the packet
  // Where a pointer is no longer than a link the two share its place: nothing there lends and carries trains.
#if UINTPTR_MAX > 0xffffffff
  u32 train = 0;               ///< next part of a train (train.hpp); zero: the last part, or no train
  descriptor* lender = nullptr;  ///< of a borrowed chunk: the descriptor that gets a holder back
#else
  union {
    descriptor* lender = nullptr;
    u32 train;
  };
#endif

  static constexpr u8 borrowed = 1;
  static constexpr u8 cut = 128;              ///< a chunk of which each slot has its own descriptor: buffer/slots.hpp
  static constexpr u8 checksum_verified = 2;  ///< it is right, and nobody need look
  static constexpr u8 checksum_of_udp = 8;    ///< sent with checksum_partial: the header is UDP's, not TCP's
  static constexpr u8 checksum_partial = 4;   ///< its field may hold the sum of the pseudo-header alone: the frame never left this machine. Linux: CHECKSUM_PARTIAL
};
static_assert(sizeof(void*) != 8 || sizeof(descriptor) == 64, "a descriptor is one cache line");

/// A move-only handle to one ownership of one descriptor. Dropping it gives that ownership up; the last one returns the chunk.
class packet {
 public:
  constexpr packet() = default;
  STRATA_OUT_OF_LINE packet(packet&& other) noexcept : d_(std::exchange(other.d_, nullptr)), owner_(other.owner_) {}
  STRATA_ALWAYS_INLINE packet& operator=(packet&& other) noexcept {
    if (this != &other) [[likely]] {
      if (d_ != nullptr) [[unlikely]] give_up(*d_, owner_);  // a place that packets are put to is free
      d_ = std::exchange(other.d_, nullptr);
      owner_ = other.owner_;
    }
    return *this;
  }
  STRATA_ALWAYS_INLINE constexpr ~packet() {
    if (d_ != nullptr) [[unlikely]] reset();  // what was taken on is gone from here
  }

  [[nodiscard]] explicit operator bool() const { return d_ != nullptr; }
  [[nodiscard]] descriptor& d() const { return *d_; }
  [[nodiscard]] descriptor* operator->() const { return d_; }
  [[nodiscard]] owner as() const { return owner_; }

  /// The frame.
  [[nodiscard]] STRATA_SHORTER_INLINE std::span<const std::byte> bytes() const { return {d_->chunk + d_->offset, d_->length}; }
  [[nodiscard]] std::size_t size() const { return d_->length; }
  /// Whether this handle may change frame fields and bytes: it is the only one, or only the send queue has the packet beside it, and the chunk is our own.
  [[nodiscard]] bool writable() const {
    if ((d_->flags & descriptor::borrowed) != 0) return false;
    if (owner_ == owner::holder) return d_->holders == 1 && d_->owners == 0;
    if (owner_ == owner::application) return (d_->owners & ~(bit(owner::application) | bit(owner::send_queue))) == 0 && d_->holders == 0;
    return owner_ == owner::send_queue && d_->owners == bit(owner::send_queue) && d_->holders == 0;
  }
  /// The frame, to be changed in place.
  [[nodiscard]] std::span<std::byte> writable_bytes() const {
    STRATA_EXPECTS(writable());
    return {d_->chunk + d_->offset, d_->length};
  }
  /// Grows the frame by `n` bytes in front (a header) and returns its new first byte. Precondition: that much headroom, and writable().
  [[nodiscard]] std::byte* push(std::size_t n) const {
    STRATA_EXPECTS(writable() && n <= d_->offset);
    d_->offset = static_cast<u16>(d_->offset - n);
    d_->length = static_cast<u16>(d_->length + n);
    return d_->chunk + d_->offset;
  }
  /// Takes `n` bytes off the front: a header that was read. The bytes stay. Precondition: n <= size(), and no other holder's view of the frame
  /// changes by it.
  STRATA_SHORTER_INLINE void pull(std::size_t n) const {
    STRATA_EXPECTS(n <= d_->length && may_move());
    d_->offset = static_cast<u16>(d_->offset + n);
    d_->length = static_cast<u16>(d_->length - n);
  }
  /// Cuts the frame to its first `n` bytes: link padding goes. Preconditions as for pull().
  void trim(std::size_t n) const {
    STRATA_EXPECTS(n <= d_->length && may_move());
    d_->length = static_cast<u16>(n);
  }
  /// Empties the frame and puts its start at `offset` from the chunk's first byte: headroom for what will be pushed.
  void restart(std::size_t offset) const;
  /// The bytes behind the frame, to be written before extend(). Precondition: writable().
  [[nodiscard]] std::span<std::byte> room() const;
  /// Grows the frame by `n` bytes at its end, which were written to room(). Precondition: n <= room().size(), and writable().
  void extend(std::size_t n) const;

  /// This ownership becomes another one. Precondition: the other bit is free.
  void become(owner next);
  /// A second handle to the same bytes under another transmit bit: a clone is one more bit, never an allocation. Precondition: that bit is free.
  [[nodiscard]] packet share(owner next) const;
  /// One more receive holder, or nothing at the limit of 255: then the caller copies.
  [[nodiscard]] packet hold() const;

  /// Gives this ownership up. The qdisc's and the NIC's is the moment at which builds with checks compare the frame with what was posted.
  STRATA_ALWAYS_INLINE void reset() { if (d_ != nullptr) give_up(*std::exchange(d_, nullptr), owner_); }
  /// The descriptor, and the ownership stays set: for queues that link descriptors. adopt() makes a handle of it again.
  [[nodiscard]] descriptor* detach() { return std::exchange(d_, nullptr); }
  [[nodiscard]] static packet adopt(descriptor& d, owner as) { return packet(d, as); }

  [[nodiscard]] static constexpr u8 bit(owner o) { return static_cast<u8>(o); }
  /// Whether the law of the frame binds under this ownership.
  [[nodiscard]] static constexpr bool is_below(owner o) { return o == owner::qdisc || o == owner::nic; }

 private:
  friend class pool;
  // The bytes may be someone else's (a borrowed chunk), the frame's bounds are this descriptor's own.
  [[nodiscard]] bool may_move() const {
    return (d_->owners & (bit(owner::qdisc) | bit(owner::nic))) == 0 && d_->holders == (owner_ == owner::holder ? 1 : 0);
  }
  packet(descriptor& d, owner as) : d_(&d), owner_(as) {}
  static void give_up(descriptor& d, owner as);  // not by `this`: a handle whose address is nowhere known stays in a register

  descriptor* d_ = nullptr;
  owner owner_ = owner::none;
};

/// f(packet&) for a call that is off the hot path: it gets a handle of its own, since one whose address is known elsewhere cannot stay in a register.
template <class F> STRATA_ALWAYS_INLINE inline auto in_passing(packet& p, F&& f) {
#if defined(__OPTIMIZE_SIZE__)
  return f(p);
#else
  packet other = std::move(p);
  const auto result = f(other);
  p = std::move(other);
  return result;
#endif
}

}  // namespace strata::inline STRATA_ABI::buffer
namespace strata::inline STRATA_ABI {
using buffer::packet;
}
