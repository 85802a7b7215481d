// SPDX-License-Identifier: MIT
// The layer below tcp::layer<>, played by a script, and the peer beyond it. What strata sends must be named by the next out(); silence is asserted before
// every other step that is more than a look, and at the end. Of each segment that strata sends it is checked besides, whatever the script says:
//   the checksum, the options and the reserved bits (segment.cpp); the ports; that it fits the MTU; that data is what was written, begins at or before
//   SND.NXT and ends inside the window that the peer offered; that the ACK never goes back nor beyond what the peer sent; that the right edge of our window
//   never moves left (RFC 9293 §3.8.6); that timestamps are there when both SYNs had them and only then, tell the script's time, and echo what was sent.
// Of events: `connected` at most once, `closed` once, and nothing after it. At the end every chunk is back.
#pragma once
#include "ledger.hpp"

#include <strata/tcp/layer.hpp>

#include <memory>

namespace strata::script {

/// Each Config of the tests has one function, in a unit of its own: nothing of the layer is compiled with the scripts. Empty: passed.
std::string play_over_v4(const script_file& script, variation v);
std::string play_over_v6(const script_file& script, variation v);
std::string play_in_32_bits(const script_file& script, variation v);
std::string play_immediate(const script_file& script, variation v);

template <class C> class player : ledger {
 public:
  using layer = tcp::layer<C>;
  using address = typename C::family::address;
  using path = tcp::path_of_config<C>;
  using time_point = typename layer::time_point;
  static constexpr bool is_v4 = address::bits == 32;
  static constexpr u32 ip_header = is_v4 ? 20 : 40;
  using rep = typename C::tick::rep;
  static constexpr u64 unit = 1'000'000'000 / C::tick::per_second;  // ns

  explicit player(const variation& v) : ledger(v, addresses()), start_{v.clock_wraps ? static_cast<rep>(0 - 150'000'000 / unit) : static_cast<rep>(v.start / unit)}, now_{start_} {
    memory_.resize(std::size_t{C::limits.chunks} * C::limits.chunk_size);
    chunks_.open(region({memory_.data(), memory_.size()}), table_, C::limits.chunk_size, hashes_);
    tcp_->open(*this, now_);
  }
  ~player() {
    hold_.clear(), nic_.clear(), views_.clear();
    place_ = {};
    tcp_->abandon(*this);
  }

  std::string play(const script_file& script) {
    name_ = script.name;
    turn();
    for (const step& s : script.steps) {
      line_ = s.line;
      if (!run(s)) return report();
    }
    if (!silent() || !ends_well()) return report();
    return {};
  }
  /// The first numbers of a connection that begins now: its sequence number and its timestamp.
  std::pair<u32, u32> first_numbers() {
    const auto id = tcp_->connect(*this, {.remote = {far(), first_peer_port}, .local = {near(), our_port}}, now_);
    if (!id || sent_.empty()) return {};
    return {sent_.front().s.seq, sent_.front().s.ts_value};
  }

  // ---- tcp::network ----
  packet take() { return chunks_.take(64, C::limits.receive_reserve); }
  u32 headroom() { return 64; }
  bool route(path& way) {
    if (unroutable_) return false;
    way.local = near();
    way.mtu = static_cast<u16>(mtu());
    return true;
  }
  sent send(path& way, packet&& given, u8 protocol) {
    packet p = std::move(given);
    if (ring_full_ != 0) {
      --ring_full_;
      return sent::full;
    }
    std::string why;
    auto s = dissect(p.bytes(), addresses_, why);
    if (protocol != 6 || way.local != near() || way.remote != far()) why = "sent to somebody else";
    else if (p->transport != p->offset) why = "the offset of the transport header is not set";
    else if (s && p.size() + ip_header > mtu()) why = "a segment does not fit the MTU";
    if (!s || !why.empty()) fault(why);
    else sent_.push_back({since_start_, *s}), check(sent_.back().s);
    if (nic_holds_) {
      p.become(buffer::owner::nic);
      nic_.push_back(std::move(p));
    }
    return sent::sent;
  }
  void confirm(const path&) { ++confirmed_; }
  u32 network_header_size(const path&) { return ip_header; }
  u64 random() { return entropy_ += 0x9e3779b97f4a7c15, entropy_ ^ entropy_ >> 29; }
  buffer::pool& chunks() { return chunks_; }
  void observe(const trace::record&) {}

 private:
  static address near() { if constexpr (is_v4) return {0x0a000001}; else return {0xfd00'0000'0000'0000, 1}; }
  static address far() { if constexpr (is_v4) return {0x0a000002}; else return {0xfd00'0000'0000'0000, 2}; }
  /// Source and destination, as the pseudo-header has them; their order does not change the sum.
  static std::vector<std::byte> addresses() {
    std::vector<std::byte> b;
    const auto put = [&b](u64 n, u32 bytes) { for (u32 i = bytes; i-- > 0;) b.push_back(static_cast<std::byte>(n >> (8 * i) & 0xff)); };
    for (const address& a : {near(), far()}) {
      if constexpr (is_v4) put(a.value, 4);
      else put(a.high, 8), put(a.low, 8);
    }
    return b;
  }
  u32 mtu() const { return mtu_ + ip_header - 20 + extra(); }
  void set_time(u64 ns) { since_start_ = ns, now_ = {static_cast<rep>(start_.count + static_cast<rep>(ns / unit))}; }
  // ---- time ----
  /// Through every deadline up to `to`, stopping at the first that made strata send. False: a loop that never gets on.
  void move_to(u64 to) {
    for (u32 spins = 0; sent_.empty() && fault_.empty();) {
      const auto next = tcp_->next_deadline();
      if (!next) return;
      const u64 at = since_start_ + u64{next->since(now_).count} * unit;
      if (at > to) return;
      if (at > since_start_) set_time(at), spins = 0;
      else if (++spins == 1000) { fault("next_deadline() is now, and stays it"); return; }
      turn();
    }
  }
  bool go_to(u32 ms) {
    const u64 to = u64{ms} * 1'000'000;
    if (to < since_start_) return fault("the script goes back in time");
    for (u64 next = to; sent_.empty(); next = to) {
      if constexpr (sizeof(rep) == 4) next = to - since_start_ > 600'000'000'000 ? since_start_ + 600'000'000'000 : to;  // a tick of 32 bits must be told the time
      if (next > since_start_) move_to(next - 1);
      if (!silent()) return false;
      set_time(next);
      turn();
      if (next == to) break;
    }
    return fault_.empty();
  }
  /// What the stack does in a poll, after frames.
  void turn() {
    tcp_->advance(*this, now_);
    for (u32 n = 0; auto e = tcp_->pending(*this, now_);) {
      if (++n == 1000) { fault("events without end"); return; }
      tell(*e);
      tcp_->finish(*this, *e, now_);
    }
    tcp_->end_of_turn(*this, now_);
  }
  void tell(const stream_events& e) {
    remote* r = nullptr;
    if ((e.bits & stream_events::accepted) != 0) {
      const u16 port = tcp_->remote(e.id).port;
      if (port >= first_peer_port && port < first_peer_port + peers) r = &peer_[port - first_peer_port];
      if (r == nullptr) return void(fault("accepted from nobody"));
      r->id = e.id, r->has_id = true, r->is_over = false, r->events = 0, r->connected = 0, r->closed_unclaimed = false;
    } else {
      for (remote& one : peer_) if (one.has_id && one.id == e.id) r = &one;
    }
    note(r != nullptr ? peer_name(*r).c_str() : "", "* " + describe_event(e.bits));
    if (r == nullptr) return void(fault("an event of a connection that the application does not know"));
    if (r->is_over) return void(fault("an event after closed"));
    if ((e.bits & stream_events::connected) != 0 && ++r->connected > 1) return void(fault("connected twice"));
    if ((e.bits & stream_events::readable) != 0 && tcp_->peek(*this, e.id).empty()) return void(fault("readable, but there is nothing to read"));
    r->events = static_cast<u8>(r->events | e.bits);
    if ((e.bits & stream_events::closed) != 0) r->is_over = r->closed_unclaimed = true, r->why = e.why;
  }
  bool ends_well() {
    for (const remote& r : peer_)
      if (r.closed_unclaimed) return fault("closed was told, and no closed() names it: " + std::to_string(static_cast<u32>(r.why)) + peer_name(r));
    nic_holds_ = false;
    hold_.clear(), nic_.clear(), views_.clear();
    place_ = {};
    for (const remote& r : peer_) if (r.has_id && !r.is_over) (void)tcp_->abort(*this, r.id, now_);
    turn();
    // Connections that nobody was told of, and what waits for a listener.
    tcp_->abandon(*this);
    if (chunks_.in_use() != 0) return fault("chunks are lost", 0, chunks_.in_use());
    return fault_.empty();
  }

  // ---- what the peer sends ----
  bool arrive(const step& want) {
    const std::vector<std::byte> bytes = compose_next(want);
    if (bytes.empty()) return false;
    packet p = chunks_.take_receive(64);
    if (!p) return fault("the player has no chunk to receive into");
    copy_bytes(p.room().data(), bytes.data(), bytes.size());
    p.extend(bytes.size());
    datagram_info<address> info{};
    info.local = near(), info.remote = far(), info.protocol = 6;
    info.is_broadcast = broadcast_;
    if (auto e = tcp_->on_datagram(*this, info, p, now_)) tell(*e), tcp_->finish(*this, *e, now_);
    p.reset();
    if (together_ > 1) --together_;
    else together_ = 0, turn();
    return fault_.empty();
  }

  // ---- steps ----
  template <class R> bool answered(const step& s, const char* what, const R& r) {
    if (s.has_fails) {
      if (r) return fault(std::string(what) + " succeeded, and should not");
      return static_cast<u8>(r.error()) == s.code || fault(what, s.code, static_cast<u8>(r.error()));
    }
    return r || fault(std::string(what) + " failed with error " + std::to_string(static_cast<u32>(r.error())));
  }
  template <class R> bool answered(const step& s, const char* what, const R& r, u64 otherwise) {
    if (!answered(s, what, r)) return false;
    const u64 want = s.has_gives ? s.gives : otherwise;
    return s.has_fails || *r == want || fault(what, want, *r);
  }
  bool remember_written(remote& r, const std::byte* from, std::size_t n) {
    r.written.insert(r.written.end(), from, from + n);
    return true;
  }
  bool run(const step& s) {
    if (s.what == verb::out) {
      if (sent_.empty()) move_to(since_start_ + (sizeof(rep) == 4 ? 4'999'999 : 999'999));  // a deadline that is no whole number of milliseconds; a coarse tick adds up
      return match(s);
    }
    if (s.what == verb::at) return silent() && go_to(s.number);
    const bool only_looks = s.what == verb::expect || s.what == verb::never || s.what == verb::closed || s.what == verb::value || s.what == verb::counter || s.what == verb::in_use;
    if (together_ == 0 && !only_looks && !silent()) return false;
    remote& r = peer_[s.peer];
    switch (s.what) {
      case verb::in: return arrive(s);
      case verb::in_raw: cut_to_ = s.number; return true;
      case verb::above: return static_cast<i32>(r.local_iss - (r.old_iss + s.number)) > 0 || fault("the first number of the new life", r.old_iss + s.number, r.local_iss);
      case verb::together: together_ = s.number; return true;
      case verb::corrupt: corrupt_ = true; return true;
      case verb::next_life:
        r.iss += s.number, r.next = r.ack = r.most_sent = 0, r.window = 65535, r.right_edge = 0;
        r.has_local_ack = r.has_local_edge = false, is_old_life_ = true;
        return true;
      case verb::listen: {
        auto l = tcp_->listen(*this, {.port = our_port, .backlog = s.number});
        if (!answered(s, "listen", l)) return false;
        if (l) listener_ = *l;
        return true;
      }
      case verb::close_listener: return answered(s, "close_listener", tcp_->close_listener(*this, listener_)) && polled();
      case verb::connect: {
        auto id = tcp_->connect(*this, {.remote = {far(), static_cast<u16>(first_peer_port + s.peer)}, .local = {{}, our_port}}, now_);
        if (id) r.id = *id, r.has_id = true, r.is_over = r.closed_unclaimed = false, r.connected = 0, r.events = 0, r.read = 0;
        return answered(s, "connect", id) && polled();
      }
      case verb::write: {
        const auto b = next_bytes(r, s.number);
        const std::size_t before = r.written.size();
        remember_written(r, b.data(), b.size());
        const auto n = tcp_->send(*this, r.id, b, {.more = s.flagged}, now_);
        r.written.resize(before + (n ? *n : 0));
        return answered(s, "write", n, s.number) && polled();
      }
      case verb::write_view: {
        const auto view = tcp_->peek(*this, r.id);
        for (const auto part : view) remember_written(r, part.data(), part.size());
        const auto n = tcp_->send(*this, r.id, view, {}, now_);
        if (n) r.read += *n, (void)tcp_->consume(*this, r.id, *n, now_);
        return answered(s, "echo", n, view.size()) && polled();
      }
      case verb::reserve: {
        auto place = tcp_->reserve(*this, r.id, s.number, now_);
        if (!answered(s, "reserve", place)) return false;
        if (!place) return true;
        place_ = std::move(*place);
        if (place_.room().size() != s.number) return fault("the room of a reservation", s.number, place_.room().size());
        return true;
      }
      case verb::commit: {
        const auto b = next_bytes(r, s.number);
        if (place_.room().size() >= b.size()) copy_bytes(place_.room().data(), b.data(), b.size());
        const std::size_t before = r.written.size();
        remember_written(r, b.data(), b.size());
        const auto n = tcp_->commit(*this, r.id, std::move(place_), s.number, {.more = s.flagged}, now_);
        r.written.resize(before + (n ? *n : 0));
        return answered(s, "commit", n, s.number) && polled();
      }
      case verb::read: return read(s, r) && polled();
      case verb::take: {
        auto view = tcp_->take(*this, r.id, now_);
        if (!answered(s, "take", view)) return false;
        if (!view) return true;
        if (view->bytes().size() != s.number) return fault("take", s.number, view->bytes().size());
        if (!reads_as_sent(r, view->bytes())) return false;
        views_.push_back(std::move(*view));
        return polled();
      }
      case verb::drop_taken: views_.clear(); return polled();
      case verb::close: return answered(s, "close", tcp_->close(*this, r.id, now_)) && polled();
      case verb::shutdown: return answered(s, "shutdown", tcp_->shutdown_send(*this, r.id, now_)) && polled();
      case verb::abort: return answered(s, "abort", tcp_->abort(*this, r.id, now_)) && polled();
      case verb::no_delay:
        if constexpr (C::coalescing::has_no_delay) return answered(s, "no_delay", tcp_->set(*this, r.id, tcp::option::no_delay{s.flagged}, now_)) && polled();
        return fault("this Config has no no_delay");
      case verb::user_timeout: return answered(s, "user_timeout", tcp_->set(*this, r.id, tcp::option::user_timeout{s.number}, now_)) && polled();
      case verb::timer: return answered(s, "timer", tcp_->set_timer(r.id, layer::duration::from_ms(s.number), now_)) && polled();
      case verb::expect:
        if ((r.events & s.code) == 0) return fault("an event was not told: " + describe_event(s.code));
        r.events = static_cast<u8>(r.events & ~s.code);
        return true;
      case verb::never: return (r.events & s.code) == 0 || fault("an event was told: " + describe_event(s.code));
      case verb::closed:
        if (!r.is_over) return fault("closed was not told");
        r.closed_unclaimed = false;
        return static_cast<u8>(r.why) == s.code || fault("closed, why", s.code, static_cast<u8>(r.why));
      case verb::stale: return answered(step{.code = static_cast<u8>(tcp::send_error::stale), .has_fails = true}, "send", tcp_->send(*this, r.id, std::span<const std::byte>{}, {}, now_));
      case verb::icmp: {
        network_error<address> e{};
        e.local = near(), e.remote = far(), e.protocol = 6, e.kind = static_cast<icmp_error_kind>(s.code), e.is_local = s.flagged;
        e.mtu = static_cast<u16>(s.gives == 0 ? 0 : s.gives + ip_header - 20 + extra());
        store_be<u16>(e.quoted, our_port), store_be<u16>(e.quoted + 2, static_cast<u16>(first_peer_port + s.peer)), store_be<u32>(e.quoted + 4, r.local_iss + s.number);
        if (auto told = tcp_->on_error(*this, e, now_)) tell(*told), tcp_->finish(*this, *told, now_);
        return polled();
      }
      case verb::mtu: mtu_ = s.number; return true;
      case verb::value: return compare(s, r);
      case verb::counter: return tcp_->counters().*s.counted == s.value || fault("a counter", s.value, tcp_->counters().*s.counted);
      case verb::in_use: {
        const u32 now = tcp_->connections() * 10000 + tcp_->half_open() * 100 + tcp_->time_waits();
        return now == s.number || fault("in use: connections, half-open (2 digits), TIME-WAIT (2 digits)", s.number, now);
      }
      case verb::ring_full: ring_full_ = s.number; return polled();
      case verb::chunks:
        hold_.clear();
        while (chunks_.available() > s.number + (s.flagged ? 0 : C::limits.receive_reserve)) hold_.push_back(chunks_.take(0));
        return polled();
      case verb::unroutable: unroutable_ = s.flagged; return true;
      case verb::nic_holds: nic_holds_ = s.flagged; return true;
      case verb::complete: nic_.clear(); return polled();
      case verb::active: {
        static constexpr step open[] = {connect(), out("S 0:0(0)")};
        static constexpr step answer[] = {in("S. 0:0(0) ack 1"), out(". ack 1"), expect(bit::connected)};
        return run_all(open, s) && (s.number == 0 || go_to(script_ms() + s.number)) && run_all(answer, s);
      }
      case verb::passive: {
        static constexpr step open[] = {in("S 0:0(0)"), out("S. 0:0(0) ack 1")};
        static constexpr step answer[] = {in(". 1:1(0) ack 1"), expect(bit::accepted)};
        if (listener_.generation == 0 && !listening_) {
          auto l = tcp_->listen(*this, {.port = our_port});
          if (!l) return fault("listen failed");
          listener_ = *l, listening_ = true;
        }
        return run_all(open, s) && (s.number == 0 || go_to(script_ms() + s.number)) && run_all(answer, s);
      }
      default: return fault("a step that the player does not know");
    }
  }
  bool run_all(std::span<const step> steps, const step& outer) {
    for (step s : steps) {
      s.peer = outer.peer, s.line = outer.line;
      if (!run(s)) return false;
    }
    return true;
  }
  bool polled() {
    turn();
    return fault_.empty();
  }
  /// Odd counts by receive(), even ones by peek() and consume().
  bool read(const step& s, remote& r) {
    std::vector<std::byte> b(s.number);
    if (s.has_fails || s.number % 2 == 1) {
      const auto n = tcp_->receive(*this, r.id, b, now_);
      if (!answered(s, "read", n, s.number)) return false;
      return !n || reads_as_sent(r, std::span<const std::byte>(b).first(*n));
    }
    const auto view = tcp_->peek(*this, r.id);
    const std::size_t n = view.copy_to(b);
    if (n != (s.has_gives ? s.gives : s.number)) return fault("read", s.has_gives ? s.gives : s.number, n);
    if (!reads_as_sent(r, std::span<const std::byte>(b).first(n))) return false;
    return answered(s, "consume", tcp_->consume(*this, r.id, s.number, now_), s.number);
  }
  bool compare(const step& s, const remote& r) {
    const auto i = tcp_->info(r.id, now_);
    if (!i) return fault("info() of a connection that is not there");
    u64 got = 0;
    const char* name = "";
    switch (static_cast<field>(s.code)) {
#define STRATA_FIELD(f, v) case field::f: got = static_cast<u64>(v), name = #f; break
      STRATA_FIELD(state, i->state);
      STRATA_FIELD(limit, i->limit);
      STRATA_FIELD(mss, i->mss);
      STRATA_FIELD(cwnd, i->cwnd);
      STRATA_FIELD(ssthresh, i->ssthresh);
      STRATA_FIELD(send_window, i->send_window);
      STRATA_FIELD(receive_window, i->receive_window);
      STRATA_FIELD(unacked, i->unacked);
      STRATA_FIELD(unsent, i->unsent);
      STRATA_FIELD(unread, i->unread);
      STRATA_FIELD(send_chunks, i->send_chunks);
      STRATA_FIELD(receive_chunks, i->receive_chunks);
      STRATA_FIELD(srtt_ms, (i->srtt_us + 500) / 1000);
      STRATA_FIELD(rto_ms, (i->rto_us + 500) / 1000);
      STRATA_FIELD(backoff, i->backoff);
      STRATA_FIELD(in_recovery, i->in_recovery);
      STRATA_FIELD(retransmitted, i->retransmitted);
      STRATA_FIELD(bytes_acked, i->bytes_acked);
      STRATA_FIELD(bytes_received, i->bytes_received);
      STRATA_FIELD(has_timestamps, i->has_timestamps);
      STRATA_FIELD(send_window_scale, i->send_window_scale);
      STRATA_FIELD(receive_window_scale, i->receive_window_scale);
#undef STRATA_FIELD
    }
    return got == s.value || fault(name, s.value, got);
  }

  time_point start_, now_;
  connection_id listener_{};
  bool listening_ = false, unroutable_ = false, nic_holds_ = false, broadcast_ = false;
  u32 mtu_ = 1500, ring_full_ = 0, together_ = 0, confirmed_ = 0;
  u64 entropy_ = 42;
  std::vector<std::byte> memory_;
  buffer::descriptor table_[C::limits.chunks]{};
  u32 hashes_[C::limits.chunks]{};
  buffer::pool chunks_{};
  std::vector<packet> hold_, nic_;
  std::vector<tcp::owned_view> views_;
  tcp::reservation place_;
  std::unique_ptr<layer> tcp_ = std::make_unique<layer>();
};

/// One run. A variation that asks for numbers just below a wrap is given the clock that leads there.
template <class C> std::string play_over(const script_file& script, variation v) {
  if (v.sequence_wraps || v.clock_of_timestamps_wraps) {
    variation probe = v;
    probe.start = 0;
    const auto [seq, clock] = std::make_unique<player<C>>(probe)->first_numbers();
    if (v.sequence_wraps) v.start = u64{static_cast<u32>(0u - 700u - seq)} << 12;             // one number is 4.096 us (RFC 9293 §3.4.1 asks for about 4)
    else v.start = u64{static_cast<u32>(0u - 60u - clock)} * 1'000'000;
    const auto [seq2, clock2] = std::make_unique<player<C>>(v)->first_numbers();
    if (v.sequence_wraps ? seq2 < 0xffff'f000u : clock2 < 0xffff'ff00u) return "the numbers of a first SYN do not follow the clock";
  }
  return std::make_unique<player<C>>(v)->play(script);
}

}  // namespace strata::script
