// SPDX-License-Identifier: MIT
// Options of every kind: RFC 9293 §3.1, §3.2.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.2: end, no-operation, and what is padding.
TEST_CASE("Options need no alignment and no order") {
  static constexpr step script[] = {
      connect(), out("S 0:0(0)"), in("S. 0:0(0) ack 1 win 16000 <hex 010303040102040200000000,ws 4>"), out(". ack 1"),
      is(field::send_window_scale, 4), is(field::mss, 512),
  };
  static constexpr step nops[] = {
      listen(), in("S 0:0(0) win 64000 <hex 010102040100010303050000,ws 5>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 256),
  };
  play(script, with::no_timestamps), play(nops, with::no_timestamps);
}
// RFC 9293 §3.1 (MUST-6): an option that is not known is passed over by its length.
TEST_CASE("Unknown options are passed over") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <hex fd0611223344020402000000>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.1 (MUST-7): illegal lengths.
TEST_CASE("A length that leads nowhere ends the list and not the connection") {
  static constexpr step zero[] = {
      listen(), in("S 0:0(0) <hex 0204020003000000>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  static constexpr step one[] = {
      listen(), in("S 0:0(0) <hex 0204020003010303>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  static constexpr step beyond[] = {
      listen(), in("S 0:0(0) <hex 0204020003ff0303>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  static constexpr step cut[] = {
      listen(), in("S 0:0(0) <hex 0204020001010103>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  play(zero, with::no_timestamps), play(one, with::no_timestamps), play(beyond, with::no_timestamps), play(cut, with::no_timestamps);
}
TEST_CASE("A known option of the wrong length is passed over") {
  static constexpr step mss[] = {
      listen(), in("S 0:0(0) <hex 0205020000030307,ws 7>"), out("S. 0:0(0) ack 1 <mss 1460,ws 1>"), in(". 1:1(0) ack 1 win 12800"),
      expect(bit::accepted), is(field::mss, 536), is(field::send_window_scale, 7),
  };
  static constexpr step scale[] = {
      listen(), in("S 0:0(0) <hex 0304070002040200>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::mss, 512),
  };
  static constexpr step stamps[] = {
      listen(), in("S 0:0(0) <hex 080900000001000000000000>"), out("S. 0:0(0) ack 1 <mss 1460,nots>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
      is(field::has_timestamps, 0),
  };
  play(mss, with::no_timestamps, policy::only_v4), play(scale, with::no_timestamps), play(stamps, with::no_timestamps);
}
TEST_CASE("Of an option that comes twice the last one counts") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <hex 0204010002040200>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::mss, 512),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("Forty bytes of options leave the data where it is") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:101(100) <hex fd280000000000000000000000000000000000000000000000000000000000000000000000000000>"), read(100),
      at(40), out(". ack 101"),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.1 (MUST-5): a TCP must be able to receive options in any segment; those of SYN mean nothing later.
TEST_CASE("MSS and window scale in a later segment mean nothing") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:11(10) <hex 0204010003030e01>"), read(10), is(field::mss, 1460), is(field::send_window_scale, 0),
      at(40), out(". ack 11"),
  };
  play(script, with::no_timestamps);
}
// strata offers none and answers none yet.
TEST_CASE("SACK permitted is not answered") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <mss 1460,sackOK,ws 0>"), out("S. 0:0(0) ack 1 <mss 1460,ws 1>"), in(". 1:1(0) ack 1"), expect(bit::accepted),
  };
  play(script);
}

// RFC 9293 §3.1; MUST-7, MUST-64: on an open connection, too, at odd places, cut anywhere, repeated, behind the end.
TEST_CASE("Options of any kind on an open connection leave data and connection alone") {
  static constexpr step script[] = {
      established_passive(), in("P. 1:11(10) <hex 00ffffff>"), in("P. 11:21(10) <hex 02000000>"), in("P. 21:31(10) <hex 0201fd80>"), in("P. 31:41(10) <hex fdfdfdfd>"),
      in("P. 41:51(10) <hex 01010108>"), in("P. 51:61(10) <hex 01080a000000000000000000>"), read(60), is(tcp::state::established), at(40), out(". ack 61"),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("Every one-byte cut of an option leaves the SYN's other options as they were") {
  static constexpr step nothing[] = {listen(), in("S 0:0(0) <hex 0204020001010102>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::mss, 512)};
  static constexpr step length[] = {listen(), in("S 0:0(0) <hex 0204020001010204>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::mss, 512)};
  static constexpr step half[] = {listen(), in("S 0:0(0) <hex 0204020001020401>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::mss, 512)};
  play(nothing, with::no_timestamps), play(length, with::no_timestamps), play(half, with::no_timestamps);
}
// RFC 9293 §3.2; MUST-4: what stands behind the end is padding, whatever it looks like.
TEST_CASE("What looks like an option behind the end of the list is none") {
  static constexpr step script[] = {
      listen(), in("S 0:0(0) <hex 020402000002040100030307>"), out("S. 0:0(0) ack 1 <mss 1460>"), in(". 1:1(0) ack 1"), expect(bit::accepted), is(field::mss, 512),
      is(field::send_window_scale, 0),
  };
  play(script, with::no_timestamps);
}

}  // namespace strata::script
