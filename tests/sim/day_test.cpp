// SPDX-License-Identifier: MIT
// A day of virtual time over a clock of 32 bits that wraps within it: an hour of work, hours of idleness in one jump, timers, new connections and old ones.
#include "policies.hpp"
#include "scarce.hpp"
#include "scenario.hpp"

#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace {

using namespace strata;
using namespace strata::sim;

constexpr u64 minute = 60 * second, hour = 60 * minute;

/// Side 0 asks, side 1 answers with the same bytes. `clock_ms`: what the clock shows at the beginning.
class day {
 public:
  day(make_host make, u64 clock_ms, u64 longest_sleep) : longest_sleep_(longest_sleep) {
    for (u32 side : {0u, 1u}) {
      link_->faults(side).delay_ns = 10 * ms;
      ends_[side].whole = this, ends_[side].side = side;
      ends_[side].host = make({.link = link_.get(), .side = side, .seed = side + 1, .clock_ms = clock_ms});
    }
    (void)client().listen(1, 0), (void)server().listen(7, 0);
  }

  struct counts {
    u32 connected = 0, accepted = 0, timers = 0, orderly = 0, others = 0;
    u64 answered = 0, timer_at = 0;
  };
  counts count{};
  u64 now = 0;
  u32 polls = 0;

  host& client() { return *ends_[0].host; }
  host& server() { return *ends_[1].host; }
  nic::simulated_link& link() { return *link_; }

  connection_id connect() {
    client().advance(now);
    const auto id = client().connect(host::ip(1), 7, 0);
    return id ? *id : nobody;
  }
  void poll() {
    link_->advance(now);
    for (end& e : ends_) (void)e.host->poll(now, 64, e);
    ++polls;
  }
  /// A loop that sleeps until something is due.
  void sleep_until(u64 t) {
    for (;;) {
      for (u32 again = 0; again < 4; ++again) poll();
      u64 next = now + longest_sleep_ < t ? now + longest_sleep_ : t;
      for (end& e : ends_)
        if (const auto d = e.host->next_deadline(); d && *d < next) next = *d;
      if (const auto e = link_->next_event(); e && *e < next) next = *e;
      if (now >= t) return;
      now = next > now ? next : now + 1 * us;
    }
  }
  /// `bytes` there and back, without loss; how long it took. Zero: they did not come.
  u64 ask(connection_id id, u32 bytes) {
    const u64 began = now, wanted = count.answered + bytes;
    const std::vector<std::byte> text(bytes, std::byte{42});
    std::size_t sent = 0;
    while (count.answered < wanted && now < began + minute) {
      client().advance(now);
      if (sent < bytes) sent += client().send(id, std::span(text).subspan(sent), {}).value_or(0);
      sleep_until(now + 5 * ms);
    }
    return count.answered == wanted ? now - began : 0;
  }

 private:
  struct end final : application {
    day* whole = nullptr;
    u32 side = 0;
    std::unique_ptr<sim::host> host;
    void on(sim::host& h, const sim::event& e) override { whole->on(side, h, e); }
  };
  void on(u32 side, host& h, const sim::event& e) {
    switch (e.what) {
      case what::accepted: ++count.accepted; break;
      case what::connected: ++count.connected; break;
      case what::timer: ++count.timers, count.timer_at = now; break;
      case what::closed: ++(e.why == close_reason::orderly ? count.orderly : count.others); return;
      case what::peer_closed: (void)h.close(e.id); return;
      default: break;
    }
    const auto view = h.peek(e.id);
    if (side == 0) count.answered += view.size(), (void)h.consume(e.id, view.size());
    else (void)h.consume(e.id, h.send_unread(e.id, view, {}).value_or(0));
  }

  u64 longest_sleep_;  ///< a horizon, at most
  std::unique_ptr<nic::simulated_link> link_ = std::make_unique<nic::simulated_link>(1);
  end ends_[2];
};

/// `longest`: what the tick's horizon lets a timer be.
void live_a_day(day& d, u64 longest) {
  const connection_id old = d.connect();
  REQUIRE(old != nobody);
  REQUIRE(d.ask(old, 3000) != 0);
  u32 lives = 1;
  for (u32 hours = 0; hours < 24; ++hours) {
    INFO("hour " << hours);
    // Work: the round trip is what the link says, whatever the clock shows.
    for (u32 n = 0; n < 20; ++n) {
      const u64 took = d.ask(old, 5000);
      CHECK(took >= 20 * ms);
      CHECK(took < 400 * ms);
    }
    const auto info = d.client().info(old);
    REQUIRE(info);
    CHECK(info->srtt_us >= 19'000);
    CHECK(info->srtt_us < 100'000);
    CHECK(info->rto_us < 600'000);
    CHECK(info->backoff == 0);
    // Another one comes and goes, and is forgotten after 2 MSL.
    const connection_id young = d.connect();
    REQUIRE(young != nobody);
    ++lives;
    CHECK(d.ask(young, 1000) != 0);
    (void)d.client().close(young);
    d.sleep_until(d.now + 1 * second);
    CHECK(d.count.orderly == 2 * hours + 2);
    CHECK(d.client().time_waits() + d.server().time_waits() == 1);
    d.sleep_until(d.now + 61 * second);
    CHECK(d.client().time_waits() + d.server().time_waits() == 0);
    // A timer of the application, to the millisecond.
    const u64 after = longest / (hours % 4 + 1), due = d.now + after;
    d.client().advance(d.now);
    REQUIRE(d.client().set_timer(old, after));
    const u32 polls = d.polls;
    d.sleep_until(due + 2 * second);
    CHECK(d.count.timers == hours + 1);
    CHECK(d.count.timer_at >= due);
    CHECK(d.count.timer_at <= due + 1 * ms);
    CHECK(d.polls - polls < 200);  // an idle loop sleeps
    // Idle until the hour is full: nothing is due, and nobody polls.
    if (const u64 full = (hours + 1) * hour; full > d.now) d.sleep_until(full);
  }
  CHECK(d.now >= 24 * hour);
  CHECK(d.count.accepted == lives);
  CHECK(d.count.connected == lives);
  CHECK(d.count.others == 0);
  CHECK(d.client().tcp_counters().retransmitted == 0);
  CHECK(d.server().tcp_counters().retransmitted == 0);
  CHECK(d.client().tcp_counters().paws_rejected == 0);
  CHECK(d.server().tcp_counters().paws_rejected == 0);
  (void)d.client().close(old);
  d.sleep_until(d.now + 3 * minute);
  CHECK(d.count.orderly == 2 * lives);
  CHECK(d.client().chunks().in_use() == 0);
  CHECK(d.server().chunks().in_use() == 0);
  CHECK(d.client().connections() + d.server().connections() == 0);
}

TEST_CASE("A day over milliseconds in 32 bits that wrap at noon") {
  day d(make_ms32, 0x1'0000'0000 - 12 * hour / ms, 24 * hour);
  live_a_day(d, 50 * minute);
}
TEST_CASE("A day over microseconds in 32 bits that wrap every 71 minutes") {
  day d(make_scarce, 1000, 35 * minute);
  live_a_day(d, 30 * minute);
}

// A machine that was suspended: what was due long ago happens now, once, and everything goes on.
TEST_CASE("When the time jumps by hours the connection goes on, its timer fires once and what was outstanding is sent again") {
  for (const u64 clock : {u64{1000}, 0x1'0000'0000 - 1 * hour / ms}) {
    day d(make_ms32, clock, 24 * hour);
    const connection_id id = d.connect();
    REQUIRE(d.ask(id, 3000) != 0);
    for (u32 jump = 1; jump <= 4; ++jump) {
      d.client().advance(d.now);
      REQUIRE(d.client().set_timer(id, 10 * minute));
      d.link().faults(0).is_down = true;
      const std::byte lost[700]{};
      REQUIRE(d.client().send(id, lost, {}).value_or(0) == 700);
      d.poll();
      const u64 answered = d.count.answered;
      d.now += jump * 2 * hour;
      d.poll();
      d.poll();
      CHECK(d.count.timers == jump);
      CHECK(d.count.answered == answered);
      d.link().faults(0).is_down = false;
      d.sleep_until(d.now + 20 * second);
      CHECK(d.count.timers == jump);
      CHECK(d.count.answered == answered + 700);
      CHECK(d.ask(id, 3000) != 0);
    }
    CHECK(d.count.others == 0);
  }
}

}  // namespace
