// SPDX-License-Identifier: MIT
// What a thread copies without the stack's lock: places in chunks that nobody else writes meanwhile, and the sums that it made.
#pragma once
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::tcp {

class apart {
 public:
  static constexpr u32 most = 32;  ///< places a time: 46 KB in segments of 1460 B
  struct place {
    std::byte* at = nullptr;
    u32 bytes = 0;
    u32 sum = 0;   ///< of what was written, uncomplemented
    u32 name = 0;  ///< of the chunk
  };

  [[nodiscard]] bool is_full() const { return count_ == most; }
  [[nodiscard]] u32 count() const { return count_; }
  [[nodiscard]] u32 bytes() const { return bytes_; }
  [[nodiscard]] bool makes_sums() const { return makes_sums_; }
  [[nodiscard]] std::span<const place> places() const { return {places_, count_}; }
  void add(std::byte* at, u32 n, u32 name) {
    STRATA_EXPECTS(!is_full());
    places_[count_++] = {at, n, 0, name};
    bytes_ += n;
  }
  void make_sums(bool wanted) { makes_sums_ = wanted; }

  /// From the application's memory to the places. Precondition: from.size() >= bytes().
  void fill(std::span<const std::byte> from) {
    for (u32 i = 0; i < count_; ++i) {
      place& p = places_[i];
      if (makes_sums_) p.sum = copy_and_sum(p.at, from.data(), p.bytes);
      else copy_bytes(p.at, from.data(), p.bytes);
      from = from.subspan(p.bytes);
    }
  }
  /// From the places to the application's memory. Precondition: to.size() >= bytes().
  void copy_to(std::span<std::byte> to) const {
    for (const place& p : places()) {
      copy_bytes(to.data(), p.at, p.bytes);
      to = to.subspan(p.bytes);
    }
  }

 private:
  place places_[most];
  u32 count_ = 0;
  u32 bytes_ = 0;
  bool makes_sums_ = false;
};

}  // namespace strata::inline STRATA_ABI::tcp
