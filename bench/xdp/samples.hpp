// SPDX-License-Identifier: MIT
// Times of single exchanges, in blocks: those who are compared take turns, a block each, so that whatever else the machine does meets them alike.
#pragma once
#include <strata/core/types.hpp>

#include <algorithm>
#include <vector>

namespace bench {
using strata::u32, strata::u64;

/// The value at `part` of the way up, 0 .. 1.
template <class T> [[nodiscard]] T quantile(std::vector<T> values, double part) {
  if (values.empty()) return {};
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

class samples {
 public:
  void add(u64 ns) { block_.push_back(static_cast<double>(ns)); }
  void add(double ns) { block_.push_back(ns); }
  /// The block is over; a first one that only warmed up is forgotten.
  void end_block(bool is_kept) {
    if (is_kept) {
      medians_.push_back(quantile(block_, 0.5));
      all_.insert(all_.end(), block_.begin(), block_.end());
    }
    block_.clear();
  }
  [[nodiscard]] double at(double part) const { return quantile(all_, part); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

  /// The median over the blocks of what this one's median has more than that of the other's block beside it; and by how much it is larger.
  [[nodiscard]] double more_than(const samples& other) const {
    return over_blocks(other, [](double a, double b) { return a - b; });
  }
  [[nodiscard]] double times(const samples& other) const {
    return over_blocks(other, [](double a, double b) { return a / b; });
  }

 private:
  [[nodiscard]] double over_blocks(const samples& other, auto&& f) const {
    std::vector<double> v;
    for (std::size_t i = 0; i < medians_.size() && i < other.medians_.size(); ++i) v.push_back(f(medians_[i], other.medians_[i]));
    return quantile(v, 0.5);
  }

  std::vector<double> block_, all_, medians_;
};

}  // namespace bench
