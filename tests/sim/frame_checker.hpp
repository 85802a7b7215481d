// SPDX-License-Identifier: MIT
// An independent judge of what two hosts on one Ethernet send: plain frames in, rules that were broken out. It is written from RFC 894, 826, 791, 6864,
// 792, 1122, 768 and, for TCP (flow_checker.hpp), 9293 and 7323, and uses nothing of strata: no codec, no checksum, no clock.
//
// Side 0 and side 1 are the two hosts. sent() judges a frame that a side gives to its NIC; arrived() tells what that side's NIC handed up, since what a
// host may say depends on what it has heard.
#pragma once
#include "flow_checker.hpp"

#include <deque>
#include <map>

namespace checker {

struct host {
  std::byte mac[6] = {};
  std::uint32_t ip = 0;
};
struct finding {
  std::string rule;
  std::string text;
};

class frame_checker {
 public:
  frame_checker(const host& a, const host& b, unsigned mtu) : frame_checker(a, b, mtu, mtu) {}
  /// Each at its own link.
  frame_checker(const host& a, const host& b, unsigned mtu_a, unsigned mtu_b) : hosts_{a, b}, mtu_{mtu_a, mtu_b} {}

  /// Whether the hosts know each other's address for sure; not so where the wire may change ARP messages, which have no checksum.
  bool trusts_arp = true;
  /// Whether frames of a side may be lost between its transport and its NIC, in a queue that is full or behind a neighbour that does not answer (RFC 1122
  /// §2.3.2.2): then a gap on the wire is no fault.
  bool loses_below[2] = {};
  /// Whether datagrams over the MTU may leave in fragments.
  bool may_fragment = false;

  void sent(int side, octets f) {
    ++frames_;
    side_ = side;
    if (f.size() < 14) return bad("ethernet.length", "shorter than a header");
    const host& me = hosts_[side];
    if (!same(f.subspan(6, 6), me.mac)) bad("ethernet.source", "not the sender's address");
    const bool is_broadcast = std::all_of(f.begin(), f.begin() + 6, [](std::byte b) { return b == std::byte{0xff}; });
    if (!is_broadcast && (at8(f, 0) & 1) != 0) bad("ethernet.destination", "a group that nobody is in");
    if (!is_broadcast && trusts_arp && !same(f.first(6), hosts_[1 - side].mac)) bad("ethernet.destination", "nobody's address");
    switch (at16(f, 12)) {
      case 0x0806: return arp(f, is_broadcast);
      case 0x0800:
        if (is_broadcast) bad("ethernet.destination", "a unicast datagram in a broadcast frame (RFC 1122 §3.3.6)");
        return ip(f.subspan(14));
      default: return bad("ethernet.type", "neither ARP nor IPv4");
    }
  }

  void arrived(int side, octets f) {
    if (f.size() < 34 || at16(f, 12) != 0x0800 || !same(f.first(6), hosts_[side].mac)) return;
    const octets d = f.subspan(14);
    const unsigned header = (at8(d, 0) & 15) * 4, length = at16(d, 2);
    if (at8(d, 0) >> 4 != 4 || header < 20 || header > length || length > d.size() || !adds_up(d.first(header))) return;
    const octets whole = d.first(length), body = whole.subspan(header);
    std::deque<std::vector<std::byte>>& heard = (at16(d, 6) & 0x3fff) != 0 ? fragments_[side] : heard_[side];
    heard.emplace_back(whole.begin(), whole.end());
    if (heard.size() > 512) heard.pop_front();
    if (at8(d, 9) == 1) told_.emplace_back(side, std::vector<std::byte>(body.begin(), body.end()));
    if (at8(d, 9) != 6) return;
    const tcp_segment s = read_segment(body, at32(d, 12), at32(d, 16));
    if (s.fault == nullptr) flow(1 - side, s).arrived(side, s);
  }

  /// A segment that neither host sent has arrived at `side`: it may be answered, but nothing that it says is known by it.
  void forged(int side, octets f) {
    const octets body = f.subspan(14 + (at8(f, 14) & 15) * 4);
    const tcp_segment s = read_segment(body, at32(f, 26), at32(f, 30));
    if (s.fault == nullptr) flow(1 - side, s).may_be_answered(side, s);
  }

  /// What arrived until now has been seen by its host: what it says holds from the next frame on.
  void end_of_turn() {
    for (const auto& [side, m] : told_) {
      if (m.size() < 36 || at8(m, 0) != 3 || at8(m, 1) != 4 || !adds_up(m) || at8(m, 8) != 0x45 || at8(m, 17) != 6) continue;
      tcp_segment about{};
      about.source = at16(m, 28), about.destination = at16(m, 30);
      flow(side, about).too_big(side, at32(m, 32), at16(m, 6));
    }
    told_.clear();
  }

  [[nodiscard]] const std::vector<finding>& findings() const { return findings_; }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  /// Whether a rule was broken; the names are those of bad() here and in flow_checker.hpp.
  [[nodiscard]] bool found(const char* rule) const {
    return std::any_of(findings_.begin(), findings_.end(), [&](const finding& f) { return f.rule == rule; });
  }

 private:
  void bad(const char* rule, std::string text) {
    if (findings_.size() < 100) findings_.push_back({rule, "side " + std::to_string(side_) + ", frame " + std::to_string(frames_) + ": " + std::move(text)});
  }
  static bool same(octets a, const std::byte (&b)[6]) { return std::equal(a.begin(), a.end(), b); }
  [[nodiscard]] static bool is_unicast(std::uint32_t a) { return a != 0 && a >> 24 != 127 && a >> 28 < 0xe; }
  flow_checker& flow(int sender, const tcp_segment& s) {
    const unsigned ours = sender == 0 ? s.source : s.destination, theirs = sender == 0 ? s.destination : s.source;
    return flows_[ours * 65536u + theirs];
  }

  /// RFC 826; RFC 5227 §2.1.1 for the fields of a request.
  void arp(octets f, bool is_broadcast) {
    if (f.size() != 42) return bad("arp.length", "an ARP message for IPv4 has 28 bytes");
    const octets m = f.subspan(14);
    if (at16(m, 0) != 1 || at16(m, 2) != 0x0800 || at8(m, 4) != 6 || at8(m, 5) != 4) return bad("arp.format", "not Ethernet and IPv4");
    const unsigned operation = at16(m, 6);
    if (operation != 1 && operation != 2) bad("arp.operation", "neither request nor reply");
    if (!same(m.subspan(8, 6), hosts_[side_].mac)) bad("arp.sender", "a sender's hardware address that is not its own");
    if (at32(m, 14) != hosts_[side_].ip) bad("arp.sender", "a sender's protocol address that is not its own");
    if (!is_unicast(at32(m, 24))) bad("arp.target", "asks for what is no host");
    if (operation == 1 && at32(m, 24) == hosts_[side_].ip) bad("arp.target", "asks for itself");
    if (operation == 2) {
      if (is_broadcast) bad("arp.reply", "a reply to everybody");
      if (!std::equal(m.begin() + 18, m.begin() + 24, f.begin())) bad("arp.reply", "told to another than it is sent to");
    }
  }

  void ip(octets p) {
    if (p.size() < 20) return bad("ip.length", "shorter than a header");
    if (at8(p, 0) >> 4 != 4) return bad("ip.version", "not 4");
    const unsigned header = (at8(p, 0) & 15) * 4, length = at16(p, 2);
    if (header < 20 || header > p.size()) return bad("ip.ihl", "a header length outside the packet");
    if (length < header || length > p.size()) return bad("ip.total_length", "a total length that the frame does not hold");
    if (length != p.size()) bad("ip.trailer", "bytes behind the datagram");
    if (!adds_up(p.first(header))) return bad("ip.checksum", "wrong");
    if (length > mtu_[side_]) bad("ip.mtu", "larger than the link carries");
    if ((at8(p, 1) & 3) != 0) bad("ip.ecn", "ECN was not negotiated");
    const unsigned fragment = at16(p, 6), id = at16(p, 4);
    if ((fragment & 0x8000) != 0) bad("ip.flags", "the reserved bit");
    const bool is_fragment = (fragment & 0x3fff) != 0, has_df = (fragment & 0x4000) != 0;
    if (is_fragment && has_df) bad("ip.fragment", "a fragment that must not be one");
    if (is_fragment) {
      if (!may_fragment || at8(p, 9) != 17) return bad("ip.fragment", "nobody fragments that");
      if ((fragment & 0x2000) != 0 && (length - header) % 8 != 0) return bad("ip.fragment", "one that is not the last, and no multiple of eight");
      if (at32(p, 12) != hosts_[side_].ip) bad("ip.source", "not the sender's address");
      return;
    }
    if (!has_df && !ids_.insert(id).second) bad("ip.id", "an identification used before (RFC 6864 §4.3)");
    if (at8(p, 8) == 0) bad("ip.ttl", "zero");
    const std::uint32_t source = at32(p, 12), destination = at32(p, 16);
    if (source != hosts_[side_].ip) bad("ip.source", "not the sender's address");
    if (!is_unicast(destination) || destination == source) bad("ip.destination", "not another host's address");
    const octets body = p.subspan(header, length - header);
    switch (at8(p, 9)) {
      case 1: return icmp(body, destination);
      case 6: {
        const tcp_segment s = read_segment(body, source, destination);
        if (s.fault != nullptr) return bad(s.fault, "malformed");
        if (destination != hosts_[1 - side_].ip) return;
        return flow(side_, s).sent(side_, s, length, mtu_[side_], loses_below[side_], [this](const char* rule, std::string t) { bad(rule, std::move(t)); });
      }
      case 17: return udp(body, source, destination);
      default: return bad("ip.protocol", "none that we speak");
    }
  }

  /// RFC 768; RFC 1122 §4.1.3.4: a checksum by default.
  void udp(octets d, std::uint32_t source, std::uint32_t destination) {
    if (d.size() < 8) return bad("udp.length", "shorter than a header");
    if (at16(d, 4) != d.size()) return bad("udp.length", "not what IP carries");
    if (at16(d, 0) == 0 || at16(d, 2) == 0) bad("udp.port", "port zero");
    if (at16(d, 6) == 0) return bad("udp.checksum", "none");
    if (!adds_up(d, pseudo_header(source, destination, 17, d.size()))) bad("udp.checksum", "wrong");
  }

  /// RFC 792, RFC 1122 §3.2.2: an echo reply repeats a request, an error quotes what really came.
  void icmp(octets m, std::uint32_t destination) {
    if (m.size() < 8) return bad("icmp.length", "shorter than a header");
    if (!adds_up(m)) return bad("icmp.checksum", "wrong");
    const unsigned type = at8(m, 0), code = at8(m, 1);
    const auto& heard = heard_[side_];
    if (type == 0) {
      if (code != 0) bad("icmp.echo", "a code that echoes do not have");
      const bool answers = std::any_of(heard.begin(), heard.end(), [&](const std::vector<std::byte>& p) {
        const unsigned header = (at8(p, 0) & 15) * 4;
        return at8(p, 9) == 1 && at32(p, 12) == destination && p.size() == header + m.size() && at8(p, header) == 8 && std::equal(p.begin() + header + 4, p.end(), m.begin() + 4);
      });
      if (!answers) bad("icmp.echo", "a reply to no request");
      return;
    }
    if (type == 8) return;
    if (type != 3 && type != 11 && type != 12) return bad("icmp.type", "none that a host sends");
    if (type == 3 && code > 15) bad("icmp.code", "unknown");
    const octets quoted = m.subspan(8);
    if (quoted.size() < 20 || at8(quoted, 0) >> 4 != 4) return bad("icmp.quote", "no header is quoted");
    const unsigned header = (at8(quoted, 0) & 15) * 4;
    if (quoted.size() < header + 8) return bad("icmp.quote", "header and eight bytes are the least");
    if (at8(quoted, 9) == 1 && at8(quoted, header) != 8 && at8(quoted, header) != 0) bad("icmp.about_icmp", "an error about an error (RFC 1122 §3.2.2)");
    if (at32(quoted, 16) != hosts_[side_].ip) bad("icmp.quote", "quotes what was not for us");
    if (at32(quoted, 12) != destination) bad("icmp.destination", "told to another than it is about");
    const auto is_quoted = [&](const std::vector<std::byte>& p) { return p.size() >= quoted.size() && std::equal(quoted.begin(), quoted.end(), p.begin()); };
    const auto& fragments = fragments_[side_];
    const bool is_heard = std::any_of(heard.begin(), heard.end(), is_quoted) || std::any_of(fragments.begin(), fragments.end(), is_quoted);
    if (!is_heard) bad("icmp.quote", "quotes what never came");
  }

  host hosts_[2];
  unsigned mtu_[2];
  int side_ = 0;
  std::uint64_t frames_ = 0;
  std::map<std::uint32_t, flow_checker> flows_;
  std::set<unsigned> ids_;
  std::deque<std::vector<std::byte>> heard_[2];
  std::deque<std::vector<std::byte>> fragments_[2];  // of which a host may say half a minute later that the rest never came
  std::vector<std::pair<int, std::vector<std::byte>>> told_;  // ICMP messages
  std::vector<finding> findings_;
};

}  // namespace checker
