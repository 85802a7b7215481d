// SPDX-License-Identifier: MIT
// What may leave when: pacing, the small-queue limit, trains that wait. Linux: tcp_pacing_check, tcp_small_queue_check, tcp_tso_should_defer.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

#define TEN_SEGMENTS \
  out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), \
  out("8761:10221(1460)"), out("10221:11681(1460)"), out("11681:13141(1460)"), out("13141:14601(1460)")

// A window of two segments over 120 ms is one each 50 ms at 120 %.
TEST_CASE("What a timeout sends again is paced too") {
  static constexpr step script[] = {
      established_active(120), pacing_rate(146'000), write(4 * 1460), out("1:1461(1460)"), at(130), out("1461:2921(1460)"), at(140), out("2921:4381(1460)"), at(150),
      out("4381:5841(1460)"), at(480), out("1:1461(1460)"), at(600), in(". ack 1461"), out("1461:2921(1460)"), at(649), at(650), out("2921:4381(1460)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
// 146,000 bytes a second are a segment each 10 ms. Linux: SO_MAX_PACING_RATE.
TEST_CASE("pacing_rate: segments leave that far apart, and what comes later may leave at once") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(146'000), write(3 * 1460), out("1:1461(1460)"), is(tcp::limited_by::pacing), at(109), at(110), out("1461:2921(1460)"),
      is(tcp::limited_by::pacing), at(119), at(120), out("2921:4381(1460)"), is(tcp::limited_by::application), counted(&tcp::counters::limited_by_pacing, 2),
      at(200), in(". ack 4381"), write(2 * 1460), out("4381:5841(1460)"), at(209), at(210), out("5841:7301(1460)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
// No more than a millisecond, or a loop that slept would send a burst.
TEST_CASE("A loop that comes late sends the next segment by so much earlier") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(146'000), write(5 * 1460), out("1:1461(1460)"), sleeps_until(111), out("1461:2921(1460)"), at(119), at(120), out("2921:4381(1460)"),
      sleeps_until(150), out("4381:5841(1460)"), at(158), at(159), out("P. 5841:7301(1460)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
TEST_CASE("pacing_rate: however small it is, a segment a minute leaves") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(10), write(1460), out("1:1461(1460)"), at(200), in(". ack 1461"), write(1460), is(tcp::limited_by::pacing), at(60'099), at(60'100),
      out("1461:2921(1460)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
TEST_CASE("pacing_rate: a small segment takes less time") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(146'000), no_delay(true), write(146), out("P. 1:147(146)"), write(1460), at(101), out("P. 147:1607(1460)"), write(10), at(110), at(111),
      out("P. 1607:1617(10)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
TEST_CASE("pacing_rate: zero takes the limit away") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(1460), write(1460), out("1:1461(1460)"), at(200), in(". ack 1461"), write(1460), is(tcp::limited_by::pacing), at(300),
      pacing_rate(0), out("1461:2921(1460)"), write(2 * 1460), out("2921:4381(1460)"), out("4381:5841(1460)"),
  };
  play(script, with::no_timestamps, policy::paced);
}
// 200 % of the window over the round-trip time in slow start: eleven segments and 110 ms are one each 5 ms. The initial window leaves at once.
TEST_CASE("The pacing rate follows the congestion window and the round-trip time") {
  static constexpr step script[] = {
      established_active(110), write(43800), TEN_SEGMENTS, is(tcp::limited_by::congestion_window),
      at(220), in(". ack 1461"), out("14601:16061(1460)"), is(tcp::limited_by::pacing), at(224), at(225), out("16061:17521(1460)"),
      is(tcp::limited_by::congestion_window),
  };
  play(script, with::no_timestamps, policy::paced);
}

// 5,980,160 bytes a second are four segments in 0.98 ms. Linux: tcp_tso_autosize.
TEST_CASE("A paced train is a millisecond's worth, and two segments at least") {
  static constexpr step four[] = {
      established_active(1), pacing_rate(5'980'160), write(9 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), is(tcp::limited_by::pacing),
      out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)"), out("10221:11681(1460)"), is(tcp::limited_by::pacing), out("P. 11681:13141(1460)"),
  };
  static constexpr step two[] = {
      established_active(100), pacing_rate(292'000), write(5 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), is(tcp::limited_by::pacing), at(109), at(110), out("2921:4381(1460)"),
      out("4381:5841(1460)"), at(119), at(120), out("P. 5841:7301(1460)"),
  };
  // At 200 % of ten segments over 100 ms, the first ten of a connection are free, and a train may begin among them and end behind them.
  static constexpr step free[] = {
      established_active(100), write(8 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"),
      out("8761:10221(1460)"), out("P. 10221:11681(1460)"), is(tcp::limited_by::application),
  };
  play(four, with::no_timestamps, policy::paced_trains), play(two, with::no_timestamps, policy::paced_trains), play(free, with::no_timestamps, policy::paced_trains);
}

// Three segments of this connection, by the Config, while no rate is known.
TEST_CASE("small_queue: enough of one connection waits below, and a completion lets it go on") {
  static constexpr step script[] = {
      established_active(), nic_holds(true), write(6 * 1460), out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), is(tcp::limited_by::small_queue),
      is(field::unsent, 3 * 1460), at(1), at(5), complete(), at(6), out("4381:5841(1460)"), out("5841:7301(1460)"), out("P. 7301:8761(1460)"), is(tcp::limited_by::application),
      counted(&tcp::counters::ring_full, 0),
  };
  play(script, with::no_timestamps, policy::paced);
}
// A millisecond's worth of 146,000 bytes a second is less than a segment; two may always be below.
TEST_CASE("small_queue: at a known rate it is a millisecond's worth, and two segments at least") {
  static constexpr step script[] = {
      established_active(100), pacing_rate(146'000), nic_holds(true), write(4 * 1460), out("1:1461(1460)"), at(110), out("1461:2921(1460)"), is(tcp::limited_by::pacing), at(120),
      is(tcp::limited_by::small_queue), at(130), complete(), at(131), out("2921:4381(1460)"), is(tcp::limited_by::pacing),
      at(141), out("4381:5841(1460)"), complete(),
  };
  play(script, with::no_timestamps, policy::paced);
}

// Two of ten segments are free, and the ACK of the first is near once half of its round-trip time has passed.
TEST_CASE("tso_deferral: the oldest segment's ACK is near from half of the round-trip time on") {
#define SEVEN_SEGMENTS \
  out("1:1461(1460)"), out("1461:2921(1460)"), out("2921:4381(1460)"), out("4381:5841(1460)"), out("5841:7301(1460)"), out("7301:8761(1460)"), out("8761:10221(1460)")
  static constexpr step near[] = {
      established_active(100), write(7 * 1460), SEVEN_SEGMENTS, at(150), write(1460), out("10221:11681(1460)"), write(43800), is(tcp::limited_by::deferral),
      counted(&tcp::counters::limited_by_deferral, 1),
  };
  static constexpr step not_yet[] = {
      established_active(100), write(7 * 1460), SEVEN_SEGMENTS, at(149), write(1460), out("10221:11681(1460)"), write(43800), out("11681:13141(1460)"), out("13141:14601(1460)"),
      is(tcp::limited_by::congestion_window), counted(&tcp::counters::limited_by_deferral, 0),
  };
  static constexpr step all_that_waits[] = {
      established_active(100), write(7 * 1460), SEVEN_SEGMENTS, at(150), write(1460), out("10221:11681(1460)"), write(2 * 1460), out("11681:13141(1460)"), out("P. 13141:14601(1460)"),
      counted(&tcp::counters::limited_by_deferral, 0),
  };
#undef SEVEN_SEGMENTS
  play(all_that_waits, with::no_timestamps, policy::deferring);
  play(near, with::no_timestamps, policy::deferring), play(not_yet, with::no_timestamps, policy::deferring);
}
// A third of the window must be free, or all that waits must fit: else the next ACK, which is near, makes the train longer. Linux: tcp_tso_win_divisor.
TEST_CASE("tso_deferral: a short train waits for the ACKs behind the first") {
  static constexpr step script[] = {
      established_active(100), write(43800), TEN_SEGMENTS, is(tcp::limited_by::congestion_window),
      at(200), in(". ack 1461"), out("14601:16061(1460)"), out("16061:17521(1460)"), in(". ack 2921"), is(tcp::limited_by::deferral), in(". ack 4381"), is(tcp::limited_by::deferral),
      in(". ack 5841"), out("17521:18981(1460)"), out("18981:20441(1460)"), out("20441:21901(1460)"), out("21901:23361(1460)"), out("23361:24821(1460)"), out("24821:26281(1460)"),
      is(tcp::limited_by::congestion_window), counted(&tcp::counters::limited_by_deferral, 2),
  };
  play(script, with::no_timestamps, policy::deferring);
}
TEST_CASE("tso_deferral: nothing waits when it was idle, or all that waits may leave") {
  static constexpr step idle[] = {established_active(100), write(14600 + 1460), TEN_SEGMENTS, at(200), in(". ack 1461"), out("14601:16061(1460)"), is(tcp::limited_by::application)};
  static constexpr step everything[] = {
      established_active(100), write(14600 + 2 * 1460), TEN_SEGMENTS, at(200), in(". ack 1461"), out("14601:16061(1460)"), out("16061:17521(1460)"), write(1460),
      in(". ack 2921"), out("17521:18981(1460)"), is(tcp::limited_by::application),
  };
  play(idle, with::no_timestamps, policy::deferring), play(everything, with::no_timestamps, policy::deferring);
}

}  // namespace strata::script
