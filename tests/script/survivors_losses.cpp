// SPDX-License-Identifier: MIT
// Around a loss: what is measured, what is sent again and what is not, and what has no chunk to be cut into.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 6298 §2: a segment of one byte is a measurement as any other.
TEST_CASE("The ACK of one byte measures the round-trip time") {
  static constexpr step script[] = {established_active(100), write(1), out("P. 1:2(1)"), at(120), in(". ack 2"), is(field::srtt_ms, 90)};
  play(script);
}
// RFC 7323 §4.3: the answer to a copy may repeat the echo of what came first. Of what was sent again a moment ago an older echo says nothing.
TEST_CASE("After a loss only echoes of what was sent again last are measurements") {
  static constexpr step script[] = {
      established_active(100), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(400), out(". 1:1461(1460)"), at(420), in(". ack 1461 <ts 420 400>"), is(field::srtt_ms, 90),
      out("P. 1461:2921(1460)"), at(460), in(". ack 2921 <ts 460 400>"), is(field::srtt_ms, 90), is(field::unacked, 0),
  };
  play(script, with::timestamps);
}
// RFC 7323 §5.5: 24 days count from the last timestamp that was taken, by whichever way it came.
TEST_CASE("An old timestamp is told from a new one for 24 days after the last usual segment") {
  static constexpr step script[] = {
      established_active(), at(864'000'000), in("P. 1:11(10)"), at(864'000'040), out(". ack 11"), at(2'592'000'000), in("P. 11:21(10) <ts 5 0>"), out(". ack 11"),
      counted(&tcp::counters::paws_rejected, 1),
  };
  play(script, with::timestamps);
}
TEST_CASE("The timestamp of the handshake is told from an older one for 24 days, however late it was") {
  static constexpr step active[] = {at(2'592'000'000), established_active(), in("P. 1:11(10) <ts 2591999000 0>"), out(". ack 1"), counted(&tcp::counters::paws_rejected, 1)};
  static constexpr step passive[] = {at(2'592'000'000), established_passive(), in("P. 1:11(10) <ts 2591999000 0>"), out(". ack 1"), counted(&tcp::counters::paws_rejected, 1)};
  play(active, with::timestamps), play(passive, with::timestamps);
}
// RFC 7661 §4.1.
TEST_CASE("Half of the congestion window in flight lets it grow, a byte less does not") {
  static constexpr step half[] = {
      established_active(), no_delay(true), write(7300), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("P. 5841:7301(1460)"), in(". ack 7301"),
      is(field::cwnd, 16060),
  };
  static constexpr step less[] = {
      established_active(), no_delay(true), write(7299), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("P. 5841:7300(1459)"), in(". ack 7300"),
      is(field::cwnd, 14600),
  };
  play(half), play(less);
}
// RFC 5681 §3.1.
TEST_CASE("Not a byte leaves beyond the congestion window") {
  static constexpr step script[] = {
      established_active(), no_delay(true), write(14601), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"),
      out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)"), is(tcp::limited_by::congestion_window), is(field::unsent, 1),
      in(". ack 1461"), out("P. 14601:14602(1)"), is(tcp::limited_by::application),
  };
  play(script);
}
// What is new is not lost: it is not sent again with what was.
TEST_CASE("A FIN that first leaves while losses are repaired leaves once") {
  static constexpr step script[] = {
      established_active(100), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(400), out(". 1:1461(1460)"), at(410), in(". ack 1461"), out("P. 1461:2921(1460)"),
      shutdown(), out("F. 2921:2921(0)"), at(420), in("P. 1:11(10)"), at(460), out(". 2922:2922(0) ack 11"), in(". ack 2922"), is(field::unacked, 0), is(field::retransmitted, 2),
  };
  play(script);
}
TEST_CASE("Data that first leaves while losses are repaired leaves once") {
  static constexpr step script[] = {
      established_active(100), write(2920), out("1:1461(1460)"), out("P. 1461:2921(1460)"), at(400), out(". 1:1461(1460)"), at(410), in(". ack 1461"), out("P. 1461:2921(1460)"),
      no_delay(true), write(10), out("P. 2921:2931(10)"), at(420), in("P. 1:11(10)"), at(460), out(". 2931:2931(0) ack 11"), in(". ack 2931"), is(field::unacked, 0), is(field::retransmitted, 2),
  };
  play(script);
}
// The law of the frame: what is still below is not sent twice; the ring is not to blame.
TEST_CASE("What the NIC still holds is passed over while losses are repaired") {
  static constexpr step script[] = {
      established_active(100), write(1460), out("P. 1:1461(1460)"), nic_holds(true), write(1460), out("P. 1461:2921(1460)"), nic_holds(false), at(400), out("P. 1:1461(1460)"),
      at(410), in(". ack 1461"), counted(&tcp::counters::still_below, 1), counted(&tcp::counters::ring_full, 0), is(field::retransmitted, 1), complete(), at(420),
      in(". ack 2921"), is(field::unacked, 0), is(field::send_chunks, 0),
  };
  play(script);
}
// RFC 1191 §6.4: cutting takes a chunk; without one nothing is sent until there is one.
TEST_CASE("A segment that must be cut for a smaller path and has no chunk waits for one") {
  static constexpr step sent_again[] = {
      established_active(100), write(1460), out("P. 1:1461(1460)"), path_mtu(1300), last_chunks(2), icmp(icmp_error_kind::packet_too_big, 1, 1300), is(field::mss, 1260),
      at(400), counted(&tcp::counters::timeouts, 1), counted(&tcp::counters::still_below, 1), counted(&tcp::counters::no_chunk, 2), chunks(all),
      at(1000), out("1:1261(1260)"), at(1010), in(". ack 1261"), out("P. 1261:1461(200)"), in(". ack 1461"), is(field::unacked, 0), is(field::send_chunks, 0),
  };
  static constexpr step unsent[] = {
      established_active(), in(". ack 1 win 1460"), write(2920), out("1:1461(1460)"), path_mtu(1300), nic_holds(true), last_chunks(3), icmp(icmp_error_kind::packet_too_big, 1, 1300),
      out("1:1261(1260)"), out("1261:1461(200)"), is(tcp::limited_by::chunks), counted(&tcp::counters::no_chunk, 1), in(". ack 1461 win 65535"), is(tcp::limited_by::chunks),
      counted(&tcp::counters::no_chunk, 2), chunks(all), complete(), nic_holds(false), at(200), out("1461:2721(1260)"), in(". ack 2721"), out("P. 2721:2921(200)"),
  };
  play(sent_again), play(unsent);
}
// RFC 6298 §5 (5.1): the timer runs anew for what is sent anew.
TEST_CASE("A SYN-ACK of a simultaneous open has a whole RTO, however late the peer's SYN came") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), at(600), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1600), out("S. 0:0(0) ack 1"), at(3600), out("S. 0:0(0) ack 1")};
  play(script);
}
// RFC 5681 §3.2 (2): to the byte.
TEST_CASE("What limited transmit sent counts nothing in ssthresh, also where the window is odd") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(100), in("S. 0:0(0) ack 1 <mss 1001>"), out(". ack 1"), write(20020), out("1:1002(1001)"), out("1002:2003(1001)"), out("2003:3004(1001)"),
      out("3004:4005(1001)"), out("4005:5006(1001)"), out("5006:6007(1001)"), out("6007:7008(1001)"), out("7008:8009(1001)"), out("8009:9010(1001)"), out("9010:10011(1001)"),
      at(200), in(". ack 1002"), out("10011:11012(1001)"), out("11012:12013(1001)"), is(field::cwnd, 11011), in(". ack 1002"), out("12013:13014(1001)"), in(". ack 1002"),
      out("13014:14015(1001)"), in(". ack 1002"), out("1002:2003(1001)"), is(field::ssthresh, 5505),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("What is sent again and meets a full ring goes on as soon as the ring has room") {
  static constexpr step script[] = {
      established_active(100), write(5840), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("P. 4381:5841(1460)"), at(400), out("1:1461(1460)"), at(410), ring_full(1),
      in(". ack 1461"), at(411), out("1461:2921(1460)"), out("2921:4381(1460)"), is(field::retransmitted, 3),
  };
  play(script);
}

}  // namespace strata::script
