// SPDX-License-Identifier: MIT
// Where cores hand frames over to each other: for each pair of them a ring each way with one producer and one consumer, bounded, without a lock. A frame is
// copied in by the core that received it, and out by the one whose it is, so that no chunk is ever another core's.
//
//   core 0  receive -> not mine -> copy | ring 0 -> 1 | copy -> receive  core 1
//
// The caller owns it; it outlives all stacks that use it. What lies in a ring when its reader has gone is lost, as on a NIC that was closed.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/nic/frame_owner.hpp>

#include <atomic>

namespace strata::inline STRATA_ABI::nic {

/// Wakes a core that sleeps, from any thread. Where cores never sleep there is nothing to wake; posix::wakeup is the other one.
template <class T> concept bell = requires(T b) { { b.wake() } -> std::same_as<void>; };
struct no_bell {
  constexpr void wake() {}
};

/// At most `Most` cores; `Frames` in each ring, a power of two, of up to `Bytes` each: a chunk.
template <u32 Most, u32 Frames = 128, u32 Bytes = 2048, bell Bell = no_bell> class crossing {
  static_assert(Most > 0 && Most <= 64 && Frames > 1 && Frames <= 256 && (Frames & (Frames - 1)) == 0 && Bytes <= 0xffff, "up to 64 cores, and a power of two frames in each ring, 256 at most");

 public:
  enum class result : u8 { done, full, too_long };

  explicit constexpr crossing(const owner_options& o) : options_(o) { STRATA_EXPECTS(o.cores != 0 && o.cores <= Most); }
  crossing(const crossing&) = delete;
  crossing& operator=(const crossing&) = delete;

  [[nodiscard]] u32 cores() const { return options_.cores; }
  [[nodiscard]] const owner_options& options() const { return options_; }
  [[nodiscard]] Bell& bell_of(u32 core) { return cores_[core].bell; }

  /// A copy of the frame for core `to`; of a train all parts, or none. By the thread of core `from`.
  [[nodiscard]] result give(u32 from, u32 to, buffer::descriptor& head) {
    lane& l = lanes_[from][to];
    u32 parts = 0;
    bool fits = true;
    buffer::each_part(head, [&](const buffer::descriptor& d) { fits = fits && d.length <= (parts++ == 0 ? Bytes - headroom : Bytes); });
    if (!fits || parts > Frames) return result::too_long;
    const u32 at = l.back.load(std::memory_order_relaxed);
    if (at + parts - l.seen_front > Frames && at + parts - (l.seen_front = l.front.load(std::memory_order_acquire)) > Frames) return result::full;
    u32 i = at;
    buffer::each_part(head, [&](const buffer::descriptor& d) {
      place& p = l.places[i++ % Frames];
      copy_bytes(p.bytes, d.chunk + d.offset, d.length);
      p.length = d.length;
      p.follow = static_cast<u8>(at + parts - i);
      p.flags = static_cast<u8>(d.flags & (buffer::descriptor::checksum_verified | buffer::descriptor::checksum_partial | buffer::descriptor::checksum_of_udp));
      p.segment_size = d.segment_size;
    });
    l.back.store(i, std::memory_order_seq_cst);  // before will_sleep() of its reader is looked at
    return result::done;
  }
  /// The next frame from core `from`; nothing if there is none, or too few chunks: then it stays. By the thread of core `to`.
  [[nodiscard]] packet take(u32 from, u32 to, buffer::pool& chunks) {
    lane& l = lanes_[from][to];
    const u32 at = l.front.load(std::memory_order_relaxed);
    if (at == l.seen_back && at == (l.seen_back = l.back.load(std::memory_order_acquire))) return {};
    const u32 parts = l.places[at % Frames].follow + 1u;
    STRATA_EXPECTS(chunks.chunk_size() >= Bytes);
    if (chunks.available() < parts) return {};
    packet head;
    buffer::descriptor* last = nullptr;
    for (u32 i = at; i != at + parts; ++i) {
      const place& p = l.places[i % Frames];
      packet part = chunks.take_receive(i == at ? headroom : 0);
      copy_bytes(part.room().data(), p.bytes, p.length);
      part.extend(p.length);
      buffer::descriptor* const d = &part.d();
      if (last != nullptr) buffer::couple(*last, std::move(part));
      else d->flags = p.flags, d->segment_size = p.segment_size, head = std::move(part);
      last = d;
    }
    l.front.store(at + parts, std::memory_order_release);
    return head;
  }

  /// Whether something lies here for `core`. By its thread.
  [[nodiscard]] bool has_frames(u32 core) const {
    for (u32 from = 0; from < options_.cores; ++from) {
      const lane& l = lanes_[from][core];
      if (l.back.load(std::memory_order_seq_cst) != l.front.load(std::memory_order_relaxed)) return true;
    }
    return false;
  }
  /// `core` goes to sleep on its bell: from now on ring() wakes it. It looks at has_frames() again after it.
  void will_sleep(u32 core) { cores_[core].sleeps.store(true, std::memory_order_seq_cst); }
  void is_awake(u32 core) { cores_[core].sleeps.store(false, std::memory_order_relaxed); }
  /// After give(): `core` is woken if it sleeps.
  void ring(u32 core) {
    if (cores_[core].sleeps.load(std::memory_order_seq_cst)) cores_[core].bell.wake();
  }

 private:
  static constexpr u32 headroom = 2;  // behind an Ethernet header of 14 the IP header is aligned to four

  struct place {
    u16 length, segment_size;
    u8 flags;
    u8 follow;  // parts of the same train behind this one
    std::byte bytes[Bytes];
  };
  struct lane {
    alignas(64) std::atomic<u32> back{0};   // the producer's: where it writes next
    u32 seen_front = 0;
    alignas(64) std::atomic<u32> front{0};  // the consumer's: what it reads next
    u32 seen_back = 0;
    alignas(64) place places[Frames];
  };
  struct alignas(64) core_state {
    std::atomic<bool> sleeps{false};
    [[no_unique_address]] Bell bell{};
  };

  owner_options options_;
  core_state cores_[Most]{};
  lane lanes_[Most][Most];
};

}  // namespace strata::inline STRATA_ABI::nic
