// SPDX-License-Identifier: MIT
// Segments on the player's side, written from RFC 9293 and RFC 7323 with none of strata's code: what the tests compare strata with must not share
// its mistakes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata::script {

/// What was read of one segment that strata sent. Absolute numbers, as on the wire.
struct seen {
  std::uint16_t source = 0, destination = 0, window = 0, mss = 0, urgent = 0;
  std::uint32_t seq = 0, ack = 0, ts_value = 0, ts_echo = 0;
  std::uint8_t flags = 0, shift = 0;
  bool has_mss = false, has_shift = false, has_ts = false, sack_ok = false;
  std::vector<std::byte> data;
};

/// Reads a segment; nothing if it breaks a rule that every segment must keep, and `why` says which: the checksum over the pseudo-header (`addresses` are
/// the bytes of source and destination), the header length, reserved bits, options that end where they should.
std::optional<seen> dissect(std::span<const std::byte> segment, std::span<const std::byte> addresses, std::string& why);

/// Writes a segment with its checksum.
std::vector<std::byte> compose(const seen& s, std::span<const std::byte> options, std::span<const std::byte> addresses);

/// Puts the right checksum into a segment.
void seal(std::vector<std::byte>& segment, std::span<const std::byte> addresses);

/// Option bytes as most peers lay them out.
std::vector<std::byte> usual_options(const seen& s);

/// The byte at position `n` of a stream: what either side sends there. `side` tells the two directions apart.
constexpr std::byte content(std::uint64_t n, unsigned side) { return static_cast<std::byte>((n * 167 + (n >> 8) * 13 + side * 91 + 7) & 0xff); }

}  // namespace strata::script
