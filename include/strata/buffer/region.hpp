// SPDX-License-Identifier: MIT
// A region is contiguous memory that the caller owns: an AF_XDP UMEM, huge pages, a static array. The stack cuts it in equal chunks.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::buffer {

/// What the region's memory is made of; benchmarks print it beside each figure.
enum class page_kind : u8 { unknown, plain, transparent_huge, huge };

class region {
 public:
  constexpr region() = default;
  /// `bytes` must outlive every stack that uses it; alignment to a cache line is the caller's (64 bytes are enough for all drivers but AF_XDP, which wants a page).
  constexpr region(std::span<std::byte> bytes, page_kind pages = page_kind::unknown) : data_(bytes.data()), size_(bytes.size()), pages_(pages) {}
  template <std::size_t N> constexpr region(std::byte (&bytes)[N]) : data_(bytes), size_(N) {}

  [[nodiscard]] constexpr std::byte* data() const { return data_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }  ///< bytes
  [[nodiscard]] constexpr page_kind pages() const { return pages_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  page_kind pages_ = page_kind::unknown;
};

}  // namespace strata::inline STRATA_ABI::buffer
namespace strata::inline STRATA_ABI {
using buffer::region;
}
