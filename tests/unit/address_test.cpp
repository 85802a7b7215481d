// SPDX-License-Identifier: MIT
// Addresses: what they are, their textual forms (RFC 4291 §2.2) and the two families behind one type.
#include <strata/core/address.hpp>
#include <strata/core/entropy.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::literals;

template <std::size_t N> constexpr std::optional<ipv6_address> address(const char (&text)[N]) { return parse_address(text, N - 1); }
template <std::size_t N> constexpr std::optional<subnet_text> net(const char (&text)[N]) { return parse_subnet(text, N - 1); }
template <std::size_t N> constexpr std::optional<mac_address> mac(const char (&text)[N]) { return parse_mac(text, N - 1); }
constexpr ipv6_address mapped(u32 v4) { return ipv4_address{v4}.v6(); }

// ---- Text, IPv4
static_assert(address("10.9.0.2") == mapped(0x0a090002) && address("0.0.0.0") == mapped(0) && address("255.255.255.255") == mapped(0xffffffff));
static_assert(!address("") && !address("10.9.0") && !address("10.9.0.") && !address("10.9.0.2.1") && !address("10.9.0.256") && !address(".10.9.0.2"));
static_assert(!address("10.9.0.2 ") && !address("10.9..2") && !address("10.9.0.2/24") && !address("10.9.0.a") && !address("10.9.0.99999999999"));

// ---- Text, IPv6
static_assert(address("::") == ipv6_address{} && address("::1") == ipv6_address{0, 1} && address("1::") == ipv6_address{0x0001'0000'0000'0000, 0});
static_assert(address("fd00::2") == ipv6_address{0xfd00'0000'0000'0000, 2} && address("FD00::A") == ipv6_address{0xfd00'0000'0000'0000, 10});
static_assert(address("1:2:3:4:5:6:7:8") == ipv6_address{0x0001'0002'0003'0004, 0x0005'0006'0007'0008});
static_assert(address("1:2::7:8") == ipv6_address{0x0001'0002'0000'0000, 0x0000'0000'0007'0008});
static_assert(address("1:2:3:4:5:6:7::") == ipv6_address{0x0001'0002'0003'0004, 0x0005'0006'0007'0000});
static_assert(address("::2:3:4:5:6:7:8") == ipv6_address{0x0000'0002'0003'0004, 0x0005'0006'0007'0008});
static_assert(address("::ffff:10.9.0.2") == mapped(0x0a090002) && address("64:ff9b::192.0.2.33") == ipv6_address{0x0064'ff9b'0000'0000, 0xc0000221});
static_assert(!address(":") && !address(":1") && !address("1:") && !address(":::") && !address("1::2::3") && !address("1:2:3:4:5:6:7") && !address("1:2:3:4:5:6:7:8:9"));
static_assert(!address("1:2:3:4:5:6:7:8::") && !address("::1:2:3:4:5:6:7:8") && !address("12345::") && !address("g::") && !address("1:2:3:4:5:6:7:1.2.3.4"));
static_assert(!address("::1.2.3") && !address("::1.2.3.4.5") && !address("::1.2.3.4:5"));

// ---- Text, prefixes and MACs
static_assert(net("10.9.0.2/24")->prefix == 24 && net("10.9.0.2/0")->prefix == 0 && net("10.9.0.2")->prefix == 32 && net("fd00::2/64")->prefix == 64 && net("::/128")->prefix == 128);
static_assert(!net("10.9.0.2/33") && !net("10.9.0.2/") && !net("10.9.0.2/-1") && !net("fd00::2/129") && !net("/24") && !net("10.9.0.2/24/1"));
static_assert(mac("02:00:5e:10:00:01") == mac_address{{2, 0, 0x5e, 0x10, 0, 1}} && mac("FF:ff:Ff:fF:ff:ff") == mac_address::broadcast());
static_assert(!mac("02:00:5e:10:00") && !mac("02:00:5e:10:00:01:02") && !mac("02-00-5e-10-00-01") && !mac("02:00:5e:10:00:100") && !mac("") && !mac("02:00:5e:10::01"));
static_assert("02:00:5e:10:00:01"_mac.bytes[5] == 1);

// ---- Literals become the family that is asked for.
constexpr ipv4_address four = "10.9.0.2"_ip;
constexpr ipv6_address six = "fd00::2"_ip;
constexpr ipv6_address four_in_dual = "10.9.0.2"_ip;
static_assert(four.value == 0x0a090002 && six.low == 2 && four_in_dual.is_v4() && four_in_dual.v4() == four && !six.is_v4());
constexpr subnet<ipv4_address> lan = "10.9.0.2/24"_net;
constexpr subnet<ipv6_address> lan6 = "fd00::2/64"_net;
constexpr subnet<ipv6_address> lan_in_dual = "10.9.0.2/24"_net;
static_assert(lan.contains("10.9.0.255"_ip) && !lan.contains("10.9.1.0"_ip));
static_assert(lan6.contains("fd00::ffff:1"_ip) && !lan6.contains("fd00:0:0:1::1"_ip));
static_assert(lan_in_dual.contains("10.9.0.255"_ip) && !lan_in_dual.contains("10.9.1.0"_ip) && !lan_in_dual.contains("fd00::1"_ip));

// ---- What an address is
static_assert(ipv4_address{}.is_unspecified() && ipv4_address{0xffffffff}.is_broadcast() && !ipv4_address{0xffffffff}.is_unicast());
static_assert(ipv4_address{0xe0000001}.is_multicast() && ipv4_address{0xefffffff}.is_multicast() && !ipv4_address{0xf0000000}.is_multicast());
static_assert(ipv4_address{0x7f000001}.is_loopback() && ipv4_address{0x0a000001}.is_unicast() && !ipv4_address{0xe0000001}.is_unicast());
static_assert(ipv6_address{}.is_unspecified() && mapped(0).is_unspecified() && ipv6_address{0, 1}.is_loopback() && mapped(0x7f000001).is_loopback());
static_assert(ipv6_address{0xff02'0000'0000'0000, 1}.is_multicast() && mapped(0xe0000001).is_multicast() && mapped(0xffffffff).is_broadcast());
static_assert(six.is_unicast() && mapped(0x0a000001).is_unicast() && !mapped(0xffffffff).is_unicast() && !ipv6_address{}.is_unicast());
static_assert(mac_address::broadcast().is_group() && !"02:00:5e:10:00:01"_mac.is_group() && mac_address{}.is_zero());
static_assert(!ipv4_address::from(six) && *ipv4_address::from(mapped(7)) == ipv4_address{7});
static_assert(sizeof(ipv4_address) == 4 && sizeof(ipv6_address) == 16 && sizeof(mac_address) == 6);

TEST_CASE("a prefix of each length covers exactly the addresses that share its bits") {
  entropy::seeded random{0xadd};
  for (u32 round = 0; round < 2000; ++round) {
    const ipv6_address a{random.next(), random.next()};
    const u32 length = static_cast<u32>(random.below(129));
    const u32 bit = static_cast<u32>(random.below(128));  // counted from the front
    ipv6_address b = a;
    (bit < 64 ? b.high : b.low) ^= u64{1} << (63 - bit % 64);
    INFO("seed 0xadd, round " << round << ", length " << length << ", bit " << bit);
    REQUIRE(a.has_prefix(a, length));
    REQUIRE(b.has_prefix(a, length) == (bit >= length));

    const ipv4_address c{static_cast<u32>(a.low)};
    const ipv4_address d{c.value ^ 1u << (31 - bit % 32)};
    REQUIRE(c.has_prefix(c, length % 33));
    REQUIRE(d.has_prefix(c, length % 33) == (bit % 32 >= length % 33));
  }
}

// What a user types is data: whatever it is, it is an address or it is none, and no byte behind it is read.
TEST_CASE("any text is an address or none") {
  entropy::seeded random{0xadd2};
  constexpr char likely[] = "0123456789abcdefF:./::..";
  u32 taken = 0;
  for (u32 round = 0; round < 50000; ++round) {
    const std::size_t n = random.below(20);
    char* const text = new char[n];
    for (std::size_t i = 0; i < n; ++i) text[i] = likely[random.below(sizeof likely - 1)];
    taken += parse_address(text, n).has_value();
    const auto s = parse_subnet(text, n);
    const bool fits = !s || s->prefix <= (s->address.is_v4() ? 32 : 128);
    (void)parse_mac(text, n);
    delete[] text;
    INFO("seed 0xadd2, round " << round);
    REQUIRE(fits);
  }
  CHECK(taken > 0);
}

}  // namespace
