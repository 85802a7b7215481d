// SPDX-License-Identifier: MIT
// ICMP: echoes in place and in a copy, errors that come in and errors that go out, with the rules of RFC 1122 §3.2.2.
#include <strata/ip/v4.hpp>

#include "ip_below.hpp"

namespace {

using namespace strata;
using namespace strata::literals;
using namespace strata::layer_test;
using wire_test::equal;
using wire_test::hex;
using finding = ip::finding<ipv4_address>;

constexpr ipv4_address us = "10.0.0.1"_ip, b = "10.0.0.11"_ip, router = "10.0.0.254"_ip, far = "192.0.2.1"_ip;

bytes ip_packet(ipv4_address from, ipv4_address to, u8 protocol, std::span<const std::byte> payload, std::size_t options = 0) {
  bytes h(20 + options, std::byte{1});  // no-operations
  h[0] = static_cast<std::byte>(0x45 + options / 4), h[1] = std::byte{0};
  store_be<u16>(&h[2], static_cast<u16>(h.size() + payload.size())), store_be<u32>(&h[4], 0), h[8] = std::byte{64}, h[9] = static_cast<std::byte>(protocol);
  store_be<u16>(&h[10], 0), store_be<u32>(&h[12], from.value), store_be<u32>(&h[16], to.value);
  store_be<u16>(&h[10], static_cast<u16>(~plain_sum(h)));
  return joined(h, payload);
}
bytes message(u8 type, u8 code, u32 rest, std::span<const std::byte> data) {
  bytes m(8);
  m[0] = static_cast<std::byte>(type), m[1] = static_cast<std::byte>(code);
  store_be<u32>(&m[4], rest);
  m = joined(m, data);
  store_be<u16>(&m[2], static_cast<u16>(~plain_sum(m)));
  return m;
}

struct host {
  two_links<ipv4_address> below{};
  ip::v4<ip::archetype> ip{};
  time_point<milliseconds32> now{0xffffff00u};

  host() {
    REQUIRE(ip.configure(0, "10.0.0.1/24"_net));
    REQUIRE(ip.add_route("0.0.0.0/0"_net, router, 0));
  }
  finding in(std::span<const std::byte> b_, u32 front = 128, bool link_broadcast = false) {
    packet p = below.pool.incoming(b_, front);
    return ip.on_packet(below, p, {0, link_broadcast}, now);
  }
  finding error_about(std::span<const std::byte> quoted, u8 type, u8 code, u32 rest = 0) { return in(ip_packet(router, us, 1, message(type, code, rest, quoted))); }
};

TEST_CASE("an echo request comes back with the same data, from the address that was asked") {  // RFC 1122 §3.2.2.6
  host h;
  const auto data = text("abcdefghijklmnopqrstuvw");
  CHECK(h.in(ip_packet(b, us, 1, message(8, 0, 0x12340001, data))).is == finding::what::nothing);
  const auto out = h.below.taken();
  REQUIRE(out.size() == 1);
  const auto sent_packet = std::span(out[0].what).subspan(14);
  CHECK(plain_sum(sent_packet.first(20)) == 0xffff);
  CHECK(load_be<u32>(&sent_packet[12]) == us.value);
  CHECK(load_be<u32>(&sent_packet[16]) == b.value);
  CHECK(equal(sent_packet.subspan(20), message(0, 0, 0x12340001, data)));
  CHECK(h.ip.icmp_counted().in_echos == 1);
  CHECK(h.ip.icmp_counted().out_echo_reps == 1);
  // A code is no concern of ours, and goes back as it came. Linux: icmp_echo.
  CHECK(h.in(ip_packet(b, us, 1, message(8, 9, 0x12340002, data))).is == finding::what::nothing);
  const auto with_code = h.below.taken();
  REQUIRE(with_code.size() == 1);
  CHECK(equal(std::span(with_code[0].what).subspan(34), message(0, 9, 0x12340002, data)));
}

TEST_CASE("an echo is answered in the chunk that it came in, or in a copy where that is not ours alone or has no room in front") {
  host h;
  const bytes request = ip_packet(b, us, 1, message(8, 0, 1, text("x")));
  const u32 before = h.below.pool.chunks.in_use();
  CHECK(before == 0);
  packet p = h.below.pool.incoming(request);
  (void)h.ip.on_packet(h.below, p, {0, false}, h.now);
  CHECK_FALSE(p);  // it went out again

  pool_of<1> sender;  // nic::wire_pair::lending: the chunk is the sender's, and still in its hands
  const packet lent = sender.outgoing(request);
  p = h.below.pool.chunks.borrow(lent.d(), lent->offset, lent->length);
  (void)h.ip.on_packet(h.below, p, {0, false}, h.now);
  CHECK(p);
  CHECK(equal(lent.bytes(), request));
  p.reset();

  p = h.below.pool.incoming(request, 10);  // 30 bytes in front of the message, 34 are needed
  (void)h.ip.on_packet(h.below, p, {0, false}, h.now);
  CHECK(p);
  p.reset();

  const auto out = h.below.taken();
  REQUIRE(out.size() == 3);
  CHECK(out[0].what == out[1].what);
  CHECK(out[0].what == out[2].what);
}

TEST_CASE("nobody answers a broadcast echo, a broken one, or one for which there is no chunk") {
  host h;
  (void)h.in(ip_packet(b, "10.0.0.255"_ip, 1, message(8, 0, 1, text("x"))), 128, true);
  CHECK(h.ip.icmp_counted().in_ignored == 1);
  bytes m = message(8, 0, 1, text("x"));
  m[8] ^= std::byte{1};
  (void)h.in(ip_packet(b, us, 1, m));
  CHECK(h.ip.icmp_counted().in_csum_errors == 1);
  (void)h.in(ip_packet(b, us, 1, std::span(m).first(7)));
  CHECK(h.ip.icmp_counted().in_errors == 1);
  {
    packet p = h.below.pool.incoming(ip_packet(b, us, 1, message(8, 0, 1, text("x"))), 0);
    std::vector<packet> all;
    while (packet q = h.below.pool.chunks.take(0)) all.push_back(std::move(q));
    (void)h.ip.on_packet(h.below, p, {0, false}, h.now);
  }
  CHECK(h.ip.icmp_counted().out_errors == 1);
  CHECK(h.below.posted.empty());
  CHECK(h.ip.icmp_counted().in_echos == 2);
}

// MUST-55.
TEST_CASE("an echo that there is no way back for is not answered, and counted once") {
  host h;
  REQUIRE(h.ip.remove_route("0.0.0.0/0"_net, router, 0));
  (void)h.in(ip_packet("192.0.2.1"_ip, us, 1, message(8, 0, 1, text("x"))));
  CHECK(h.below.posted.empty());
  CHECK(h.ip.icmp_counted().out_errors == 1);
  CHECK(h.ip.counted().out_no_routes == 1);
  CHECK(h.ip.icmp_counted().out_echo_reps == 0);
}

TEST_CASE("echo replies, redirects, source quench and timestamps are counted and passed over") {
  host h;
  (void)h.in(ip_packet(b, us, 1, message(0, 0, 1, text("x"))));
  CHECK(h.ip.icmp_counted().in_echo_reps == 1);
  const bytes ours = ip_packet(us, far, 6, text("12345678"));
  for (const u8 type : {u8{4}, u8{5}, u8{13}, u8{200}}) CHECK(h.error_about(ours, type, 0).is == finding::what::nothing);
  CHECK(h.ip.icmp_counted().in_ignored == 4);
  CHECK(h.below.posted.empty());
}

// MUST-54.
TEST_CASE("an error about what we sent goes up with both ends and the first eight bytes") {
  host h;
  const bytes ours = ip_packet(us, far, 6, text("12345678"), 8);
  const finding f = h.error_about(ours, 3, 3);
  REQUIRE(f.is == finding::what::error);
  CHECK(f.error.local == us);
  CHECK(f.error.remote == far);
  CHECK(f.error.protocol == 6);
  CHECK(f.error.kind == icmp_error_kind::port_unreachable);
  CHECK_FALSE(f.error.is_local);
  CHECK(equal(f.error.quoted, text("12345678")));
  CHECK(h.ip.icmp_counted().in_dest_unreachs == 1);

  using k = icmp_error_kind;
  const struct { u8 type, code; k kind; } kinds[] = {
      {3, 0, k::net_unreachable}, {3, 1, k::host_unreachable}, {3, 2, k::protocol_unreachable}, {3, 5, k::host_unreachable},
      {3, 9, k::prohibited},      {3, 13, k::prohibited},      {11, 0, k::time_exceeded},       {12, 0, k::parameter_problem}};
  for (const auto& row : kinds) {
    const finding g = h.error_about(ours, row.type, row.code);
    REQUIRE(g.is == finding::what::error);
    CHECK(g.error.kind == row.kind);
  }
  CHECK(h.ip.icmp_counted().in_time_excds == 1);
  CHECK(h.ip.icmp_counted().in_parm_probs == 1);
}

TEST_CASE("packet too big tells the next hop's MTU, or the next plateau where the router does not know it") {  // RFC 1191 §4, §7.1
  host h;
  bytes ours = ip_packet(us, far, 6, text("12345678"));
  store_be<u16>(&ours[2], 1500);
  CHECK(h.error_about(ours, 3, 4, 1400).error.mtu == 1400);
  CHECK(h.error_about(ours, 3, 4, 0).error.mtu == 1492);
  CHECK(h.error_about(ours, 3, 4, 20).error.mtu == 68);
  CHECK(h.error_about(ours, 3, 4, 0).error.kind == icmp_error_kind::packet_too_big);
}
static_assert(ip::next_plateau(65535) == 32000 && ip::next_plateau(32000) == 17914 && ip::next_plateau(1492) == 1006 && ip::next_plateau(297) == 296 &&
              ip::next_plateau(296) == 68 && ip::next_plateau(0) == 68);

TEST_CASE("an error that quotes too little, or what we did not send, goes nowhere") {
  host h;
  const bytes ours = ip_packet(us, far, 6, text("12345678"));
  CHECK(h.error_about(std::span(ours).first(27), 3, 3).is == finding::what::nothing);
  CHECK(h.error_about(std::span(ours).first(19), 3, 3).is == finding::what::nothing);
  CHECK(h.error_about({}, 3, 3).is == finding::what::nothing);
  CHECK(h.error_about(ip_packet(b, far, 6, text("12345678")), 3, 3).is == finding::what::nothing);
  bytes fragment = ours;
  store_be<u16>(&fragment[6], 5);
  CHECK(h.error_about(fragment, 3, 3).is == finding::what::nothing);
  bytes version = ours;
  version[0] = std::byte{0x65};
  CHECK(h.error_about(version, 3, 3).is == finding::what::nothing);
  CHECK(h.error_about(ours, 3, 77).is == finding::what::nothing);
  CHECK(h.in(ip_packet(router, "10.0.0.255"_ip, 1, message(3, 3, 0, ours))).is == finding::what::nothing);
  CHECK(h.ip.icmp_counted().in_errors == 8);
}

TEST_CASE("a refused datagram is quoted to its sender, header and all") {  // RFC 1122 §3.2.2.1
  host h;
  const bytes datagram = ip_packet(b, us, 17, text("12345678payload"), 4);
  packet p = h.below.pool.incoming(datagram);
  const finding f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  REQUIRE(f.is == finding::what::datagram);
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::port_unreachable, h.now);
  auto out = h.below.taken();
  REQUIRE(out.size() == 1);
  const auto m = std::span(out[0].what).subspan(34);
  CHECK(equal(m, message(3, 3, 0, datagram)));
  CHECK(load_be<u32>(&out[0].what[14 + 12]) == us.value);
  CHECK(load_be<u32>(&out[0].what[14 + 16]) == b.value);
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::protocol_unreachable, h.now);
  CHECK(h.below.taken()[0].what[35] == std::byte{2});
  CHECK(h.ip.counted().in_unknown_protos == 1);
  CHECK(h.ip.icmp_counted().out_dest_unreachs == 2);
}

TEST_CASE("a long datagram is quoted until the error has 576 bytes") {  // RFC 1812 §4.3.2.3
  host h;
  packet p = h.below.pool.incoming(ip_packet(b, us, 17, bytes(1400, std::byte{7})));
  const finding f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::port_unreachable, h.now);
  const auto out = h.below.taken();
  REQUIRE(out.size() == 1);
  CHECK(out[0].what.size() == 14 + 576);
  CHECK(plain_sum(std::span(out[0].what).subspan(34)) == 0xffff);
}

TEST_CASE("no error is sent about a broadcast, about ICMP, or of a kind that is a router's") {
  host h;
  packet p = h.below.pool.incoming(ip_packet(b, us, 17, text("12345678")));
  const finding f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  datagram_info<ipv4_address> info = f.info;
  info.is_broadcast = true;
  h.ip.send_error(h.below, info, p, icmp_error_kind::port_unreachable, h.now);
  info = f.info;
  info.protocol = 1;
  h.ip.send_error(h.below, info, p, icmp_error_kind::protocol_unreachable, h.now);
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::packet_too_big, h.now);
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::time_exceeded, h.now);
  CHECK(h.below.posted.empty());
}

TEST_CASE("an error for which there is no chunk, or no way, is counted and not sent") {
  host h;
  packet p = h.below.pool.incoming(ip_packet(b, us, 17, text("12345678")));
  const finding f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  std::vector<packet> all;
  while (packet q = h.below.pool.chunks.take(0)) all.push_back(std::move(q));
  h.ip.send_error(h.below, f.info, p, icmp_error_kind::port_unreachable, h.now);
  CHECK(h.ip.icmp_counted().out_errors == 1);
  all.clear();
  const u32 before = h.below.pool.chunks.in_use();
  REQUIRE(h.ip.remove_route("0.0.0.0/0"_net, router, 0));
  packet stray = h.below.pool.incoming(ip_packet("192.0.2.1"_ip, us, 17, text("12345678")));
  const finding g = h.ip.on_packet(h.below, stray, {0, false}, h.now);
  h.ip.send_error(h.below, g.info, stray, icmp_error_kind::port_unreachable, h.now);
  stray.reset();
  CHECK(h.ip.icmp_counted().out_errors == 2);
  CHECK(h.below.taken().empty());
  CHECK(h.below.pool.chunks.in_use() == before);
  CHECK(h.ip.icmp_counted().out_dest_unreachs == 0);
}

TEST_CASE("errors are sent at most fifty at once and a thousand a second") {
  host h;
  packet p = h.below.pool.incoming(ip_packet(b, us, 17, text("12345678")));
  const finding f = h.ip.on_packet(h.below, p, {0, false}, h.now);
  const auto tries = [&](int n) {
    for (int i = 0; i < n; ++i) h.ip.send_error(h.below, f.info, p, icmp_error_kind::port_unreachable, h.now);
    return h.below.taken().size();
  };
  CHECK(tries(80) == 50);
  CHECK(h.ip.icmp_counted().out_rate_limit == 30);
  h.now = h.now + duration<milliseconds32>::ms(10);
  CHECK(tries(80) == 10);
  h.now = h.now + duration<milliseconds32>::seconds(600);  // and the clock wrapped
  CHECK(tries(80) == 50);
}

TEST_CASE("a token bucket gives its burst, then one a time, whatever the step of the clock") {
  ip::token_bucket<nanoseconds64, 100, 5> bucket;  // one in 10 ms
  time_point<nanoseconds64> now{};
  u32 given = 0;
  for (int i = 0; i < 1000; ++i) {  // one second in steps of 1 ms
    given += bucket.take(now) ? 1u : 0u;
    now = now + duration<nanoseconds64>::ms(1);
  }
  CHECK(given >= 5 + 99);
  CHECK(given <= 5 + 100);
}

TEST_CASE("whoever sends an option that is none hears which byte it is, and nobody else does") {  // RFC 1122 §3.2.2.5, RFC 1812 §4.3.3.5
  two_links<ipv4_address> below{};
  ip::v4<ip::archetype_of<only_v4, header_image::cached, 4>> ip{};
  time_point<milliseconds32> now{5};
  REQUIRE(ip.configure(0, "10.0.0.1/24"_net));
  const auto with_options = [](std::span<const std::byte> options, ipv4_address from = b, ipv4_address to = us, u8 protocol = 17, u16 fragment = 0) {
    bytes p = ip_packet(from, to, protocol, text("12345678"), options.size());
    copy_bytes(&p[20], options.data(), options.size());
    store_be<u16>(&p[6], fragment), store_be<u16>(&p[10], 0);
    store_be<u16>(&p[10], static_cast<u16>(~plain_sum(std::span(p).first(20 + options.size()))));
    return p;
  };
  const auto in = [&](bytes what, bool link_broadcast = false) {
    what.resize(what.size() + 3);  // link padding, which is not quoted
    packet p = below.pool.incoming(what);
    finding f = ip.on_packet(below, p, {0, link_broadcast}, now);
    if (f.is == finding::what::fragment) f = ip.on_fragment(below, p, f, now);
    CHECK(f.is == finding::what::nothing);
    return below.taken();
  };
  const struct {
    bytes options;
    u8 at;
  } bad[] = {{copy_of(hex("44 00 00 00")), 20}, {copy_of(hex("01 44 01 00")), 21}, {copy_of(hex("01 01 44 03")), 22}, {copy_of(hex("01 01 01 44")), 23},
             {copy_of(hex("44 08 05 00 00 00 00 00 01 01 07 04")), 30}};
  for (const auto& o : bad) {
    const bytes wrong = with_options(o.options);
    const auto out = in(wrong);
    REQUIRE(out.size() == 1);
    const auto said = std::span(out[0].what).subspan(14);
    CHECK(load_be<u32>(&said[12]) == us.value);
    CHECK(load_be<u32>(&said[16]) == b.value);
    CHECK(equal(said.subspan(20), message(12, 0, u32{o.at} << 24, wrong)));
  }
  CHECK(ip.icmp_counted().out_parm_probs == 5);
  CHECK(ip.counted().in_hdr_errors == 5);
  const auto& wrong = bad[0].options;
  CHECK(in(with_options(copy_of(hex("83 03 04 00")))).empty());           // a source route: RFC 7126 §4.3
  CHECK(in(with_options(wrong), true).empty());                           // to everybody on the link
  CHECK(in(with_options(wrong, b, "10.0.0.255"_ip)).empty());
  CHECK(in(with_options(wrong, b, "224.0.0.1"_ip)).empty());
  CHECK(in(with_options(wrong, b, "10.0.0.12"_ip)).empty());              // to somebody else, and we are no router
  CHECK(in(with_options(wrong, "255.255.255.255"_ip)).empty());
  CHECK(in(with_options(wrong, us)).empty());
  CHECK(in(with_options(wrong, b, us, 17, 0x0001)).empty());              // a later fragment
  bytes about_an_error = with_options(wrong, b, us, 1);
  about_an_error[24] = std::byte{3};
  CHECK(in(about_an_error).empty());
  CHECK(ip.icmp_counted().out_msgs == 5);
}

}  // namespace
