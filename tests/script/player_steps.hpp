// SPDX-License-Identifier: MIT
// What each step of a script does to the layer. Included by player.hpp.
#pragma once
#include "player.hpp"

namespace strata::script {

template <class O> bool is_same(const O& a, const O& b) {
  const auto& [of_a] = a;
  const auto& [of_b] = b;
  return of_a == of_b;
}
inline bool is_same(const tcp::option::linger& a, const tcp::option::linger& b) { return a.value == b.value && a.ms == b.ms; }
inline bool is_same(const tcp::option::keep_alive& a, const tcp::option::keep_alive& b) {
  return a.value == b.value && a.idle_s == b.idle_s && a.interval_s == b.interval_s && a.probes == b.probes;
}
template <class C> template <class O> bool player<C>::is_told(const remote& r, const O& o) {
  const auto told = tcp_->template get<O>(r.id);
  return (told && is_same(*told, o)) || fault("an option is told otherwise than it was set");
}
template <class C> template <class O> bool player<C>::set_and_told(const step& s, const remote& r, const char* what, const O& o) {
  return answered(s, what, tcp_->set(*this, r.id, o, now_)) && (s.has_fails || is_told(r, o)) && polled();
}

/// What ends by a call is told of nothing but `closed`, and its handle says so at once.
template <class C> bool player<C>::is_dead_if_closed(const remote& r) {
  const auto i = tcp_->info(r.id, now_);
  return !i || i->state != tcp::state::closed || !tcp_->is_live(r.id) || fault("the handle of a connection that was ended is still live");
}

template <class C> bool player<C>::run(const step& s) {
  if (s.what == verb::out) {
    if (sent_.empty()) move_to(since_start_ + (sizeof(rep) == 4 ? 4'999'999 : 999'999));  // a deadline that is no whole number of milliseconds; a coarse tick adds up
    return match(s);
  }
  if (s.what == verb::at) return silent() && go_to(s.number);
  const bool only_looks = s.what == verb::expect || s.what == verb::never || s.what == verb::closed || s.what == verb::value || s.what == verb::counter || s.what == verb::in_use || s.what == verb::due_in;
  if (together_ == 0 && !only_looks && !silent()) return false;
  remote& r = peer_[s.peer];
  switch (s.what) {
    case verb::in: return arrive(s);
    case verb::in_raw: cut_to_ = s.number; return true;
    case verb::above: return static_cast<i32>(r.local_iss - (r.old_iss + s.number)) > 0 || fault("the first number of the new life", r.old_iss + s.number, r.local_iss);
    case verb::header_words: header_words_ = s.number; return true;
    case verb::reserved: reserved_ = s.number; return true;
    case verb::broadcast: broadcast_ = true; return true;
    case verb::selects: selected_ = s.number; return true;
    case verb::connect_nowhere: {
      const auto who = static_cast<nowhere>(s.number);
      return answered(s, "connect", tcp_->connect(*this, {.remote = {where(who), static_cast<u16>(who == nowhere::no_port ? 0 : first_peer_port)}, .local = {{}, our_port}}, now_)) && polled();
    }
    case verb::iss_moved: {
      const u32 moved = r.local_iss - r.old_iss;
      return (moved > s.number - s.number / 20 && moved < s.number + s.number / 20) || fault("the first number moved", s.number, moved);
    }
    case verb::iss_apart: {
      const i32 apart = static_cast<i32>(r.local_iss - peer_[s.number].local_iss);
      return apart > 1'000'000 || apart < -1'000'000 || fault("first numbers are close", peer_[s.number].local_iss, r.local_iss);
    }
    case verb::together: together_ = s.number; return true;
    case verb::corrupt: corrupt_ = true; return true;
    case verb::next_life:
      r.iss += s.number, r.next = r.ack = r.most_sent = 0, r.window = 65535, r.right_edge = 0;
      r.has_local_ack = r.has_local_edge = false, is_old_life_ = true;
      return true;
    case verb::listen: {
      auto l = tcp_->listen(*this, {.port = our_port, .address = s.address == 0 ? address{} : near(s.address), .backlog = s.number});
      if (!answered(s, "listen", l)) return false;
      if (l) listener_ = *l;
      return true;
    }
    case verb::close_listener: return answered(s, "close_listener", tcp_->close_listener(*this, listener_)) && polled();
    case verb::connect: {
      auto id = tcp_->connect(*this, {.remote = {far(), static_cast<u16>(first_peer_port + s.peer)}, .local = {s.address == 0 ? address{} : near(s.address), our_port}}, now_);
      if (id) r.id = *id, r.has_id = true, r.is_over = r.closed_unclaimed = false, r.connected = 0, r.events = 0, r.read = 0;
      return answered(s, "connect", id) && polled();
    }
    case verb::write: {
      const auto b = next_bytes(r, s.number);
      const std::size_t before = r.written.size();
      remember_written(r, b.data(), b.size());
      const auto n = tcp_->send(*this, r.id, b, {.more = s.flagged, .end_of_record = s.value != 0}, now_);
      r.written.resize(before + (n ? *n : 0));
      return answered(s, "write", n, s.number) && polled();
    }
    case verb::gather: {
      const auto b = next_bytes(r, s.number);
      std::vector<std::span<const std::byte>> parts;
      for (std::size_t at = 0; at < b.size(); at += s.value) parts.push_back(std::span(b).subspan(at, s.value < b.size() - at ? s.value : b.size() - at));
      const std::size_t before = r.written.size();
      remember_written(r, b.data(), b.size());
      const auto n = tcp_->send(*this, r.id, parts, {.more = s.flagged}, now_);
      r.written.resize(before + (n ? *n : 0));
      return answered(s, "gather", n, s.number) && polled();
    }
    case verb::send_low_water:
      if constexpr (C::writes.low_water) {
        if (!answered(s, "send_low_water", tcp_->set(*this, r.id, tcp::option::send_low_water{s.number}, now_))) return false;
        return s.has_fails || ((tcp_->template get<tcp::option::send_low_water>(r.id)->bytes == s.number || fault("send_low_water is told otherwise")) && polled());
      }
      return fault("this Config has no send_low_water");
    case verb::notsent_low_water:
      if constexpr (C::writes.low_water) {
        if (!answered(s, "notsent_low_water", tcp_->set(*this, r.id, tcp::option::notsent_low_water{s.number}, now_))) return false;
        return s.has_fails || ((tcp_->template get<tcp::option::notsent_low_water>(r.id)->bytes == s.number || fault("notsent_low_water is told otherwise")) && polled());
      }
      return fault("this Config has no notsent_low_water");
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
      const auto n = tcp_->commit(*this, r.id, std::move(place_), s.number, {.more = s.flagged, .end_of_record = s.value != 0}, now_);
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
    case verb::sleeps: return set_time(u64{s.number} * 1'000'000), polled();
    case verb::close: return answered(s, "close", tcp_->close(*this, r.id, now_)) && is_dead_if_closed(r) && polled();
    case verb::shutdown: return answered(s, "shutdown", tcp_->shutdown_send(*this, r.id, now_)) && polled();
    case verb::abort: return answered(s, "abort", tcp_->abort(*this, r.id, now_)) && is_dead_if_closed(r) && polled();
    case verb::abort_when_told: r.aborts_at = s.code; return true;
    case verb::abandon:
      tcp_->abandon(*this);
      for (remote& one : peer_) one.is_over = one.has_id;
      listener_ = {}, listening_ = false;
      return polled();
    case verb::hop_limit:
      hop_limit_ = static_cast<u8>(s.number);
      if (!answered(s, "hop_limit", tcp_->set(*this, r.id, tcp::option::hop_limit{hop_limit_}, now_))) return false;
      return s.has_fails || ((tcp_->template get<tcp::option::hop_limit>(r.id)->value == hop_limit_ || fault("hop_limit is told otherwise")) && polled());
    case verb::dscp: {
      const auto set = tcp_->set(*this, r.id, tcp::option::dscp{static_cast<u8>(s.number)}, now_);
      if (set) dscp_ = static_cast<u8>(s.number);
      return answered(s, "dscp", set) && (s.has_fails || is_told(r, tcp::option::dscp{dscp_})) && polled();
    }
    case verb::no_delay:
      if constexpr (C::coalescing::has_no_delay) return set_and_told(s, r, "no_delay", tcp::option::no_delay{s.flagged});
      return fault("this Config has no no_delay");
    case verb::pacing_rate:
      if constexpr (C::pacing::is_paced) {
        if (!answered(s, "pacing_rate", tcp_->set(*this, r.id, tcp::option::pacing_rate{s.number}, now_))) return false;
        return s.has_fails || (tcp_->template get<tcp::option::pacing_rate>(r.id)->bytes_per_second == s.number && polled());
      }
      return fault("connections are not paced here");
    case verb::user_timeout: return set_and_told(s, r, "user_timeout", tcp::option::user_timeout{s.number});
    case verb::shutdown_receive: return answered(s, "shutdown_receive", tcp_->shutdown_receive(*this, r.id, now_)) && polled();
    case verb::keep_alive: {
      const tcp::option::keep_alive o = s.flagged ? tcp::option::keep_alive{true, static_cast<u16>(s.number >> 16), static_cast<u16>(s.number), s.has_fails ? u8{0} : s.code}
                                                  : tcp::option::keep_alive{};
      return set_and_told(s, r, "keep_alive", o);
    }
    case verb::cork: return set_and_told(s, r, "cork", tcp::option::cork{s.flagged});
    case verb::linger: return set_and_told(s, r, "linger", tcp::option::linger{true, s.number});
    case verb::timer:
      if (s.flagged) return answered(s, "cancel_timer", tcp_->cancel_timer(r.id)) && polled();
      return answered(s, "timer", tcp_->set_timer(r.id, layer::duration::from_ms(s.number), now_)) && polled();
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
    case verb::no_deadline: return (!tcp_->next_deadline() && tcp_->is_idle()) || fault("something is due");
    case verb::due_in: {
      const auto next = tcp_->next_deadline();
      if (!next) return fault("nothing is due");
      const u64 in = next->is_before(now_) ? 0 : u64{next->since(now_).count} * unit;
      return in == u64{s.number} * 1'000'000 || fault("due in, ns", u64{s.number} * 1'000'000, in);
    }
    case verb::icmp: {
      network_error<address> e{};
      e.local = near(1), e.remote = far(), e.protocol = 6, e.kind = static_cast<icmp_error_kind>(s.code), e.is_local = s.flagged;
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
/// Odd counts by receive(), even ones by peek() and consume().
template <class C> bool player<C>::read(const step& s, remote& r) {
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

template <class C> bool player<C>::compare(const step& s, const remote& r) {
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
    STRATA_FIELD(urgent, i->urgent);
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
    STRATA_FIELD(path_mtu, i->path_mtu + 20u - ip_header - extra());
    STRATA_FIELD(rttvar_ms, (i->rttvar_us + 500) / 1000);
    STRATA_FIELD(pacing_rate, i->pacing_rate);
    STRATA_FIELD(confirmed, confirmed_);
#undef STRATA_FIELD
  }
  return got == s.value || fault(name, s.value, got);
}

}  // namespace strata::script
