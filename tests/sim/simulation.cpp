// SPDX-License-Identifier: MIT
#include "simulation.hpp"

#include "foreign.hpp"
#include "plans.hpp"
#include "router.hpp"

namespace strata::sim {

namespace {

constexpr const char* name_of(close_reason why) {
  constexpr const char* names[] = {"none", "orderly", "refused", "timed_out", "unreachable", "reset", "aborted"};
  return names[static_cast<u8>(why)];
}

class simulation final : watcher {
 public:
  simulation(const request& r, const scenario& s, const policy& p) : request_(r), policy_(p) {
    result_.scenario = s.name, result_.policy = p.name;
    dice_.state = r.seed * 0x2545f4914f6cdd1d + 1;
    s.set(weather_, dice_);
    // Without a window that holds back each timeout sends all again, so that nothing is timed and the backed-off RTO stays (Karn, RFC 6298 §5).
    if (std::string_view(s.name) == "ack_loss" && std::string_view(p.name) == "unlimited") weather_.per_byte += 50 * ms;
    const u16 mtu = weather_.mtu != 0 ? weather_.mtu : dice_.one_of<u16>({1500, 1500, 1500, 1280, 576, 296});
    for (u32 i = 0; i < (weather_.is_routed ? 2u : 1u); ++i) {
      links_[i] = std::make_unique<nic::simulated_link>(r.seed + i * 0x9e37'79b9);
      links_[i]->mtu = i == 1 && weather_.far_mtu != 0 ? weather_.far_mtu : mtu;
      for (u32 side : {0u, 1u}) links_[i]->faults(side) = weather_.faults[side];
    }
    judge_ = std::make_unique<checker::frame_checker>(self(0), self(1), link(0).mtu, link(1).mtu);
    judge_->trusts_arp = !weather_.corrupts;
    judge_->may_fragment = weather_.is_routed || weather_.tells_mtu;  // a datagram that a narrower way was told of
    is_eager_ = dice_.percent(40);
    frames_per_poll_ = dice_.one_of<u32>({1, 4, 64});
    begin_capture();
    for (u32 side : {0u, 1u}) {
      beginning b{.link = &link(side), .side = side, .eyes = this, .seed = dice_.next()};
      if (weather_.is_short_of_chunks && p.least_chunks != 0) b.chunks = static_cast<u32>(dice_.between(p.least_chunks, p.least_chunks + 64));
      // A clock that will wrap: its own 32 bits of milliseconds, or those of the timestamps that it makes.
      b.clock_ms = dice_.percent(50) ? 0xffff'ffff - dice_.below(4'000) : dice_.below(u64{1} << 32);
      ends_[side].host = p.make(b);
    }
    if (weather_.is_routed) {
      middle m{.links = {links_[0].get(), links_[1].get()}, .seed = dice_.next()};
      for (u32 side : {0u, 1u}) m.macs[side] = {{2, 0, 0, 0, 0, static_cast<u8>(2 - side)}};  // the other host's
      router_ = routers[dice_.below(sizeof routers / sizeof *routers)](m);
    }
    draw_connections();
  }

  outcome run() {
    while (result_.invariant.empty() && !is_done()) step();
    if (result_.invariant.empty()) check_ends();
    if (result_.invariant.empty()) wind_up();
    for (end& e : ends_) {
      e.talkers.clear();
      result_.retransmitted += e.host->tcp_counters().retransmitted;
      e.host->shut_down();
      if (e.host->chunks().in_use() != 0) fail("leak", std::to_string(e.host->chunks().in_use()) + " chunks after shut_down");
    }
    if (router_ != nullptr) {
      if (result_.invariant.empty() && router_->chunks_in_use() != 0) fail("leak", std::to_string(router_->chunks_in_use()) + " chunks of the router are in use at the end");
      result_.forwarded = router_->counted().out_forw_datagrams, result_.fragments = router_->counted().frag_creates;
      router_->shut_down();
      if (router_->chunks_in_use() != 0) fail("leak", std::to_string(router_->chunks_in_use()) + " chunks of the router after shut_down");
    }
    result_.ns = now_;
    result_.frames = judge_->frames();
    result_.is_ok = result_.invariant.empty();
    return result_;
  }

 private:
  struct end final : application {
    simulation* whole = nullptr;
    u32 side = 0;
    std::unique_ptr<sim::host> host;
    std::vector<talker> talkers;
    connection_id socket = nobody, stray = nobody;
    u64 wakes = 0;                 ///< the next thing that this side's world does: a datagram, a forged segment
    bool wants_poll = true;
    frame last;                    ///< the last TCP frame that it sent
    void on(sim::host&, const event& e) override { whole->on(*this, e); }
  };
  struct meeting {
    u32 opener = 0;
    u64 begins = 0;
    bool has_begun = false;
    bool follows = false;   ///< the one before, whose opener takes the same ports again as soon as it has closed
  };

  // ---- the beginning ----
  static checker::host self(u32 side) {
    checker::host h{};
    h.mac[0] = std::byte{2};
    h.mac[5] = static_cast<std::byte>(side + 1);
    h.ip = host::ip(side);
    return h;
  }
  void draw_connections() {
    const bool again = weather_.manner == manner::reconnects;
    const u32 count = again ? static_cast<u32>(dice_.between(2, 5)) : static_cast<u32>(dice_.between(1, policy_.connections));
    const u32 opener = static_cast<u32>(dice_.below(2));
    u64 bytes = 0, own = 0;
    for (u32 side : {0u, 1u}) {
      end& e = ends_[side];
      e.whole = this, e.side = side;
      e.talkers.resize(count);
      for (u32 i = 0; i < count && i < e.host->limits().listeners; ++i) (void)e.host->listen(static_cast<u16>(1000 + i), 0);
      if (const auto s = e.host->bind(5000)) e.socket = *s;
      if (const auto s = e.host->bind(0)) e.stray = *s, (void)e.host->connect_socket(*s, host::ip(1 - side), 5999);
      e.wakes = dice_.between(0, 200 * ms);
    }
    for (u32 i = 0; i < count; ++i) {
      meeting m{.opener = static_cast<u32>(dice_.below(2)), .begins = i == 0 ? 0 : dice_.between(0, 300 * ms)};
      if (again) m.opener = opener, m.follows = i != 0, m.begins = i == 0 ? 0 : ~u64{0};
      meetings_.push_back(m);
      const bool may_be_rude = dice_.percent(25);
      for (u32 side : {0u, 1u}) {
        talker& t = ends_[side].talkers[i];
        t.plan = draw_plan(dice_, weather_.manner, side == m.opener, may_be_rude);
        result_.planned[side] += t.plan.total;
        t.most_kept = ends_[side].host->limits().chunks < 100 ? 0 : 3;
        t.key = request_.seed * 1000 + i * 2 + side, t.peer_key = request_.seed * 1000 + i * 2 + 1 - side;
        bytes += t.plan.total;
      }
      const u64 a = ends_[0].talkers[i].plan.own_time(ends_[1].talkers[i].plan.total), b = ends_[1].talkers[i].plan.own_time(ends_[0].talkers[i].plan.total);
      own = again ? own + a + b + 130 * second : own > a + b ? own : a + b;  // 2 MSL between them, at most
    }
    result_.connections = count;
    limit_ = 60 * second + 2 * own + weather_.extra + bytes * (weather_.per_byte + 1 * ms);
  }
  // ---- time ----
  void step() {
    for (u32 side : {0u, 1u}) world(ends_[side]);
    settle();
    if (!result_.invariant.empty()) return;
    look();
    const std::optional<u64> next = next_time();
    if (!next) return fail("deadlock", "nothing is due, and the streams have not ended: " + states());
    if (*next > limit_) return fail("liveness", "no end after " + std::to_string(limit_ / ms) + " ms of virtual time: " + states());
    now_ = *next;
    go_to(now_);
  }
  void go_to(u64 now) {
    for (const auto& l : links_)
      if (l != nullptr) l->advance(now), weather(*l, now);
  }
  void weather(nic::simulated_link& l, u64 now) const {
    const bool is_down = weather_.down_for != 0 && now >= weather_.down_from && now < weather_.down_from + weather_.down_for;
    const bool is_deaf = now < weather_.deaf_for;
    for (u32 side : {0u, 1u}) {
      l.faults(side).is_down = is_down;
      l.faults(side).carries = weather_.carries != 0 && now >= weather_.carries_from && now - weather_.carries_from < weather_.carries_for ? weather_.carries : 0;
      l.faults(side).loss = is_deaf ? nic::impairment::always : weather_.faults[side].loss;
    }
  }
  /// The link of a side's host, and its ways out of it and to it.
  [[nodiscard]] nic::simulated_link& link(u32 side) const { return *links_[weather_.is_routed ? side : 0]; }
  [[nodiscard]] auto& way_out(u32 side) const { return link(side).ways[side]; }
  [[nodiscard]] auto& way_in(u32 side) const { return link(side).ways[1 - side]; }
  [[nodiscard]] bool has_come(const auto& way) const { return way.first != 0 && way.flights[way.first - 1].due <= now_; }
  [[nodiscard]] bool has_frame(u32 side) const { return has_come(way_in(side)); }
  [[nodiscard]] bool router_has_work() const {
    if (router_ == nullptr) return false;
    const auto deadline = router_->next_deadline();
    return has_come(way_out(0)) || has_come(way_out(1)) || (deadline && *deadline <= now_);
  }
  /// A full ring: a loop polls until something comes back.
  [[nodiscard]] bool is_full(const auto& way) const { return way.in_ring >= (way.faults.ring != 0 ? way.faults.ring : 256) || way.full_until > now_; }
  [[nodiscard]] bool router_must_wait() const { return router_ != nullptr && (is_full(way_in(0)) || is_full(way_in(1))); }
  /// A full ring, or no chunk that may be taken: a loop polls until something comes back.
  [[nodiscard]] bool must_wait(u32 side) const {
    buffer::pool& chunks = ends_[side].host->chunks();
    return is_full(way_out(side)) || chunks.available() <= ends_[side].host->limits().receive_reserve + 1;
  }
  [[nodiscard]] std::optional<u64> next_time() const {
    u64 t = ~u64{0};
    const auto consider = [&](u64 x) { t = x < t ? (x > now_ ? x : now_ + 1) : t; };
    for (u32 side : {0u, 1u}) {
      if (const auto d = ends_[side].host->next_deadline()) consider(*d <= now_ && must_wait(side) ? now_ + 10 * ms : *d);
      if (ends_[side].wakes != 0) consider(ends_[side].wakes);
      for (const auto* const w : {&way_out(side), &way_in(side)})
        if (w->first != 0 && w->flights[w->first - 1].due > now_) consider(w->flights[w->first - 1].due);  // else there is no chunk to receive it
    }
    if (router_ != nullptr)
      if (const auto d = router_->next_deadline()) consider(*d <= now_ && router_must_wait() ? now_ + 10 * ms : *d);
    // A loop that sleeps hears of frames and deadlines, not of completions; one that is not idle does not sleep.
    if (is_eager_ || must_wait(0) || must_wait(1) || router_must_wait())
      for (const auto& l : links_)
        if (l != nullptr)
          if (const auto e = l->next_event()) consider(*e);
    for (const meeting& m : meetings_)
      if (!m.has_begun && m.begins != ~u64{0}) consider(m.begins);
    if (weather_.down_for != 0 && now_ < weather_.down_from + weather_.down_for) consider(now_ < weather_.down_from ? weather_.down_from : weather_.down_from + weather_.down_for);
    if (now_ < weather_.deaf_for) consider(weather_.deaf_for);
    return t == ~u64{0} ? std::nullopt : std::optional<u64>(t);
  }
  /// Polls until nothing is left to do at this moment.
  void settle() {
    for (u32 rounds = 0;; ++rounds) {
      bool any = false;
      for (u32 side : {0u, 1u}) {
        end& e = ends_[side];
        const auto deadline = e.host->next_deadline();
        if (!e.wants_poll && !has_frame(side) && !(deadline && *deadline <= now_) && !(is_eager_ && rounds == 0)) continue;
        e.wants_poll = false;
        any = any || !is_eager_ || rounds != 0 || has_frame(side);
        if (!e.host->poll(now_, frames_per_poll_, e)) return fail("busy", "poll was refused");
        judge_->end_of_turn();
        if (!judge_->findings().empty()) return fail("frame:" + judge_->findings()[0].rule, judge_->findings()[0].text);
        for (u32 i = 0; i < e.talkers.size(); ++i)
          if (!e.talkers[i].fault.empty()) return fail(e.talkers[i].fault, "connection " + std::to_string(i) + ", side " + std::to_string(side) + ", after " + std::to_string(e.talkers[i].received) + " bytes");
        if (!result_.invariant.empty()) return;
      }
      if (router_has_work()) router_->poll(now_), any = true;
      if (!any) return;
      if (rounds > 4 && (must_wait(0) || must_wait(1) || router_must_wait())) return;
      if (rounds == 10'000) return fail("livelock", "10000 polls in one moment: " + states());
    }
  }

  // ---- what the world does ----
  void world(end& e) {
    for (u32 i = 0; i < meetings_.size(); ++i) {
      meeting& m = meetings_[i];
      if (m.follows && m.opener == e.side && m.begins == ~u64{0}) {
        // Where the other side never heard of the one before, it must not take it for this one.
        const talker& before = e.talkers[i - 1];
        const bool is_met = ends_[1 - e.side].talkers[i - 1].is_known;
        if (is_met ? before.has_closed || before.is_told_closed : before.is_told_closed) m.begins = now_ + (is_met ? 0 : 3 * second);
      }
      if (m.has_begun || m.opener != e.side || now_ < m.begins) continue;
      e.host->advance(now_);
      talker& t = e.talkers[i];
      const bool again = weather_.manner == manner::reconnects;
      const auto id = again ? e.host->connect(host::ip(1 - e.side), 1000, 40'000) : e.host->connect(host::ip(1 - e.side), static_cast<u16>(1000 + i), 0);
      if (m.follows && !id && id.error() == tcp::connect_error::in_use) {  // it is not over yet, or remembered
        m.begins = now_ + 20 * ms;
        continue;
      }
      m.has_begun = true;
      if (!id) return fail("connect", "error " + std::to_string(static_cast<int>(id.error())));
      t.id = *id, t.is_known = true;
      if (t.plan.no_delay) (void)e.host->set_no_delay(t.id, true);
      e.wants_poll = true;
      if (dice_.percent(50)) t.go_on(*e.host, dice_, what::readable);
    }
    if (e.wakes == 0 || now_ < e.wakes) return;
    e.wakes = now_ + dice_.between(1 * ms, 500 * ms);
    e.wants_poll = true;
    e.host->advance(now_);
    if (dice_.percent(weather_.forged_percent)) forge(e);
    if (dice_.percent(30)) ping(e.side);
    std::byte bytes[1800];
    const u32 most = link(e.side).mtu - 28 < 1200 ? link(e.side).mtu - 28u : 1200u;
    std::size_t size = dice_.between(8, most);
    if (weather_.is_routed && dice_.percent(50)) size = dice_.between(most, sizeof bytes);  // in fragments, where the Config has them
    fill({bytes, size}, 77, datagrams_);
    store_be<u32>(bytes, datagrams_);
    store_be<u32>(bytes + 4, static_cast<u32>(size));
    if (dice_.percent(20)) {
      if (e.stray != nobody) (void)e.host->send_datagram(e.stray, {bytes, size});  // port 5999 is nobody's
    } else if (dice_.percent(50)) {
      if (auto r = e.host->reserve_datagram(e.socket, size); r && r->room().size() == size) {
        copy_bytes(r->room().data(), bytes, size);
        if (e.host->commit_to(e.socket, std::move(*r), size, host::ip(1 - e.side), 5000)) ++datagrams_;
      }
    } else if (datagrams_ % 4 == 0 && size <= most) {  // several of one size
      std::byte run[4 * 1200];
      for (u32 i = 0; i < 4; ++i) {
        fill({run + i * size, size}, 77, datagrams_ + i);
        store_be<u32>(run + i * size, datagrams_ + i);
        store_be<u32>(run + i * size + 4, static_cast<u32>(size));
      }
      datagrams_ += static_cast<u32>(e.host->send_run(e.socket, {run, 4 * size}, size, host::ip(1 - e.side), 5000));
    } else if (e.host->send_to(e.socket, {bytes, size}, host::ip(1 - e.side), 5000)) {
      ++datagrams_;
    }
  }
  /// As if the other one had sent it.
  void ping(u32 side) {
    const frame f = sim::ping(self(1 - side), self(side), dice_.below(200), static_cast<u32>(dice_.next()));
    if (f.size() - 14 <= link(side).mtu) (void)way_in(side).fly(f, now_);
  }
  void forge(end& e) {
    const frame& last = ends_[1 - e.side].last;
    if (last.size() < 54 || ends_[1 - e.side].talkers.size() != 1 || !e.talkers[0].is_open() || e.talkers[0].received < 1000 || now_ < 100 * ms) return;
    (void)way_in(e.side).fly(forged(last, dice_), now_);
  }

  // ---- events ----
  void on(end& e, const event& what_came) {
    if (request_.is_told) std::fprintf(stderr, "%12.6f ms side %u event %u stream %u.%u\n", static_cast<double>(now_) / 1e6, e.side, static_cast<unsigned>(what_came.what), what_came.id.index, what_came.id.generation);
    switch (what_came.what) {
      case what::link_down: return;
      case what::datagram_error:
        if (what_came.id != e.stray) fail("datagram_error", "an error for a socket that is not connected");
        return;
      case what::datagram: return read_datagrams(e, what_came.id);
      default: break;
    }
    if (!e.host->is_live(what_came.id)) return fail("stale_event", "an event of a stream that is no more");
    if (what_came.what == what::accepted) {
      u32 i = e.host->local_port(what_came.id) - 1000u;
      if (weather_.manner == manner::reconnects)
        for (i = static_cast<u32>(meetings_.size()) - 1; i > 0 && !meetings_[i].has_begun;) --i;
      if (i >= e.talkers.size() || e.talkers[i].is_known) return fail("accepted_once", "a stream that nobody opened");
      e.talkers[i].id = what_came.id, e.talkers[i].is_known = e.talkers[i].is_connected = true;
      if (e.talkers[i].plan.no_delay) (void)e.host->set_no_delay(what_came.id, true);
    }
    for (talker& t : e.talkers)
      if (t.is_known && t.id == what_came.id) return t.on(*e.host, what_came, dice_);
    fail("unknown_stream", "an event of a stream that was neither opened nor accepted");
  }
  void read_datagrams(end& e, connection_id id) {
    std::byte bytes[2048];
    for (;;) {
      std::size_t n;
      if (dice_.percent(50)) {
        const auto got = e.host->receive_datagram(id, bytes);
        if (!got) return;
        n = *got;
      } else {
        const auto view = e.host->peek_datagram(id);
        if (view.empty()) return;
        n = view.size();
        copy_bytes(bytes, view.data(), n);
        (void)e.host->consume_datagram(id);
      }
      const u32 number = n < 8 ? 0 : load_be<u32>(bytes);
      bool is_good = n >= 8 && number < datagrams_ + 1 && load_be<u32>(bytes + 4) == n;
      for (std::size_t i = 8; is_good && i < n; ++i) is_good = bytes[i] == pattern(77, number + i);
      if (!is_good) return fail("datagram", "not what was sent");
    }
  }

  // ---- the eyes on the wire ----
  void sent(u32 side, std::span<const std::byte> f) override {
    capture(f);
    judge_->loses_below[side] = policy_.has_queue || (ends_[side].host != nullptr && ends_[side].host->lost_below() != 0);
    judge_->sent(static_cast<int>(side), f);
    if (!is_tcp(f)) return;
    ends_[side].last.assign(f.begin(), f.end());
    const u32 carries = link(side).faults(side).carries;
    if (!weather_.tells_mtu || carries == 0 || f.size() - 14 <= carries) return;
    (void)way_in(side).fly(packet_too_big(self(1 - side), self(side), f, static_cast<u16>(carries)), now_ + link(side).faults(side).delay_ns);
  }
  void arrived(u32 side, std::span<const std::byte> f) override {
    if (is_forged(f)) judge_->forged(static_cast<int>(side), f), capture(f);
    else judge_->arrived(static_cast<int>(side), f);
  }
  void begin_capture() {
    if (request_.capture == nullptr) return;
    std::byte h[24] = {};
    store_be<u32>(h, 0xa1b23c4d), store_be<u16>(h + 4, 2), store_be<u16>(h + 6, 4), store_be<u32>(h + 16, 65535), store_be<u32>(h + 20, 1);
    (void)std::fwrite(h, 1, sizeof h, request_.capture);
  }
  void capture(std::span<const std::byte> f) {
    if (request_.capture == nullptr) return;
    std::byte h[16];
    store_be<u32>(h, static_cast<u32>(now_ / second)), store_be<u32>(h + 4, static_cast<u32>(now_ % second));
    store_be<u32>(h + 8, static_cast<u32>(f.size())), store_be<u32>(h + 12, static_cast<u32>(f.size()));
    (void)std::fwrite(h, 1, sizeof h, request_.capture);
    (void)std::fwrite(f.data(), 1, f.size(), request_.capture);
  }

  // ---- invariants ----
  void fail(std::string invariant, std::string detail) {
    if (!result_.invariant.empty()) return;
    result_.invariant = std::move(invariant);
    result_.detail = "at " + std::to_string(now_ / us) + " us: " + std::move(detail);
  }
  /// What must hold between two polls. RFC 9293 §3.3.1 for the sequence variables.
  void look() {
    for (u32 side : {0u, 1u}) {
      end& e = ends_[side];
      u32 queued = 0, unread = 0, kept = 0;
      for (talker& t : e.talkers) {
        kept += static_cast<u32>(t.kept.size());
        if (!t.is_open()) continue;
        const auto i = e.host->info(t.id);
        if (!i) return fail("stale", "a stream that was not told closed has gone");
        queued += i->send_chunks, unread += i->receive_chunks;
        if (i->unacked > 0x7fff'ffff) return fail("send_sequence", "snd_una is ahead of snd_nxt");
        const bool is_synchronised = i->state != tcp::state::closed && i->state != tcp::state::syn_sent && i->state != tcp::state::syn_received;
        // A window update that was overtaken by its successor says the older, smaller window for a while.
        if (is_synchronised && weather_.faults[1 - side].reordering == 0 && i->unacked > i->send_window) return fail("send_window", "outstanding " + std::to_string(i->unacked) + ", window " + std::to_string(i->send_window));
        const bool waits = i->state != tcp::state::closed && (i->unacked != 0 || i->unsent != 0);
        if (waits && !e.host->next_deadline()) return fail("timer", "something is outstanding or unsent, and no timer runs: " + states());
        if (i->state != tcp::state::closed) timers_run(e, *i);
        if (t.sent < i->bytes_acked) return fail("bytes_acked", "more than was written");
        if (i->bytes_received != t.received + i->unread) return fail("bytes_received", "not what was read and is unread");
      }
      if (++looks_ % 8 == 0 && e.host->idle()) count_chunks(e, queued, unread, kept);
    }
  }
  /// RFC 6298 (5.1), RFC 9293 §3.8.6.1: what is outstanding has a retransmission timer that ends within the timeout, a closed window one that probes it within
  /// two minutes. Something else may be due earlier.
  void timers_run(const end& e, const tcp::connection_info& i) {
    const auto due = e.host->next_deadline();
    const auto within = [&](u64 length) { return due && *due <= now_ + length + 10 * ms; };  // a coarse tick
    if (i.unacked != 0 && !within(u64{i.rto_us} * us)) fail("retransmit_timer", std::to_string(i.unacked) + " bytes are outstanding, and nothing is due in time: " + states());
    if (i.unacked == 0 && i.unsent != 0 && i.send_window == 0 && !within(120 * second)) fail("persist_timer", "the window is closed, data waits, and nobody will probe it: " + states());
  }
  /// Chunks that are cut in slots: they stay so until they are wanted.
  [[nodiscard]] static u32 cut(end& e) {
    u32 n = 0;
    for (u32 name = 1; name <= e.host->chunks().capacity(); ++name) n += (e.host->chunks().named(name)->flags & buffer::descriptor::cut) != 0 ? 1u : 0u;
    return n;
  }
  /// Every chunk has the owners that somebody accounts for.
  void count_chunks(end& e, u32 queued, u32 unread, u32 kept) {
    buffer::pool& chunks = e.host->chunks();
    const limits& of = e.host->limits();
    u32 used = 0, in_queue = 0, in_nic = 0, held = 0, in_hand = 0, units = 0;
    for (u32 name = 1; name <= descriptors_of(of); ++name) {
      if (name > chunks.capacity() && name <= of.chunks) continue;  // the region is smaller
      const buffer::descriptor& d = *chunks.named(name);
      if (d.owners == 0 && d.holders == 0) continue;
      used += name <= of.chunks ? 1u : 0u;
      if ((d.flags & buffer::descriptor::cut) != 0) continue;  // its slots are looked at by themselves
      if ((d.owners & packet::bit(buffer::owner::send_queue)) != 0) units += (d.home->chunk_size() + 255) / 256;
      held += d.holders;
      const auto has = [&](buffer::owner o) { return (d.owners & packet::bit(o)) != 0 ? 1u : 0u; };
      in_queue += has(buffer::owner::send_queue), in_nic += has(buffer::owner::nic), in_hand += has(buffer::owner::application);
    }
    const auto same = [&](const char* what, u32 is, u32 wanted) {
      if (is != wanted) fail("chunks", std::string(what) + ": " + std::to_string(is) + " instead of " + std::to_string(wanted) + ", side " + std::to_string(e.side));
    };
    same("in use", used, chunks.in_use());
    if (of.slots == 0) same("in send queues", in_queue, queued);
    else if (const u32 a_chunk = of.chunk_size / 256, open = static_cast<u32>(e.talkers.size()); units > queued * a_chunk || units + open * a_chunk < queued * a_chunk)
      fail("chunks", "in send queues: " + std::to_string(units) + " places of 256 bytes, and their quotas say " + std::to_string(queued) + " chunks");
    same("in the ring", in_nic, way_out(e.side).in_ring);
    // A router's fragments wait for the rest of their datagram, half a minute at most: at the end nothing may be left of them.
    if (weather_.is_routed && held > unread + kept && held - unread - kept <= of.fragments * 2) held = unread + kept;
    same("received", held, unread + kept);
    same("in hand", in_hand, 0);
  }

  // ---- the end ----
  [[nodiscard]] bool is_done() const {
    for (u32 i = 0; i < meetings_.size(); ++i) {
      if (!meetings_[i].has_begun) return false;
      if (ends_[0].talkers[i].is_open() || ends_[1].talkers[i].is_open()) {
        if (!is_abandoned(i)) return false;
      }
    }
    return true;
  }
  /// One end is over by a reset that was lost, and the other one waits for a peer that says nothing: without keepalive it may do so for good. Its application gives up.
  [[nodiscard]] bool is_abandoned(u32 i) const {
    for (u32 side : {0u, 1u}) {
      const talker& gone = ends_[1 - side].talkers[i];
      const talker& waits = ends_[side].talkers[i];
      if (!gone.is_told_closed || gone.why == close_reason::orderly || !waits.is_open()) continue;
      const auto info = ends_[side].host->info(waits.id);
      if (info && info->unacked == 0 && info->unsent == 0 && is_quiet()) {
        if (waits.has_closed && info->state != tcp::state::closed) return false;  // the stack's own timers end it
        (void)ends_[side].host->abort(waits.id);
        const_cast<end&>(ends_[side]).wants_poll = true;
        const_cast<talker&>(waits).has_closed = true;
      }
    }
    return false;
  }
  [[nodiscard]] bool is_quiet() const {
    if (router_ != nullptr && !router_->idle()) return false;
    return way_out(0).flying + way_in(0).flying + way_out(1).flying + way_in(1).flying == 0;
  }
  void check_ends() {
    for (u32 i = 0; i < meetings_.size(); ++i) {
      const talker &a = ends_[0].talkers[i], &b = ends_[1].talkers[i];
      result_.bytes[0] += b.received, result_.bytes[1] += a.received;
      result_.ends += (result_.ends.empty() ? "" : ",") + std::string(a.is_known ? name_of(a.why) : "none") + "/" + (b.is_known ? name_of(b.why) : "none");
      const auto is_rude = [](const talker& t) { return t.plan.end == ends::at_once || t.plan.end == ends::by_abort || t.plan.end == ends::unread; };
      const bool is_excused = is_rude(a) || is_rude(b) || weather_.may_time_out;
      if (!is_excused && (a.why != close_reason::orderly || b.why != close_reason::orderly)) fail("ends", "connection " + std::to_string(i) + " ended " + result_.ends);
      if (a.why == close_reason::orderly && b.why == close_reason::orderly && !is_rude(a) && !is_rude(b) && (a.received != b.plan.total || b.received != a.plan.total))
        fail("bytes", "an orderly end before the last byte: read " + std::to_string(a.received) + " of " + std::to_string(b.plan.total) + " and " + std::to_string(b.received) + " of " + std::to_string(a.plan.total));
      if (a.received > b.sent || b.received > a.sent) fail("bytes", "more came than was sent");
    }
  }
  /// Nothing is left when every timer has run out.
  void wind_up() {
    for (end& e : ends_) {
      e.wakes = 0;
      (void)e.host->close_socket(e.socket);
      (void)e.host->close_socket(e.stray);
    }
    limit_ = now_ + 1200 * second;
    u32 asked = 0;
    is_eager_ = true;  // completions that come late give chunks back
    for (;;) {
      settle();
      if (!result_.invariant.empty()) return;
      const auto next = next_time();
      if (!next) {  // what is done may be handed out in part: until all is back
        if (router_ != nullptr) router_->poll(now_);
        const bool all = way_out(0).in_ring + way_in(0).in_ring + way_out(1).in_ring + way_in(1).in_ring == 0;
        if (all || ++asked == 1000) break;
        continue;
      }
      if (*next > limit_) return fail("quiet", "timers still run 20 minutes after the end: " + states());
      now_ = *next;
      go_to(now_);
    }
    for (u32 side : {0u, 1u}) {
      end& e = ends_[side];
      if (const u32 left = e.host->chunks().in_use() - cut(e); left != 0) fail("leak", std::to_string(left) + " chunks are in use at the end, side " + std::to_string(side));
      if (e.host->connections() != 0 || e.host->half_open() != 0 || e.host->time_waits() != 0) fail("leak", "control blocks or records are left");
    }
  }

  [[nodiscard]] std::string states() const {
    std::string s;
    for (u32 side : {0u, 1u}) {
      buffer::pool& chunks = ends_[side].host->chunks();
      s += side == 0 ? " a" : " b";
      s += " chunks " + std::to_string(chunks.in_use()) + "/" + std::to_string(chunks.capacity()) + " ring " + std::to_string(way_out(side).in_ring);
      for (const talker& t : ends_[side].talkers) {
        s += ": ";
        if (!t.is_known) { s += "unknown"; continue; }
        if (t.is_told_closed) { s += name_of(t.why); continue; }
        const auto i = ends_[side].host->info(t.id);
        s += "state " + std::to_string(static_cast<int>(i ? i->state : tcp::state::closed)) + " sent " + std::to_string(t.sent) + "/" + std::to_string(t.plan.total) + " read " + std::to_string(t.received);
        if (i) s += " unacked " + std::to_string(i->unacked) + " unsent " + std::to_string(i->unsent) + " unread " + std::to_string(i->unread) + " window " + std::to_string(i->send_window) + " cwnd " + std::to_string(i->cwnd) + " backoff " + std::to_string(i->backoff) + " limit " + std::to_string(static_cast<int>(i->limit)) + " rto_us " + std::to_string(i->rto_us) + " mss " + std::to_string(i->mss) + " chunks " + std::to_string(i->send_chunks) + "+" + std::to_string(i->receive_chunks);
        if (t.is_blocked) s += " blocked";
        if (t.timer_runs) s += " timer";
        if (t.has_closed) s += " closing";
      }
    }
    return s;
  }

  request request_;
  policy policy_;
  outcome result_{};
  sim::weather weather_{};
  dice dice_{};
  std::unique_ptr<nic::simulated_link> links_[2];  ///< one, or one on each side of the router
  std::unique_ptr<router> router_;
  std::unique_ptr<checker::frame_checker> judge_;
  std::vector<meeting> meetings_;
  end ends_[2];
  u64 now_ = 0, limit_ = 0, looks_ = 0;
  u32 datagrams_ = 0, frames_per_poll_ = 64;
  bool is_eager_ = false;
};

}  // namespace

outcome simulate(const request& r) {
  constexpr u64 all = sizeof scenarios / sizeof *scenarios, kinds = sizeof policies / sizeof *policies;
  const scenario* s = &scenarios[r.seed % all];
  const policy* p = &policies[r.seed / all % kinds];
  for (const scenario& one : scenarios)
    if (r.scenario != nullptr && std::string_view(one.name) == r.scenario) s = &one;
  for (const policy& one : policies)
    if (r.policy != nullptr && std::string_view(one.name) == r.policy) p = &one;
  return std::make_unique<simulation>(r, *s, *p)->run();
}

bool is_scenario(std::string_view name) {
  for (const scenario& s : scenarios)
    if (name == s.name) return true;
  return false;
}
bool is_policy(std::string_view name) {
  for (const policy& p : policies)
    if (name == p.name) return true;
  return false;
}
const char* scenario_name(u32 index) { return scenarios[index].name; }
const char* policy_name(u32 index) { return policies[index].name; }
u32 number_of_policies() { return static_cast<u32>(sizeof policies / sizeof *policies); }
u32 number_of_scenarios() { return static_cast<u32>(sizeof scenarios / sizeof *scenarios); }

}  // namespace strata::sim
