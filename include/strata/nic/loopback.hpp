// SPDX-License-Identifier: MIT
// What is sent comes back: the NIC of an interface to ourselves. A frame is copied once, when it is received, as by a wire (wire_pair.hpp), since TCP keeps what
// it sent until it is acknowledged. stack/loopback.hpp makes an interface of it. Linux: drivers/net/loopback.c.
#pragma once
#include <strata/nic/driver.hpp>

namespace strata::inline STRATA_ABI::nic {

/// A ring of `Frames`.
template <u32 Frames> class loopback_of {
  static_assert(Frames > 0 && (Frames & (Frames - 1)) == 0, "a ring has a power of two frames");

 public:
  static constexpr std::size_t ring_bytes = 0;  // it is in the driver
  static constexpr capabilities may{};
  static constexpr bool comes_back = true;

  constexpr loopback_of() = default;
  /// `mtu`: bytes of IP packet; zero: 1500.
  explicit constexpr loopback_of(u16 mtu) : mtu_(mtu) {}

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && has_frames(); ++arrived_) {
      const buffer::descriptor& from = *ring_[arrived_ % Frames];
      STRATA_EXPECTS(from.length <= chunks.chunk_size());  // both are of one pool
      packet p = chunks.take_receive(0);
      if (!p) break;  // no chunk: the frame stays where it is
      copy_bytes(p->chunk, from.chunk + from.offset, from.length);
      p->length = from.length;
      batch[n++] = std::move(p);
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && posted_ - reclaimed_ < Frames; ++n) ring_[posted_++ % Frames] = batch[n].detach();
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && reclaimed_ != arrived_; ++n) batch[n] = packet::adopt(*ring_[reclaimed_++ % Frames], buffer::owner::nic);
    return n;
  }
  kick flush() { return kick::done; }
  [[nodiscard]] u16 mtu() const { return mtu_ != 0 ? mtu_ : u16{1500}; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] capabilities has() const { return may; }
  [[nodiscard]] bool has_frames() const { return arrived_ != posted_; }
  void close() {
    for (; reclaimed_ != posted_; ++reclaimed_) packet::adopt(*ring_[reclaimed_ % Frames], buffer::owner::nic).reset();
    arrived_ = posted_;
  }

 private:
  buffer::descriptor* ring_[Frames] = {};
  u32 posted_ = 0, arrived_ = 0, reclaimed_ = 0;  // count up; the ring holds [reclaimed, posted)
  u16 mtu_ = 0;
};
using loopback = loopback_of<64>;
static_assert(driver<loopback> && comes_back<loopback> && std::is_trivially_destructible_v<loopback>);

}  // namespace strata::inline STRATA_ABI::nic
