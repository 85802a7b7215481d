// SPDX-License-Identifier: MIT
// A SYN for a pair of ports in TIME-WAIT, and what cannot end that state early: RFC 6191 §2, RFC 1337 §2, §3. Its neighbour: rfc9293_time_wait.cpp.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define WAITING_WITH_TIMESTAMPS                                                                                                                                    \
  listen(), in("S 0:0(0) <mss 1460,ts 500 0>"), out("S. 0:0(0) ack 1"), in(". ack 1 <ts 600 0>"), expect(bit::accepted), close(), out("F. 1:1(0)"),                 \
      in("F. 1:1(0) ack 2 <ts 700 0>"), out(". 2:2(0) ack 2"), closed(close_reason::orderly), in_use(0, 0, 1)
#define WAITING_WITHOUT                                                                                                                                            \
  listen(), in("S 0:0(0) <mss 1460,nots>"), out("S. 0:0(0) ack 1"), in(". ack 1"), expect(bit::accepted), close(), out("F. 1:1(0)"), in("F. 1:1(0) ack 2"),              \
      out(". 2:2(0) ack 2"), closed(close_reason::orderly), in_use(0, 0, 1)

// RFC 6191 §2; 6191-1.
TEST_CASE("In TIME-WAIT a later timestamp begins a new life, though the number is lower") {
  static constexpr step script[] = {WAITING_WITH_TIMESTAMPS, next_life(0xfff0'0000), in("S 0:0(0) <mss 1460,ts 701 0>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  play(script);
}
// RFC 6191 §2; 6191-2.
TEST_CASE("In TIME-WAIT the same timestamp begins a new life if the number is higher, and not otherwise") {
  static constexpr step higher[] = {WAITING_WITH_TIMESTAMPS, next_life(100000), in("S 0:0(0) <mss 1460,ts 700 0>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  static constexpr step lower[] = {WAITING_WITH_TIMESTAMPS, next_life(0xfff0'0000), in("S 0:0(0) <mss 1460,ts 700 0>"), out(". 2:2(0)"), in_use(0, 0, 1)};
  static constexpr step next[] = {WAITING_WITH_TIMESTAMPS, next_life(2), in("S 0:0(0) <mss 1460,ts 700 0>"), out(". 2:2(0)"), in_use(0, 0, 1)};
  static constexpr step one_more[] = {WAITING_WITH_TIMESTAMPS, next_life(3), in("S 0:0(0) <mss 1460,ts 700 0>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  play(higher), play(lower), play(next), play(one_more);
}
// RFC 6191 §2; 6191-3.
TEST_CASE("In TIME-WAIT of a life with timestamps a SYN without them needs a higher number") {
  static constexpr step higher[] = {WAITING_WITH_TIMESTAMPS, next_life(100000), in("S 0:0(0) <mss 1460,nots>"), out("S. 0:0(0) ack 1 <mss 1460,nots>"), in_use(0, 1, 0)};
  static constexpr step lower[] = {WAITING_WITH_TIMESTAMPS, next_life(0xfff0'0000), in("S 0:0(0) <mss 1460,nots>"), out(". 2:2(0)"), in_use(0, 0, 1)};
  play(higher), play(lower);
}
// RFC 6191 §2; 6191-4: PAWS will tell the two lives apart.
TEST_CASE("In TIME-WAIT of a life without timestamps a SYN with them begins a new life, whatever its number") {
  static constexpr step higher[] = {WAITING_WITHOUT, next_life(100000), in("S 0:0(0) <mss 1460,ts 5 0>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  static constexpr step lower[] = {
      WAITING_WITHOUT, next_life(0xfff0'0000), in("S 0:0(0) <mss 1460,ts 5 0>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0), in(". 1:1(0) ack 1 <ts 6 0>"), expect(bit::accepted),
  };
  play(higher), play(lower);
}
// RFC 6191 §2; 6191-5.
TEST_CASE("In TIME-WAIT of a life without timestamps a SYN without them needs a higher number") {
  static constexpr step higher[] = {WAITING_WITHOUT, next_life(100000), in("S 0:0(0) <mss 1460>"), out("S. 0:0(0) ack 1"), in_use(0, 1, 0)};
  static constexpr step lower[] = {WAITING_WITHOUT, next_life(0xfff0'0000), in("S 0:0(0) <mss 1460>"), out(". 2:2(0)"), in_use(0, 0, 1)};
  play(higher, with::no_timestamps), play(lower, with::no_timestamps);
}
// RFC 6191 §2; 6191-6: what begins no new life leaves the old one's wait as long as it was.
TEST_CASE("A SYN that begins nothing does not lengthen TIME-WAIT") {
  static constexpr step script[] = {WAITING_WITHOUT, at(30000), next_life(0xfff0'0000), in("S 0:0(0) <mss 1460>"), out(". 2:2(0)"), at(59999), in_use(0, 0, 1), at(60000), in_use(0, 0, 0)};
  play(script, with::no_timestamps);
}
// RFC 9293 §3.6.1; MAY-2: the new life's listener must be there, or the SYN is refused as any.
TEST_CASE("A SYN in TIME-WAIT for a port that nobody listens on any more is reset") {
  static constexpr step script[] = {WAITING_WITHOUT, close_listener(), next_life(100000), in("S 0:0(0) <mss 1460>"), out("R. ack 1"), in_use(0, 0, 0)};
  play(script, with::no_timestamps);
}

// RFC 1337 §2.1, hazard H1: an old duplicate's answer makes the peer send a reset, which must not end the wait.
TEST_CASE("Old data in TIME-WAIT and the reset that its answer provokes do not end the wait") {
  static constexpr step script[] = {
      WAITING_WITHOUT, at(1000), in("P. 1:1(0) ack 1"), out(". 2:2(0) ack 2"), in("R 2:2(0)"), in_use(0, 0, 1), in("R 1:1(0)"), in("R. 5:5(0) ack 2"), at(59999), in_use(0, 0, 1),
      at(60000), in_use(0, 0, 0),
  };
  play(script, with::no_timestamps);
}
// RFC 1337 §3, fix F1; 1337-1: before the record, too, while the application still reads.
TEST_CASE("A reset in TIME-WAIT takes nothing from who has not read yet") {
  static constexpr step script[] = {
      established_active(), shutdown(), out("F. 1:1(0)"), in("FP. 1:101(100) ack 2"), out(". 2:2(0) ack 102"), in("R 102:102(0)"), is(tcp::state::time_wait), read(100),
      expect(bit::peer_closed), closed(close_reason::orderly), in_use(0, 0, 1),
  };
  play(script);
}
// RFC 1337 §3, fix F3: with timestamps old duplicates are told apart.
TEST_CASE("A segment of the old life is no part of the new one") {
  static constexpr step script[] = {
      WAITING_WITH_TIMESTAMPS, next_life(100000), in("S 0:0(0) <mss 1460,ts 800 0>"), out("S. 0:0(0) ack 1"), in(". 1:1(0) ack 1 <ts 801 0>"), expect(bit::accepted),
      in("P. 1:11(10) <ts 650 0>"), out(". ack 1"), is(field::unread, 0), counted(&tcp::counters::paws_rejected, 1),
  };
  play(script);
}

}  // namespace strata::script
