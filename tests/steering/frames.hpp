// SPDX-License-Identifier: MIT
// Frames and what becomes of them. 10.9.0.2, 240.0.0.1, fd00:9::a1:b2c3:d4e5 and fe80::a1:b2c3:d4e5 are strata's, 239.1.2.3, ff05::1:3 and ff02::1 it has joined; 10.9.0.1
// and fd00:9::1 are the kernel's, and so is fd00:9::aac3:d4e5, whose solicited-node group is that of ours.
#pragma once
#include "interpreter.hpp"

namespace steering_test {

void these_are_no_hexadecimal_bytes();  // never defined: constant evaluation that reaches it does not compile

struct frame {
  static constexpr std::size_t room = 128;
  std::byte data[room] = {};
  std::size_t size = 0;
  consteval frame(const char* text) {
    const auto digit = [](char c) {
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      these_are_no_hexadecimal_bytes();
      return 0;
    };
    for (; *text != 0; ++text) {
      if (*text == ' ') continue;
      data[size++] = static_cast<std::byte>(digit(text[0]) << 4 | digit(text[1]));
      ++text;
    }
  }
  [[nodiscard]] constexpr std::span<const std::byte> bytes() const { return {data, size}; }
};

struct row {
  const char* what;
  steering::verdict becomes;
  std::size_t needs;  ///< bytes; of anything shorter it says malformed
  frame sent;
};

#define MACS "02000000000a 02000000000b "
#define ARP MACS "0806 "
#define OUR4 "0a090002 "
#define KERNEL4 "0a090001 "
#define PEER4 "0a090063 "
#define OUR6 "fd00 0009 0000 0000 0000 00a1 b2c3 d4e5 "
#define OUR_LINK_LOCAL "fe80 0000 0000 0000 0000 00a1 b2c3 d4e5 "
#define KERNEL6 "fd00 0009 0000 0000 0000 0000 0000 0001 "
#define KERNEL6_OF_OUR_GROUP "fd00 0009 0000 0000 0000 0000 aac3 d4e5 "
#define PEER6 "fd00 0009 0000 0000 0000 0000 0000 0063 "
#define SOLICITED "ff02 0000 0000 0000 0000 0001 ffc3 d4e5 "
#define ALL_NODES "ff02 0000 0000 0000 0000 0000 0000 0001 "
#define PEER_MAC "02000000000b "
#define NO_MAC "000000000000 "
#define IP4(TOTAL, FRAGMENT, PROTOCOL, TO) MACS "0800 4500 " TOTAL " 1234 " FRAGMENT " 40 " PROTOCOL " 0000 " PEER4 TO
#define IP6(LENGTH, NEXT, TO) MACS "86dd 60000000 " LENGTH " " NEXT " ff " PEER6 TO
#define OPTIONS4(VERSION_AND_LENGTH, TOTAL) MACS "0800 " VERSION_AND_LENGTH "00 " TOTAL " 1234 0000 40 fd 0000 " PEER4 OUR4
#define NOP4 "01010101 "
#define FOUR_WORDS NOP4 NOP4 NOP4 NOP4
#define UDP "c000 0007 0009 0000 41 "
#define TCP "c000 0007 00000001 00000000 5002 ffff 0000 0000 "
#define SOLICITATION "8700 0000 00000000 "

using enum steering::verdict;

/// Where 0.0.0.0 was claimed as well.
inline constexpr row router_table[] = {
    {"for another host", transit, 34, {IP4("001d", "0000", "11", PEER4) UDP}},
    {"for another network", transit, 34, {IP4("0028", "4000", "06", "c0000207 ") TCP}},
    {"for the last address below all groups", transit, 34, {IP4("001d", "0000", "11", "dfffffff ") UDP}},
    {"a later fragment for another host: no ports", transit, 34, {IP4("001c", "00b9", "11", PEER4) "0102030405060708 "}},
    {"options, for another host", transit, 38, {MACS "0800 4600 0020 1234 0000 40 11 0000 " OUR4 PEER4 "01010100 c0000007 00080000 "}},
    {"to us", ip, 34, {IP4("001d", "0000", "11", OUR4) UDP}},
    {"to a group that we joined", group, 34, {IP4("001d", "0000", "11", "ef010203 ") UDP}},
    {"to the kernel's address", passed, 34, {IP4("0028", "4000", "06", KERNEL4) TCP}},
    {"to a group that we did not join", passed, 34, {IP4("001d", "0000", "11", "e00000fb ") UDP}},
    {"to an address above all groups", passed, 34, {IP4("001d", "0000", "11", "f0000002 ") UDP}},
    {"a broadcast", passed, 34, {IP4("001d", "0000", "11", "ffffffff ") UDP}},
    {"for another host, but all on the link got it", passed, 34, {"ffffffffffff 02000000000b 0800 4500 001d 1234 0000 40 11 0000 " PEER4 "c0000207 " UDP}},
    {"for another host, but a group of the link got it", passed, 34, {"01005e000001 02000000000b 0800 4500 001d 1234 0000 40 11 0000 " PEER4 "c0000207 " UDP}},
    {"a request for another address", passed, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC KERNEL4}},
    {"IPv6 for another host", passed, 54, {IP6("0009", "11", PEER6) UDP}},
    {"a header of four words for another host", malformed, 34, {MACS "0800 4400 001d 1234 0000 40 11 0000 " OUR4 PEER4 UDP}},
};

inline constexpr row table[] = {
    // ARP
    {"a request for our address", arp, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"a reply to us", arp, 42, {ARP "0001 0800 06 04 0002 " PEER_MAC PEER4 "02000000000a " OUR4}},
    {"a probe of our address", arp, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC "00000000 " NO_MAC OUR4}},
    {"somebody else announces our address", arp, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC OUR4 NO_MAC OUR4}},
    {"padded to the least frame", arp, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4 "0000 00000000 00000000 00000000 00000000"}},
    {"an operation that nobody knows, for us", arp, 42, {ARP "0001 0800 06 04 0099 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"a request for the kernel's address", passed, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC KERNEL4}},
    {"a request from our address for another", passed, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC OUR4 NO_MAC KERNEL4}},
    {"gratuitous", passed, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC PEER4}},
    {"gratuitous, as a reply", passed, 42, {ARP "0001 0800 06 04 0002 " PEER_MAC PEER4 PEER_MAC PEER4}},
    {"our address with its bytes in another order", passed, 42, {ARP "0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC "0200090a "}},
    {"other hardware", malformed, 42, {ARP "0006 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"another protocol", malformed, 42, {ARP "0001 86dd 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"a protocol of a smaller number", malformed, 42, {ARP "0001 0600 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"hardware addresses of 8 bytes", malformed, 42, {ARP "0001 0800 08 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"hardware addresses of no byte", malformed, 42, {ARP "0001 0800 00 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"protocol addresses of 16 bytes", malformed, 42, {ARP "0001 0800 06 10 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"protocol addresses of no byte", malformed, 42, {ARP "0001 0800 06 00 0001 " PEER_MAC PEER4 NO_MAC OUR4}},

    // IPv4
    {"UDP to us", ip, 34, {IP4("001d", "0000", "11", OUR4) UDP}},
    {"TCP to us", ip, 34, {IP4("0028", "4000", "06", OUR4) TCP}},
    {"ICMP to us", ip, 34, {IP4("001c", "0000", "01", OUR4) "0800 f7ff 0000 0000 "}},
    {"a protocol that nobody knows, to us", ip, 34, {IP4("0014", "0000", "fd", OUR4)}},
    {"the first fragment, to us", ip, 34, {IP4("001d", "2000", "11", OUR4) UDP}},
    {"a later fragment, to us: no ports", ip, 34, {IP4("001c", "00b9", "11", OUR4) "0102030405060708 "}},
    {"options of four bytes", ip, 38, {MACS "0800 4600 0020 1234 0000 40 11 0000 " PEER4 OUR4 "01010100 c0000007 00080000 "}},
    {"options of eight bytes", ip, 42, {OPTIONS4("47", "001c") NOP4 NOP4}},
    {"options of twelve bytes", ip, 46, {OPTIONS4("48", "0020") NOP4 NOP4 NOP4}},
    {"options of sixteen bytes", ip, 50, {OPTIONS4("49", "0024") FOUR_WORDS}},
    {"options of twenty bytes", ip, 54, {OPTIONS4("4a", "0028") FOUR_WORDS NOP4}},
    {"options of 24 bytes", ip, 58, {OPTIONS4("4b", "002c") FOUR_WORDS NOP4 NOP4}},
    {"options of 28 bytes", ip, 62, {OPTIONS4("4c", "0030") FOUR_WORDS NOP4 NOP4 NOP4}},
    {"options of 32 bytes", ip, 66, {OPTIONS4("4d", "0034") FOUR_WORDS FOUR_WORDS}},
    {"options of 36 bytes", ip, 70, {OPTIONS4("4e", "0038") FOUR_WORDS FOUR_WORDS NOP4}},
    {"options of forty bytes", ip, 74, {OPTIONS4("4f", "0044") FOUR_WORDS FOUR_WORDS NOP4 NOP4 "c000000700080000 "}},
    {"a total length beyond the frame: the layer counts it", ip, 34, {IP4("05dc", "0000", "11", OUR4) UDP}},
    {"a total length of a byte more than one byte counts", ip, 34, {IP4("0100", "0000", "11", OUR4) UDP}},
    {"padding behind it", ip, 34, {IP4("0014", "0000", "fd", OUR4) "00000000 00000000 00000000 00000000 00000000 0000 "}},
    {"from our address to us", ip, 34, {MACS "0800 4500 0014 1234 0000 40 fd 0000 " OUR4 OUR4}},
    {"to a group that we joined", group, 34, {IP4("001d", "0000", "11", "ef010203 ") UDP}},
    {"to an address of ours above all groups", ip, 34, {IP4("001d", "0000", "11", "f0000001 ") UDP}},
    {"to a group that we did not join", passed, 34, {IP4("001d", "0000", "11", "e00000fb ") UDP}},
    {"to the kernel's address", passed, 34, {IP4("0028", "4000", "06", KERNEL4) TCP}},
    {"from our address to another", passed, 34, {MACS "0800 4500 0014 1234 0000 40 fd 0000 " OUR4 KERNEL4}},
    {"an address that differs from ours in its last bit", passed, 34, {IP4("001d", "0000", "11", "0a090003 ") UDP}},
    {"an address that differs from ours in its first byte", passed, 34, {IP4("001d", "0000", "11", "0b090002 ") UDP}},
    {"a broadcast, as DHCP's", passed, 34, {IP4("001d", "0000", "11", "ffffffff ") UDP}},
    {"a broadcast of the subnet", passed, 34, {IP4("001d", "0000", "11", "0a0900ff ") UDP}},
    {"a header of four words", malformed, 34, {MACS "0800 4400 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"a header of four words in a long frame", malformed, 34, {OPTIONS4("44", "003c") FOUR_WORDS FOUR_WORDS NOP4 NOP4 NOP4}},
    {"a header of no word", malformed, 34, {MACS "0800 4000 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"version 6", malformed, 34, {MACS "0800 6500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"version 5", malformed, 34, {MACS "0800 5500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"version 0", malformed, 34, {MACS "0800 0500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"a total length below that of the header", malformed, 34, {IP4("0013", "0000", "11", OUR4) UDP}},
    {"a total length of zero", malformed, 34, {IP4("0000", "0000", "11", OUR4) UDP}},
    {"a total length without the options", malformed, 38, {MACS "0800 4600 0017 1234 0000 40 11 0000 " PEER4 OUR4 "01010100 c0000007 00080000 "}},
    {"a total length of just the options", ip, 38, {MACS "0800 4600 0018 1234 0000 40 11 0000 " PEER4 OUR4 "01010100 c0000007 00080000 "}},

    // IPv6
    {"TCP to us", ip, 54, {IP6("0014", "06", OUR6) TCP}},
    {"an echo request to us", ip, 54, {IP6("0008", "3a", OUR6) "8000 0000 00010001 "}},
    {"to our link-local address", ip, 54, {IP6("0009", "11", OUR_LINK_LOCAL) UDP}},
    {"a fragment to us", ip, 54, {IP6("0011", "2c", OUR6) "11000001 12345678 " UDP}},
    {"hop-by-hop options to us", ip, 54, {IP6("0011", "00", OUR6) "11000104 00000000 " UDP}},
    {"no next header, to us", ip, 54, {IP6("0000", "3b", OUR6)}},
    {"each bit of traffic class and flow label set", ip, 54, {MACS "86dd 6fffffff 0009 11 ff " PEER6 OUR6 UDP}},
    {"a neighbour advertisement to us", ip, 54, {IP6("0018", "3a", OUR6) "8800 0000 60000000 " PEER6}},
    {"a solicitation to our address itself", ip, 54, {IP6("0018", "3a", OUR6) SOLICITATION OUR6}},
    {"a router advertisement to us alone", ip, 54, {IP6("0010", "3a", OUR6) "8600 0000 40000708 00000000 00000000 "}},
    {"to the kernel's address", passed, 54, {IP6("0014", "06", KERNEL6) TCP}},
    {"an address that differs from ours in its last bit", passed, 54, {IP6("0009", "11", "fd00 0009 0000 0000 0000 00a1 b2c3 d4e4 ") UDP}},
    {"an address that differs from ours in its first byte", passed, 54, {IP6("0009", "11", "fc00 0009 0000 0000 0000 00a1 b2c3 d4e5 ") UDP}},
    {"our IPv4 address in the mapped form", passed, 54, {IP6("0009", "11", "0000 0000 0000 0000 0000 ffff 0a09 0002 ") UDP}},
    {"an address that begins with our IPv4 address", passed, 54, {IP6("0009", "11", "0a09 0002 0000 0000 0000 0000 0000 0000 ") UDP}},
    {"version 4", malformed, 54, {MACS "86dd 40000000 0009 11 ff " PEER6 OUR6 UDP}},
    {"version 7", malformed, 54, {MACS "86dd 70000000 0009 11 ff " PEER6 OUR6 UDP}},
    {"to a group that we joined", group, 54, {IP6("0009", "11", "ff05 0000 0000 0000 0000 0000 0001 0003 ") UDP}},
    {"an echo request to a group that we joined", group, 55, {IP6("0008", "3a", ALL_NODES) "8000 0000 00010001 "}},
    {"a report of listeners to a group that we joined", group, 55, {IP6("0008", "3a", ALL_NODES) "8f00 0000 00000000 "}},
    {"not ICMP, though it begins as an advertisement, to a group that we joined", group, 54, {IP6("0008", "59", ALL_NODES) "8600 0000 00000000 "}},
    {"a query of listeners to a group that we joined", group, 54, {IP6("0020", "00", ALL_NODES) "3a00 0502 0000 0100 8200 0000 27100000 " KERNEL6}},
    {"to a group that we did not join", passed, 54, {IP6("0009", "11", "ff02 0000 0000 0000 0000 0000 0000 00fb ") UDP}},
    {"a router solicitation", passed, 55, {IP6("0008", "3a", "ff02 0000 0000 0000 0000 0000 0000 0002 ") "8500 0000 00000000 "}},
    {"a router advertisement to a group that we joined", passed, 55, {IP6("0010", "3a", ALL_NODES) "8600 0000 40000708 00000000 00000000 "}},
    {"a neighbour advertisement to a group that we joined", passed, 55, {IP6("0018", "3a", ALL_NODES) "8800 0000 20000000 " PEER6}},

    // Neighbour solicitations
    {"a solicitation of our address", neighbour, 78, {IP6("0020", "3a", SOLICITED) SOLICITATION OUR6 "0101 " PEER_MAC}},
    {"a solicitation of our link-local address", neighbour, 78, {IP6("0020", "3a", SOLICITED) SOLICITATION OUR_LINK_LOCAL "0101 " PEER_MAC}},
    {"somebody wants our address for himself", neighbour, 78,
     {MACS "86dd 60000000 0018 3a ff 0000 0000 0000 0000 0000 0000 0000 0000 " SOLICITED SOLICITATION OUR6}},
    {"a payload of more than 255 bytes", neighbour, 78, {IP6("0100", "3a", SOLICITED) SOLICITATION OUR6 "0101 " PEER_MAC}},
    {"a solicitation of the kernel's address in the same group", passed, 78, {IP6("0020", "3a", SOLICITED) SOLICITATION KERNEL6_OF_OUR_GROUP "0101 " PEER_MAC}},
    {"a solicitation of the kernel's address", passed, 78,
     {IP6("0020", "3a", "ff02 0000 0000 0000 0000 0001 ff00 0001 ") SOLICITATION KERNEL6 "0101 " PEER_MAC}},
    {"a solicitation of our address to all nodes", passed, 78, {IP6("0018", "3a", ALL_NODES) SOLICITATION OUR6}},
    {"to the group of an address with other last bytes", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0001 ffc3 d4e4 ") SOLICITATION OUR6}},
    {"to the group of an address with another last byte but two", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0001 ffc2 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: 13th byte", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0001 fec3 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: third word", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0002 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: second word", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0001 0000 0001 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: first word", passed, 78, {IP6("0018", "3a", "ff02 0001 0000 0000 0000 0001 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group of another scope", passed, 78, {IP6("0018", "3a", "ff05 0000 0000 0000 0000 0001 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group of a smaller scope", passed, 78, {IP6("0018", "3a", "ff01 0000 0000 0000 0000 0001 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: first byte of the second word", passed, 78,
     {IP6("0018", "3a", "ff02 0000 0100 0000 0000 0001 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to a group that is none of solicited nodes: third word zero", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0000 ffc3 d4e5 ") SOLICITATION OUR6}},
    {"to the group of an address with higher last bytes", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0001 ffc3 d4e6 ") SOLICITATION OUR6}},
    {"to the group of an address with a higher last byte but two", passed, 78, {IP6("0018", "3a", "ff02 0000 0000 0000 0000 0001 ffc4 d4e5 ") SOLICITATION OUR6}},
    {"behind hop-by-hop options: nobody sends it so", passed, 54, {IP6("0020", "00", SOLICITED) "3a00 0104 0000 0000 " SOLICITATION OUR6}},
    {"a payload too short for a solicitation", malformed, 78, {IP6("0017", "3a", SOLICITED) SOLICITATION OUR6}},
    {"a payload of no byte", malformed, 78, {IP6("0000", "3a", SOLICITED) SOLICITATION OUR6}},

    // Neither
    {"a VLAN tag before a frame for us", passed, 14, {MACS "8100 0005 0800 4500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"two VLAN tags", passed, 14, {MACS "88a8 0005 8100 0006 0800 4500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"a length instead of a type (IEEE 802.3)", passed, 14, {MACS "0026 4242 0300 0000 0000 0000 "}},
    {"the type of IPv4 with its bytes exchanged", passed, 14, {MACS "0008 4500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"the type of IPv6 with its bytes exchanged", passed, 14, {MACS "dd86 60000000 0009 11 ff " PEER6 OUR6 UDP}},
    {"the type of ARP with its bytes exchanged", passed, 14, {MACS "0608 0001 0800 06 04 0001 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"RARP", passed, 14, {MACS "8035 0001 0800 06 04 0003 " PEER_MAC PEER4 NO_MAC OUR4}},
    {"a type of a smaller number before a packet for us", passed, 14, {MACS "0600 4500 001d 1234 0000 40 11 0000 " PEER4 OUR4 UDP}},
    {"the largest type before a packet for us", passed, 14, {MACS "ffff 60000000 0009 11 ff " PEER6 OUR6 UDP}},
    {"nothing behind the header", passed, 14, {MACS "88cc "}},
};

#undef MACS
#undef ARP
#undef OUR4
#undef KERNEL4
#undef PEER4
#undef OUR6
#undef OUR_LINK_LOCAL
#undef KERNEL6
#undef KERNEL6_OF_OUR_GROUP
#undef PEER6
#undef SOLICITED
#undef ALL_NODES
#undef PEER_MAC
#undef NO_MAC
#undef IP4
#undef IP6
#undef OPTIONS4
#undef NOP4
#undef FOUR_WORDS
#undef UDP
#undef TCP
#undef SOLICITATION

/// What becomes of the first `size` bytes of the row's frame.
constexpr steering::verdict wanted(const row& r, std::size_t size) { return size < r.needs ? malformed : r.becomes; }

/// Addresses that the table takes for ours, as claim() takes them.
inline constexpr u8 kernel4[4] = {10, 9, 0, 1};
inline constexpr u8 ours4[][4] = {{10, 9, 0, 2}, {240, 0, 0, 1}, {239, 1, 2, 3}};
inline constexpr u32 hosts4 = 2;  // the first ones: may be in first4, where the driver puts no group
inline constexpr u8 ours6[][16] = {{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5},
                                   {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5},
                                   {0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3},
                                   {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

}  // namespace steering_test
