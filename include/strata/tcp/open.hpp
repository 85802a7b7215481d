// SPDX-License-Identifier: MIT
// How connections begin: names, sequence numbers, listeners, half-open records. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> template <class B> void layer<C>::open(B&& below, time_point now) {
  clock_at_ = now;
  clock_ = static_cast<u32>(now.count / static_cast<typename tick::rep>(tick::per_second / 1000));
  static_assert(network<std::remove_reference_t<B>, address, path>, "the layer below is no strata::tcp::network");
  if constexpr (address::bits != 32 || table::wants_a_secret) key_ = {below.random(), below.random()};
  port_key_ = {below.random(), below.random()};
  for (u32& steps : port_steps_) steps = static_cast<u32>(below.random());
}

/// The name of a connection. Attackers choose ports, so a table that hashes gets one with a secret; a table of few gets what is peculiar to the peer.
template <config C> u64 layer<C>::hash_of(const pair& who) const {
  const u64 ports = u64{who.local_port} << 16 | who.remote_port;
  if constexpr (address::bits == 32 && !table::wants_a_secret) return u64{who.remote.value} << 32 | ports;
  else if constexpr (address::bits == 32) return table_hash(key_, u64{who.local.value} << 32 | who.remote.value, ports);
  else return table_hash(key_, who.remote.hash_word(0), who.remote.hash_word(1), table_hash(key_, who.local.hash_word(0), who.local.hash_word(1), ports));
}

/// RFC 6528 §3: ISN = M + F(connection, secret), with M a clock of 4 us (RFC 9293 §3.4.1).
template <config C> serial32 layer<C>::initial_sequence_number(u64 hash, const address& local, time_point now) const {
  u32 m;
  if constexpr (tick::per_second == 1'000'000'000) {
    m = static_cast<u32>(now.count >> 12);  // 4.1 us
  } else {
    constexpr typename tick::rep per_ms = tick::per_second / 1000;
    m = timestamp_clock(now) * 250 + static_cast<u32>(now.since(clock_at_).count % per_ms * 250 / per_ms);
  }
  if constexpr (address::bits == 32 && !table::wants_a_secret) hash += siphash(port_key_, local.value);  // our address is not in it
  else (void)local;
  return {m + static_cast<u32>(siphash(port_key_, hash))};
}

/// Where the timestamps of this peer's connections begin: RFC 7323 §5.4, one per pair of hosts.
template <config C> u32 layer<C>::timestamp_offset(const address& remote) const {
  if constexpr (!timestamps) return 0;
  else if constexpr (address::bits == 32) return static_cast<u32>(siphash(port_key_, remote.value));
  else return static_cast<u32>(siphash(port_key_, remote.hash_word(0), remote.hash_word(1)));
}

/// The clock of TSval: milliseconds. RFC 7323 §5.4. It is carried on from turn to turn, since a quotient of `now` would jump where the tick wraps, and the
/// peer would take everything after it for old.
template <config C> u32 layer<C>::timestamp_clock(time_point now) const { return clock_ + now.since(clock_at_).in_ms(); }
template <config C> void layer<C>::run_clock(time_point now) {
  if (now.is_before(clock_at_)) clock_at_ = now;
  const duration passed = now.since(clock_at_);
  if (passed < duration::ms(1)) return;
  const u32 ms = passed.in_ms();
  clock_ += ms;
  clock_at_ = clock_at_ + duration::from_ms(ms);
}

template <config C> auto layer<C>::find(connection_id id) -> connection* {
  if (id.index >= limits_.connections) [[unlikely]] return nullptr;
  connection& c = element(tcbs_, id.index);  // one that was never used is not open
  if (!c.is_open || c.generation != id.generation) [[unlikely]] return nullptr;
  return &c;
}

template <config C> std::optional<u32> layer<C>::lookup(const pair& who) const {
  return table_.find(static_cast<u32>(hash_of(who)), [&](u32 value) {
    const u32 i = value & 0x3fff'ffff;
    if (static_cast<kind>(value >> 30) == kind::connection) {
      const connection& c = element(tcbs_, i);
      return c.remote_port == who.remote_port && c.local_port == who.local_port && c.way.remote == who.remote && c.way.local == who.local;
    }
    const pair& other = static_cast<kind>(value >> 30) == kind::half_open ? static_cast<const pair&>(slots_[i]) : records_[i];
    return other.remote_port == who.remote_port && other.local_port == who.local_port && other.remote == who.remote && other.local == who.local;
  });
}

template <config C> auto layer<C>::find_listener(const address& local, u16 port) -> listener* {
  listener* any = nullptr;
  for (listener& l : listeners_) {
    if (!l.is_used || l.port != port) continue;
    if (l.local == local) return &l;
    if (l.local.is_unspecified()) any = &l;
  }
  return any;
}

template <config C> auto layer<C>::allocate() -> connection* {
  u32 index;
  if (free_ != 0) {
    index = free_ - 1;
    free_ = tcbs_[index].send_head;
  } else if (fresh_ < limits_.connections) {
    index = fresh_++;
  } else {
    return nullptr;
  }
  connection& c = element(tcbs_, index);
  const u32 generation = c.generation;
  c.~connection();
  new (static_cast<void*>(&c)) connection{};
  c.generation = generation;
  ++in_use_;
  return &c;
}

/// One that nobody was told of is free again.
template <config C> void layer<C>::put_back(connection& c) {
  c.is_buried = true;
  c.send_head = free_;
  free_ = index_of(c) + 1;
  --in_use_;
}

/// What a segment of packets of `mtu` bytes may carry before options: the smaller of that and a chunk. RFC 9293 §3.7.1.
template <config C> template <class B> u32 layer<C>::segment_limit(B&& below, const path& way, u32 mtu) const {
  const u32 headers = below.network_header_size(way) + 20;
  const u32 by_path = larger_of(excess_of(mtu, headers), least_mss);
  const u32 by_chunk = chunk_limit(below);
  return smaller_of(by_path, by_chunk + option_room);
}

/// The MSS option: what our link brings in, whatever routers said of the way there (RFC 1191 §3.1, RFC 9293 §3.7.1).  Linux: tcp_advertise_mss.
template <config C> template <class B> u16 layer<C>::offered_mss(B&& below, const path& way) const {
  if constexpr (requires { below.link_mtu(way); }) return static_cast<u16>(segment_limit(below, way, below.link_mtu(way)));
  else return static_cast<u16>(segment_limit(below, way, way.mtu));
}

/// Everything of a new control block that does not depend on who opens: names, window, timers at rest. `way` and the ports are set.
template <config C> template <class B> void layer<C>::prepare(B&& below, connection& c, time_point now) {
  c.header_sum = c.way.local.word_sum() + c.way.remote.word_sum() + protocol + c.local_port + c.remote_port;
  c.mss = static_cast<u16>(segment_limit(below, c.way, c.way.mtu));
  if (const u32 most = chunk_limit(below); c.mss > most) c.mss = static_cast<u16>(most);
  c.observed = c.mss;
  c.ts_offset = timestamp_offset(c.way.remote);
  c.last_sent = c.first_unacked = now;
}

/// What a segment to this peer carries of data: as the path and the peer have it, less the options of each.
template <config C> template <class B> u16 layer<C>::mss_of(B&& below, const connection& c) const {
  const u32 most = segment_limit(below, c.way, c.way.mtu);
  const u32 wanted = smaller_of(most, c.peer_mss);
  const u32 bounded = larger_of(wanted, least_mss) - (c.has_timestamps ? option_room : 0);  // RFC 6691 §2: options come off the MSS
  const u32 most_in_chunk = chunk_limit(below);
  return static_cast<u16>(smaller_of(bounded, most_in_chunk));
}

/// What both SYNs said: window scale (RFC 7323 §2.2), timestamps (§3.2), and with them the size of a segment and the first congestion window.
template <config C> template <class B> void layer<C>::negotiate(B&& below, connection& c, bool has_scale, u8 shift, bool has_timestamps, u32 lost) {
  c.has_timestamps = has_timestamps;
  c.snd_shift = has_scale ? shift : 0;
  c.rcv_shift = has_scale ? receive_shift : 0;
  c.mss = mss_of(below, c);
  c.observed = c.mss;
  c.congestion.start(c.mss);
  if (lost == 0) return;
  c.rtt.fall_back();  // RFC 6298 (5.7)
  // RFC 6928 §2: one SYN may be lost by chance or timed too short; after two the initial window is one segment (RFC 5681 §3.1), and nothing is known of ssthresh.
  if (lost > 1) c.congestion.on_timeout(0x7fff'ffff, c.mss);
}

template <config C> template <class B> expected<connection_id, listen_error> layer<C>::listen(B&&, const listen_options<address, identity_type>& o) {
  if (o.port == 0) return listen_error::bad_port;
  for (const listener& l : listeners_)
    if (l.is_used && l.port == o.port && l.local == o.address) return listen_error::in_use;
  for (listener& l : anchored(listeners_)) {
    if (l.is_used) continue;
    l.local = o.address;
    l.port = o.port;
    l.backlog = static_cast<u16>(o.backlog != 0 ? smaller_of(o.backlog, limits_.backlog) : limits_.backlog);
    l.waiting = 0;
    l.is_used = true;
    l.identity = o.identity;
    return connection_id{static_cast<u32>(&l - listeners_), l.generation};
  }
  return listen_error::no_slot;
}

template <config C> template <class B> expected<void, call_error> layer<C>::close_listener(B&& below, connection_id id) {
  if (find_listener(id) == nullptr) return call_error::stale;
  listener& l = anchored(listeners_[id.index]);
  l.is_used = false;
  ++l.generation;
  freed_a_name();
  for (slot& h : slots_)
    if (h.listener == id.index + 1) drop_half_open(h);
  for (u32 i = 0; i < fresh_; ++i) {  // open, but the application was not told yet
    connection& c = element(tcbs_, i);
    if (c.state == state::closed || c.listener != id.index + 1) continue;
    send_reset(below, c, clock_at_);
    end(below, c, close_reason::aborted);
  }
  return {};
}

template <config C> template <class B>
expected<connection_id, connect_error> layer<C>::connect(B&& below, const connect_options<address, identity_type>& o, time_point now) {
  if (o.remote.port == 0 || !o.remote.address.is_unicast() || below.is_group(o.remote.address)) return connect_error::bad_address;
  path way{};
  way.local = o.local.address;
  way.remote = o.remote.address;
  if (!below.route(way)) return connect_error::no_route;
  u16 port = o.local.port;
  if (port == 0) {
    const auto chosen = choose_port(below, way.local, way.remote, o.remote.port, now);
    if (!chosen) return connect_error::no_port;
    below.observe({.what = trace::step::autobind, .bytes = *chosen});
    port = *chosen;
  } else if (!is_free({way.local, way.remote, port, o.remote.port}, now)) {
    return connect_error::in_use;
  }
  connection* c = allocate();
  if (c == nullptr) return connect_error::no_slot;
  std::optional<serial32> above;
  if constexpr (timestamps && limits_.time_wait != 0)
    if (const auto former = lookup({way.local, way.remote, port, o.remote.port})) {
      const u32 record_index = *former & 0x3fff'ffff;
      above = records_[record_index].snd_nxt + 65537;
      ++counters_.time_wait_reused;
      drop_time_wait(record_index);
    }
  c->way = way;
  c->local_port = port;
  c->remote_port = o.remote.port;
  const u64 hash = hash_of({way.local, way.remote, port, o.remote.port});
  c->hash = static_cast<u32>(hash);
  if (!table_.insert(c->hash, value_of(kind::connection, index_of(*c)))) {
    ++counters_.table_full;
    put_back(*c);
    return connect_error::no_port;
  }
  prepare(below, *c, now);
  if constexpr (limits_.explicit_ports != 0) c->port_is_explicit = o.local.port != 0 && explicit_ports_.add(port);
  c->is_open = true;
  c->identity = o.identity;
  c->state = state::syn_sent;
  c->iss = initial_sequence_number(hash, way.local, now);
  if (above && c->iss < *above) c->iss = *above;  // RFC 9293 §3.4.1: above all that the former life sent
  c->snd_una = c->iss;
  c->snd_nxt = c->snd_end = c->iss + 1;
  c->recover = c->iss;
  c->congestion.start(c->mss);
  ++counters_.active_opens;
  send_syn(below, *c, now);
  arm(*c, retransmit_timer, now + c->rtt.rto());
  return id_of(*c);
}

}  // namespace strata::inline STRATA_ABI::tcp
