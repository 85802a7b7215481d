// SPDX-License-Identifier: MIT
// Applications that call anything on anything at each event, on both ends of a link that loses, doubles, reorders and delays, over every policy. What must
// hold: a stream's life is told in order and ends once, a name of a former life does nothing, views and counts agree, and nothing is left in the end.
#include "policies.hpp"
#include "scarce.hpp"
#include "scenario.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>
#include <vector>

#include <sanitized.hpp>

namespace {

using namespace strata;
using namespace strata::sim;

class chaos {
 public:
  chaos(make_host make, u64 seed) {
    dice_.state = seed;
    *link_ = nic::simulated_link(seed);
    for (u32 side : {0u, 1u}) {
      nic::impairment& f = link_->faults(side);
      f.delay_ns = 100 * us, f.loss = 20'000, f.duplication = 20'000, f.reordering = 50'000, f.reorder_ns = 300 * us, f.late = 100'000, f.late_ns = 2 * ms, f.partial = 100'000, f.kick_again = 20'000;
      ends_[side].whole = this, ends_[side].side = side;
      ends_[side].host = make({.link = link_.get(), .side = side, .seed = seed + side, .clock_ms = 0xffff'ff00});
    }
  }
  void run(u64 events) {
    for (u64 turns = 0; events_ < events && turns < 4 * events && wrong.empty(); ++turns) {
      now_ += dice_.percent(1) ? dice_.below(3 * second) : dice_.below(2 * ms);
      link_->advance(now_);
      for (end& e : ends_) {
        if (!e.host->poll(now_, static_cast<u32>(dice_.between(1, 64)), e)) fail("poll is refused");
        for (u64 n = dice_.below(4); n > 0; --n) act(e);  // between polls, too
      }
    }
    settle();
  }
  [[nodiscard]] u64 events() const { return events_; }
  std::string wrong{};  ///< the first thing that was

 private:
  static std::vector<connection_id> names(std::size_t n) { return std::vector<connection_id>(n, nobody); }
  struct life {
    u32 generation = 0;
    bool is_connected = false, is_closed = true;
  };
  struct end final : application {
    chaos* whole = nullptr;
    u32 side = 0;
    std::unique_ptr<sim::host> host;
    std::map<u32, life> lives{};        // by index
    std::vector<connection_id> streams = names(24), listeners = names(4), sockets = names(4);  // of which many are of the past
    tcp::owned_view kept[2]{};
    tcp::reservation places[2]{};
    udp::reservation spots[2]{};
    void on(sim::host&, const sim::event& e) override { whole->on(*this, e); }
  };
  void fail(const char* text) {
    if (wrong.empty()) wrong = std::string(text) + " after " + std::to_string(events_) + " events";
  }
  void expect(bool ok, const char* text) { if (!ok) fail(text); }

  void born(end& e, connection_id id, bool is_accepted) {
    life& l = e.lives[id.index];
    expect(l.is_closed, "a slot lives again before its end was told");
    expect(id.generation != l.generation || l.generation == 0, "a generation comes again");
    l = {id.generation, is_accepted, false};
    e.streams[dice_.below(24)] = id;
  }
  void on(end& e, const sim::event& what_came) {
    ++events_;
    host& h = *e.host;
    if (what_came.what == what::accepted) {
      born(e, what_came.id, true);
    } else if (what_came.what <= what::closed) {
      life& l = e.lives[what_came.id.index];
      expect(!l.is_closed && l.generation == what_came.id.generation, "an event of a life that is over, or was never told");
      expect(h.is_live(what_came.id), "an event of a name that is stale");
      if (what_came.what == what::connected) expect(!l.is_connected, "connected twice"), l.is_connected = true;
      if (what_came.what == what::closed) expect(what_came.why != close_reason::none, "closed for no reason"), l.is_closed = true, ending_ = what_came.id;
    }
    act(e);
    ending_ = nobody;
  }
  connection_id any(end& e) {
    if (!e.lives.empty() && dice_.percent(75)) {
      auto i = e.lives.begin();
      std::advance(i, static_cast<long>(dice_.below(e.lives.size())));
      return {i->first, i->second.generation};
    }
    return dice_.percent(2) ? nobody : e.streams[dice_.below(24)];
  }
  u16 port() { return static_cast<u16>(7 + dice_.below(3)); }

  /// One call.
  void act(end& e) {
    host& h = *e.host;
    const u32 peer = host::ip(1 - e.side);
    const connection_id id = any(e), other = any(e);
    connection_id &listener = e.listeners[dice_.below(4)], &socket = e.sockets[dice_.below(4)];
    const std::span<const std::byte> some{bytes_, dice_.below(dice_.percent(10) ? sizeof bytes_ : 300)};
    const std::span<const std::byte> small = some.first(some.size() < 1400 ? some.size() : 1400);
    const tcp::send_flags flags{.more = dice_.percent(10), .now_please = dice_.percent(20)};
    const bool is_known = e.lives.contains(id.index) && !e.lives[id.index].is_closed && e.lives[id.index].generation == id.generation;
    expect(id == ending_ || is_known || !h.is_live(id), "a name lives whose end was told");
    switch (dice_.below(32)) {
      case 0: case 1: case 2:
        if (const auto c = h.connect(dice_.percent(2) ? peer + 50 : peer, port(), dice_.percent(5) ? static_cast<u16>(40'000 + dice_.below(4)) : u16{0})) born(e, *c, false);
        break;
      case 3: case 4:
        if (const auto l = h.listen(port(), static_cast<u32>(dice_.below(4)))) (void)h.close_listener(std::exchange(listener, *l));
        break;
      case 5: if (dice_.percent(5)) (void)h.close_listener(listener); break;
      case 6: (void)h.close(id); break;
      case 7: (void)h.abort(id); break;
      case 8: (void)h.shutdown_send(id); break;
      case 9: case 10: case 11:
        if (const auto n = h.send(id, some, flags)) expect(*n <= some.size(), "more was sent than given");
        break;
      case 12: case 13: (void)h.consume(id, h.send_unread(id, h.peek(id), flags).value_or(0)); break;
      case 14: (void)h.consume(id, h.send_unread(other, h.peek(id), flags).value_or(0)); break;
      case 15: (void)h.consume(id, dice_.below(3000)); break;
      case 16: {
        std::byte room[700];
        (void)h.receive(id, std::span(room).first(dice_.below(sizeof room)));
        break;
      }
      case 17: if (auto v = h.take(id)) e.kept[dice_.below(2)] = std::move(*v); break;
      case 18: e.kept[dice_.below(2)] = {}; break;
      case 19: if (auto r = h.reserve(id, static_cast<u32>(dice_.below(1500)))) e.places[dice_.below(2)] = std::move(*r); break;
      case 20: {
        tcp::reservation& r = e.places[dice_.below(2)];
        const std::size_t room = r.room().size(), n = dice_.below(room + 2);
        const auto done = h.commit(id, std::move(r), static_cast<u32>(n), flags);  // mostly into another stream than it was meant for
        if (done) expect(*done == n && n <= room, "more was committed than reserved");
        break;
      }
      case 21: e.places[dice_.below(2)] = {}; break;
      case 22: (void)h.set_no_delay(id, dice_.percent(50)); break;
      case 23: (void)h.set_user_timeout(id, static_cast<u32>(dice_.below(20'000))); break;
      case 24: (void)h.set_timer(id, dice_.below(2 * second)); break;
      case 25: (void)h.cancel_timer(id); break;
      case 26:
        if (const auto i = h.info(id)) {
          expect(i->unread == h.peek(id).size(), "info and peek differ");
          expect(i->receive_chunks <= h.limits().receive_chunks, "more chunks than the limit");  // of what is sent a window may cut one more off
        }
        (void)h.local_port(id), (void)h.next_deadline(), (void)h.idle();
        break;
      case 27:
        if (const auto s = h.bind(dice_.percent(30) ? u16{0} : static_cast<u16>(100 + dice_.below(4)))) (void)h.close_socket(std::exchange(socket, *s));
        break;
      case 28:
        if (dice_.percent(50)) (void)h.send_to(socket, small, peer, static_cast<u16>(100 + dice_.below(6)));
        else (void)h.connect_socket(socket, peer, static_cast<u16>(100 + dice_.below(6))), (void)h.send_datagram(socket, small);
        break;
      case 29:
        if (dice_.percent(50)) {
          if (auto r = h.reserve_datagram(socket, dice_.below(1000))) e.spots[dice_.below(2)] = std::move(*r);
        } else {
          udp::reservation& r = e.spots[dice_.below(2)];
          const std::size_t n = dice_.below(r.room().size() + 2);
          (void)h.commit_to(socket, std::move(r), n, peer, 100);
        }
        break;
      case 30: {
        std::byte room[600];
        if (dice_.percent(50)) (void)h.receive_datagram(socket, room);
        else if (!h.peek_datagram(socket).empty()) (void)h.consume_datagram(socket);
        if (dice_.percent(5)) (void)h.close_socket(socket);
        break;
      }
      case 31: h.advance(now_ + dice_.below(1 * ms)); break;
    }
  }
  /// Everybody lets go, time passes, and nothing may be left.
  void settle() {
    struct quiet final : application {
      end* e = nullptr;
      void on(sim::host& h, const sim::event& what_came) override {
        if (what_came.what == what::accepted) e->lives[what_came.id.index] = {what_came.id.generation, true, false}, (void)h.abort(what_came.id);
        if (what_came.what == what::closed) e->lives[what_came.id.index].is_closed = true;
      }
    } quiets[2];
    for (end& e : ends_) {
      quiets[e.side].e = &e;
      for (auto& v : e.kept) v = {};
      for (auto& p : e.places) p = {};
      for (auto& s : e.spots) s = {};
      for (const connection_id l : e.listeners) (void)e.host->close_listener(l);
      for (const connection_id s : e.sockets) (void)e.host->close_socket(s);
      for (const auto& [index, l] : e.lives)
        if (!l.is_closed) (void)e.host->abort({index, l.generation});
    }
    for (u32 i = 0; i < 200; ++i) {
      now_ += 1 * second;
      link_->advance(now_);
      for (u32 again = 0; again < 3; ++again)
        for (end& e : ends_) (void)e.host->poll(now_, 64, quiets[e.side]);
    }
    for (end& e : ends_) {
      for (const auto& [index, l] : e.lives) expect(l.is_closed, "a stream whose end was never told");
      expect(e.host->connections() + e.host->half_open() + e.host->time_waits() == 0, "control blocks or records are left");
      expect(e.host->chunks_in_use() == 0, "chunks are lost");
    }
  }

  std::unique_ptr<nic::simulated_link> link_ = std::make_unique<nic::simulated_link>(1);
  end ends_[2];
  dice dice_{};
  connection_id ending_ = nobody;  ///< its handler still sees it
  std::byte bytes_[6000]{};
  u64 now_ = 0, events_ = 0;
};

TEST_CASE("Applications that call anything on anything over a bad link break nothing") {
  constexpr u64 share = strata::test::is_sanitized ? 10'000 : 60'000;
  u64 all = 0;
  const auto play = [&](const char* name, make_host make) {
    for (u64 seed = 1; seed <= 2; ++seed) {
      const auto c = std::make_unique<chaos>(make, seed);
      c->run(share);
      INFO(name << ", seed " << seed << ": " << c->wrong);
      CHECK(c->wrong.empty());
      all += c->events();
    }
  };
  for (const policy& p : policies) play(p.name, p.make);
  play("scarce", make_scarce);
  CHECK(all >= 16 * share);
}

}  // namespace
