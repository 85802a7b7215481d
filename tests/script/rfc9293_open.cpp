// SPDX-License-Identifier: MIT
// How connections begin: RFC 9293 §3.5, §3.10.7.1 (CLOSED), §3.10.7.2 (LISTEN), §3.10.7.3 (SYN-SENT), §3.10.7.4 (SYN-RECEIVED).
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.5, figure 6 (MUST-14, SHLD-5, MAY-3).
TEST_CASE("An active open sends SYN, and ACK when SYN-ACK comes") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0) <mss 1460,ws 1>"), is(tcp::state::syn_sent),
      at(10), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected), never(bit::accepted), is(tcp::state::established),
  };
  play(script);
}

// RFC 9293 §3.5, figure 6, the other side (MUST-14, SHLD-5, MAY-3).
TEST_CASE("A passive open answers SYN with SYN-ACK and is told when the ACK comes") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1 <mss 1460,ws 1>"), in_use(0, 1, 0), never(bit::accepted),
      at(10), in(". ack 1"), expect(bit::accepted), never(bit::connected), is(tcp::state::established), in_use(1, 0, 0),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth: the ACK that completes the handshake may carry data.
TEST_CASE("Data that comes with the handshake's last ACK is delivered after accepted") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("P. 1:101(100) ack 1"), expect(bit::accepted), expect(bit::readable), read(100),
      at(40), out(". ack 101"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: SYN-ACK's ACK was lost, and data says the same.
TEST_CASE("Data alone completes the handshake when the bare ACK was lost") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(500), in("P. 1:11(10) ack 1"), expect(bit::accepted), expect(bit::readable),
      at(540), out(". ack 11"),
  };
  play(script);
}

// RFC 9293 §3.10.7.3, fourth: data behind the SYN is processed like that of a later segment.
TEST_CASE("Data that comes with SYN-ACK is delivered and acknowledged") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("SP. 0:100(100) ack 1"), out(". ack 101"), expect(bit::connected), expect(bit::readable), read(100),
  };
  play(script);
}

// RFC 9293 §3.10.7.2 (MAY): data with SYN may be kept; strata leaves it to be sent again.
TEST_CASE("Data that comes with SYN is not acknowledged by SYN-ACK") {
  static constexpr step script[] = {
      listen(), in("S 0:100(100)"), out("S. 0:0(0) ack 1"), in("P. 1:101(100) ack 1"), expect(bit::accepted), read(100), at(40), out(". ack 101"),
  };
  play(script);
}

// RFC 9293 §3.10.7.3, second: RST whose ACK is acceptable.
TEST_CASE("A reset in SYN-SENT with an acceptable ACK refuses the connection") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in("R. 0:0(0) ack 1"), closed(close_reason::refused), stale(), in_use(0, 0, 0)};
  play(script);
}

// RFC 9293 §3.10.7.3, first and second.
TEST_CASE("A reset in SYN-SENT without an acceptable ACK is dropped") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("R 0:0(0)"), in("R. 0:0(0) ack 0"), in("R. 0:0(0) ack 2"), is(tcp::state::syn_sent), in("S. 0:0(0) ack 1"),
      out(". ack 1"),
  };
  play(script);
}

// RFC 9293 §3.10.7.3, first; §3.5.1, figure 9 (half-open connections are found so).
TEST_CASE("An unacceptable ACK in SYN-SENT is reset with its own number, and the SYN goes on") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in(". 300:300(0) ack 100"), out("R 100:100(0)"), in("S. 300:300(0) ack 0"), out("R 0:0(0)"),
      is(tcp::state::syn_sent), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  play(script);
}

// RFC 9293 §3.10.7.3, fifth: neither SYN nor RST.
TEST_CASE("A bare ACK of our SYN opens nothing") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), in(". 0:0(0) ack 1"), is(tcp::state::syn_sent), never(bit::connected)};
  play(script);
}

// RFC 6298 §2.1, §5.5; RFC 9293 §3.8.3 (MUST-23): at least three minutes (MUST-22, 6298-1, 6298-14).
TEST_CASE("SYN is sent again with doubled timeouts and given up after more than three minutes") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(3000), out("S 0:0(0)"),
      at(7000), out("S 0:0(0)"), at(15000), out("S 0:0(0)"), at(31000), out("S 0:0(0)"),
      at(63000), out("S 0:0(0)"), at(127000), out("S 0:0(0)"), at(246000), never(bit::closed),
      at(247000), closed(close_reason::timed_out), in_use(0, 0, 0), counted(&tcp::counters::attempt_fails, 1), counted(&tcp::counters::timeouts, 8),
  };
  play(script);
}

// RFC 9293 §3.5, figure 7 (MUST-10).
TEST_CASE("Two SYNs that cross open one connection") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), is(tcp::state::syn_received), never(bit::connected),
      in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected), is(tcp::state::established), write(10), out("P. 1:11(10) ack 1"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth: in SYN-RECEIVED any acceptable ACK of our SYN will do (MUST-10).
TEST_CASE("After SYNs that crossed a plain ACK completes the handshake too") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::connected), is(tcp::state::established),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: our SYN-ACK was lost.
TEST_CASE("After SYNs that crossed a repeated SYN is answered with SYN-ACK again") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(500), in("S 0:0(0)"), out("S. 0:0(0) ack 1"),
      at(1000), out("S. 0:0(0) ack 1"), in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, second: an active open in SYN-RECEIVED is refused.
TEST_CASE("A reset after SYNs that crossed refuses the connection") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("R 1:1(0)"), closed(close_reason::refused), in_use(0, 0, 0),
  };
  play(script);
}

// RFC 9293 §3.10.7.1.
TEST_CASE("A SYN for a port where nobody listens is reset") {
  static constexpr step script[] = {
      in("S 0:0(0)"), out("R. 0:0(0) ack 1"), counted(&tcp::counters::no_listener, 1), in("S 0:5(5)"), out("R. 0:0(0) ack 6"),
  };
  play(script);
}

// RFC 9293 §3.10.7.1: with ACK the reset takes the number from it, and has no ACK itself.
TEST_CASE("Whatever else comes for nobody is reset, but a reset is not") {
  static constexpr step script[] = {
      in(". 5:5(0) ack 77"), out("R 77:77(0)"), in("P. 5:105(100) ack 99"), out("R 99:99(0)"), in("F. 5:5(0) ack 1"), out("R 1:1(0)"), in("R 5:5(0)"),
      in("R. 5:5(0) ack 5"), in("F 5:5(0)"), out("R. 0:0(0) ack 6"), in("- 5:15(10)"), out("R. 0:0(0) ack 15"),
  };
  play(script);
}

// RFC 9293 §3.10.7.2, first and second.
TEST_CASE("LISTEN ignores resets and resets ACKs") {
  static constexpr step script[] = {
      listen(), in("R 5:5(0)"), in("R. 5:5(0) ack 5"), in(". 5:5(0) ack 77"), out("R 77:77(0)"), in("S. 5:5(0) ack 78"), out("R 78:78(0)"),
      in_use(0, 0, 0),
  };
  play(script);
}

// RFC 6298 §5.5 for SYN-ACK. Linux: TCP_SYNACK_RETRIES (6298-1, 6298-14).
TEST_CASE("SYN-ACK is sent again five times and then forgotten") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1000), out("S. 0:0(0) ack 1"),
      at(3000), out("S. 0:0(0) ack 1"), at(7000), out("S. 0:0(0) ack 1"), at(15000), out("S. 0:0(0) ack 1"),
      at(31000), out("S. 0:0(0) ack 1"), at(62999), in_use(0, 1, 0), at(63000), in_use(0, 0, 0), counted(&tcp::counters::syn_ack_timeouts, 1), counted(&tcp::counters::attempt_fails, 1),
      at(63010), in(". 1:1(0) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, first: our SYN-ACK was lost.
TEST_CASE("A repeated SYN gets the same SYN-ACK again") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(300), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0), in(". 1:1(0) ack 1"),
      expect(bit::accepted),
  };
  play(script);
}

// RFC 9293 §3.9.1.1 with a backlog of one: not answered, so that the peer tries again.
TEST_CASE("A SYN beyond the backlog is dropped in silence") {
  static constexpr step script[] = {
      listen(1), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").peer_is(1), counted(&tcp::counters::listen_overflows, 1),
      in(". 1:1(0) ack 1"), expect(bit::accepted), at(1000), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1),
      in(". 1:1(0) ack 1").peer_is(1), expect(bit::accepted).peer_is(1),
  };
  play(script);
}

// RFC 4987 §3: a flood of SYNs costs the slots and nothing else.
TEST_CASE("A SYN that finds no slot is dropped in silence") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), in("S 0:0(0)").peer_is(2),
      out("S. 0:0(0) ack 1").peer_is(2), in("S 0:0(0)").peer_is(3), in_use(0, 3, 0), counted(&tcp::counters::syn_slots_full, 1), in("R 1:1(0)"),
      in("S 0:0(0)").peer_is(3), out("S. 0:0(0) ack 1").peer_is(3), in_use(0, 3, 0),
  };
  play(script);
}

// RFC 4987 §3.3: recycled are those whose SYN-ACK had to be sent again. Who came in this second is kept: its ACK is on the way.
TEST_CASE("Half-open connections that did not answer for a second make room, one for each SYN, and younger ones do not") {
  static constexpr step slots[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").peer_is(1), out("S. 0:0(0) ack 1").peer_is(1), at(500), in("S 0:0(0)").peer_is(2),
      out("S. 0:0(0) ack 1").peer_is(2), at(999), in("S 0:0(0)").peer_is(3), counted(&tcp::counters::syn_slots_full, 1), at(1000), out("S. 0:0(0) ack 1"),
      out("S. 0:0(0) ack 1").peer_is(1), in("S 0:0(0)").peer_is(3), out("S. 0:0(0) ack 1").peer_is(3), in("S 0:0(0)").peer_is(4), out("S. 0:0(0) ack 1").peer_is(4),
      in("S 0:0(0)").peer_is(5), counted(&tcp::counters::syn_slots_full, 2), counted(&tcp::counters::half_open_recycled, 2), counted(&tcp::counters::attempt_fails, 2),
      in_use(0, 3, 0), in(". 1:1(0) ack 1").peer_is(2), expect(bit::accepted).peer_is(2), in(". 1:1(0) ack 1").peer_is(3), expect(bit::accepted).peer_is(3),
      in(". 1:1(0) ack 1"), out("R 1:1(0)"), in(". 1:1(0) ack 1").peer_is(4), expect(bit::accepted).peer_is(4), in_use(3, 0, 0),
  };
  play(slots);
}
TEST_CASE("A backlog that is full makes room of its own half-open connections, not of another listener's") {
  static constexpr step backlog[] = {
      listen(1), listen(1).on_address(2), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 0:0(0)").on_address(2).peer_is(1), out("S. 0:0(0) ack 1").on_address(2).peer_is(1),
      at(1000), out("S. 0:0(0) ack 1"), out("S. 0:0(0) ack 1").on_address(2).peer_is(1), in("S 0:0(0)").on_address(2).peer_is(2),
      out("S. 0:0(0) ack 1").on_address(2).peer_is(2), in("S 0:0(0)").on_address(2).peer_is(3), counted(&tcp::counters::half_open_recycled, 1),
      counted(&tcp::counters::listen_overflows, 1), in_use(0, 2, 0), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(backlog);
}
// Every control block is in use: the half-open connection waits for one.
TEST_CASE("Without a free control block the ACK is dropped, and one that comes later succeeds") {
  static constexpr step script[] = {
      established_passive(), established_passive().peer_is(1), established_passive().peer_is(2), established_passive().peer_is(3), in_use(4, 0, 0),
      in("S 0:0(0)").peer_is(4), out("S. 0:0(0) ack 1").peer_is(4), in(". 1:1(0) ack 1").peer_is(4), in_use(4, 1, 0),
      counted(&tcp::counters::listen_overflows, 1), abort().peer_is(2), out("R. 1:1(0) ack 1").peer_is(2), closed(close_reason::aborted).peer_is(2),
      in("P. 1:11(10) ack 1").peer_is(4), expect(bit::accepted).peer_is(4), read(10).peer_is(4),
      at(40), out(". ack 11").peer_is(4),
  };
  play(script);
}
TEST_CASE("connect() without a free control block says so") {
  static constexpr step script[] = {
      established_active(), established_active().peer_is(1), established_active().peer_is(2), established_active().peer_is(3),
      connect().peer_is(4).fails(tcp::connect_error::no_slot),
  };
  play(script);
}
TEST_CASE("connect() from a pair of ports that is taken says so") {
  static constexpr step script[] = {
      established_active(), connect().fails(tcp::connect_error::in_use), unroutable(true), connect().peer_is(1).fails(tcp::connect_error::no_route),
  };
  play(script);
}
TEST_CASE("A port is listened on once, and again after it was closed") {
  static constexpr step script[] = {
      listen(), listen().fails(tcp::listen_error::in_use), close_listener(), in("S 0:0(0)"), out("R. 0:0(0) ack 1"), listen(), in("S 0:0(0)"),
      out("S. 0:0(0) ack 1"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, second; RFC 5961 §3.2: exactly the next number returns to LISTEN.
TEST_CASE("A reset ends a half-open connection if it has exactly the next number") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("R 0:0(0)"), in_use(0, 1, 0), in("R 2:2(0)"), out(". 1:1(0) ack 1"), in_use(0, 1, 0),
      in("R 1:1(0)"), in_use(0, 0, 0), counted(&tcp::counters::attempt_fails, 1),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth, SYN-RECEIVED.
TEST_CASE("A wrong ACK in SYN-RECEIVED is reset, and the right one still opens") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 0"), out("R 0:0(0)"), in(". 1:1(0) ack 2"), out("R 2:2(0)"), in_use(0, 1, 0),
      in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, first: an unacceptable segment gets an ACK.
TEST_CASE("A segment outside the window of SYN-RECEIVED gets an ACK and changes nothing") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 200001:200001(0) ack 1"), out(". 1:1(0) ack 1"), in_use(0, 1, 0), in(". 1:1(0) ack 1"),
      expect(bit::accepted),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fourth: a connection that was opened passively returns to LISTEN (1122-2).
TEST_CASE("A SYN inside the window of SYN-RECEIVED returns to LISTEN") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("S 100:100(0)"), in_use(0, 0, 0), at(1000),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, fifth: without ACK a segment is dropped.
TEST_CASE("Data without ACK completes no handshake") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("P 1:11(10)"), in_use(0, 1, 0), in("P. 1:11(10) ack 1"), expect(bit::accepted),
      at(40), out(". ack 11"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, eighth.
TEST_CASE("FIN may come with the handshake's last ACK") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in("F. 1:1(0) ack 1"), out(". ack 2"), expect(bit::accepted), expect(bit::peer_closed),
      is(tcp::state::close_wait),
  };
  play(script);
}

// RFC 9293 §3.10.4: CLOSE in LISTEN. What was open and never told is reset.
TEST_CASE("Closing the listener forgets half-open connections") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), close_listener(), in_use(0, 0, 0), in(". 1:1(0) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}

// RFC 9293 §3.10.2: SEND in SYN-SENT queues; data leaves with the handshake's last ACK.
TEST_CASE("What was written before the handshake leaves when it is done") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), write(100), write(50), in("S. 0:0(0) ack 1"), out("P. 1:151(150) ack 1"), expect(bit::connected),
  };
  play(script);
}

// RFC 9293 §3.10.2, §3.7.1: chunks that were filled for a larger MSS are split (MUST-16).
TEST_CASE("What was written before the handshake is cut to the MSS that the peer states") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), write(2500), in("S. 0:0(0) ack 1 <mss 1000,ws 0>"), out(". 1:1001(1000) ack 1"), out(". 1001:1461(460) ack 1"),
      out(". 1461:2461(1000)"), at(10), in(". ack 2461"), out("P. 2461:2501(40)"),
  };
  play(script, with::no_timestamps);
}

// RFC 9293 §3.7.1 (MUST-15): without the option.
TEST_CASE("A peer that states no MSS is sent 536 bytes over IPv4 and 1220 over IPv6") {
  static constexpr step v4[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <>"), out(". ack 1"), write(1100), out(". 1:537(536)"), out(". 537:1073(536)"),
  };
  static constexpr step v6[] = {
      listen(), in("S 0:0(0) <>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". ack 1"), expect(bit::accepted), write(1230), out(". 1:1221(1220)"),
  };
  play(v4, with::no_timestamps, policy::only_v4), play(v6, with::no_timestamps, policy::only_v6);
}

// RFC 9293 §3.7.1, RFC 6691 §2: the smaller of both sides' sizes; options come off it (MUST-14, MUST-16, MUST-67).
TEST_CASE("The MSS is the smaller of what the peer states and what the path takes") {
  static constexpr step small[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 800,ws 0>"), out(". ack 1"), write(1600), out(". 1:801(800)"), out("P. 801:1601(800)"),
  };
  static constexpr step large[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 9000,ws 0>"), out(". ack 1"), write(1460), out("P. 1:1461(1460)"),
  };
  static constexpr step narrow[] = {
      path_mtu(1000), connect(), out("S 0:0(0) <mss 960,ws 1>"), in("S. 0:0(0) ack 1"), out(". ack 1"), write(960), out("P. 1:961(960)"),
  };
  play(small), play(large), play(narrow);
}

// A peer cannot make every byte a segment. Linux: TCP_MIN_SND_MSS.
TEST_CASE("An MSS of next to nothing is bounded below") {
  static constexpr step one[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 1,ws 0>"), out(". ack 1"), write(96), out("1:49(48)"), out("P. 49:97(48)"),
  };
  static constexpr step none[] = {connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 <mss 0,ws 0>"), out(". ack 1"), write(48), out("P. 1:49(48)")};
  play(one, with::no_timestamps), play(none, with::no_timestamps);
}

// RFC 9293 §3.10.4: CLOSE of our side before the handshake is done.
TEST_CASE("FIN follows the handshake when our side was shut down before") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), write(10), shutdown(), write(1).fails(tcp::send_error::closed), in("S. 0:0(0) ack 1"), out("FP. 1:11(10) ack 1"),
      expect(bit::connected), is(tcp::state::fin_wait_1), in(". 1:1(0) ack 12"), is(tcp::state::fin_wait_2),
  };
  play(script);
}

// RFC 9293 §3.10.4, §3.10.5: CLOSE and ABORT in SYN-SENT delete the control block without a segment.
TEST_CASE("close() in SYN-SENT ends in silence, and a late SYN-ACK is reset") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), close(), closed(close_reason::aborted), in_use(0, 0, 0), in("S. 0:0(0) ack 1"), out("R 1:1(0)"),
  };
  play(script);
}
TEST_CASE("abort() in SYN-SENT ends in silence") {
  static constexpr step script[] = {connect(), out("S 0:0(0)"), abort(), closed(close_reason::aborted), in_use(0, 0, 0), at(5000)};
  play(script);
}

// RFC 6298 (5.7): an RTO below three seconds becomes three seconds when the SYN had to be sent again (6298-16).
TEST_CASE("After a lost SYN the first timeout of data is three seconds") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), write(100), out("P. 1:101(100)"),
      at(4000), out("P. 1:101(100)"),
  };
  play(script, with::no_timestamps);
}
// 6298-16.
TEST_CASE("After a lost SYN-ACK the first timeout of data is three seconds") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1000), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), write(100),
      out("P. 1:101(100)"), at(4000), out("P. 1:101(100)"),
  };
  play(script, with::no_timestamps);
}

// RFC 6928 §2: refrain from it unless more than one SYN was lost. RFC 5681 §3.1: then the initial window is one segment (5681-4).
TEST_CASE("The initial window is ten segments after one lost SYN and one segment after two") {
  static constexpr step one[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), is(field::cwnd, 14600),
  };
  static constexpr step two[] = {
      connect(), out("S 0:0(0)"), at(1000), out("S 0:0(0)"), at(3000), out("S 0:0(0)"), in("S. 0:0(0) ack 1"), out(". ack 1"), is(field::cwnd, 1460),
      write(2920), out("1:1461(1460)"), in(". ack 1461"), out("P. 1461:2921(1460)"), is(field::cwnd, 2920),
  };
  static constexpr step passive[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), at(1000), out("S. 0:0(0) ack 1"),
      at(3000), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::cwnd, 1460),
  };
  play(one), play(two), play(passive);
}

// RFC 9293 §3.10.7.4, fifth, SYN-RECEIVED.
TEST_CASE("After SYNs that crossed a wrong ACK is reset") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S 0:0(0)"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 0"), out("R 0:0(0)"), in(". 1:1(0) ack 2"), out("R 2:2(0)"),
      is(tcp::state::syn_received), in(". 1:1(0) ack 1"), expect(bit::connected),
  };
  play(script);
}

// RFC 9293 §3.10.7.3: what else the SYN-ACK carries counts as in ESTABLISHED.
TEST_CASE("FIN may come with SYN-ACK, and with data before it") {
  static constexpr step bare[] = {connect(), out("S 0:0(0)"), in("SF. 0:0(0) ack 1"), out(". ack 2"), expect(bit::connected), expect(bit::peer_closed),
                                  is(tcp::state::close_wait)};
  static constexpr step data[] = {connect(), out("S 0:0(0)"), in("SF. 0:10(10) ack 1"), out(". ack 12"), expect(bit::connected), read(10),
                                  expect(bit::peer_closed), is(tcp::state::close_wait)};
  play(bare), play(data);
}

// RFC 7323 §2.2: the ACK that answers is no SYN, so its window is scaled.
TEST_CASE("The ACK of SYN-RECEIVED promises what SYN-ACK did") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0)"), out("S. 0:0(0) ack 1 win 58400"), in(". 200001:200001(0) ack 1"), out(". 1:1(0) ack 1 win 58400"),
  };
  static constexpr step unscaled[] = {
      listen(), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1 win 58400"), in(". 200001:200001(0) ack 1"), out(". 1:1(0) ack 1 win 58400"),
  };
  play(script, with::no_timestamps), play(unscaled, with::no_timestamps);
}

}  // namespace strata::script
