// SPDX-License-Identifier: MIT
// What happens when something runs out, for each k: at each step of a whole life (two connections after each other with data in both directions, datagrams
// beside them, some loss) a side has only k chunks, k places in its ring, no doorbell, or no room in its table of connections; once, or for a while. Every
// byte arrives, both ends are told an orderly end, nothing is left in use, and what begins afterwards works.
#include "scarce.hpp"
#include "talker.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

namespace {

using namespace strata;
using namespace strata::sim;

enum class scarcity : u8 { none, chunks, ring, doorbell };
struct fault {
  scarcity of = scarcity::none;
  u32 side = 0;
  u32 step = 0;      ///< of the run, from zero
  u32 left = 0;      ///< how many there still are
  u64 length = 0;    ///< nanoseconds; zero: this step
};

class world {
 public:
  explicit world(const fault& f) : fault_(f) {
    for (u32 side : {0u, 1u}) {
      nic::impairment& i = link_->faults(side);
      i.delay_ns = 2 * ms, i.loss = 30'000, i.late = 300'000, i.late_ns = 5 * ms;
      ends_[side].whole = this, ends_[side].side = side;
      ends_[side].host = make_scarce({.link = link_.get(), .side = side, .seed = side + 1, .clock_ms = 0xffff'ffff - 300});
      if (const auto s = ends_[side].host->bind(5000)) ends_[side].socket = *s;
    }
    (void)ends_[1].host->listen(1000, 0);
  }

  void live() {
    connection(1);
    steps = step_;
    connection(2);
    datagram();
    wind_up();
  }
  u32 steps = 0;       ///< of the first connection
  std::string wrong{};  ///< the first thing that was
  bool may_forget = false;  ///< a record of TIME-WAIT may be refused: a last ACK that is lost is not repeated then, and the peer, all bytes there, is reset

 private:
  struct end final : application {
    world* whole = nullptr;
    u32 side = 0;
    std::unique_ptr<sim::host> host;
    sim::talker talker{};
    connection_id socket = nobody;
    u32 datagrams = 0;
    void on(sim::host& h, const sim::event& e) override { whole->on(*this, h, e); }
  };

  void fail(std::string text) {
    if (wrong.empty()) wrong = std::move(text) + " at step " + std::to_string(step_) + ", " + std::to_string(now_ / ms) + " ms";
  }
  void on(end& e, host& h, const sim::event& what_came) {
    if (what_came.what == what::datagram) {
      std::byte room[200];
      while (h.receive_datagram(what_came.id, room)) ++e.datagrams;
      return;
    }
    if (what_came.what == what::datagram_error || what_came.what == what::link_down) return fail("an error that is none");
    if (what_came.what == what::accepted) {
      if (e.talker.is_known) return fail("accepted twice");
      e.talker.id = what_came.id, e.talker.is_known = e.talker.is_connected = true;
    }
    if (e.talker.id != what_came.id) return fail("an event of an unknown stream");
    e.talker.on(h, what_came, dice_);
    if (!e.talker.fault.empty()) fail(e.talker.fault);
  }

  // ---- the fault ----
  void begin_fault() {
    if (fault_.of == scarcity::none || step_ != fault_.step) return;
    end& e = ends_[fault_.side];
    auto& way = link_->ways[fault_.side];
    until_ = now_ + fault_.length;
    is_on_ = true;
    switch (fault_.of) {
      case scarcity::chunks:
        while (e.host->chunks().available() > fault_.left) held_.push_back(e.host->chunks().take(0));
        break;
      case scarcity::ring:
        if (way.in_ring + fault_.left == 0) way.full_until = ~u64{0};
        else link_->faults(fault_.side).ring = way.in_ring + fault_.left;
        break;
      case scarcity::doorbell: link_->faults(fault_.side).kick_again = nic::impairment::always; break;
      case scarcity::none: break;
    }
  }
  void end_fault() {
    if (!is_on_ || now_ < until_) return;
    is_on_ = false;
    held_.clear();
    link_->ways[fault_.side].full_until = 0;
    link_->faults(fault_.side).ring = link_->faults(fault_.side).kick_again = 0;
  }

  // ---- time ----
  void step() {
    begin_fault();
    for (end& e : ends_)
      if (!e.host->poll(now_, 4, e)) fail("poll was refused");
    end_fault();
    ++step_;
    u64 next = now_ + 200 * ms;
    const auto consider = [&](u64 t) { next = t < next ? t : next; };
    if (const auto t = link_->next_event()) consider(*t);
    for (end& e : ends_)
      if (const auto t = e.host->next_deadline()) consider(*t > now_ ? *t : now_ + 1 * ms);
    if (is_on_) consider(until_);
    for (const auto& w : link_->ways)  // nothing could receive it
      if (w.first != 0 && w.flights[w.first - 1].due <= now_) consider(now_ + 1 * ms);
    now_ = next > now_ ? next : now_ + 1;
    link_->advance(now_);
    end_fault();
  }

  // ---- lives ----
  void connection(u32 life) {
    for (end& e : ends_) {
      e.talker = {};
      e.talker.plan = {.total = 40'000 + 3'000 * e.side, .write_most = 3'000, .reserve_percent = 30, .reading = e.side == 0 ? reads::all : reads::take, .end = e.side == 0 ? ends::by_half : ends::after_the_peer};
      e.talker.key = life * 10 + e.side, e.talker.peer_key = life * 10 + 1 - e.side;
    }
    const u64 limit = now_ + 300 * second;
    for (u64 speaks = now_; wrong.empty() && !(ends_[0].talker.is_told_closed && ends_[1].talker.is_told_closed); step()) {
      if (now_ > limit) return fail("no end: " + state());
      talker& opener = ends_[0].talker;
      if (!opener.is_known) {
        begin_fault();
        ends_[0].host->advance(now_);
        if (const auto id = ends_[0].host->connect(host::ip(1), 1000, 0)) opener.id = *id, opener.is_known = true;
      }
      if (now_ < speaks) continue;
      speaks += 20 * ms;
      const std::byte bytes[100]{};
      for (end& e : ends_) (void)e.host->send_to(e.socket, bytes, host::ip(1 - e.side), 5000);
    }
    for (end& e : ends_) {
      if (!wrong.empty()) return;
      const talker& peer = ends_[1 - e.side].talker;
      if (e.talker.why != close_reason::orderly && !(may_forget && e.talker.why == close_reason::reset)) return fail("ended for reason " + std::to_string(static_cast<int>(e.talker.why)));
      if (e.talker.received != peer.plan.total) return fail("bytes are missing");
    }
  }
  void datagram() {
    const u32 before[2] = {ends_[0].datagrams, ends_[1].datagrams};
    for (u32 tries = 0; wrong.empty() && (ends_[0].datagrams == before[0] || ends_[1].datagrams == before[1]); ++tries) {
      if (tries == 100) return fail("no datagram comes through");
      const std::byte bytes[100]{};
      for (end& e : ends_) (void)e.host->send_to(e.socket, bytes, host::ip(1 - e.side), 5000);
      step();
    }
  }
  void wind_up() {
    for (end& e : ends_) (void)e.host->close_socket(e.socket);
    for (const u64 limit = now_ + 150 * second; now_ < limit && wrong.empty();) step();
    for (end& e : ends_) {
      if (!wrong.empty()) return;
      const host& h = *e.host;
      if (e.host->chunks().in_use() != 0) return fail(std::to_string(e.host->chunks().in_use()) + " chunks are lost");
      if (h.connections() + h.half_open() + h.time_waits() != 0) return fail("control blocks or records are left");
    }
  }
  [[nodiscard]] std::string state() const {
    std::string s;
    for (const end& e : ends_) {
      s += " sent " + std::to_string(e.talker.sent) + " read " + std::to_string(e.talker.received) + " chunks " + std::to_string(e.host->chunks().in_use());
      if (const auto i = e.host->info(e.talker.id)) s += " state " + std::to_string(static_cast<int>(i->state)) + " unacked " + std::to_string(i->unacked) + " unsent " + std::to_string(i->unsent);
    }
    return s;
  }

  fault fault_;
  std::unique_ptr<nic::simulated_link> link_ = std::make_unique<nic::simulated_link>(4);
  end ends_[2];
  dice dice_{};
  std::vector<packet> held_;
  u64 now_ = 0, until_ = 0;
  u32 step_ = 0;
  bool is_on_ = false;
};

/// Sanitizers look at every seventh step.
constexpr u32 stride() {
#if defined(__SANITIZE_ADDRESS__)
  return 7;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 7;
#else
  return 1;
#endif
#else
  return 1;
#endif
}

u32 steps_of_a_life() {
  const auto w = std::make_unique<world>(fault{});
  w->live();
  INFO(w->wrong);
  REQUIRE(w->wrong.empty());
  REQUIRE(w->steps > 80);
  return w->steps;
}

/// Each step, each side, each number that may be left; once, and for a second and a half.
void exhaust(scarcity of, u32 most) {
  const u32 steps = steps_of_a_life();
  u32 runs = 0;
  for (const u64 length : {u64{0}, 1500 * ms})
    for (u32 side : {0u, 1u})
      for (u32 left = 0; left <= most; ++left)
        for (u32 step = (left + side) % stride(); step < steps; step += stride()) {
          const auto w = std::make_unique<world>(fault{of, side, step, left, length});
          w->live();
          ++runs;
          INFO("side " << side << " has " << left << " left at step " << step << " for " << length / ms << " ms: " << w->wrong);
          CHECK(w->wrong.empty());
          if (!w->wrong.empty()) return;
        }
  CHECK(runs >= 4 * (most + 1) * (steps / stride()));
}

TEST_CASE("Whichever chunk cannot be taken, every byte arrives, nothing leaks, and what begins afterwards works") { exhaust(scarcity::chunks, 9); }
TEST_CASE("Whichever place of the ring is missing, every byte arrives, nothing leaks, and what begins afterwards works") { exhaust(scarcity::ring, 4); }
TEST_CASE("Whenever the doorbell fails, every byte arrives, nothing leaks, and what begins afterwards works") { exhaust(scarcity::doorbell, 0); }

TEST_CASE("Whichever insert into the table of connections fails, every byte arrives, nothing leaks, and what begins afterwards works") {
  refusals& r = refused_inserts();
  r = {};
  (void)steps_of_a_life();
  const u32 inserts = r.asked;
  CHECK(inserts >= 6);  // two lives: active, half-open, passive
  for (const u32 length : {1u, 2u, 6u})
    for (u32 k = 1; k <= inserts; ++k) {
      r = {.from = k, .to = k + length};
      const auto w = std::make_unique<world>(fault{});
      w->may_forget = true;
      w->live();
      INFO("inserts " << k << " to " << k + length - 1 << ": " << w->wrong);
      CHECK(w->wrong.empty());
    }
  r = {};
}

}  // namespace
