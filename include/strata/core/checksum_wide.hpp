// SPDX-License-Identifier: MIT
// The Internet checksum in 64-bit lanes, for little-endian machines that load words at any address. Included by checksum.hpp only.
//
// A one's complement sum does not care about the order of bytes (RFC 1071 §2 (B)): words are added as the machine reads them and the folded result is
// swapped once. Vectors are the compiler's own, of 16, 32 or 64 bytes, so that no build pays for <immintrin.h> (0.5 s).
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/checksum_portable.hpp>

namespace strata::inline STRATA_ABI::checksum_by {

namespace detail {

template <class T> [[nodiscard]] inline T load_native(const std::byte* p) {
  T v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T> inline void store_native(std::byte* p, const T& v) { __builtin_memcpy(p, &v, sizeof v); }

/// Adds 64-bit words in three operations each: `all` wraps, `high` counts the upper halves, and the lower halves are what remains.
template <class Lanes> struct lane_sum {
  Lanes all{};
  Lanes high{};
  void add(Lanes w) { all += w, high += w >> 32; }
  void add(const lane_sum& other) { all += other.all, high += other.high; }
  [[nodiscard]] Lanes total() const { return (all - (high << 32)) + high; }
};

[[nodiscard]] inline u32 in_network_order(u64 sum) { return __builtin_bswap16(fold(sum)); }

/// Fewer than 8 bytes, as the low bytes of a word. No load leaves the range.
[[nodiscard]] inline u64 short_word(const std::byte* p, std::size_t n) {
  if (n >= 4) return load_native<u32>(p) | (static_cast<u64>(load_native<u32>(p + n - 4)) >> (8 * (8 - n))) << 32;
  if (n == 0) return 0;
  return static_cast<u64>(p[0]) | static_cast<u64>(p[n / 2]) << (8 * (n / 2)) | static_cast<u64>(p[n - 1]) << (8 * (n - 1));
}

[[nodiscard]] inline u64 words(const std::byte* p, std::size_t n) {
  if (n < 8) {
    const u64 w = short_word(p, n);
    return (w & 0xffffffff) + (w >> 32);
  }
  lane_sum<u64> sum;
  std::size_t at = 0;
  for (; at + 8 <= n; at += 8) sum.add(load_native<u64>(p + at));
  if (at < n) sum.add(load_native<u64>(p + n - 8) >> (8 * (8 - (n - at))));  // the last word again, without the bytes that are counted
  return sum.total();
}

#if defined(__x86_64__) || defined(__aarch64__)
template <std::size_t Width> struct vector_of { typedef u64 type __attribute__((vector_size(Width))); };
template <std::size_t Width> using vector = typename vector_of<Width>::type;

/// Width zeros and Width ones: a window of it masks the front of a vector.
template <std::size_t Width> struct mask_bytes {
  alignas(Width) u8 bytes[2 * Width];
  constexpr mask_bytes() : bytes{} {
    for (std::size_t i = Width; i < 2 * Width; ++i) bytes[i] = 0xff;
  }
};
template <std::size_t Width> inline constexpr mask_bytes<Width> masks{};

template <std::size_t Width> [[nodiscard]] inline u64 sum_of_lanes(const vector<Width>& v) {
  if constexpr (Width == 16) {
    return v[0] + v[1];
  } else if constexpr (Width == 32) {
    const vector<16> h = __builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3);
    return sum_of_lanes<16>(h);
  } else {
    const vector<32> h = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
    return sum_of_lanes<32>(h);
  }
}

/// From Width to 4 * Width - 1 bytes, without a loop: as many whole vectors as there are, and the last one again, from an even offset, without the bytes that are
/// counted; then an odd byte by itself. see(at, vector) gets each whole one.
template <std::size_t Width> [[nodiscard]] STRATA_ALWAYS_INLINE inline u64 few_vectors(const std::byte* p, std::size_t n, auto&& see) {
  using lanes = vector<Width>;
  lane_sum<lanes> sum;
  const auto add = [&](std::size_t at) STRATA_INLINE_LAMBDA {
    const lanes v = load_native<lanes>(p + at);
    see(at, v);
    sum.add(v);
  };
  add(0);
  if (n >= 2 * Width) [[likely]] add(Width);
  if (n >= 3 * Width) [[unlikely]] add(2 * Width);
  if (n % Width == 0) [[unlikely]] return sum_of_lanes<Width>(sum.total());
  const std::size_t left = n % Width & ~std::size_t{1};
  const std::byte* const mask = reinterpret_cast<const std::byte*>(masks<Width>.bytes) + left;
  sum.add(load_native<lanes>(p + (n & ~std::size_t{1}) - Width) & load_native<lanes>(mask));
  const u64 all = sum_of_lanes<Width>(sum.total());
  return (n & 1) == 0 ? all : all + static_cast<u64>(p[n - 1]);
}

/// At least Width bytes.
template <std::size_t Width> [[nodiscard]] inline u64 vectors(const std::byte* p, std::size_t n) {
  using lanes = vector<Width>;
  if (n < 4 * Width) return few_vectors<Width>(p, n, [](std::size_t, const lanes&) {});
  lane_sum<lanes> sum, second;  // a second chain, so that additions do not wait for each other
  std::size_t at = 0;
  for (; at + 4 * Width <= n; at += 4 * Width) {
    sum.add(load_native<lanes>(p + at));
    second.add(load_native<lanes>(p + at + Width));
    sum.add(load_native<lanes>(p + at + 2 * Width));
    second.add(load_native<lanes>(p + at + 3 * Width));
  }
  sum.add(second);
  for (; at + Width <= n; at += Width) sum.add(load_native<lanes>(p + at));
  if (at == n) return sum_of_lanes<Width>(sum.total());
  // The last vector again, from an even offset, without the bytes that are counted; then an odd byte by itself.
  const std::size_t even = n & ~std::size_t{1};
  const std::byte* const mask = reinterpret_cast<const std::byte*>(masks<Width>.bytes) + (even - at);
  sum.add(load_native<lanes>(p + even - Width) & load_native<lanes>(mask));
  return sum_of_lanes<Width>(sum.total()) + ((n & 1) != 0 ? static_cast<u64>(p[n - 1]) : 0);
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
/// At least Width bytes that are copied on the way: what is loaded to be stored is added too.
template <std::size_t Width> [[nodiscard]] inline u64 copied_vectors(std::byte* to, const std::byte* p, std::size_t n) {
  using lanes = vector<Width>;
#ifdef STRATA_COUNT_COPIES
  if (on_copy != nullptr) on_copy(p, n);
#endif
  if (n < 4 * Width) {
    const lanes last = load_native<lanes>(p + n - Width);
    store_native(to + n - Width, last);  // some of it twice
    return few_vectors<Width>(p, n, [to](std::size_t at, const lanes& v) STRATA_INLINE_LAMBDA { store_native(to + at, v); });
  }
  lane_sum<lanes> sum, second;  // as in vectors()
  std::size_t at = 0;
  const auto copy = [&](lane_sum<lanes>& to_sum) STRATA_INLINE_LAMBDA {
    const lanes v = load_native<lanes>(p + at);
    store_native(to + at, v);
    to_sum.add(v);
    at += Width;
  };
  while (at + 2 * Width <= n) copy(sum), copy(second);
  sum.add(second);
  if (at + Width <= n) copy(sum);
  if (at == n) return sum_of_lanes<Width>(sum.total());
  store_native(to + n - Width, load_native<lanes>(p + n - Width));  // the last vector: some of it once more
  const std::size_t even = n & ~std::size_t{1};
  const std::byte* const mask = reinterpret_cast<const std::byte*>(masks<Width>.bytes) + (even - at);
  sum.add(load_native<lanes>(p + even - Width) & load_native<lanes>(mask));
  return sum_of_lanes<Width>(sum.total()) + ((n & 1) != 0 ? static_cast<u64>(p[n - 1]) : 0);
}
#endif

}  // namespace detail

#if defined(__AVX2__)
/// The sum of 32 bytes or more that are copied in the same pass, between places that do not overlap: for a segment at most. A call, so that its caller keeps its registers.
[[nodiscard, gnu::noinline]] inline u32 avx2_copied(std::byte* to, std::span<const std::byte> from) {
  return detail::in_network_order(detail::copied_vectors<32>(to, from.data(), from.size()));
}
#endif

/// 64-bit words, and the 16-byte vectors that each 64-bit machine has.
[[nodiscard]] inline u32 wide(std::span<const std::byte> bytes) {
#if defined(__x86_64__) || defined(__aarch64__)
  if (bytes.size() >= 64) return detail::in_network_order(detail::vectors<16>(bytes.data(), bytes.size()));
#endif
  return detail::in_network_order(detail::words(bytes.data(), bytes.size()));
}

#if defined(__AVX2__)
[[nodiscard]] inline u32 avx2(std::span<const std::byte> bytes) {
  if (bytes.size() < 32) [[unlikely]] return detail::in_network_order(detail::words(bytes.data(), bytes.size()));
  return detail::in_network_order(detail::vectors<32>(bytes.data(), bytes.size()));
}
#endif

#if defined(__AVX512BW__) && defined(__AVX512VL__)
[[nodiscard]] inline u32 avx512(std::span<const std::byte> bytes) {
  if (bytes.size() < 32) [[unlikely]] return detail::in_network_order(detail::words(bytes.data(), bytes.size()));
  if (bytes.size() < 128) return detail::in_network_order(detail::vectors<32>(bytes.data(), bytes.size()));
  return detail::in_network_order(detail::vectors<64>(bytes.data(), bytes.size()));
}
#endif

}  // namespace strata::inline STRATA_ABI::checksum_by
