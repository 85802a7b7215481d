// SPDX-License-Identifier: MIT
// ICMPv4: echoes, errors with the datagram that they quote, and what each error means to a transport.
#include <strata/wire/icmpv4.hpp>

#include <catch2/catch_test_macros.hpp>

#include "wire_hex.hpp"

namespace {

using namespace strata;
using wire::icmpv4;
using wire_test::hex, wire_test::emits, wire_test::refuses_below;

constexpr auto ping = hex("08 00 e6 b5 05 39 00 01 00 01 02 03 04 05 06 07");
constexpr auto echo = icmpv4::parse(ping);
static_assert(echo->is_echo_request() && !echo->is_error() && echo->id() == 1337 && echo->sequence() == 1 && !echo->kind());
static_assert(checksum_is_valid(ping.all()) && emits<8>(*echo, ping) && refuses_below<icmpv4>(8, ping));
static_assert(!icmpv4::parse(ping.with(1, 1))->is_echo_request());
static_assert(!icmpv4::quoted(ping));

// The reply differs in its first word only: RFC 1624.
static_assert(checksum_is_valid(ping.with(0, 0).with(2, checksum_update(0xe6b5, 0x0800, 0) >> 8).with(3, checksum_update(0xe6b5, 0x0800, 0) & 0xff).all()));

// A router's answer to 1500 bytes with DF: the next link takes 1040. RFC 1191 §4.
constexpr auto too_big = hex("03 04 01 24 00 00 04 10 45 00 05 dc 00 00 40 00 3d 06 24 08 0a 09 00 02 0a 09 00 01 1f 90 d4 31 01 02 03 04");
constexpr auto error = icmpv4::parse(too_big);
static_assert(checksum_is_valid(too_big.all()) && error->is_error() && error->kind() == icmp_error_kind::packet_too_big && error->next_hop_mtu() == 1040);
constexpr auto quoted = icmpv4::quoted(too_big);
static_assert(quoted->header.total_length == 1500 && quoted->header.protocol == 6 && quoted->header.destination == ipv4_address{0x0a090001});
static_assert(quoted->transport.size() == 8 && load_be<u16>(quoted->transport.data()) == 8080 && load_be<u32>(quoted->transport.data() + 4) == 0x01020304);

constexpr bool every_shorter_quotation_is_refused() {
  for (std::size_t n = 0; n < 36; ++n)
    if (icmpv4::quoted(too_big.first(n))) return false;
  return true;
}
static_assert(every_shorter_quotation_is_refused());
static_assert(!icmpv4::quoted(too_big.with(8, 0x46)));   // options of the quoted header leave fewer than 8 bytes
static_assert(!icmpv4::quoted(too_big.with(8, 0x44)));   // no header
static_assert(!icmpv4::quoted(too_big.with(8, 0x65)));   // of another version
static_assert(!icmpv4::quoted(too_big.with(15, 0x01)));  // a later fragment has no transport header
static_assert(icmpv4::quoted(too_big.with(18, 0xff)));   // the quoted checksum is nobody's business

constexpr auto kind_of(u8 type, u8 code) { return icmpv4{.type = type, .code = code}.kind(); }
static_assert(kind_of(3, 0) == icmp_error_kind::net_unreachable && kind_of(3, 6) == icmp_error_kind::net_unreachable);
static_assert(kind_of(3, 1) == icmp_error_kind::host_unreachable && kind_of(3, 5) == icmp_error_kind::host_unreachable);
static_assert(kind_of(3, 2) == icmp_error_kind::protocol_unreachable && kind_of(3, 3) == icmp_error_kind::port_unreachable);
static_assert(kind_of(3, 9) == icmp_error_kind::prohibited && kind_of(3, 13) == icmp_error_kind::prohibited);
static_assert(kind_of(11, 0) == icmp_error_kind::time_exceeded && kind_of(12, 0) == icmp_error_kind::parameter_problem);
static_assert(!kind_of(3, 16) && !kind_of(4, 0) && !kind_of(5, 0) && !kind_of(11, 2) && !kind_of(12, 3) && !kind_of(0, 0) && !kind_of(255, 255));
static_assert(icmpv4{.type = 4}.is_error() && icmpv4{.type = 5}.is_error());  // ignored (RFC 6633 §3), and yet never answered
static_assert(icmpv4{.type = 12, .rest = 0x14000000}.pointer() == 20);
static_assert(fold(icmpv4{.type = 8, .code = 0, .checksum = 0xe6b5, .rest = 0x05390001}.word_sum()) == ones_sum(ping.first(8)));

TEST_CASE("each type and code of ICMPv4 means one thing at most, and only errors mean anything") {
  for (u32 type = 0; type < 256; ++type)
    for (u32 code = 0; code < 256; ++code) {
      const icmpv4 m{.type = static_cast<u8>(type), .code = static_cast<u8>(code)};
      if (m.kind()) CHECK(m.is_error());
    }
}

TEST_CASE("ICMPv4 is read at run time as in constant expressions") {
  CHECK(icmpv4::parse(ping) == echo);
  CHECK(icmpv4::quoted(too_big)->header == quoted->header);
}

}  // namespace
