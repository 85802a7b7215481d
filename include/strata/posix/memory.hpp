// SPDX-License-Identifier: MIT
// Memory for regions, from the largest pages that the system gives. A region of 32 MiB in pages of 4 KiB needs 8192 translations, in pages of 2 MiB 16.
#pragma once
#include <strata/buffer/region.hpp>

#include <cstdio>
#include <cstring>
#include <sys/mman.h>

namespace strata::inline STRATA_ABI::posix {

enum class pages_wanted : u8 { huge, transparent_huge, plain };

/// Mapped memory, given back in the destructor. Move-only. Empty if the system has none.
class mapping {
 public:
  static constexpr std::size_t huge_page = std::size_t{2} << 20;

  constexpr mapping() = default;
  mapping(mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), mapped_(std::exchange(other.mapped_, 0)), memory_(std::exchange(other.memory_, {})) {}
  mapping& operator=(mapping&& other) noexcept {
    if (this != &other) {
      unmap();
      base_ = std::exchange(other.base_, nullptr);
      mapped_ = std::exchange(other.mapped_, 0);
      memory_ = std::exchange(other.memory_, {});
    }
    return *this;
  }
  ~mapping() { unmap(); }

  /// At least `bytes`, zeroed, present (every page was touched, so that no fault comes later), starting at a page. Tries MAP_HUGETLB, which needs
  /// vm.nr_hugepages; then memory aligned to 2 MiB with MADV_HUGEPAGE; then plain pages. `first` says where to begin. memory().pages() says what came of it.
  [[nodiscard]] static mapping of(std::size_t bytes, pages_wanted first = pages_wanted::huge) {
    mapping m;
    if (bytes == 0 || bytes > (~std::size_t{0} >> 1)) return m;
    const std::size_t rounded = (bytes + huge_page - 1) / huge_page * huge_page;
#ifdef MAP_HUGETLB
    if (first == pages_wanted::huge) {
      constexpr int log2_of_page = 21 << 26;  // MAP_HUGE_2MB
      if (m.map(rounded, MAP_HUGETLB | MAP_POPULATE | log2_of_page)) {
        m.memory_ = region({static_cast<std::byte*>(m.base_), bytes}, buffer::page_kind::huge);
        return m;
      }
    }
#endif
#ifdef MADV_HUGEPAGE
    if (first != pages_wanted::plain && m.map(rounded + huge_page, 0)) {
      const std::size_t past = reinterpret_cast<std::size_t>(m.base_) % huge_page;
      std::byte* const aligned = static_cast<std::byte*>(m.base_) + (past == 0 ? 0 : huge_page - past);
      const bool is_advised = ::madvise(aligned, rounded, MADV_HUGEPAGE) == 0;
      touch(aligned, rounded);
      m.memory_ = region({aligned, bytes}, is_advised && has_huge_pages(aligned) ? buffer::page_kind::transparent_huge : buffer::page_kind::plain);
      return m;
    }
#endif
    if (m.map(bytes, 0)) {
      touch(static_cast<std::byte*>(m.base_), bytes);
      m.memory_ = region({static_cast<std::byte*>(m.base_), bytes}, buffer::page_kind::plain);
    }
    return m;
  }

  [[nodiscard]] const region& memory() const { return memory_; }
  operator region() const { return memory_; }
  /// The memory stays mapped for the rest of the process's life.
  region release() {
    base_ = nullptr;
    mapped_ = 0;
    return std::exchange(memory_, {});
  }

 private:
  bool map(std::size_t bytes, int flags) {
    void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED) return false;
    base_ = p;
    mapped_ = bytes;
    return true;
  }
  void unmap() {
    if (base_ != nullptr) (void)::munmap(base_, mapped_);
    base_ = nullptr;
    mapped_ = 0;
    memory_ = {};
  }
  static void touch(std::byte* p, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 4096) *static_cast<volatile std::byte*>(p + i) = std::byte{0};
  }
  /// madvise succeeds also where transparent huge pages are switched off, so the kernel is asked what it did.
  [[nodiscard]] static bool has_huge_pages(const void* where) {
    std::FILE* const f = std::fopen("/proc/self/smaps", "re");
    if (f == nullptr) return false;
    const auto at = static_cast<unsigned long long>(reinterpret_cast<std::size_t>(where));
    char line[512];
    bool is_ours = false;
    unsigned long long from = 0, to = 0, kilobytes = 0;
    while (std::fgets(line, sizeof line, f) != nullptr) {
      if (std::sscanf(line, "%llx-%llx ", &from, &to) == 2) is_ours = from <= at && at < to;
      else if (is_ours && std::sscanf(line, "AnonHugePages: %llu", &kilobytes) == 1) break;
    }
    (void)std::fclose(f);
    return kilobytes > 0;
  }

  void* base_ = nullptr;
  std::size_t mapped_ = 0;
  region memory_{};
};

/// A region of at least `bytes` in the largest pages there are, mapped for the rest of the process's life: a stack and its NIC may outlive every scope.
/// Empty if the system has no memory. pages() says what it is made of. Tests that give it back hold a `mapping`.
[[nodiscard]] inline region huge_pages(std::size_t bytes) { return mapping::of(bytes).release(); }

}  // namespace strata::inline STRATA_ABI::posix
