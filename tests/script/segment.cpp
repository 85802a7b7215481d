// SPDX-License-Identifier: MIT
#include "segment.hpp"

namespace strata::script {
namespace {

unsigned number(std::span<const std::byte> b, std::size_t at, unsigned bytes) {
  unsigned n = 0;
  for (unsigned i = 0; i < bytes; ++i) n = n << 8 | static_cast<unsigned>(b[at + i]);
  return n;
}
void put(std::vector<std::byte>& to, unsigned long n, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) to.push_back(static_cast<std::byte>(n >> (8 * i) & 0xff));
}

/// RFC 1071 §4.1, byte by byte.
unsigned sum_of(std::span<const std::byte> b, unsigned sum) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    sum += static_cast<unsigned>(b[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}
/// With the pseudo-header of RFC 9293 §3.1, which sums to the same for IPv6 (RFC 8200 §8.1).
unsigned whole_sum(std::span<const std::byte> segment, std::span<const std::byte> addresses) {
  unsigned sum = sum_of(addresses, 0) + 6 + static_cast<unsigned>(segment.size());
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum_of(segment, sum);
}

}  // namespace

std::optional<seen> dissect(std::span<const std::byte> b, std::span<const std::byte> addresses, std::string& why) {
  const auto wrong = [&why](const char* text) { why = text; return std::nullopt; };
  if (b.size() < 20) return wrong("a segment is shorter than a TCP header");
  if (whole_sum(b, addresses) != 0xffff) return wrong("the checksum of a segment is wrong");
  const std::size_t header = static_cast<std::size_t>(b[12] >> 4) * 4;
  if (header < 20 || header > b.size()) return wrong("the header length of a segment is wrong");
  if ((b[12] & std::byte{0x0f}) != std::byte{0}) return wrong("reserved bits are set");
  seen s;
  s.source = static_cast<std::uint16_t>(number(b, 0, 2));
  s.destination = static_cast<std::uint16_t>(number(b, 2, 2));
  s.seq = number(b, 4, 4);
  s.ack = number(b, 8, 4);
  s.flags = static_cast<std::uint8_t>(b[13]);
  s.window = static_cast<std::uint16_t>(number(b, 14, 2));
  if ((s.flags & 32) == 0 && number(b, 18, 2) != 0) return wrong("an urgent pointer without URG");
  if ((s.flags & 16) == 0 && s.ack != 0) return wrong("an acknowledgment number without ACK");
  for (std::size_t i = 20; i < header;) {
    const unsigned kind = number(b, i, 1);
    if (kind == 0) {
      for (; i < header; ++i) if (b[i] != std::byte{0}) return wrong("bytes behind the end of options are not zero");
      break;
    }
    if (kind == 1) { ++i; continue; }
    if (i + 2 > header) return wrong("an option without its length");
    const unsigned length = number(b, i + 1, 1);
    if (length < 2 || i + length > header) return wrong("an option's length leads out of the header");
    if (kind == 2 && length == 4) s.has_mss = true, s.mss = static_cast<std::uint16_t>(number(b, i + 2, 2));
    else if (kind == 3 && length == 3) s.has_shift = true, s.shift = static_cast<std::uint8_t>(number(b, i + 2, 1));
    else if (kind == 4 && length == 2) s.sack_ok = true;
    else if (kind == 8 && length == 10) s.has_ts = true, s.ts_value = number(b, i + 2, 4), s.ts_echo = number(b, i + 6, 4);
    else return wrong("an option that nobody asked for");
    i += length;
  }
  s.data.assign(b.begin() + static_cast<std::ptrdiff_t>(header), b.end());
  return s;
}

std::vector<std::byte> compose(const seen& s, std::span<const std::byte> options, std::span<const std::byte> addresses) {
  std::vector<std::byte> b;
  put(b, s.source, 2), put(b, s.destination, 2), put(b, s.seq, 4), put(b, s.ack, 4);
  put(b, (20 + options.size()) / 4 << 4, 1), put(b, s.flags, 1), put(b, s.window, 2), put(b, 0, 2), put(b, s.urgent, 2);
  b.insert(b.end(), options.begin(), options.end());
  b.insert(b.end(), s.data.begin(), s.data.end());
  seal(b, addresses);
  return b;
}
void seal(std::vector<std::byte>& b, std::span<const std::byte> addresses) {
  b[16] = b[17] = std::byte{0};
  const unsigned sum = ~whole_sum(b, addresses) & 0xffff;
  b[16] = static_cast<std::byte>(sum >> 8), b[17] = static_cast<std::byte>(sum & 0xff);
}

std::vector<std::byte> usual_options(const seen& s) {
  std::vector<std::byte> b;
  if (s.has_mss) put(b, 0x0204'0000u | s.mss, 4);
  if (s.sack_ok) put(b, 0x0101'0402u, 4);
  if (s.has_ts) put(b, 0x0101'080au, 4), put(b, s.ts_value, 4), put(b, s.ts_echo, 4);
  if (s.has_shift) put(b, 0x0103'0300u | s.shift, 4);
  return b;
}

}  // namespace strata::script
