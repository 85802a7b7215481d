// SPDX-License-Identifier: MIT
// A stack that joins groups, 10.0.0.1/24, and a bare peer that is the querier, the other hosts and the sources. What leaves is told as one line for each message.
#pragma once
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include "layer_below.hpp"

namespace strata::igmp_test {

using namespace strata;
using namespace strata::test;
using layer_test::plain_sum;

struct member : presets::testing {
  static constexpr strata::limits limits = [] {
    auto l = presets::testing::limits;
    l.groups = 4, l.group_sources = 3;
    return l;
  }();
};

inline std::string dotted(u32 a) { return std::to_string(a >> 24) + "." + std::to_string(a >> 16 & 255) + "." + std::to_string(a >> 8 & 255) + "." + std::to_string(a & 255); }

/// "to 224.0.0.22: to_ex 239.1.2.3 {10.0.0.5}". That all else of the message is as it must be is checked here.
inline std::string line_of(std::span<const std::byte> frame) {
  const auto u = [&](std::size_t at, u32 n) {
    u32 v = 0;
    for (u32 i = 0; i < n; ++i) v = v << 8 | static_cast<u32>(frame[at + i]);
    return v;
  };
  REQUIRE(frame.size() >= 14 + 24 + 8);
  const u32 to = u(14 + 16, 4);
  CHECK((u(0, 3) == 0x01005e && u(3, 3) == (to & 0x7fffff)));                        // RFC 1112 §6.4
  CHECK((u(12, 2) == 0x0800 && u(14, 2) == 0x46c0 && u(22, 1) == 1 && u(23, 1) == 2));  // RFC 3376 §4: 24 bytes, precedence c0, TTL 1
  CHECK((u(16, 2) == frame.size() - 14 && u(34, 4) == 0x94040000));                  // RFC 2113
  CHECK((plain_sum(frame.subspan(14, 24)) == 0xffff && plain_sum(frame.subspan(38)) == 0xffff));
  std::string line = "to " + dotted(to) + ":";
  const u32 type = u(38, 1);
  if (type != 0x22) {
    CHECK((frame.size() == 46 && u(39, 1) == 0));
    return line + (type == 0x16 ? " v2 report " : type == 0x12 ? " v1 report " : type == 0x17 ? " leave " : " ? ") + dotted(u(42, 4));
  }
  std::size_t at = 46;
  for (u32 n = u(44, 2); n > 0; --n) {
    REQUIRE(at + 8 <= frame.size());
    const char* const names[] = {"?", "is_in", "is_ex", "to_in", "to_ex", "allow", "block"};
    line += std::string(" ") + names[u(at, 1) < 7 ? u(at, 1) : 0] + " " + dotted(u(at + 4, 4)) + " {";
    const u32 sources = u(at + 2, 2);
    CHECK(u(at + 1, 1) == 0);
    REQUIRE(at + 8 + sources * 4 <= frame.size());
    for (u32 i = 0; i < sources; ++i) line += (i != 0 ? " " : "") + dotted(u(at + 8 + i * 4, 4));
    line += "}";
    at += 8 + sources * 4;
  }
  CHECK(at == frame.size());
  return line;
}

struct message {
  ipv4_address from = "10.0.0.254"_ip, to = "224.0.0.1"_ip;
  u8 ttl = 1;
  bool has_alert = true;
  bool is_sound = true;  // its checksum
};

template <class C = member> struct host {
  using net = stack<C>;
  nic::wire cable{};
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{C::limits.chunks} * 2048);
  net a{};
  bare_peer peer{cable};
  u64 now_ms = 1000;
  std::vector<std::string> heard{};  // datagrams

  explicit host(u16 mtu = 0) {
    REQUIRE(a.start({.nic = {cable, 0}, .memory = std::span(memory), .entropy = {7}, .address = "10.0.0.1/24"_net, .mtu = mtu}) == bad_option::none);
    (void)said();
  }
  ~host() {
    (void)said();
    turn();
    CHECK(a.chunks_in_use() == 0);
  }
  void turn() {
    (void)a.poll({now_ms * 1'000'000}, budget{64}, on{[&](typename net::datagram d) {
                   std::byte to[64];
                   while (const auto got = d.socket.receive(to)) heard.push_back(dotted(got->from.address.v4().value) + " " + std::string(text_of(std::span(to).first(got->bytes))));
                 }, ignore_rest{}});
  }
  /// What left since the last time, without ARP.
  std::vector<std::string> said() {
    turn();
    std::vector<std::string> lines;
    for (const auto& f : peer.receive())
      if (f.size() > 23 && f[12] == std::byte{8} && f[13] == std::byte{0} && f[23] == std::byte{2}) lines.push_back(line_of(f));
    return lines;
  }
  /// What leaves in that time, each with the millisecond in which it did.
  struct later { u64 ms; std::string line; };
  std::vector<later> within(u64 length, u64 step = 10) {
    std::vector<later> all;
    for (u64 i = 0; i < length; i += step) {
      now_ms += step;
      for (auto& line : said()) all.push_back({i + step, line});
    }
    return all;
  }
  void ip(u8 protocol, const message& m, const std::vector<u8>& payload) {
    std::vector<std::byte> f(14 + (m.has_alert ? 24 : 20) + payload.size());
    const auto put = [&](std::size_t at, u32 v, u32 n) { for (u32 i = 0; i < n; ++i) f[at + i] = static_cast<std::byte>(v >> 8 * (n - 1 - i)); };
    put(0, 0x01005e, 3), put(3, m.to.value & 0x7fffff, 3), put(6, 0x0200, 2), put(8, 0x00fe, 4), put(12, 0x0800, 2);
    const u32 head = m.has_alert ? 24 : 20;
    put(14, 0x40 | head / 4, 1), put(16, static_cast<u32>(f.size()) - 14, 2), put(22, m.ttl, 1), put(23, protocol, 1), put(26, m.from.value, 4), put(30, m.to.value, 4);
    if (m.has_alert) put(34, 0x94040000, 4);
    put(24, ~plain_sum(std::span(f).subspan(14, head)) & 0xffff, 2);
    for (std::size_t i = 0; i < payload.size(); ++i) f[14 + head + i] = static_cast<std::byte>(payload[i]);
    peer.send(f);
    turn();
  }
  void igmp(std::vector<u8> bytes, const message& m = {}) {
    if (bytes.size() >= 4) {
      const u32 sum = ~plain_sum(std::as_bytes(std::span(bytes))) & 0xffff;
      bytes[2] = static_cast<u8>(sum >> 8), bytes[3] = static_cast<u8>(sum ^ !m.is_sound);
    }
    ip(2, m, bytes);
  }
  /// A query of version 3; `group` unspecified: a General Query, to all systems.
  void query(ipv4_address group = {}, std::vector<ipv4_address> sources = {}, u8 code = 100, u8 robustness = 2, u8 interval = 125) {
    std::vector<u8> b{0x11, code, 0, 0, 0, 0, 0, 0, robustness, interval, 0, static_cast<u8>(sources.size())};
    for (u32 i = 0; i < 4; ++i) b[4 + i] = static_cast<u8>(group.value >> (24 - 8 * i));
    for (const ipv4_address s : sources)
      for (u32 i = 0; i < 4; ++i) b.push_back(static_cast<u8>(s.value >> (24 - 8 * i)));
    message m;
    if (!group.is_unspecified()) m.to = group;
    igmp(b, m);
  }
  void old(u8 type, u8 code, ipv4_address group, message m = {}) {
    igmp({type, code, 0, 0, static_cast<u8>(group.value >> 24), static_cast<u8>(group.value >> 16), static_cast<u8>(group.value >> 8), static_cast<u8>(group.value)}, m);
  }
  /// A datagram to port 5000 without a checksum.
  void datagram(ipv4_address from, ipv4_address to, const char* text) {
    std::vector<u8> b{0x12, 0x34, 0x13, 0x88, 0, static_cast<u8>(8 + __builtin_strlen(text)), 0, 0};
    for (const char* c = text; *c != 0; ++c) b.push_back(static_cast<u8>(*c));
    ip(17, {.from = from, .to = to, .ttl = 5, .has_alert = false}, b);
  }
  const auto& count() const { return a.network().igmp_counted(); }
};

}  // namespace strata::igmp_test
