// SPDX-License-Identifier: MIT
// Frames of a train. Lengths, numbers, flags and checksums are held against sums that are made here from the bytes of each frame alone, two bytes at a time.
#include "nic_test_pool.hpp"

#include <strata/link/segment.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace {

using namespace strata;
using buffer::descriptor;
using octets = std::span<const std::byte>;

struct shape {
  bool is_v4 = true, is_udp = false, is_partial = false;
  u16 id = 0;
  bool may_be_fragmented = false;
  u8 flags = 0x18;              // PSH, ACK
  u32 seq = 0xffff'f000;        // wraps inside the train
  u32 options = 0;              // bytes of TCP options
  u32 mss = 1001;               // odd
  std::vector<u32> payloads{1001, 1001, 1001, 313};
  [[nodiscard]] u32 ip() const { return is_v4 ? 20 : 40; }
  [[nodiscard]] u32 transport() const { return is_udp ? 8 : 20 + options; }
  [[nodiscard]] u32 headers() const { return 14 + ip() + transport(); }
};

u32 at16(octets b, std::size_t i) { return std::to_integer<u32>(b[i]) << 8 | std::to_integer<u32>(b[i + 1]); }
u32 at32(octets b, std::size_t i) { return at16(b, i) << 16 | at16(b, i + 2); }
/// RFC 1071, the plain way.
u32 words(octets b) {
  u32 sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += std::to_integer<u32>(b[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}
u32 folded(u32 sum) { while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16); return sum; }
u32 pseudo(const shape& s, octets frame) {
  const octets ip = frame.subspan(14);
  const u32 length = static_cast<u32>(frame.size()) - 14 - s.ip();
  return folded(words(s.is_v4 ? ip.subspan(12, 8) : ip.subspan(8, 32)) + (s.is_udp ? 17u : 6u) + length);
}

struct yard {
  nic_test::pool_of<16, 2048> of{};

  /// A train as a transport and ip leave it: the head's lengths and checksums are those of the first part alone.
  packet make(const shape& s) {
    packet head;
    descriptor* last = nullptr;
    u32 fill = 7;
    for (const u32 n : s.payloads) {
      packet p = of.chunks.take(128);
      for (u32 i = 0; i < n; ++i) p.room()[i] = static_cast<std::byte>(fill = fill * 29 + 11);
      p.extend(n);
      p->body = p->offset, p->body_length = static_cast<u16>(n);
      p->sum = words(p.bytes());
      if (!head) last = &p.d(), head = std::move(p);
      else {
        descriptor* const d = &p.d();
        buffer::couple(*last, std::move(p));
        last = d;
      }
    }
    std::byte* const at = head.push(s.headers());
    for (u32 i = 0; i < s.headers(); ++i) at[i] = static_cast<std::byte>(i * 37 + 5);
    const u32 length = s.transport() + s.payloads.front();
    std::byte* const ip = at + 14;
    if (s.is_v4) {
      ip[0] = std::byte{0x45};
      store_be<u16>(ip + 2, static_cast<u16>(20 + length));
      store_be<u16>(ip + 4, s.id);
      store_be<u16>(ip + 6, s.may_be_fragmented ? 0 : 0x4000);
      ip[9] = std::byte{s.is_udp ? u8{17} : u8{6}};
      store_be<u16>(ip + 10, 0);
      store_be<u16>(ip + 10, static_cast<u16>(~words({ip, 20})));
    } else {
      ip[0] = std::byte{0x61};
      store_be<u16>(ip + 4, static_cast<u16>(length));
      ip[6] = std::byte{s.is_udp ? u8{17} : u8{6}};
    }
    std::byte* const t = ip + s.ip();
    head->transport = static_cast<u16>(head->offset + 14 + s.ip());
    if (s.is_udp) {
      store_be<u16>(t + 4, static_cast<u16>(length));
    } else {
      store_be<u32>(t + 4, s.seq);
      t[12] = static_cast<std::byte>((20 + s.options) << 2);
      t[13] = std::byte{s.flags};
    }
    std::byte* const field = t + (s.is_udp ? 6 : 16);
    store_be<u16>(field, 0);
    const u32 sum = s.is_partial ? pseudo(s, head.bytes()) : folded(pseudo(s, head.bytes()) + words(head.bytes().subspan(14 + s.ip())));
    store_be<u16>(field, static_cast<u16>(s.is_partial ? sum : ~sum));
    if (s.is_partial) head->flags = static_cast<u8>(descriptor::checksum_partial | (s.is_udp ? descriptor::checksum_of_udp : 0));
    return head;
  }
  static std::vector<packet> frames_of(packet head) {
    std::vector<packet> out;
    link::segmenter frames(head.d(), 14);
    frames.first(head);
    pool_ref home = *head->home;
    u32 name = std::exchange(head->train, 0);
    out.push_back(std::move(head));
    while (name != 0) {
      packet p = packet::adopt(*home.named(name), buffer::owner::application);
      name = std::exchange(p->train, 0);
      frames.next(p, name == 0);
      out.push_back(std::move(p));
    }
    return out;
  }
  using pool_ref = buffer::pool&;
};

void check(const shape& s) {
  auto y = std::make_unique<yard>();
  packet head = y->make(s);
  const std::vector<std::byte> before(head.bytes().begin(), head.bytes().end());
  std::vector<std::vector<std::byte>> payloads;
  buffer::each_part(head.d(), [&](descriptor& d) { payloads.emplace_back(d.chunk + d.body, d.chunk + d.body + d.body_length); });
  const std::vector<packet> frames = yard::frames_of(std::move(head));
  REQUIRE(frames.size() == s.payloads.size());
  u32 seq = s.seq;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    INFO("frame " << k << " v4 " << s.is_v4 << " udp " << s.is_udp << " partial " << s.is_partial);
    const octets f = frames[k].bytes();
    const bool is_first = k == 0, is_last = k + 1 == frames.size();
    REQUIRE(f.size() == s.headers() + s.payloads[k]);
    const octets ip = f.subspan(14), t = ip.subspan(s.ip()), payload = f.subspan(s.headers());
    CHECK(std::equal(payload.begin(), payload.end(), payloads[k].begin(), payloads[k].end()));
    CHECK(std::equal(f.begin(), f.begin() + 14, before.begin()));
    const u32 length = s.transport() + s.payloads[k];
    if (s.is_v4) {
      CHECK(at16(ip, 2) == 20 + length);
      CHECK(at16(ip, 4) == ((s.id == 0 && !s.may_be_fragmented) ? 0 : ((s.id + k) & 0xffff)));
      CHECK(words(ip.first(20)) == 0xffff);
      CHECK(std::equal(ip.begin() + 12, ip.begin() + 20, before.begin() + 26));
    } else {
      CHECK(at16(ip, 4) == length);
      CHECK(std::equal(ip.begin() + 6, ip.begin() + 40, before.begin() + 20));
    }
    if (s.is_udp) {
      CHECK(at16(t, 4) == length);
      CHECK(at32(t, 0) == at32(octets(before).subspan(14 + s.ip()), 0));
    } else {
      CHECK(at32(t, 4) == seq);
      u8 flags = s.flags;
      if (!is_last) flags = static_cast<u8>(flags & ~0x09);  // FIN, PSH
      if (!is_first) flags = static_cast<u8>(flags & ~0x80); // CWR
      CHECK(std::to_integer<u8>(t[13]) == flags);
      CHECK(std::equal(t.begin() + 18, t.begin() + s.transport(), before.begin() + 14 + s.ip() + 18));
      CHECK(at32(t, 8) == at32(octets(before).subspan(14 + s.ip()), 8));
    }
    const u32 field = at16(t, s.is_udp ? 6 : 16);
    if (s.is_partial) CHECK(field == pseudo(s, f));
    else CHECK(folded(pseudo(s, f) + words(t)) == 0xffff);
    if (s.is_udp) CHECK(field != 0);
    CHECK(frames[k]->transport == frames[k]->offset + 14 + s.ip());
    CHECK((frames[k]->flags & descriptor::checksum_partial) == (s.is_partial ? descriptor::checksum_partial : 0));
    CHECK((frames[k]->flags & descriptor::checksum_of_udp) == (s.is_partial && s.is_udp ? descriptor::checksum_of_udp : 0));
    seq += s.payloads[k];
  }
}

TEST_CASE("each frame of a train has its own lengths, number, flags and checksum") {
  for (const bool is_v4 : {true, false})
    for (const bool is_partial : {false, true})
      for (const u32 options : {0u, 12u, 40u})
        for (const u8 flags : {u8{0x10}, u8{0x18}, u8{0x19}, u8{0x98}, u8{0xd9}}) check({.is_v4 = is_v4, .is_partial = is_partial, .flags = flags, .options = options});
}
TEST_CASE("a train of datagrams has a length and a checksum in each") {
  for (const bool is_v4 : {true, false})
    for (const bool is_partial : {false, true}) check({.is_v4 = is_v4, .is_udp = true, .is_partial = is_partial});
}
TEST_CASE("a train of two, of even and of single bytes") {
  check({.mss = 2, .payloads = {2, 2}});
  check({.mss = 1, .payloads = {1, 1, 1, 1, 1}});
  check({.is_v4 = false, .mss = 1460, .payloads = {1460, 1460, 1}});
}
// RFC 6864 §4.1: atomic ones may all say zero. §4.2: others count up.
TEST_CASE("the identification counts up where packets are not atomic, and goes round") {
  check({.id = 0});
  check({.id = 0xfffe});
  check({.id = 7, .may_be_fragmented = true});
  check({.id = 0, .may_be_fragmented = true});
}
// RFC 768: a checksum that comes out as zero is sent as all ones.
TEST_CASE("a datagram's checksum of zero is sent as all ones") {
  auto y = std::make_unique<yard>();
  shape s{.is_udp = true, .mss = 2, .payloads = {2, 2}};
  packet head = y->make(s);
  descriptor& second = *head->home->named(head->train);
  // The second payload makes the sum of everything ffff.
  store_be<u16>(second.chunk + second.body, 0);
  const octets t = head.bytes().subspan(34);
  const u32 rest = folded(pseudo(s, head.bytes()) + words(t.first(6)));
  store_be<u16>(second.chunk + second.body, static_cast<u16>(0xffff - rest));
  second.sum = 0xffff - rest;
  const auto frames = yard::frames_of(std::move(head));
  CHECK(at16(frames[1].bytes(), 34 + 6) == 0xffff);
}

// What a driver that takes trains reads: lengths of the whole in IP and UDP, and the pseudo-header's sum over the whole. Linux: virtio_net_hdr_from_skb.
TEST_CASE("for a driver that takes trains the head speaks for the whole") {
  for (const bool is_v4 : {true, false}) {
    for (const bool is_udp : {false, true}) {
      INFO("v4 " << is_v4 << " udp " << is_udp);
      auto y = std::make_unique<yard>();
      const shape s{.is_v4 = is_v4, .is_udp = is_udp, .is_partial = true};
      packet head = y->make(s);
      link::lengthen(head, 14);
      const octets ip = head.bytes().subspan(14), t = ip.subspan(s.ip());
      const u32 length = s.transport() + 1001 * 3 + 313;
      CHECK(at16(ip, is_v4 ? 2 : 4) == length + (is_v4 ? 20 : 0));
      if (is_v4) CHECK(words(ip.first(20)) == 0xffff);
      if (is_udp) CHECK(at16(t, 4) == length);
      CHECK(at16(t, is_udp ? 6 : 16) == folded(words(is_v4 ? ip.subspan(12, 8) : ip.subspan(8, 32)) + (is_udp ? 17 : 6) + length));
      CHECK(buffer::train_parts(head.d()) == 4);
      buffer::drop_train(head);
      CHECK(y->of.chunks.in_use() == 0);
    }
  }
}

}  // namespace
