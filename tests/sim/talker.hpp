// SPDX-License-Identifier: MIT
// One end of a connection as an application: it writes a stream of bytes that the seed defines and checks the one that it reads, in one of many styles.
#pragma once
#include "scenario.hpp"

#include <string>
#include <vector>

namespace strata::sim {

/// The byte at `offset` of the stream `key`.
constexpr std::byte pattern(u64 key, u64 offset) {
  entropy::seeded word{key + (offset / 8) * 0x9e3779b97f4a7c15};
  return static_cast<std::byte>(word.next() >> (8 * (offset % 8)));
}
inline void fill(std::span<std::byte> to, u64 key, u64 offset) {
  for (std::byte& b : to) b = pattern(key, offset++);
}

enum class reads : u8 { all, part, copy, take, slowly, never };
enum class ends : u8 { after_the_peer, by_half, at_once, by_abort, unread };

struct plan {
  u64 total = 0;
  u32 write_least = 1, write_most = 1;
  u32 reserve_percent = 0, more_percent = 0, now_percent = 0;
  u32 writes_at_once = 0;      ///< then a pause; zero: none
  u64 pause = 0;
  reads reading = reads::all;
  u32 read_bytes = 0;          ///< of one step of a slow reader
  u64 read_pause = 0;
  ends end = ends::by_half;
  u64 abort_at = 0;            ///< bytes sent and received
  bool no_delay = false;

  /// How long it takes if the network takes no time.
  [[nodiscard]] u64 own_time(u64 peer_total) const {
    u64 t = 0;
    if (writes_at_once != 0) t += (total / ((write_least + write_most) / 2) / writes_at_once + 1) * pause;
    if (reading == reads::slowly) t += (peer_total / read_bytes + 1) * read_pause;
    return t;
  }
};

struct talker {
  connection_id id = nobody;
  sim::plan plan{};
  u64 key = 0, peer_key = 0;         ///< of what we write, and of what we read
  u64 sent = 0, received = 0;
  bool is_known = false, is_connected = false, peer_has_closed = false, has_shut = false, has_closed = false, is_told_closed = false, is_blocked = false, timer_runs = false;
  close_reason why = close_reason::none;
  std::vector<tcp::owned_view> kept{};
  u32 most_kept = 0;                 ///< chunks that it keeps for itself
  std::string fault{};               ///< the first thing that was wrong

  [[nodiscard]] bool is_open() const { return is_known && !is_told_closed; }

  void on(host& h, const event& e, dice& d) {
    if (is_told_closed) return wrong("after_closed");
    if (has_closed && e.what != what::closed && e.what != what::timer && e.what != what::connected) return wrong("after_close");
    switch (e.what) {
      case what::accepted: break;
      case what::connected:
        if (is_connected) return wrong("connected_once");
        is_connected = true;
        break;
      case what::peer_closed:
        if (peer_has_closed) return wrong("peer_closed_once");
        peer_has_closed = true;
        if (const auto i = h.info(id); i && i->unread != 0) return wrong("peer_closed_before_the_end");
        break;
      case what::timer:
        if (!timer_runs) return wrong("timer_once");
        timer_runs = false;
        break;
      case what::closed:
        is_told_closed = true;
        why = e.why;
        kept.clear();
        return;
      default: break;
    }
    go_on(h, d, e.what);
  }

  /// Whatever can be done now.
  void go_on(host& h, dice& d, what because) {
    if (!is_open() || has_closed) return;
    bool wants_timer = false;
    u64 pause = ~u64{0};
    const bool is_time = because == what::timer || because == what::accepted || because == what::connected || because == what::writable;
    if (!timer_runs || is_time || plan.writes_at_once == 0) {
      if (write(h, d)) wants_timer = true, pause = plan.pause;
    }
    if (plan.reading == reads::never) {
      if (const auto i = h.info(id); plan.end == ends::unread && i && i->unread != 0 && sent == plan.total) return (void)h.close(id), void(has_shut = has_closed = true);
    } else if (plan.reading != reads::slowly) {
      if (read(h, d)) wants_timer = true, pause = pause < plan.read_pause ? pause : plan.read_pause;
    } else if (const auto i = h.info(id); i && i->unread != 0) {
      if (because == what::timer || !timer_runs) take_in(h, h.peek(id), plan.read_bytes);
      if (!fault.empty()) return;
      wants_timer = true, pause = pause < plan.read_pause ? pause : plan.read_pause;
    }
    if (!fault.empty()) return;
    if (plan.end == ends::by_abort && sent + received >= plan.abort_at) {
      (void)h.abort(id);
      has_closed = true;
      return;
    }
    if (sent == plan.total && !has_shut) {
      if (plan.end == ends::by_half) (void)h.shutdown_send(id), has_shut = true;
      if (plan.end == ends::at_once && is_connected) (void)h.close(id), has_shut = has_closed = true;
    }
    // What is read last may bring peer_closed only in the next turn.
    if (peer_has_closed && sent == plan.total && !has_closed) {
      (void)h.close(id);
      has_shut = has_closed = true;
    }
    if (wants_timer && !timer_runs && !has_closed) timer_runs = static_cast<bool>(h.set_timer(id, pause));
  }

  void wrong(const char* what) { if (fault.empty()) fault = what; }

 private:
  /// True: a pause, then more.
  bool write(host& h, dice& d) {
    for (u32 n = 0; sent < plan.total && !has_shut; ++n) {
      if (plan.writes_at_once != 0 && n == plan.writes_at_once) return true;
      const u64 left = plan.total - sent;
      u64 size = d.between(plan.write_least, plan.write_most);
      size = size < left ? size : left;
      const tcp::send_flags flags{.more = size < left && d.percent(plan.more_percent), .now_please = d.percent(plan.now_percent)};
      if (d.percent(plan.reserve_percent)) {
        const auto i = h.info(id);
        if (!i) return wrong("stale"), false;
        const u32 room = static_cast<u32>(size < i->mss ? size : i->mss);
        auto r = h.reserve(id, room);
        if (!r) {
          refused(r.error(), "reserve");
          return false;
        }
        if (d.percent(5)) continue;  // changed its mind
        fill(r->room(), key, sent);
        const u32 used = static_cast<u32>(d.between(1, room));
        const auto done = h.commit(id, std::move(*r), used, flags);
        if (!done) {
          if (done.error() == tcp::send_error::too_big) continue;  // the MSS is smaller since the handshake
          refused(done.error(), "commit");
          return false;
        }
        sent += *done;
        continue;
      }
      static thread_local std::byte bytes[65536];
      fill({bytes, size}, key, sent);
      const auto taken = h.send(id, {bytes, size}, flags);
      if (!taken) {
        refused(taken.error(), "send");
        return false;
      }
      if (*taken > size) return wrong("send"), false;
      sent += *taken;
      if (*taken < size) return is_blocked = true, false;
    }
    is_blocked = false;
    return false;
  }

  /// Full, or the peer has reset the connection and `closed` is not told yet.
  void refused(tcp::send_error error, const char* call) {
    if (error != tcp::send_error::would_block && error != tcp::send_error::closed) wrong(call);
    is_blocked = true;
  }
  /// True: something is left for later.
  bool read(host& h, dice& d) {
    switch (plan.reading) {
      case reads::all: take_in(h, h.peek(id), ~std::size_t{0}); return false;
      case reads::part: {
        const auto view = h.peek(id);
        take_in(h, view, d.between(0, view.size()));
        const auto i = h.info(id);
        return i && i->unread != 0;
      }
      case reads::copy:
        for (std::byte bytes[3000];;) {
          const auto n = h.receive(id, {bytes, d.between(1, sizeof bytes)});
          if (!n || *n == 0) return false;
          check({bytes, *n});
        }
      case reads::take:
        for (;;) {
          auto v = h.take(id);
          if (!v) return false;
          check(v->bytes());
          if (kept.size() == most_kept && most_kept != 0) kept.erase(kept.begin());
          if (most_kept != 0) kept.push_back(std::move(*v));
        }
      case reads::slowly: case reads::never: break;
    }
    return false;
  }
  void take_in(host& h, const tcp::unread_view& view, std::size_t most) {
    std::size_t n = 0;
    for (const std::span<const std::byte> part : view) {
      const auto some = part.first(part.size() < most - n ? part.size() : most - n);
      check(some);
      n += some.size();
      if (n == most) break;
    }
    const auto done = h.consume(id, n);
    if (!done || *done != n) wrong("consume");
  }
  void check(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes)
      if (b != pattern(peer_key, received++)) return wrong("bytes");
  }
};

}  // namespace strata::sim
