// SPDX-License-Identifier: MIT
// The free chunks of one region, last in, first out: a copy over a ring of 2 MiB costs four times a copy to a chunk that is still in the cache.
// Zero is the initial state, so that a constinit pool lies in .bss; free chunks that were never used are counted, not linked.
#pragma once
#include <strata/buffer/packet.hpp>
#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::buffer {

class pool {
 public:
  constexpr pool() = default;
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  /// Cuts `memory` in chunks of `chunk_size` bytes, at most table.size() of them. `hashes` is as long as the table in builds with checks, else null.
  void open(region memory, std::span<descriptor> table, u32 chunk_size, u32* hashes = nullptr) {
    STRATA_EXPECTS(in_use_ == 0 && chunk_size >= 64 && chunk_size <= 0xffff);
    memory_ = memory.data();
    table_ = table.data();
    hashes_ = hashes;
    chunk_size_ = chunk_size;
    const std::size_t fits = memory.size() / chunk_size;
    count_ = static_cast<u32>(fits < table.size() ? fits : table.size());
    fresh_ = free_ = 0;
  }

  /// A chunk in hand, empty, its frame starting at `headroom`; nothing if only `keep` chunks are left (the receive path's share).
  [[nodiscard]] STRATA_ALWAYS_INLINE packet take(u32 headroom, u32 keep = 0) {
    STRATA_EXPECTS(headroom <= chunk_size_);
    descriptor* d = next_free(keep);
    if (d == nullptr) return {};
    d->owners = packet::bit(owner::application);
    d->offset = static_cast<u16>(headroom);
    return packet(*d, owner::application);
  }
  /// A chunk for a driver to receive into: one holder, its frame starting at `headroom`.
  [[nodiscard]] STRATA_ALWAYS_INLINE packet take_receive(u32 headroom) {
    STRATA_EXPECTS(headroom <= chunk_size_);
    descriptor* d = next_free(0);
    if (d == nullptr) return {};
    d->holders = 1;
    d->offset = static_cast<u16>(headroom);
    return packet(*d, owner::holder);
  }
  /// A receive packet over another pool's chunk, which gets one more holder until ours is released (wire_pair::lending). Costs a descriptor of ours.
  [[nodiscard]] packet borrow(descriptor& lender, u32 offset, u32 length) {
    if (lender.holders == 255) return {};
    packet p = take_receive(0);
    if (!p) return p;
    ++lender.holders;
    p->offset = static_cast<u16>(offset);  // in the lender's chunk, which may be longer than ours
    p->chunk = lender.chunk;
    p->flags = descriptor::borrowed;
    p->lender = &lender;
    p->length = static_cast<u16>(length);
    return p;
  }

  [[nodiscard]] u32 in_use() const { return in_use_; }
  [[nodiscard]] u32 available() const { return count_ - in_use_; }
  [[nodiscard]] u32 capacity() const { return count_; }
  [[nodiscard]] u32 chunk_size() const { return chunk_size_; }  ///< bytes
  [[nodiscard]] u32 exhausted() const { return exhausted_; }    ///< how often nothing was left to take
  [[nodiscard]] const std::byte* memory() const { return memory_; }

  /// 1 + the index of one of our descriptors: what links hold.
  [[nodiscard]] STRATA_OUT_OF_LINE u32 name(const descriptor& d) const { return static_cast<u32>(&d - table_) + 1; }
  /// The descriptor of a name; null for zero.
  [[nodiscard]] descriptor* named(u32 name) const { return name == 0 ? nullptr : table_ + (name - 1); }
  [[nodiscard]] bool shares_names(const pool& other) const { return table_ == other.table_; }  ///< as the chunks of a region and its slots do

  /// Builds with checks: remembers the frame at the moment it is posted.
  void seal(const descriptor& d) {
    if (hashes_ != nullptr) hashes_[name(d) - 1] = hash(d);
  }

 private:
  friend class packet;

  STRATA_ALWAYS_INLINE descriptor* next_free(u32 keep) {
    if (available() <= keep) [[unlikely]] {
      ++exhausted_;
      return nullptr;
    }
    if (free_ == 0) [[unlikely]] cut();
    descriptor* const d = table_ + (free_ - 1);
    free_ = d->queue;
    ++in_use_;
    // One store a word: whole-line clearing is cheaper than remembering which field a former life left behind.
    std::byte* const chunk = d->chunk;
    if constexpr (sizeof(std::size_t) >= 8) clear_words<sizeof *d>(reinterpret_cast<std::byte*>(d));  // what descriptor{} is
    else *d = descriptor{};
    d->home = this;
    d->chunk = chunk;
    return d;
  }
  /// The next chunk that was never used is free.
  STRATA_OFF_PATH void cut() {
    descriptor& d = table_[fresh_];
    d.chunk = memory_ + static_cast<std::size_t>(fresh_) * chunk_size_;
    d.queue = 0;
    free_ = ++fresh_;
  }
  /// What lay in another pool's chunk has its own again.
  STRATA_OFF_PATH void end_loan(descriptor& d) {
    descriptor& lender = *d.lender;
    d.flags = 0;
    d.chunk = memory_ + static_cast<std::size_t>(&d - table_) * chunk_size_;
    if (--lender.holders == 0 && lender.owners == 0) lender.home->give(lender);
  }
  void give(descriptor& d) {
    if ((d.flags & descriptor::borrowed) != 0) [[unlikely]] end_loan(d);
    d.queue = free_;
    free_ = name(d);
    --in_use_;
  }
  [[nodiscard]] bool is_as_posted(const descriptor& d) const { return hashes_ == nullptr || hashes_[name(d) - 1] == hash(d); }
  [[nodiscard]] static u32 hash(const descriptor& d) {  // FNV-1a over frame fields and bytes: a tripwire, not a defence
    u32 h = 2166136261u ^ (static_cast<u32>(d.offset) << 16 | d.length);
    for (u32 i = 0; i < d.length; ++i) h = (h ^ static_cast<u32>(d.chunk[d.offset + i])) * 16777619u;
    return h;
  }

 protected:
  std::byte* memory_ = nullptr;
  descriptor* table_ = nullptr;
  u32* hashes_ = nullptr;
  u32 chunk_size_ = 0;
  u32 count_ = 0;
  u32 free_ = 0;   // name of the first free descriptor that was used before
  u32 fresh_ = 0;  // how many were ever used
  u32 in_use_ = 0;
  u32 exhausted_ = 0;
};

inline void packet::restart(std::size_t offset) const {
  STRATA_EXPECTS(writable() && offset <= d_->home->chunk_size());
  d_->offset = static_cast<u16>(offset);
  d_->length = 0;
}
STRATA_SHORTER_INLINE inline std::span<std::byte> packet::room() const {
  STRATA_EXPECTS(writable());
  const u32 end = static_cast<u32>(d_->offset) + d_->length;
  return {d_->chunk + end, d_->home->chunk_size() - end};
}
STRATA_SHORTER_INLINE inline void packet::extend(std::size_t n) const {
  STRATA_EXPECTS(writable() && n <= d_->home->chunk_size() - (static_cast<u32>(d_->offset) + d_->length));
  d_->length = static_cast<u16>(d_->length + n);
}
inline void packet::become(owner next) {
  STRATA_EXPECTS(owner_ != owner::holder && next != owner::holder && (d_->owners & bit(next)) == 0);
#if STRATA_CHECKS
  if (is_below(owner_)) STRATA_EXPECTS(d_->home->is_as_posted(*d_));
  else if (is_below(next)) d_->home->seal(*d_);
#endif
  d_->owners = static_cast<u8>((d_->owners & ~bit(owner_)) | bit(next));
  owner_ = next;
}
inline packet packet::share(owner next) const {
  STRATA_EXPECTS(next != owner::holder && (d_->owners & bit(next)) == 0);
#if STRATA_CHECKS
  if (is_below(next)) d_->home->seal(*d_);
#endif
  d_->owners = static_cast<u8>(d_->owners | bit(next));
  return packet(*d_, next);
}
inline packet packet::hold() const {
  STRATA_EXPECTS(owner_ == owner::holder);
  if (d_->holders == 255) return {};
  ++d_->holders;
  return packet(*d_, owner::holder);
}
inline void packet::give_up(descriptor& d, owner as) {
  // The count that was just written is not read back: with its neighbour in one word, that would have to wait for the store.
  u32 others, left;
  if (as == owner::holder) {
    STRATA_EXPECTS(d.holders != 0);
    others = d.owners;
    left = d.holders - 1u;
    d.holders = static_cast<u8>(left);
  } else {
    STRATA_EXPECTS((d.owners & bit(as)) != 0);
#if STRATA_CHECKS
    if (is_below(as)) STRATA_EXPECTS(d.home->is_as_posted(d));
#endif
    others = d.holders;
    left = d.owners & ~u32{bit(as)};
    d.owners = static_cast<u8>(left);
  }
  if ((left | others) == 0) [[likely]] d.home->give(d);
}

/// `bytes` in a chunk of our own, held as what came; nothing if they do not fit in one, or the receive path would have fewer than `keep` of its chunks.
[[nodiscard]] inline packet copied(pool& chunks, std::span<const std::byte> bytes, u32 keep) {
  if (chunks.available() < keep) return {};
  packet p = chunks.take_receive(0);
  if (!p || p.room().size() < bytes.size()) return {};
  copy_bytes(p.room().data(), bytes.data(), bytes.size());
  p.extend(bytes.size());
  return p;
}

/// A first-in first-out list of packets through one of the named links; it owns what it holds under one kind of ownership.
template <u32 descriptor::* Link, owner As> class list {
 public:
  constexpr list() = default;
  list(const list&) = delete;
  list& operator=(const list&) = delete;

  [[nodiscard]] bool empty() const { return head_ == 0; }
  [[nodiscard]] u32 size() const { return size_; }
  /// `p` becomes ours, as `As`.
  void push(packet&& p) {
    pool& home = *p->home;
    if (p.as() != As) p.become(As);
    descriptor& d = *p.detach();
    d.*Link = 0;
    if (descriptor* last = home.named(tail_)) last->*Link = home.name(d);
    else head_ = home.name(d);
    tail_ = home.name(d);
    ++size_;
  }
  [[nodiscard]] descriptor* front(pool& home) const { return home.named(head_); }
  [[nodiscard]] descriptor* back(pool& home) const { return home.named(tail_); }
  [[nodiscard]] packet pop(pool& home) {
    descriptor* d = home.named(head_);
    if (d == nullptr) return {};
    head_ = d->*Link;
    if (head_ == 0) tail_ = 0;
    --size_;
    return packet::adopt(*d, As);
  }
  /// What pop() gave is the first again.
  void put_back(packet&& p) {
    STRATA_EXPECTS(p.as() == As);
    pool& home = *p->home;
    descriptor& d = *p.detach();
    d.*Link = head_;
    head_ = home.name(d);
    if (tail_ == 0) tail_ = head_;
    ++size_;
  }
  /// Drops everything.
  void clear(pool& home) {
    while (!empty()) (void)pop(home);
  }

 private:
  u32 head_ = 0;
  u32 tail_ = 0;
  u32 size_ = 0;
};

}  // namespace strata::inline STRATA_ABI::buffer
