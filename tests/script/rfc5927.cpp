// SPDX-License-Identifier: MIT
// ICMP errors: RFC 9293 §3.9.2.2, RFC 5461, RFC 5927, and the path MTU of RFC 1191 and RFC 8201.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

using kind = icmp_error_kind;

// RFC 9293 §3.9.2.2 (MUST-54): hard errors refuse what is not open yet (SHLD-26).
TEST_CASE("A port that cannot be reached refuses the connection") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), icmp(kind::port_unreachable, 0), closed(close_reason::refused), in_use(0, 0, 0)};
  static constexpr step protocol[] = {connect(), out("S 0:0(0)"), icmp(kind::protocol_unreachable, 0), closed(close_reason::refused)};
  play(script), play(protocol);
}
// RFC 9293 §3.9.2.2 (MUST-56): soft errors abort nothing, and are told (SHLD-25, MUST-47, MUST-54).
TEST_CASE("Soft errors in SYN-SENT are told, and the SYN goes on") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), icmp(kind::host_unreachable, 0), expect(bit::error), icmp(kind::net_unreachable, 0), expect(bit::error),
      icmp(kind::time_exceeded, 0), expect(bit::error), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  play(script);
}
TEST_CASE("Our own neighbour cache's failure ends a connection that is not open") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), icmp(kind::host_unreachable, 0, 0, true), closed(close_reason::unreachable)};
  static constexpr step prohibited[] = {connect(), out("S 0:0(0)"), icmp(kind::prohibited, 0), closed(close_reason::unreachable)};
  play(script), play(prohibited);
}
// RFC 5927 §5.2: once open, no ICMP ends a connection (SHLD-25, MUST-56).
TEST_CASE("No error ends an open connection") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), icmp(kind::port_unreachable, 1), expect(bit::error), icmp(kind::protocol_unreachable, 1), expect(bit::error),
      icmp(kind::host_unreachable, 1), expect(bit::error), icmp(kind::prohibited, 1), icmp(kind::host_unreachable, 1, 0, true),
      is(tcp::state::established), at(200), out("P. 1:101(100)"), in(". ack 101"),
  };
  play(script);
}
// Linux: sk_err_soft. What ICMP said is a better reason than silence; what it said before the peer was heard again is none.
TEST_CASE("A timeout after soft errors is told as unreachable") {
  static constexpr step syn[] = {
      connect(), out("S 0:0(0)"), user_timeout(2500), icmp(kind::host_unreachable, 0), at(1000), out("S 0:0(0)"), at(2500), closed(close_reason::unreachable),
  };
  static constexpr step data[] = {
      established_active(), write(100), out("P. 1:101(100)"), user_timeout(500), at(200), out("P. 1:101(100)"), icmp(kind::net_unreachable, 1), at(500),
      closed(close_reason::unreachable),
  };
  static constexpr step earlier[] = {
      established_active(), write(100), out("P. 1:101(100)"), icmp(kind::net_unreachable, 1), in(". ack 101"), write(100), out("P. 101:201(100)"), user_timeout(500),
      at(200), out("P. 101:201(100)"), at(500), closed(close_reason::timed_out),
  };
  play(syn), play(data), play(earlier);
}
// RFC 5927 §4.1: the quoted number must be outstanding.
TEST_CASE("An error that quotes what is not outstanding is ignored") {
  static constexpr step script[] = {
      established_active(), write(100), out("P. 1:101(100)"), icmp(kind::host_unreachable, 0), icmp(kind::host_unreachable, 101),
      icmp(kind::packet_too_big, 4294967295, 600), never(bit::error), counted(&tcp::counters::icmp_ignored, 3), is(field::mss, 1460),
      icmp(kind::host_unreachable, 100), expect(bit::error),
  };
  static constexpr step idle[] = {
      established_active(), icmp(kind::host_unreachable, 1), never(bit::error), icmp(kind::host_unreachable, 1).peer_is(1),
  };
  static constexpr step syn[] = {connect(), out("S 0:0(0)"), icmp(kind::port_unreachable, 1), is(tcp::state::syn_sent)};
  play(script), play(idle), play(syn);
}

// RFC 1191 §6.4, RFC 8201 §5: smaller segments at once, and cwnd is left alone.
TEST_CASE("A smaller path MTU resends what is outstanding in smaller segments and is no loss") {
  static constexpr step script[] = {
      established_active(), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"),
      at(10), path_mtu(1300), icmp(kind::packet_too_big, 1, 1300), out("1:1261(1260)"), out("1261:1461(200)"), out("1461:2721(1260)"),
      out("P. 2721:2921(200)"), is(field::mss, 1260), is(field::cwnd, 14600), at(30), in(". ack 2921"),
      at(31), in(". ack 2921"), write(2520), out("2921:4181(1260)"), out("P. 4181:5441(1260)"),
  };
  play(script);
}
TEST_CASE("What was not sent yet is cut too") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 1460"), out(". ack 1"), write(4380), out("1:1461(1460)"), path_mtu(1300),
      icmp(kind::packet_too_big, 1, 1300), out("1:1261(1260)"), out("1261:1461(200)"), at(10), in(". ack 1461 win 10000"), out("1461:2721(1260)"),
      out("2721:2921(200)"), out("2921:4181(1260)"), is(tcp::limited_by::coalescing), at(20), in(". ack 4181"), out("P. 4181:4381(200)"),
  };
  play(script);
}
TEST_CASE("A path MTU that is no smaller, or below the floor, changes nothing") {
  static constexpr step script[] = {
      established_active(), write(1460), out("P. 1:1461(1460)"), icmp(kind::packet_too_big, 1, 1500), icmp(kind::packet_too_big, 1, 2000),
      icmp(kind::packet_too_big, 1, 0), icmp(kind::packet_too_big, 1, 68), is(field::mss, 1460),
  };
  play(script);
}
// RFC 8201 §4: no IPv6 link is smaller than 1280; RFC 791 §3.2: an IPv4 one may be.
TEST_CASE("A path MTU below 1280 is heeded over IPv4 and ignored over IPv6") {
  static constexpr step script_v4[] = {
      established_active(), write(1460), out("P. 1:1461(1460)"), path_mtu(1040), icmp(kind::packet_too_big, 1, 1040), out("1:1001(1000)"), out("P. 1001:1461(460)"),
      is(field::mss, 1000),
  };
  static constexpr step script_v6[] = {established_active(), write(1460), out("P. 1:1461(1460)"), icmp(kind::packet_too_big, 1, 1240), is(field::mss, 1460)};
  play(script_v4, with::either, policy::only_v4), play(script_v6, with::either, policy::only_v6);
}
TEST_CASE("A smaller path MTU in fast recovery resends in smaller segments") {
  static constexpr step script[] = {
      established_active(100), write(4380), out("1:1461(1460)"), out("1461:2921(1460)"), out("P. 2921:4381(1460)"),
      at(200), in(". ack 1"), in(". ack 1"), in(". ack 1"), out("1:1461(1460)"), path_mtu(1300), icmp(kind::packet_too_big, 1, 1300),
      out("1:1261(1260)"), out("1261:1461(200)"), out("1461:2721(1260)"), out("2721:2921(200)"), is(field::cwnd, 2920),
      at(300), in(". ack 1461"), out("2921:4181(1260)"), out("P. 4181:4381(200)"), at(500), in(". ack 4381"), is(field::in_recovery, 0),
  };
  play(script);
}

}  // namespace strata::script
