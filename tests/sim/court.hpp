// SPDX-License-Identifier: MIT
// The judge is judged: what frames for it are made of, and a judge with a wire that loses nothing.
#pragma once
#include "frame_checker.hpp"

#include <catch2/catch_test_macros.hpp>

namespace court_of {

using namespace checker;
using frame = std::vector<std::byte>;

inline constexpr host hosts[2] = {{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}, 0x0a000001}, {{std::byte{2}, {}, {}, {}, {}, std::byte{2}}, 0x0a000081}};

inline void put16(frame& f, std::size_t at, unsigned v) { f[at] = static_cast<std::byte>(v >> 8), f[at + 1] = static_cast<std::byte>(v); }
inline void put32(frame& f, std::size_t at, std::uint32_t v) { put16(f, at, v >> 16), put16(f, at + 2, v & 0xffff); }
inline octets from(const frame& f, std::size_t at) { return octets(f).subspan(at); }

/// Sums of a frame as they should be; `protocol` 0: the IP header only.
inline frame summed(frame f, unsigned protocol) {
  put16(f, 24, 0);
  put16(f, 24, 0xffff - sum_of_words(octets(f).subspan(14, 20)));
  const std::size_t place = protocol == 6 ? 50 : protocol == 17 ? 40 : protocol == 1 ? 36 : 0;
  if (place == 0) return f;
  put16(f, place, 0);
  const unsigned pseudo = protocol == 1 ? 0 : pseudo_header(at32(f, 26), at32(f, 30), protocol, f.size() - 34);
  const unsigned sum = 0xffff - sum_of_words(from(f, 34), pseudo);
  put16(f, place, protocol == 17 && sum == 0 ? 0xffff : sum);
  return f;
}
inline frame datagram(int side, unsigned protocol, const frame& body) {
  frame f(34);
  std::copy_n(hosts[1 - side].mac, 6, f.begin());
  std::copy_n(hosts[side].mac, 6, f.begin() + 6);
  put16(f, 12, 0x0800), put16(f, 14, 0x4500), put16(f, 16, static_cast<unsigned>(20 + body.size())), put16(f, 20, 0x4000), put16(f, 22, 64 * 256 + protocol);
  put32(f, 26, hosts[side].ip), put32(f, 30, hosts[1 - side].ip);
  f.insert(f.end(), body.begin(), body.end());
  return summed(f, protocol);
}

struct segment {
  unsigned flags = tcp_segment::ack_bit;
  std::uint32_t seq = 0, ack = 0;
  unsigned window = 1000;
  std::string data{};
  frame options{};
};
inline frame options(std::initializer_list<unsigned> bytes) {
  frame f;
  for (const unsigned b : bytes) f.push_back(static_cast<std::byte>(b));
  return f;
}
inline frame times(std::uint32_t value, std::uint32_t echo) {
  frame f = options({1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0});
  put32(f, 4, value), put32(f, 8, echo);
  return f;
}
inline frame tcp(int side, const segment& s) {
  frame b(20);
  put16(b, side == 0 ? 0 : 2, 40000), put16(b, side == 0 ? 2 : 0, 80);
  put32(b, 4, s.seq), put32(b, 8, s.ack);
  put16(b, 12, static_cast<unsigned>((20 + s.options.size()) / 4) << 12 | s.flags), put16(b, 14, s.window);
  b.insert(b.end(), s.options.begin(), s.options.end());
  for (const char c : s.data) b.push_back(static_cast<std::byte>(c));
  return datagram(side, 6, b);
}

constexpr unsigned syn = tcp_segment::syn, ack = tcp_segment::ack_bit, fin = tcp_segment::fin, rst = tcp_segment::rst;
inline const frame mss_1000 = options({2, 4, 3, 232});
inline const frame mss_scale = options({2, 4, 3, 232, 1, 3, 3, 2});
inline frame with(frame a, const frame& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A judge, and a wire that loses nothing.
struct court {
  frame_checker judge{hosts[0], hosts[1], 1500};
  /// Sent and lost.
  void lost(int side, const frame& f) { judge.sent(side, f); }
  void pass(int side, const frame& f) {
    judge.sent(side, f);
    judge.arrived(1 - side, f);
  }
  void pass(int side, const segment& s) { pass(side, tcp(side, s)); }
  /// 40000 > 80 is open: the client is at 1001, the server at 5001; windows of 1000.
  void open() {
    pass(0, {.flags = syn, .seq = 1000, .options = mss_1000});
    pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = mss_1000});
    pass(0, {.seq = 1001, .ack = 5001});
  }
  void open_with_times() {
    pass(0, {.flags = syn, .seq = 1000, .options = with(mss_1000, times(100, 0))});
    pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = with(mss_1000, times(900, 100))});
    pass(0, {.seq = 1001, .ack = 5001, .options = times(101, 900)});
  }
  [[nodiscard]] bool only(const char* rule) const {
    for (const finding& f : judge.findings()) UNSCOPED_INFO(f.rule << ": " << f.text);
    return judge.findings().size() == 1 && judge.found(rule);
  }
  [[nodiscard]] bool nothing() const {
    for (const finding& f : judge.findings()) UNSCOPED_INFO(f.rule << ": " << f.text);
    return judge.findings().empty();
  }
};

}  // namespace court_of
