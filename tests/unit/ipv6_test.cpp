// SPDX-License-Identifier: MIT
// IPv6 over links that record: what is sent byte by byte, and each check on what comes in with the counter that rises.
#include <strata/ip/v6.hpp>

#include <catch2/catch_template_test_macros.hpp>

#include "ip_below.hpp"

// The archetypes: compiled with the names of the contract and no others.
template class strata::ip::v6<strata::ip::archetype_of<strata::only_v6>>;
template class strata::ip::v6<strata::ip::archetype_of<strata::only_v6, strata::header_image::built>>;

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;
using finding = ip::finding<ipv6_address>;

using cached = ip::archetype_of<only_v6>;
using built = ip::archetype_of<only_v6, header_image::built>;
constexpr ipv6_address us = "fd00::1"_ip, b = "fd00::b"_ip, far = "2001:db8::1"_ip, gate = "fd00::fe"_ip;

[[maybe_unused]] void every_template(ip::v6<cached>& l, ip::links_archetype<ipv6_address>& links, packet p) {
  ip::v6<cached>::path way{};
  (void)l.route(links, way), (void)l.send(links, way, std::move(p), 6), (void)l.on_packet(links, p, {}, {}), l.send_error(links, {}, p, {}, {});
}

template <class C> struct host {
  two_links<ipv6_address> below{};
  ip::v6<C> ip{};

  host() {
    REQUIRE(ip.configure(0, "fd00::1/64"_net));
    REQUIRE(ip.add_route("::/0"_net, gate, 0));
  }
  typename ip::v6<C>::path to(const ipv6_address& a) {
    typename ip::v6<C>::path way{};
    way.remote = a;
    return way;
  }
  sent send(typename ip::v6<C>::path& way, std::span<const std::byte> payload) { return ip.send(below, way, below.pool.outgoing(payload), 17); }
  finding in(std::span<const std::byte> what, bool link_broadcast = false) {
    packet p = below.pool.incoming(what);
    return ip.on_packet(below, p, {0, link_broadcast}, {});
  }
};

struct sample {
  u8 version = 0x60, next_header = 17;
  int length = -1;
  ipv6_address from = b, to = us;

  [[nodiscard]] bytes packet_bytes() const {
    bytes h(40);
    const auto payload = text("datagram");
    h[0] = static_cast<std::byte>(version), h[1] = std::byte{0x20};  // ECN 2
    store_be<u16>(&h[4], static_cast<u16>(length >= 0 ? static_cast<std::size_t>(length) : payload.size()));
    h[6] = static_cast<std::byte>(next_header), h[7] = std::byte{1};
    store_be<u64>(&h[8], from.high), store_be<u64>(&h[16], from.low), store_be<u64>(&h[24], to.high), store_be<u64>(&h[32], to.low);
    return joined(h, payload);
  }
};

TEMPLATE_TEST_CASE("a packet leaves with link header, base header and payload", "", cached, built) {
  host<TestType> h;
  auto way = h.to(b);
  for (int i = 0; i < 2; ++i) CHECK(h.send(way, text("hello")) == sent::sent);
  const auto out = h.below.taken();
  REQUIRE(out.size() == 2);
  CHECK(equal(out[0].what, hex("02 00 00 00 00 0b 02 00 00 00 00 01 86 dd 60 00 00 00 00 05 11 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
                               "fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0b 68 65 6c 6c 6f")));
  CHECK(out[0].what == out[1].what);
  CHECK(way.local == us);
}

TEMPLATE_TEST_CASE("over a link without header the packet is the frame, and its MTU is kept", "", cached, built) {
  host<TestType> h;
  REQUIRE(h.ip.configure(1, "fd01::1/64"_net));
  auto way = h.to("fd01::2"_ip);
  CHECK(h.send(way, bytes(1240)) == sent::sent);
  CHECK(h.below.posted[0].what.size() == 1280);
  CHECK(h.below.posted[0].link == 1);
  CHECK(h.send(way, bytes(1241)) == sent::dropped);
  CHECK(h.ip.counted().frag_fails == 1);
}

TEST_CASE("what is not on the link goes through the gateway and waits for it with its header") {
  host<cached> h;
  h.below.is_resolved = false;
  auto way = h.to(far);
  CHECK(h.send(way, text("12345678")) == sent::queued);
  REQUIRE(h.below.held.size() == 1);
  CHECK(h.below.held[0].next_hop == gate);
  const auto e = ip::v6<cached>::failure(h.below.held[0].what);
  REQUIRE(e);
  CHECK(e->remote == far);
  CHECK(e->local == us);
  CHECK(e->protocol == 17);
  CHECK(e->kind == icmp_error_kind::host_unreachable);
  CHECK(e->is_local);
  CHECK(equal(e->quoted, text("12345678")));
  CHECK_FALSE(ip::v6<cached>::failure(std::span(h.below.held[0].what).first(47)));
}

TEST_CASE("a group has its link address, and nobody is asked") {  // RFC 2464 §7
  host<cached> h;
  auto way = h.to("ff02::1:ff00:b"_ip);
  CHECK(h.send(way, text("x")) == sent::sent);
  CHECK(equal(std::span(h.below.posted[0].what).first(6), hex("33 33 ff 00 00 0b")));
  CHECK(h.below.asked.empty());
}

TEST_CASE("a sound packet for us, or for a group, goes up cut to its length") {
  host<cached> h;
  packet p = h.below.pool.incoming(joined(sample{}.packet_bytes(), bytes(6)));
  const auto f = h.ip.on_packet(h.below, p, {1, false}, {});
  CHECK(f.info.link == 1);
  REQUIRE(f.is == finding::what::datagram);
  CHECK(f.info.local == us);
  CHECK(f.info.remote == b);
  CHECK(f.info.protocol == 17);
  CHECK(f.info.ecn == 2);
  CHECK(equal(p.bytes(), text("datagram")));
  CHECK(p->network == p->offset - 40);
  sample s;
  s.to = "ff02::1"_ip;
  const auto g = h.in(s.packet_bytes(), true);
  CHECK(g.is == finding::what::datagram);
  CHECK(g.info.is_broadcast);
  CHECK(h.ip.counted().in_delivers == 2);
}

// MUST-63.
TEST_CASE("each check on the base header drops, and one counter says which") {
  using c = ip::counters;
  struct row {
    const char* why;
    u32 ip::counters::*which;
    bytes what;
    bool link_broadcast = false;
  };
  const auto with = [](auto&& change) {
    sample s;
    change(s);
    return s.packet_bytes();
  };
  const bytes good = sample{}.packet_bytes();
  std::vector<row> rows = {
      {"no byte", &c::in_hdr_errors, {}},
      {"39 bytes", &c::in_hdr_errors, bytes(good.begin(), good.begin() + 39)},
      {"version 4", &c::in_hdr_errors, with([](sample& s) { s.version = 0x45; })},
      {"a length beyond what came", &c::in_truncated_pkts, with([](sample& s) { s.length = 9; })},
      {"from nobody", &c::in_martian_src, with([](sample& s) { s.from = {}; })},
      {"from a group", &c::in_martian_src, with([](sample& s) { s.from = "ff02::1"_ip; })},
      {"from loopback", &c::in_martian_src, with([](sample& s) { s.from = "::1"_ip; })},
      {"from ourselves", &c::in_martian_src, with([](sample& s) { s.from = us; })},
      {"from IPv4 in disguise", &c::in_martian_src, with([](sample& s) { s.from = "10.0.0.1"_ip; })},
      {"to somebody else", &c::in_addr_errors, with([](sample& s) { s.to = "fd00::2"_ip; })},
      {"to IPv4 in disguise", &c::in_addr_errors, with([](sample& s) { s.to = "224.0.0.1"_ip; })},
      {"to us alone, in a broadcast frame", &c::in_addr_errors, good, true},
  };
  for (const u8 next : {u8{0}, u8{43}, u8{44}, u8{50}, u8{51}, u8{58}, u8{59}, u8{60}})
    rows.push_back({"an extension header, or ICMPv6", &c::in_unknown_protos, with([next](sample& s) { s.next_header = next; })});
  for (const row& r : rows) {
    INFO(r.why);
    host<cached> h;
    CHECK(h.in(r.what, r.link_broadcast).is == finding::what::nothing);
    CHECK(h.ip.counted().*r.which == 1);
    CHECK(h.ip.counted().in_delivers == 0);
  }
}

TEST_CASE("each half of a wide family carries its own addresses") {
  STATIC_REQUIRE((ip::v6<cached>::carries("fd00::1"_ip) && !ip::v6<cached>::carries("10.0.0.1"_ip)));
  STATIC_REQUIRE((ip::v6<cached>::ethertype == 0x86dd && ip::v6<cached>::header_size == 40));
}

}  // namespace
