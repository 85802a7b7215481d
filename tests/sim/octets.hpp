// SPDX-License-Identifier: MIT
// Reading numbers and checksums off a frame, for the frame checker only: it shares no line with what it checks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace checker {

using octets = std::span<const std::byte>;

inline unsigned at8(octets b, std::size_t i) { return static_cast<unsigned>(b[i]); }
inline unsigned at16(octets b, std::size_t i) { return at8(b, i) * 256 + at8(b, i + 1); }
inline std::uint32_t at32(octets b, std::size_t i) { return static_cast<std::uint32_t>(at16(b, i)) * 65536u + at16(b, i + 2); }

/// RFC 1071 §1: the one's complement sum of 16-bit words, an odd last byte padded with zero; `from` is a sum so far. Folded to 16 bits.
inline unsigned sum_of_words(octets b, unsigned from = 0) {
  std::uint64_t sum = from;
  for (std::size_t i = 0; i + 1 < b.size(); i += 2) sum += at16(b, i);
  if (b.size() % 2 == 1) sum += at8(b, b.size() - 1) * 256u;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<unsigned>(sum);
}
/// Whether bytes with their checksum inside add up to all ones.
inline bool adds_up(octets b, unsigned from = 0) { return sum_of_words(b, from) == 0xffff; }

/// RFC 9293 §3.1, RFC 768: source, destination, zero and protocol, length.
inline unsigned pseudo_header(std::uint32_t source, std::uint32_t destination, unsigned protocol, std::size_t length) {
  std::uint64_t sum = (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff) + protocol + length;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<unsigned>(sum);
}

/// a before b on the circle of sequence numbers, RFC 9293 §3.4.
inline bool before(std::uint32_t a, std::uint32_t b) { return a - b > 0x7fff'ffffu; }
inline bool after(std::uint32_t a, std::uint32_t b) { return before(b, a); }

}  // namespace checker
