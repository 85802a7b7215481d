// SPDX-License-Identifier: MIT
// The window arithmetic of NewReno, to the byte: RFC 5681 §3.1, §3.2, §4.1, RFC 6582 §3.2, RFC 6928 §2.
#include <strata/tcp/congestion/newreno.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {
using strata::tcp::newreno;
constexpr strata::u32 mss = 1000;

/// In congestion avoidance, cwnd four segments, nothing counted towards the next increase.
newreno avoiding() {
  newreno c;
  c.start(mss);
  c.on_timeout(8 * mss, mss);
  for (int i = 0; i < 3; ++i) c.on_ack(mss, 8 * mss, mss);
  return c;
}
}  // namespace

TEST_CASE("the initial window is ten segments, at most 14600 bytes, at least two segments") {
  CHECK(newreno::initial_window(536) == 5360);
  CHECK(newreno::initial_window(1460) == 14600);
  CHECK(newreno::initial_window(2000) == 14600);
  CHECK(newreno::initial_window(7300) == 14600);
  CHECK(newreno::initial_window(9000) == 18000);
}
TEST_CASE("slow start grows by what was acknowledged, at most a segment an ACK") {
  newreno c;
  c.start(mss);
  CHECK(c.cwnd() == 10000);
  c.on_ack(1, 10000, mss);
  CHECK(c.cwnd() == 10001);
  c.on_ack(3000, 10001, mss);
  CHECK(c.cwnd() == 11001);
}
TEST_CASE("a window that is not filled does not grow") {
  newreno c;
  c.start(mss);
  c.on_ack(mss, 4999, mss);
  CHECK(c.cwnd() == 10000);
  c.on_ack(mss, 5000, mss);  // half of it counts as filled, for who sends in bursts
  CHECK(c.cwnd() == 11000);
  c = {};
  c.start(mss);
  c.on_timeout(0, mss);
  c.on_ack(mss, 0, mss);  // one segment: nothing less can be in flight
  CHECK(c.cwnd() == 2000);
}
TEST_CASE("congestion avoidance grows by a segment for a window of acknowledged bytes, to the byte") {
  newreno c = avoiding();
  REQUIRE(c.cwnd() == 4000);
  REQUIRE(c.ssthresh() == 4000);
  c.on_ack(3999, 4000, mss);
  CHECK(c.cwnd() == 4000);
  c.on_ack(1, 4000, mss);
  CHECK(c.cwnd() == 5000);
  c.on_ack(4999, 5000, mss);
  CHECK(c.cwnd() == 5000);
  c.on_ack(3, 5000, mss);  // two are left over
  CHECK(c.cwnd() == 6000);
  c.on_ack(5997, 6000, mss);
  CHECK(c.cwnd() == 6000);
  c.on_ack(1, 6000, mss);
  CHECK(c.cwnd() == 7000);
}
TEST_CASE("a timeout and a start forget what was counted towards the next increase") {
  newreno c = avoiding();
  c.on_ack(3999, 4000, mss);
  c.on_timeout(8 * mss, mss);
  for (int i = 0; i < 3; ++i) c.on_ack(mss, 8 * mss, mss);
  REQUIRE(c.cwnd() == 4000);
  c.on_ack(3999, 4000, mss);
  CHECK(c.cwnd() == 4000);
  c.start(mss);
  CHECK(c.cwnd() == 10000);
  CHECK(c.ssthresh() == 0x7fff'ffff);
  c.on_recovery(8000, mss);
  c.on_ack(6999, 7000, mss);
  CHECK(c.cwnd() == 7000);
  c.on_ack(1, 7000, mss);
  CHECK(c.cwnd() == 8000);
}
TEST_CASE("without congestion control the window is as good as endless, whatever happens") {
  strata::tcp::unlimited c;
  c.start(mss), c.on_timeout(1, mss), c.on_recovery(1, mss);
  CHECK(c.cwnd() == 0x7fff'ffff);
  CHECK(c.ssthresh() == 0x7fff'ffff);
}
TEST_CASE("a timeout leaves one segment, and half of what was in flight as threshold, two segments at least") {
  newreno c;
  c.start(mss);
  c.on_timeout(9000, mss);
  CHECK(c.cwnd() == 1000);
  CHECK(c.ssthresh() == 4500);
  c.on_timeout(4000, mss);
  CHECK(c.ssthresh() == 2000);
  c.on_timeout(1, mss);
  CHECK(c.ssthresh() == 2000);
}
TEST_CASE("fast recovery inflates, deflates by what a partial ACK covers, and ends without a burst") {
  newreno c;
  c.start(mss);
  c.on_recovery(10000, mss);
  CHECK(c.ssthresh() == 5000);
  CHECK(c.cwnd() == 8000);
  c.on_duplicate(mss);
  CHECK(c.cwnd() == 9000);
  c.on_partial(1000, mss);
  CHECK(c.cwnd() == 9000);
  c.on_partial(999, mss);  // less than a segment: nothing comes back
  CHECK(c.cwnd() == 8001);
  c.on_partial(9000, mss);
  CHECK(c.cwnd() == 1000);
  c.on_recovered(500, mss);
  CHECK(c.cwnd() == 2000);
  c.on_recovered(3500, mss);
  CHECK(c.cwnd() == 4500);
  c.on_recovered(9000, mss);
  CHECK(c.cwnd() == 5000);
}
TEST_CASE("after an idle timeout the window starts again, and never grows thereby but to a segment") {
  newreno c;
  c.start(mss);
  for (int i = 0; i < 10; ++i) c.on_ack(mss, 20000, mss);
  CHECK(c.cwnd() == 20000);
  c.on_idle(mss);
  CHECK(c.cwnd() == 10000);
  c.on_timeout(4000, mss);
  c.on_idle(mss);
  CHECK(c.cwnd() == 1000);
  c.on_idle(1460);  // a path that carries more again
  CHECK(c.cwnd() == 1460);
}
TEST_CASE("a window does not overflow") {
  newreno c;
  c.start(mss);
  for (int i = 0; i < 3; ++i) c.on_duplicate(0x7fff'0000);
  CHECK(c.cwnd() == 0x7fff'ffff);
}
