// SPDX-License-Identifier: MIT
// IPv4 over links that record: routes, what is sent byte by byte, and each check on what comes in with the counter that rises.
#include <strata/ip/v4.hpp>

#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>

#include "ip_below.hpp"

// The archetypes: compiled with the names of the contract and no others.
template class strata::ip::v4<strata::ip::archetype>;
template class strata::ip::v4<strata::ip::archetype_of<strata::only_v4, strata::header_image::built>>;
template class strata::ip::v4<strata::ip::archetype_of<strata::dual>>;

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;

template <class L> [[maybe_unused]] void every_template(L& l, ip::links_archetype<typename L::address>& b, packet p) {
  typename L::path way;
  (void)l.route(b, way), (void)l.send(b, way, std::move(p), 6), (void)l.on_packet(b, p, {}, {}), l.send_error(b, {}, p, {}, {});
}
[[maybe_unused]] void every_layer(ip::v4<ip::archetype>& a, ip::v4<ip::archetype_of<dual>>& d, ip::links_archetype<ipv4_address>& four, ip::links_archetype<ipv6_address>& six) {
  every_template(a, four, {});
  every_template(d, six, {});
}

using cached = ip::archetype_of<only_v4>;
using built = ip::archetype_of<only_v4, header_image::built>;
constexpr ipv4_address us = "10.0.0.1"_ip, b = "10.0.0.11"_ip, far = "192.0.2.1"_ip, gate = "10.0.0.254"_ip;

template <class C> struct host {
  using layer = ip::v4<C>;
  using finding = ip::finding<ipv4_address>;
  two_links<ipv4_address> below{};
  layer ip{};
  time_point<milliseconds32> now{0xffffff00u};

  host() {
    REQUIRE(ip.configure(0, "10.0.0.1/24"_net));
    REQUIRE(ip.add_route("0.0.0.0/0"_net, "10.0.0.254"_ip, 0));
  }
  typename layer::path to(ipv4_address a) {
    typename layer::path way{};
    way.remote = a;
    return way;
  }
  sent send(typename layer::path& way, std::span<const std::byte> payload, u8 protocol = 17) {
    return ip.send(below, way, below.pool.outgoing(payload), protocol);
  }
  finding in(std::span<const std::byte> bytes_of_packet, bool link_broadcast = false) {
    packet p = below.pool.incoming(bytes_of_packet);
    return ip.on_packet(below, p, {0, link_broadcast}, now);
  }
};

/// A header as a sender would make it, with a checksum that the test computes itself.
struct sample {
  u8 version_ihl = 0x45, tos = 0, ttl = 64, protocol = 17;
  u16 id = 0, fragment = 0x4000;
  int total = -1;  // what is true
  ipv4_address from = b, to = us;
  bytes options{};
  bytes payload = copy_of(text("datagram"));

  [[nodiscard]] bytes packet_bytes() const {
    bytes h(20 + options.size());
    const u32 length = total >= 0 ? static_cast<u32>(total) : static_cast<u32>(h.size() + payload.size());
    h[0] = static_cast<std::byte>(version_ihl + options.size() / 4);
    h[1] = static_cast<std::byte>(tos);
    store_be<u16>(&h[2], static_cast<u16>(length)), store_be<u16>(&h[4], id), store_be<u16>(&h[6], fragment);
    h[8] = static_cast<std::byte>(ttl), h[9] = static_cast<std::byte>(protocol);
    store_be<u32>(&h[12], from.value), store_be<u32>(&h[16], to.value);
    for (std::size_t i = 0; i < options.size(); ++i) h[20 + i] = options[i];
    store_be<u16>(&h[10], static_cast<u16>(~plain_sum(h)));
    return joined(h, payload);
  }
};

TEMPLATE_TEST_CASE("a packet leaves with link header, IP header and payload", "", cached, built) {
  host<TestType> h;
  auto way = h.to(b);
  CHECK(h.send(way, text("hello")) == sent::sent);
  const auto out = h.below.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].link == 0);
  // Version 4, five words, 25 bytes, ID 0 with DF (RFC 6864 §4.1), TTL 64, UDP.
  CHECK(equal(out[0].what, hex("02 00 00 00 00 0b 02 00 00 00 00 01 08 00 45 00 00 19 00 00 40 00 40 11 26 c9 0a 00 00 01 0a 00 00 0b 68 65 6c 6c 6f")));
  CHECK(plain_sum(std::span(out[0].what).subspan(14, 20)) == 0xffff);
  CHECK(way.local == us);
  CHECK(way.mtu == 1500);
  CHECK(way.neighbour == 5);
  CHECK(h.below.asked == std::vector{b});
}

TEMPLATE_TEST_CASE("every length has its checksum", "", cached, built) {
  host<TestType> h;
  auto way = h.to(far);
  const bytes zeros(1480);
  for (std::size_t n = 0; n <= 1480; n += n < 40 ? 1 : 97) {
    REQUIRE(h.send(way, std::span(zeros).first(n), 6) == sent::sent);
    const auto out = h.below.taken();
    REQUIRE(out[0].what.size() == 34 + n);
    REQUIRE(plain_sum(std::span(out[0].what).subspan(14, 20)) == 0xffff);
    REQUIRE(load_be<u16>(&out[0].what[16]) == 20 + n);
  }
}

TEST_CASE("the image is used while the generation stands, and built again when it moves") {
  host<cached> h;
  auto way = h.to(far);
  for (int i = 0; i < 3; ++i) CHECK(h.send(way, text("x")) == sent::sent);
  CHECK(h.below.asked == std::vector{gate});  // asked once, for the gateway
  h.below.their_mac = {{2, 0, 0, 0, 0, 0x0c}};
  h.below.changed();
  CHECK(h.send(way, text("x")) == sent::sent);
  CHECK(h.below.asked.size() == 2);
  const auto out = h.below.taken();
  CHECK(out[2].what[5] == std::byte{0x0b});
  CHECK(out[3].what[5] == std::byte{0x0c});
  CHECK(h.ip.counted().out_requests == 4);
}

TEST_CASE("the steps of the way down are observed in the kernel's order") {
  host<cached> h;
  auto way = h.to(b);
  CHECK(h.send(way, text("x")) == sent::sent);
  const std::vector all{trace::step::route, trace::step::ip_header, trace::step::ip_output, trace::step::finish_output, trace::step::neighbour};
  CHECK(h.below.steps == all);
  h.below.steps.clear();
  CHECK(h.send(way, text("x")) == sent::sent);  // by the image
  CHECK(h.below.steps == all);
}

TEMPLATE_TEST_CASE("a packet whose neighbour is unknown waits with its IP header, without link header", "", cached, built) {
  host<TestType> h;
  h.below.is_resolved = false;
  auto way = h.to(far);
  CHECK(h.send(way, text("hello")) == sent::queued);
  REQUIRE(h.below.held.size() == 1);
  CHECK(h.below.held[0].next_hop == gate);
  const auto what = h.below.held[0].what;
  REQUIRE(what.size() == 25);
  CHECK(plain_sum(std::span(what).first(20)) == 0xffff);
  CHECK(load_be<u32>(&what[16]) == far.value);
  h.below.is_resolved = true;
  CHECK(h.send(way, text("hello")) == sent::sent);
  CHECK(equal(std::span(h.below.posted[0].what).subspan(14), what));
}

TEMPLATE_TEST_CASE("a datagram over the MTU is refused and counted, since DF is set", "", cached, built) {
  host<TestType> h;
  auto way = h.to(b);
  const bytes most(1480), more(1481);
  CHECK(h.send(way, more) == sent::dropped);
  CHECK(h.send(way, most) == sent::sent);
  CHECK(h.send(way, more) == sent::dropped);
  CHECK(h.ip.counted().frag_fails == 2);
  CHECK(h.below.taken().size() == 1);
}

TEST_CASE("what the ring does not take is said, and the packet is given up") {
  host<cached> h;
  h.below.answer = sent::full;
  auto way = h.to(b);
  CHECK(h.send(way, text("x")) == sent::full);
}

TEST_CASE("the longest prefix wins, connected or by gateway") {
  host<cached> h;
  REQUIRE(h.ip.configure(1, "172.16.0.1/16"_net));
  REQUIRE(h.ip.add_route("192.0.2.0/24"_net, "172.16.0.9"_ip, 1));
  auto way = h.to(far);
  REQUIRE(h.ip.route(h.below, way));
  CHECK(way.link == 1);
  CHECK(way.mtu == 1280);
  CHECK(way.next_hop == v4("172.16.0.9"_ip));
  CHECK(way.local == v4("172.16.0.1"_ip));
  way = h.to("172.16.200.3"_ip);
  REQUIRE(h.ip.route(h.below, way));
  CHECK(way.next_hop == way.remote);
  way = h.to("192.0.3.1"_ip);
  REQUIRE(h.ip.route(h.below, way));
  CHECK(way.next_hop == gate);
  CHECK(way.local == us);

  way = h.to(far);
  CHECK(h.send(way, text("raw")) == sent::sent);  // a link without header
  CHECK(h.below.posted[0].link == 1);
  CHECK(h.below.posted[0].what.size() == 23);
  h.ip.withdraw(1);
  h.below.changed();
  auto other = h.to(far);
  REQUIRE(h.ip.route(h.below, other));
  CHECK(other.next_hop == gate);
  CHECK(h.send(way, text("raw")) == sent::unreachable);  // its local address is no longer ours
}

TEST_CASE("a route that cannot be is refused with its reason") {
  ip::v4<cached> l;  // room for four
  CHECK(l.add_route("0.0.0.0/0"_net, gate, 0).error() == ip::route_error::bad_gateway);
  CHECK(l.configure(0, {us, 33}).error() == ip::route_error::bad_prefix);
  CHECK(l.configure(0, "224.0.0.1/4"_net).error() == ip::route_error::bad_prefix);
  CHECK(l.configure(0, "10.0.0.1/24"_net));
  CHECK(l.configure(0, "10.0.0.1/16"_net));  // the same address: its prefix changes
  CHECK(l.add_route("0.0.0.0/0"_net, "10.0.9.9"_ip, 0));
  CHECK(l.add_route("0.0.0.0/0"_net, us, 0).error() == ip::route_error::bad_gateway);
  CHECK(l.add_route("0.0.0.0/0"_net, gate, 1).error() == ip::route_error::bad_gateway);
  CHECK(l.configure(0, "10.1.0.1/24"_net));
  CHECK(l.configure(0, "10.2.0.1/24"_net));
  CHECK(l.configure(0, "10.3.0.1/24"_net).error() == ip::route_error::full);
  CHECK(l.address_on(0) == us);
  CHECK(l.is_ours("10.2.0.1"_ip));
}

struct strong : cached { static constexpr bool strong_host = true; };

TEST_CASE("an address is ours on each link, or, where the Config has a strong host, on its own only (RFC 1122 3.3.4.2)") {
  sample to_the_other;
  to_the_other.to = "172.16.0.1"_ip;
  const auto comes_by = [&](auto& h, u8 link) {
    packet p = h.below.pool.incoming(to_the_other.packet_bytes());
    const auto f = h.ip.on_packet(h.below, p, {link, false}, h.now);
    return f.is == ip::finding<ipv4_address>::what::datagram && f.info.link == link;
  };
  host<cached> weak;
  host<strong> h;
  REQUIRE(weak.ip.configure(1, "172.16.0.1/16"_net));
  REQUIRE(h.ip.configure(1, "172.16.0.1/16"_net));
  CHECK((comes_by(weak, 0) && comes_by(weak, 1)));
  CHECK_FALSE(comes_by(h, 0));
  CHECK(h.ip.counted().in_addr_errors == 1);
  CHECK(comes_by(h, 1));
  CHECK_FALSE(comes_by(h, 0));  // though the same two have just been seen
  CHECK(h.ip.counted().in_addr_errors == 2);
  to_the_other.to = us;
  CHECK(comes_by(h, 0));
  CHECK_FALSE(comes_by(h, 1));
}

TEST_CASE("there is no way to nowhere, to ourselves, or from an address that is not ours") {
  host<cached> h;
  for (const ipv4_address a : {ipv4_address{}, us, v4("127.0.0.1"_ip)}) {
    auto way = h.to(a);
    CHECK_FALSE(h.ip.route(h.below, way));
    CHECK(h.send(way, text("x")) == sent::unreachable);
  }
  auto way = h.to(b);
  way.local = "10.0.0.2"_ip;
  CHECK_FALSE(h.ip.route(h.below, way));
  CHECK(h.ip.counted().out_no_routes == 7);
}

TEST_CASE("broadcasts and groups go to the link's broadcast and group addresses, and nobody is asked") {
  host<cached> h;
  const auto mac_to = [&](ipv4_address a) {
    auto way = h.to(a);
    REQUIRE(h.send(way, text("x")) == sent::sent);
    CHECK(way.local == us);
    return bytes(h.below.posted.back().what.begin(), h.below.posted.back().what.begin() + 6);
  };
  CHECK(equal(mac_to("255.255.255.255"_ip), hex("ff ff ff ff ff ff")));
  CHECK(equal(mac_to("10.0.0.255"_ip), hex("ff ff ff ff ff ff")));
  CHECK(equal(mac_to("224.0.0.251"_ip), hex("01 00 5e 00 00 fb")));
  CHECK(equal(mac_to("239.129.2.3"_ip), hex("01 00 5e 01 02 03")));  // RFC 1112 §6.4: 23 bits
  CHECK(h.below.asked.empty());
}

TEST_CASE("a sound packet for us goes up, cut to its length") {
  host<cached> h;
  sample s;
  s.tos = 0x03;
  packet p = h.below.pool.incoming(joined(s.packet_bytes(), bytes(18)));  // link padding
  const auto f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  REQUIRE(f.is == ip::finding<ipv4_address>::what::datagram);
  CHECK(f.info.local == us);
  CHECK(f.info.remote == b);
  CHECK(f.info.protocol == 17);
  CHECK(f.info.ecn == 3);
  CHECK_FALSE(f.info.is_broadcast);
  CHECK(equal(p.bytes(), text("datagram")));
  CHECK(p->transport == p->offset);
  CHECK(p->network == p->offset - 20);
  CHECK(h.ip.counted().in_receives == 1);
  CHECK(h.ip.counted().in_delivers == 1);
}

TEST_CASE("broadcasts and groups go up as such") {
  host<cached> h;
  for (const ipv4_address to : {v4("255.255.255.255"_ip), v4("10.0.0.255"_ip), v4("224.0.0.1"_ip)}) {
    sample s;
    s.to = to;
    const auto f = h.in(s.packet_bytes(), true);
    CHECK(f.is == ip::finding<ipv4_address>::what::datagram);
    CHECK(f.info.is_broadcast);
  }
}

// MUST-51, MUST-52, MUST-53, MUST-63.
TEST_CASE("each check of RFC 1122 §3.2.1 drops, and one counter says which") {
  using counter = u32 ip::counters::*;
  struct row {
    const char* why;
    counter which;
    bytes what;
    bool link_broadcast = false;
  };
  const auto with = [](auto&& change) {
    sample s;
    change(s);
    return s.packet_bytes();
  };
  const bytes good = sample{}.packet_bytes();
  bytes flipped = good;
  flipped[8] ^= std::byte{1};
  using c = ip::counters;
  const row rows[] = {
      {"no byte", &c::in_hdr_errors, {}},
      {"19 bytes", &c::in_hdr_errors, bytes(good.begin(), good.begin() + 19)},
      {"version 5", &c::in_hdr_errors, with([](sample& s) { s.version_ihl = 0x55; })},
      {"version 6", &c::in_hdr_errors, with([](sample& s) { s.version_ihl = 0x65; })},
      {"four words of header", &c::in_hdr_errors, with([](sample& s) { s.version_ihl = 0x44; })},
      {"a length below the header", &c::in_hdr_errors, with([](sample& s) { s.total = 19; })},
      {"a length beyond what came", &c::in_truncated_pkts, with([](sample& s) { s.total = 29; })},
      {"a wrong checksum", &c::in_csum_errors, flipped},
      {"from nobody", &c::in_martian_src, with([](sample& s) { s.from = {}; })},
      {"from everybody", &c::in_martian_src, with([](sample& s) { s.from = {0xffffffff}; })},
      {"from everybody here", &c::in_martian_src, with([](sample& s) { s.from = "10.0.0.255"_ip; })},
      {"from a group", &c::in_martian_src, with([](sample& s) { s.from = "224.0.0.1"_ip; })},
      {"from loopback", &c::in_martian_src, with([](sample& s) { s.from = "127.0.0.1"_ip; })},
      {"from class E", &c::in_martian_src, with([](sample& s) { s.from = "240.0.0.1"_ip; })},
      {"from ourselves", &c::in_martian_src, with([](sample& s) { s.from = us; })},
      {"to somebody else", &c::in_addr_errors, with([](sample& s) { s.to = "10.0.0.2"_ip; })},
      {"to loopback", &c::in_addr_errors, with([](sample& s) { s.to = "127.0.0.1"_ip; })},
      {"to us alone, in a broadcast frame", &c::in_addr_errors, good, true},
      {"a first fragment", &c::reasm_fails, with([](sample& s) { s.fragment = 0x2000; })},
      {"a last fragment", &c::reasm_fails, with([](sample& s) { s.fragment = 0x0001; })},
      {"a loose source route", &c::in_source_routed, with([](sample& s) { s.options = copy_of(hex("01 83 07 04 0a 00 00 02")); })},
      {"a strict source route", &c::in_source_routed, with([](sample& s) { s.options = copy_of(hex("89 07 04 0a 00 00 02 00")); })},
      {"an option of length 0", &c::in_hdr_errors, with([](sample& s) { s.options = copy_of(hex("44 00 00 00")); })},
      {"an option of length 1", &c::in_hdr_errors, with([](sample& s) { s.options = copy_of(hex("44 01 00 00")); })},
      {"an option that leaves the header", &c::in_hdr_errors, with([](sample& s) { s.options = copy_of(hex("01 01 44 03")); })},
      {"an option cut off at its type", &c::in_hdr_errors, with([](sample& s) { s.options = copy_of(hex("01 01 01 44")); })},
  };
  for (const row& r : rows) {
    INFO(r.why);
    host<cached> h;
    const auto f = h.in(r.what, r.link_broadcast);
    CHECK(f.is == ip::finding<ipv4_address>::what::nothing);
    CHECK(h.ip.counted().*r.which == 1);
    CHECK(h.ip.counted().in_receives == 1);
    CHECK(h.ip.counted().in_delivers == 0);
    u32 all = 0;
    for (const counter any : {&c::in_hdr_errors, &c::in_truncated_pkts, &c::in_csum_errors, &c::in_addr_errors, &c::in_martian_src, &c::in_source_routed, &c::reasm_fails})
      all += h.ip.counted().*any;
    CHECK(all == 1);
    CHECK(h.below.posted.empty());
  }
}

// MUST-50.
TEST_CASE("other options are passed over, and the reserved flag and a TTL of zero too") {
  host<cached> h;
  for (const bytes& options : {copy_of(hex("01 01 01 00")), copy_of(hex("94 04 00 00")), copy_of(hex("00 ff ff ff"))}) {  // no-ops, router alert, end
    sample s;
    s.options = options;
    s.ttl = 0;
    s.fragment = 0x8000;
    packet p = h.below.pool.incoming(s.packet_bytes());
    CHECK(h.ip.on_packet(h.below, p, {0, false}, h.now).is == ip::finding<ipv4_address>::what::datagram);
    CHECK(equal(p.bytes(), text("datagram")));
  }
}

TEST_CASE("a packet of ours that will not leave becomes an error with its first eight bytes") {
  host<cached> h;
  h.below.is_resolved = false;
  auto way = h.to(b);
  CHECK(h.send(way, text("12345678rest"), 6) == sent::queued);
  const auto e = ip::v4<cached>::failure(h.below.held[0].what);
  REQUIRE(e);
  CHECK(e->is_local);
  CHECK(e->kind == icmp_error_kind::host_unreachable);
  CHECK(e->local == us);
  CHECK(e->remote == b);
  CHECK(e->protocol == 6);
  CHECK(equal(e->quoted, text("12345678")));
  CHECK_FALSE(ip::v4<cached>::failure(std::span(h.below.held[0].what).first(27)));
}

struct long_ones : cached { static constexpr bool long_datagrams = true; };
// RFC 791 §3.2: all but the last are multiples of eight bytes, whatever the MTU.
TEST_CASE("a long datagram leaves in fragments that end at a multiple of eight") {
  host<long_ones> h;
  REQUIRE(h.ip.configure(1, "10.1.0.1/24"_net));  // of 1280 bytes, of which 1260 are not
  auto way = h.to("10.1.0.11"_ip);
  REQUIRE(h.ip.route(h.below, way));
  std::vector<u32> asked{};
  CHECK(h.ip.send_long(h.below, way, 3000, 17, [&](std::byte* to, u32 from, u32 n) { std::fill_n(to, n, static_cast<std::byte>(asked.size())), asked.push_back(from); }) == sent::sent);
  CHECK(asked == std::vector<u32>{0, 1256, 2512});
  const auto left = h.below.taken();
  REQUIRE(left.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto part = wire::ipv4::parse(left[i].what);
    REQUIRE(part);
    CHECK((part->fragment_offset == asked[i] && part->more_fragments == (i != 2) && part->total_length == (i != 2 ? 1276 : 508) && left[i].what.size() == part->total_length));
    CHECK((part->id == wire::ipv4::parse(left[0].what)->id && left[i].what[20] == static_cast<std::byte>(i) && left[i].what.back() == static_cast<std::byte>(i)));
  }
}

// RFC 6864 §4.3, RFC 7739 §5.3
TEST_CASE("no two datagrams in fragments between two hosts have one identification before all others were used, and each pair begins elsewhere") {
  host<long_ones> h;
  REQUIRE(h.ip.configure(1, "10.1.0.1/24"_net));
  const auto id_of = [&](ipv4_address to, u8 protocol) {
    auto way = h.to(to);
    REQUIRE(h.ip.route(h.below, way));
    CHECK(h.ip.send_long(h.below, way, 1300, protocol, [](std::byte*, u32, u32) {}) == sent::sent);
    const auto left = h.below.taken();
    REQUIRE(left.size() == 2);
    return wire::ipv4::parse(left[0].what)->id;
  };
  std::vector<bool> seen(0x10000);
  for (u32 n = 0; n < 0x10000; ++n) {
    const u16 id = id_of("10.1.0.11"_ip, 17);
    if (seen[id]) FAIL_CHECK("again: " << id);
    seen[id] = true;
  }
  std::vector<u16> begins{};
  for (u8 i = 0; i < 16; ++i)
    for (const u8 protocol : {u8{1}, u8{17}}) begins.push_back(id_of({0x0a010020u + i}, protocol));
  std::sort(begins.begin(), begins.end());
  CHECK(std::unique(begins.begin(), begins.end()) == begins.end());
  CHECK(begins.back() - begins.front() > 0x8000);
  const u16 first = id_of("10.1.0.11"_ip, 17), second = id_of("10.1.0.11"_ip, 17);
  CHECK(static_cast<u16>(second - first) == 1);
}

TEST_CASE("as the IPv4 half of a wide family the same bytes leave and the same addresses come up") {
  using wide = ip::archetype_of<dual>;
  two_links<ipv6_address> below;
  ip::v4<wide> l;
  REQUIRE(l.configure(0, "10.0.0.1/24"_net));
  CHECK(ip::v4<wide>::carries("10.0.0.1"_ip));
  CHECK_FALSE(ip::v4<wide>::carries("fd00::1"_ip));
  ip::v4<wide>::path way{};
  way.remote = "10.0.0.11"_ip;
  CHECK(l.send(below, way, below.pool.outgoing(text("hello")), 17) == sent::sent);
  CHECK(equal(std::span(below.posted[0].what).subspan(14), hex("45 00 00 19 00 00 40 00 40 11 26 c9 0a 00 00 01 0a 00 00 0b 68 65 6c 6c 6f")));
  packet p = below.pool.incoming(sample{}.packet_bytes());
  const auto f = l.on_packet(below, p, {0, false}, {});
  REQUIRE(f.is == ip::finding<ipv6_address>::what::datagram);
  CHECK(f.info.remote == v6("10.0.0.11"_ip));
}

TEST_CASE("IPv4 starts as zeros: it may lie in .bss") {
  static constinit ip::v4<cached> layer;
  CHECK_FALSE(layer.is_ours(us));
  static_assert(std::is_trivially_destructible_v<ip::v4<cached>>);
}

TEST_CASE("no garbage is handed up") {
  host<cached> h;
  entropy::seeded r{5};
  INFO("seed 5");
  for (int i = 0; i < 20'000; ++i) {
    bytes any(r.below(80));
    for (std::byte& x : any) x = static_cast<std::byte>(r.next());
    if (!any.empty() && i % 2 == 0) any[0] = std::byte{0x45};
    CHECK(h.in(any).is == ip::finding<ipv4_address>::what::nothing);
  }
  CHECK(h.ip.counted().in_receives == 20'000);
}

}  // namespace
