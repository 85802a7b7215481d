// SPDX-License-Identifier: MIT
// What calls leave behind: events that they promise, and counters.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

TEST_CASE("An echo by view that came up short is followed by writable") {
  static constexpr step script[] = {
      established_active(), together(4), in(". 1:1461(1460)"), in(". 1461:2921(1460)"), in(". 2921:4381(1460)"), in("P. 4381:5841(1460)"), out(". ack 5841"),
      chunks(2), echo().takes(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), never(bit::writable), chunks(all), in(". 5841:5841(0) ack 2921"), expect(bit::writable),
      echo(), out("2921:4381(1460)"), out("P. 4381:5841(1460)"), in(". ack 5841"), never(bit::writable),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A SYN-ACK that is sent again is counted as a retransmission") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1000), out("S. 0:0(0) ack 1"), counted(&tcp::counters::retransmitted, 1),
      at(3000), out("S. 0:0(0) ack 1"), counted(&tcp::counters::retransmitted, 2),
  };
  play(script);
}
TEST_CASE("close() with one unread byte is counted, without any it is not") {
  static constexpr step one[] = {
      established_active(), in("P. 1:2(1)"), close(), out("R. 1:1(0) ack 2"), closed(close_reason::aborted), counted(&tcp::counters::data_after_close, 1),
  };
  play(one);
}

// The law of the frame: what the NIC holds is not cut, not even when the path became smaller.
TEST_CASE("What the NIC still holds waits to be cut for a smaller path") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(1460), out("P. 1:1461(1460)"), path_mtu(1300), icmp(icmp_error_kind::packet_too_big, 1, 1300), at(200),
      is(field::mss, 1260), is(field::backoff, 1), counted(&tcp::counters::still_below, 1), nic_holds(false), complete(), at(600), out("1:1261(1260)"), in(". ack 1261"), out("P. 1261:1461(200)"), in(". ack 1461"),
  };
  play(script, with::no_timestamps);
}

}  // namespace strata::script
