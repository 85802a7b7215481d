// SPDX-License-Identifier: MIT
// Bytes as they are printed by packet dumps, for tests of codecs: hex("45 00 00 14").
#pragma once
#include <strata/core/types.hpp>

namespace wire_test {

void these_are_no_hexadecimal_bytes();  // never defined: constant evaluation that reaches it does not compile

template <std::size_t Room> struct hex_bytes {
  std::byte data[Room] = {};
  std::size_t size = 0;
  [[nodiscard]] constexpr std::span<const std::byte> all() const { return {data, size}; }
  [[nodiscard]] constexpr std::span<const std::byte> first(std::size_t n) const { return all().first(n); }
  constexpr operator std::span<const std::byte>() const { return all(); }
  /// The same with one byte changed.
  [[nodiscard]] constexpr hex_bytes with(std::size_t at, int value) const {
    hex_bytes b = *this;
    b.data[at] = static_cast<std::byte>(value);
    return b;
  }
};

template <std::size_t N> [[nodiscard]] consteval auto hex(const char (&text)[N]) {
  hex_bytes<(N + 1) / 2> b;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    these_are_no_hexadecimal_bytes();
    return 0;
  };
  for (std::size_t i = 0; i + 1 < N; ++i) {
    if (text[i] == ' ') continue;
    b.data[b.size++] = static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1]));
    ++i;
  }
  return b;
}

[[nodiscard]] constexpr bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

/// Whether `value` writes the first Size bytes of `wanted`, and nothing behind them.
template <std::size_t Size, class Value> [[nodiscard]] constexpr bool emits(const Value& value, std::span<const std::byte> wanted) {
  std::byte out[Size + 1];
  for (std::byte& b : out) b = std::byte{0xee};
  value.emit(out);
  return equal(std::span<const std::byte>(out, Size), wanted.first(Size)) && out[Size] == std::byte{0xee};
}

/// Whether no prefix of `bytes` shorter than `least` is taken for a message.
template <class Codec> [[nodiscard]] constexpr bool refuses_below(std::size_t least, std::span<const std::byte> bytes) {
  for (std::size_t n = 0; n < least; ++n)
    if (Codec::parse(bytes.first(n))) return false;
  return Codec::parse(bytes.first(least)).has_value();
}

}  // namespace wire_test
