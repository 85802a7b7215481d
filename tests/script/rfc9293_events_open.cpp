// SPDX-License-Identifier: MIT
// Every kind of segment in the states before a connection is open: RFC 9293 §3.10.7.1 to §3.10.7.4, §3.5.1. Its neighbours: rfc9293_open.cpp.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define HALF_OPEN listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1")
#define CROSSED connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), is(tcp::state::syn_received)

// RFC 9293 §3.10.7.2.
TEST_CASE("LISTEN resets data that carries an ACK, and FIN too") {
  static constexpr step script[] = {
      listen(), in("P. 5:15(10) ack 3"), out("R 3:3(0)"), in("F. 5:5(0) ack 4"), out("R 4:4(0)"), in("UP. 5:15(10) ack 9 urg 3"), out("R 9:9(0)"), in_use(0, 0, 0),
  };
  play(script);
}
// Fourth: the answer is the port's, and would say that nobody listens. A port where that is so says it (§3.10.7.1).
TEST_CASE("LISTEN drops whatever has neither SYN nor ACK in silence, and a port where nobody listens resets it") {
  static constexpr step listening[] = {
      listen(), in("F 5:5(0)"), in("- 5:15(10)"), in("- 5:5(0)"), in("FPU 5:15(10) urg 3"), counted(&tcp::counters::unfit_for_listener, 4),
      counted(&tcp::counters::out_resets, 0), in_use(0, 0, 0), in("S 0:0(0)"), out("S. 0:0(0) ack 1"),
  };
  static constexpr step closed[] = {
      in("F 5:5(0)"), out("R. 0:0(0) ack 6"), in("- 5:15(10)"), out("R. 0:0(0) ack 15"), in("FPU 5:15(10) urg 3"), out("R. 0:0(0) ack 16"),
      in("SF 0:0(0)"), out("R. 0:0(0) ack 2"), counted(&tcp::counters::unfit_for_listener, 0), in_use(0, 0, 0),
  };
  play(listening), play(closed);
}
// RFC 9293 §3.10.7.3.
TEST_CASE("SYN-SENT resets each ACK of what was not sent, with data or FIN or without") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in(". 0:0(0) ack 0"), out("R 0:0(0)"), in("P. 0:10(10) ack 2"), out("R 2:2(0)"), in("F. 9:9(0) ack 4294967295"),
      out("R 4294967295:4294967295(0)"), in("S. 0:0(0) ack 2"), out("R 2:2(0)"), is(tcp::state::syn_sent),
  };
  play(script);
}
TEST_CASE("SYN-SENT drops data, FIN and URG that acknowledge the SYN but bring none") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("P. 0:10(10) ack 1"), in("F. 0:0(0) ack 1"), in("UP. 0:10(10) ack 1 urg 10"), in("F 0:0(0)"), in("- 0:10(10)"),
      is(tcp::state::syn_sent), never(bit::connected), never(bit::readable), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  play(script);
}
TEST_CASE("URG with SYN-ACK is taken as the rest of it") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("SUP. 0:10(10) ack 1 urg 5"), out(". ack 11"), expect(bit::connected), read(10)};
  play(script);
}
// RFC 9293 §3.5, figure 7, §3.10.7.4; MUST-10: each side's SYN may be lost.
TEST_CASE("After SYNs that crossed our SYN-ACK is sent again until it is answered") {
  static constexpr step script[] = {
      CROSSED, at(1000), out("S. 0:0(0) ack 1"), at(3000), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::connected), is(tcp::state::established),
  };
  play(script);
}
TEST_CASE("After SYNs that crossed a peer that is gone ends as timed out") {
  static constexpr step script[] = {
      CROSSED, user_timeout(2500), at(1000), out("S. 0:0(0) ack 1"), at(2500), closed(close_reason::timed_out), in_use(0, 0, 0),
  };
  play(script);
}
TEST_CASE("After SYNs that crossed data and FIN complete the handshake too") {
  static constexpr step data[] = {CROSSED, in("P. 1:11(10) ack 1"), expect(bit::connected), read(10), at(40), out(". ack 11")};
  static constexpr step fin[] = {CROSSED, in("F. 1:1(0) ack 1"), out(". ack 2"), expect(bit::connected), expect(bit::peer_closed), is(tcp::state::close_wait)};
  play(data), play(fin);
}
TEST_CASE("After SYNs that crossed what lies outside the window gets an ACK") {
  static constexpr step script[] = {CROSSED, in("P. 200001:200011(10) ack 1"), out(". 1:1(0) ack 1"), is(tcp::state::syn_received)};
  play(script);
}
// RFC 9293 §3.10.7.4, second, RFC 5961 §3.2.
TEST_CASE("After SYNs that crossed a reset elsewhere in the window is challenged, and outside it dropped") {
  static constexpr step script[] = {CROSSED, in("R 5:5(0)"), out(". 1:1(0) ack 1"), in("R 200000:200000(0)"), is(tcp::state::syn_received)};
  play(script);
}
// RFC 9293 §3.10.7.4, fourth; MUST-11: an active open in SYN-RECEIVED is handled as the synchronized states, a passive one returns to LISTEN.
// 1122-2.
TEST_CASE("A SYN in SYN-RECEIVED returns a passive open to LISTEN and challenges an active one") {
  static constexpr step passive[] = {HALF_OPEN, in("S 100:100(0)"), in_use(0, 0, 0), at(5000), in("S 200:200(0)"), out("S. 0:0(0) ack 201")};
  static constexpr step active[] = {CROSSED, in("S 100:100(0)"), out(". 1:1(0) ack 1"), is(tcp::state::syn_received), in(". 1:1(0) ack 1"), expect(bit::connected)};
  play(passive), play(active);
}
// RFC 9293 §3.10.7.4, second; MUST-11: the user of a passive open need not be told, that of an active one is.
TEST_CASE("A reset in SYN-RECEIVED returns a passive open to LISTEN and refuses an active one") {
  static constexpr step passive[] = {HALF_OPEN, in("R 1:1(0)"), in_use(0, 0, 0), in("S 0:0(0)"), out("S. 0:0(0) ack 1")};
  static constexpr step active[] = {CROSSED, in("R 1:1(0)"), closed(close_reason::refused), in_use(0, 0, 0), in("S 5:5(0)"), out("R. ack 6")};
  play(passive), play(active);
}
// RFC 9293 §3.10.7.4 in SYN-RECEIVED, passive.
TEST_CASE("An old duplicate in SYN-RECEIVED gets an ACK") {
  static constexpr step script[] = {HALF_OPEN, in(". 4294967290:4294967290(0) ack 1"), out(". 1:1(0) ack 1"), in_use(0, 1, 0), in(". 1:1(0) ack 1"), expect(bit::accepted)};
  play(script);
}
TEST_CASE("Data that comes before the bare ACK was heard, and URG with it, opens the connection") {
  static constexpr step script[] = {HALF_OPEN, in("UP. 1:11(10) ack 1 urg 10"), expect(bit::accepted), read(10), at(40), out(". ack 11")};
  play(script);
}
TEST_CASE("Data out of order opens the connection and waits for what is missing") {
  static constexpr step script[] = {
      HALF_OPEN, in("P. 11:21(10) ack 1"), out(". ack 1"), expect(bit::accepted), never(bit::readable), in("P. 1:11(10)"), out(". ack 21"), read(20),
  };
  play(script);
}
TEST_CASE("A SYN-ACK in SYN-RECEIVED of a passive open is reset if its ACK is wrong and returns to LISTEN if it is not") {
  static constexpr step script[] = {HALF_OPEN, in("S. 1:1(0) ack 1"), in_use(0, 0, 0)};
  play(script);
}

// RFC 9293 §3.5, figure 8: an old duplicate SYN.
TEST_CASE("An old duplicate SYN is undone by the reset of who did not send it") {
  static constexpr step script[] = {
      listen(), in("S 4000:4000(0)"), out("S. 0:0(0) ack 4001"), in("R 4001:4001(0)"), in_use(0, 0, 0), next_life(100000), in("S 0:0(0)"), out("S. 0:0(0) ack 1"),
      in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script);
}
// RFC 9293 §3.5.1, figure 10: the peer has forgotten us, and our data finds that out.
TEST_CASE("Data for a peer that forgot the connection is answered by a reset that ends it") {
  static constexpr step script[] = {established_active(), write(10), out("P. 1:11(10)"), in("R 1:1(0)"), closed(close_reason::reset), in_use(0, 0, 0), at(60000)};
  play(script);
}
// RFC 9293 §3.5.1, figure 10, the other side: we forgot.
TEST_CASE("Data of a connection that we forgot is answered by a reset with its ACK's number") {
  static constexpr step script[] = {
      established_active(), abort(), out("R. 1:1(0) ack 1"), closed(close_reason::aborted), in("P. 1:11(10) ack 1"), out("R 1:1(0)"), in("F. 11:11(0) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}
// RFC 9293 §3.5.1, figure 11.
TEST_CASE("A SYN-ACK that nobody asked for is reset, and the listener stays") {
  static constexpr step script[] = {listen(), in("S. 0:0(0) ack 77"), out("R 77:77(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1")};
  play(script);
}
// RFC 9293 §3.5.1, figure 9: after a crash the side that begins anew learns that the other one still lives.
TEST_CASE("A connection that begins anew resets what is left of the old one, and gets through") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in(". 7000:7000(0) ack 3000"), out("R 3000:3000(0)"), at(1000), out("S 0:0(0)"), in("S. 9000:9000(0) ack 1"), out(". 1:1(0) ack 9001"),
      expect(bit::connected),
  };
  play(script);
}

}  // namespace strata::script
