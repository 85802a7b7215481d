// SPDX-License-Identifier: MIT
// The rings that AF_XDP shares with a process: one producer, one consumer, a power of two entries.
//
//   producer  counts what was ever put in, consumer what was ever taken out, both in 32 bits that wrap; entry i lies at i mod size
//
// The owner of an index stores it with release, the other side loads it with acquire; each side works on its own copy and looks at the other one's index
// only when that says too little. Any memory does: the kernel's, or a test's. A ring that lies nowhere has no room and no more.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::nic::kernel {

/// Where a ring lies.
struct ring_memory {
  u32* producer = nullptr;
  u32* consumer = nullptr;
  u32* flags = nullptr;
  void* entries = nullptr;
  u32 size = 0;  ///< entries, a power of two
};

/// The side that puts in: the fill ring and the transmit ring.
template <class Entry> class producer_ring {
 public:
  constexpr producer_ring() = default;
  explicit producer_ring(const ring_memory& m) : at_(m), mask_(m.size - 1) {
    STRATA_EXPECTS(m.size != 0 && (m.size & mask_) == 0);
    next_ = published_ = __atomic_load_n(at_.producer, __ATOMIC_RELAXED);
    end_ = __atomic_load_n(at_.consumer, __ATOMIC_ACQUIRE) + m.size;
  }

  /// Whether `n` more entries have room now.
  [[nodiscard]] bool has_room(u32 n) {
    if (end_ - next_ >= n) [[likely]] return true;
    if (at_.consumer == nullptr) [[unlikely]] return false;
    end_ = __atomic_load_n(at_.consumer, __ATOMIC_ACQUIRE) + at_.size;
    return end_ - next_ >= n;
  }
  /// The next entry, to be written. Precondition: has_room().
  [[nodiscard]] Entry& next() { return static_cast<Entry*>(at_.entries)[next_++ & mask_]; }
  /// Hands everything written since the last time to the other side, by one store.
  void publish() {
    if (published_ == next_) [[unlikely]] return;
    published_ = next_;
    __atomic_store_n(at_.producer, next_, __ATOMIC_RELEASE);
  }
  [[nodiscard]] bool is_published() const { return published_ == next_; }
  /// Entries that the other side has not taken yet.
  [[nodiscard]] u32 waiting() const { return next_ - __atomic_load_n(at_.consumer, __ATOMIC_ACQUIRE); }
  /// Whether the other side sleeps unless it is called.
  [[nodiscard]] bool wants_wakeup() const { return (__atomic_load_n(at_.flags, __ATOMIC_RELAXED) & 1u) != 0; }
  [[nodiscard]] u32 size() const { return at_.size; }

 private:
  ring_memory at_{};
  u32 mask_ = 0;
  u32 next_ = 0;       // ours, ahead of what is published
  u32 published_ = 0;
  u32 end_ = 0;        // the first one that had no room when we looked
};

/// The side that takes out: the receive ring and the completion ring.
template <class Entry> class consumer_ring {
 public:
  constexpr consumer_ring() = default;
  explicit consumer_ring(const ring_memory& m) : at_(m), mask_(m.size - 1) {
    STRATA_EXPECTS(m.size != 0 && (m.size & mask_) == 0);
    next_ = released_ = __atomic_load_n(at_.consumer, __ATOMIC_RELAXED);
    end_ = __atomic_load_n(at_.producer, __ATOMIC_ACQUIRE);
  }

  /// Whether there is an entry to take.
  [[nodiscard]] bool has_more() {
    if (next_ != end_) return true;
    if (at_.producer == nullptr) [[unlikely]] return false;
    end_ = __atomic_load_n(at_.producer, __ATOMIC_ACQUIRE);
    return next_ != end_;
  }
  /// The next entry; its place is the other side's again after release(). Precondition: has_more().
  [[nodiscard]] Entry take() { return static_cast<const Entry*>(at_.entries)[next_++ & mask_]; }
  /// Gives the places of all that was taken back, by one store.
  void release() {
    if (released_ == next_) [[unlikely]] return;
    released_ = next_;
    __atomic_store_n(at_.consumer, next_, __ATOMIC_RELEASE);
  }
  [[nodiscard]] u32 size() const { return at_.size; }

 private:
  ring_memory at_{};
  u32 mask_ = 0;
  u32 next_ = 0;      // ours, ahead of what is released
  u32 released_ = 0;
  u32 end_ = 0;       // where the other side stood when we looked
};

}  // namespace strata::inline STRATA_ABI::nic::kernel
