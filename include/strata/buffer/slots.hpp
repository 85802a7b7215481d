// SPDX-License-Identifier: MIT
// Chunks that are cut in slots, so that a small message in flight takes 144, 256 or 512 bytes and not a whole chunk.
//
//   chunk | slot 0 | slot 1 | ... | slot n-1 |      each has a descriptor of its own, and to every layer and driver it is a chunk, only shorter
//
// A pool of slots takes whole chunks from the pool of the region when it has none left, and gives back those of which all slots are free when that runs low.
// Slots and chunks share one table, so that a name names either. Of a chunk that is cut, `descriptor::cut` is set, `queue` names its first slot, and `body`
// says how long a slot is: a driver that knows frames by their address finds the slot by slot_at().
#pragma once
#include <strata/buffer/pool.hpp>

namespace strata::inline STRATA_ABI::buffer {

/// The slot at `offset` bytes from the start of a chunk that is cut.
[[nodiscard]] inline descriptor& slot_at(const descriptor& whole, u64 offset) {
  return *whole.home->named(whole.queue + static_cast<u32>(offset) / whole.body);
}

class slot_pool : public pool {
 public:
  /// Slots of `bytes`, whose descriptors are those of `table` from index `first` on. `whole` is the pool of the table's chunks.
  void open(pool& whole, std::span<descriptor> table, u32 first, u32 descriptors, u32 bytes, u32* hashes = nullptr) {
    STRATA_EXPECTS(in_use_ == 0 && bytes >= 64 && whole.chunk_size() >= bytes && first + descriptors <= table.size());
    whole_ = &whole;
    table_ = table.data();
    hashes_ = hashes;
    chunk_size_ = bytes;
    first_ = first;
    per_chunk_ = whole.chunk_size() / bytes;
    blocks_ = descriptors / per_chunk_;
    count_ = free_ = fresh_blocks_ = free_block_ = cut_ = 0;
    fruitless_at_ = ~u32{0};
  }

  /// A slot in hand, empty, its frame starting at `headroom`. If none is free a chunk is cut, unless only `keep` chunks are left.
  [[nodiscard]] packet take(u32 headroom, u32 keep) {
    if (free_ == 0 && !cut(keep)) return {};
    return pool::take(headroom);
  }
  /// Gives chunks back of which all slots are free; how many. What found none is not tried again before a slot more is free.
  u32 trim() {
    if (cut_ == 0 || in_use_ >= fruitless_at_ || available() < per_chunk_) return 0;
    u32 given = 0;
    free_ = 0;
    for (u32 b = 0; b < fresh_blocks_; ++b) {
      descriptor* const slots = table_ + first_ + b * per_chunk_;
      if (slots->chunk == nullptr) continue;
      bool is_idle = true;
      for (u32 i = 0; i < per_chunk_; ++i) is_idle = is_idle && (slots[i].owners | slots[i].holders) == 0;
      if (is_idle) {
        put_back(*slots);
        ++given;
        continue;
      }
      for (u32 i = per_chunk_; i-- > 0;) {
        if ((slots[i].owners | slots[i].holders) != 0) continue;
        slots[i].queue = free_;
        free_ = name(slots[i]);
      }
    }
    if (given == 0) fruitless_at_ = in_use_;
    return given;
  }

  [[nodiscard]] u32 chunks_cut() const { return cut_; }
  /// How many of them hold something, at least.
  [[nodiscard]] u32 chunks_filled() const { return per_chunk_ == 0 ? 0 : (in_use_ + per_chunk_ - 1) / per_chunk_; }

 private:
  bool cut(u32 keep) {
    descriptor* slots;
    if (free_block_ != 0) slots = named(free_block_);
    else if (fresh_blocks_ < blocks_) slots = table_ + first_ + fresh_blocks_ * per_chunk_;
    else return false;
    packet p = whole_->take(0, keep);
    if (!p) return false;
    if (free_block_ != 0) free_block_ = slots->below;
    else ++fresh_blocks_;
    descriptor& d = *p.detach();  // the application's bit stays: the chunk is ours until it is given back
    d.flags = descriptor::cut;
    d.queue = name(*slots);
    d.body = static_cast<u16>(chunk_size_);
    for (u32 i = per_chunk_; i-- > 0;) {
      slots[i] = descriptor{};
      slots[i].chunk = d.chunk + i * chunk_size_;
      slots[i].queue = free_;
      free_ = name(slots[i]);
    }
    count_ += per_chunk_;
    ++cut_;
    fruitless_at_ = ~u32{0};
    return true;
  }
  void put_back(descriptor& first) {
    const std::size_t offset = static_cast<std::size_t>(first.chunk - whole_->memory());
    descriptor& d = *whole_->named(static_cast<u32>(offset / whole_->chunk_size()) + 1);
    d.flags = 0;
    packet::adopt(d, owner::application).reset();
    first.chunk = nullptr;
    first.below = free_block_;
    free_block_ = name(first);
    count_ -= per_chunk_;
    --cut_;
  }

  pool* whole_ = nullptr;
  u32 first_ = 0, per_chunk_ = 0, blocks_ = 0;
  u32 fresh_blocks_ = 0, free_block_ = 0;  // of descriptors that have a chunk, or had one
  u32 cut_ = 0;
  u32 fruitless_at_ = 0;
};

}  // namespace strata::inline STRATA_ABI::buffer
