// SPDX-License-Identifier: MIT
// The layer below tcp::layer<>, played by a script, and the peer beyond it. What strata sends must be named by the next out(); silence is asserted before
// every other step that is more than a look, and at the end. Of each segment that strata sends it is checked besides, whatever the script says:
//   the checksum, the options and the reserved bits (segment.cpp); the ports; that it fits the MTU; that data is what was written, begins at or before
//   SND.NXT and ends inside the window that the peer offered; that the ACK never goes back nor beyond what the peer sent; that the right edge of our window
//   never moves left (RFC 9293 §3.8.6); that timestamps are there when both SYNs had them and only then, tell the script's time, and echo what was sent.
// Of events: `connected` at most once, `closed` once, and nothing after it. At the end every chunk is back.
#pragma once
#include "ledger.hpp"

#include <strata/link/segment.hpp>
#include <strata/tcp/layer.hpp>

#include <map>
#include <memory>

namespace strata::script {

/// Each Config of the tests has one function, in a unit of its own: nothing of the layer is compiled with the scripts. Empty: passed.
std::string play_over_v4(const script_file& script, variation v);
std::string play_over_v6(const script_file& script, variation v);
std::string play_in_32_bits(const script_file& script, variation v);
std::string play_immediate(const script_file& script, variation v);
std::string play_adaptive(const script_file& script, variation v);
std::string play_minshall(const script_file& script, variation v);
std::string play_paced(const script_file& script, variation v);
std::string play_paced_trains(const script_file& script, variation v);
std::string play_deferring(const script_file& script, variation v);
std::string play_in_trains_over_v4(const script_file& script, variation v);
std::string play_in_trains_over_v6(const script_file& script, variation v);
std::string play_corking(const script_file& script, variation v);
std::string play_writing(const script_file& script, variation v);
/// The numbers of the first SYN of a stack with other secrets: its sequence number and its timestamp.
std::pair<u32, u32> first_numbers_over_v4(const variation& v, u64 secrets);

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

  explicit player(const variation& v, u64 secrets = 42) : ledger(v, addresses(1), addresses(2)), entropy_(secrets), start_{v.clock_wraps ? static_cast<rep>(0 - 150'000'000 / unit) : static_cast<rep>(v.start / unit)}, now_{start_} {
    memory_.resize(std::size_t{C::limits.chunks} * C::limits.chunk_size, std::byte{0xa5});  // nothing may be taken for zero
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
    const auto id = tcp_->connect(*this, {.remote = {far(), first_peer_port}, .local = {near(1), our_port}}, now_);
    if (!id || sent_.empty()) return {};
    return {sent_.front().s.seq, sent_.front().s.ts_value};
  }

  // ---- tcp::network ----
  packet take() { return chunks_.take(64, C::limits.receive_reserve); }
  u32 headroom() { return 64; }
  bool route(path& way) {
    if (unroutable_) return false;
    if (way.local.is_unspecified()) way.local = near(selected_);
    way.mtu = static_cast<u16>(mtu());
    return true;
  }
  bool is_group(const address& a) const { return a.is_multicast() || a.is_broadcast(); }
  sent send(path& way, packet&& given, u8 protocol) {
    packet p = std::move(given);
    const trace::record header = std::exchange(header_, {}), checksum = std::exchange(checksum_, {});
    if (ring_full_ != 0) {
      --ring_full_;
      return sent::full;
    }
    if constexpr (C::gso_max_size != 0) {
      if (buffer::is_train(p.d())) return take_apart(way, p, protocol);
    }
    std::string why;
    const u8 which = way.local == near(2) ? 2 : 1;
    auto s = dissect(p.bytes(), addresses_of(which), why);
    if (protocol != 6 || way.local != near(which) || way.remote != far()) why = "sent to somebody else";
    else if (hop_limit_ != 0 && way.hop_limit != hop_limit_) why = "sent with another hop limit";
    else if (way.traffic_class != dscp_ << 2) why = "sent with another DSCP";
    else if (!keeps_image(way)) why = "sent with the header of a path that has changed since";
    else if (p->offset < headroom()) why = "no room is left for the headers below";
    else if (p->transport != p->offset) why = "the offset of the transport header is not set";
    else if (s && p.size() + ip_header > mtu()) why = "a segment does not fit the MTU";
    else if (C::gso_max_size == 0 && (!tells_of(header, p) || !tells_of(checksum, p) || ((!s->data.empty() || (s->flags & flag::fin) != 0) && (header.connection == 0 || checksum.connection == 0)))) why = "an observer is told of another segment";
    if (!s || !why.empty()) fault(why);
    else sent_.push_back({since_start_, *s, which}), check(sent_.back().s);
    if (nic_holds_) {
      p.become(buffer::owner::nic);
      nic_.push_back(std::move(p));
    }
    return sent::sent;
  }
  u32 train_limit(const path&) const requires(C::gso_max_size != 0) { return C::gso_max_size; }
  void confirm(const path&) { ++confirmed_; }
  u32 network_header_size(const path&) { return ip_header; }
  u64 random() { return entropy_ += 0x9e3779b97f4a7c15, entropy_ ^ entropy_ >> 29; }
  buffer::pool& chunks() { return chunks_; }
  /// What a step tells is so: the connection and the chunk exist, the header is that of the segment which leaves next, and what is told of one that came is what came.
  void observe(const trace::record& r) {
    if (tcp_->connections() > connections_seen_) connections_seen_ = tcp_->connections();
    if (r.connection > connections_seen_ || r.chunk > C::limits.chunks) fault("an observer is told of a connection or a chunk that is none");
    switch (r.what) {
      case trace::step::tcp_header: header_ = r; break;
      case trace::step::tcp_checksum: checksum_ = r; break;
      case trace::step::take_chunk: taken_ = r.chunk; [[fallthrough]];
      case trace::step::queue:
      case trace::step::append:
        if (r.chunk != taken_ && r.what != trace::step::append) fault("an observer is told of another chunk");
        [[fallthrough]];
      case trace::step::clone:
      case trace::step::split:
      case trace::step::retransmit:
        if (r.chunk == 0) fault("an observer is told of no chunk");
        [[fallthrough]];
      case trace::step::quota:
      case trace::step::push:
      case trace::step::write_loop:
      case trace::step::fast_path:
      case trace::step::slow_path:
      case trace::step::deliver:
      case trace::step::acknowledge:
      case trace::step::ack_sent:
        if (r.connection == 0) fault("an observer is told of no connection");
        break;
      default: break;
    }
    if (!tells_of_chunk(r) || !tells_of_arrival(r) || !tells_of_unsent(r)) fault("an observer is told otherwise than it is");
  }

 private:
  /// As ip/ does: the header is built once, and again where `generation` says that it is void.
  bool keeps_image(path& way) {
    const std::pair<u8, u8> now{way.hop_limit, way.traffic_class};
    if (std::exchange(way.generation, 1) == 0) images_[&way] = now;
    return images_[&way] == now;
  }
  bool tells_of_chunk(const trace::record& r) const {
    const buffer::descriptor* d = chunks_.named(r.chunk);
    switch (r.what) {
      case trace::step::take_chunk:
      case trace::step::queue: return r.seq == d->seq;
      case trace::step::append: return r.seq == d->seq && r.bytes != 0 && r.bytes <= d->body_length;
      case trace::step::clone: return r.seq == d->seq && (C::gso_max_size != 0 || r.bytes == d->body_length);
      case trace::step::split:
      case trace::step::retransmit: return r.seq == d->seq + d->done && r.bytes <= u32{d->body_length} - d->done;
      default: return true;
    }
  }
  bool tells_of_unsent(const trace::record& r) const {
    if (r.what == trace::step::ack_sent) return r.seq == header_.seq && r.ack == header_.ack;
    if (r.what != trace::step::push && r.what != trace::step::write_loop) return true;
    for (const remote& one : peer_) {
      if (!one.has_id || one.is_over || one.id.index + 1 != r.connection) continue;
      if (const auto i = tcp_->info(one.id, now_)) return r.bytes == i->unsent && (r.bytes != 0 || r.what == trace::step::push);
    }
    return true;  // the application was not told of it yet
  }
  bool tells_of_arrival(const trace::record& r) const {
    const u32 end = arrived_.seq + arrived_.length;
    switch (r.what) {
      case trace::step::lookup: return r.seq == arrived_.seq && r.ack == arrived_.ack && r.bytes == arrived_.size;
      case trace::step::fast_path:
      case trace::step::slow_path: return r.seq == arrived_.seq && r.ack == arrived_.ack && r.bytes == arrived_.length;
      case trace::step::acknowledge: return r.seq == arrived_.seq + arrived_.syn && r.ack == arrived_.ack;
      case trace::step::deliver: return r.bytes != 0 && static_cast<i32>(r.seq - arrived_.seq) >= 0 && static_cast<i32>(r.seq + r.bytes - end) <= static_cast<i32>(arrived_.syn);
      default: return true;
    }
  }
  bool tells_of(const trace::record& r, const packet& p) const {
    return r.chunk == chunks_.name(p.d()) && r.bytes == p.size() && r.seq == load_be<u32>(p.bytes().data() + 4) && r.ack == load_be<u32>(p.bytes().data() + 8);
  }
  static address near(u32 n) { if constexpr (is_v4) return {0x0a000000 + n}; else return {0xfd00'0000'0000'0000, n}; }
  static address far() { if constexpr (is_v4) return {0x0a000009}; else return {0xfd00'0000'0000'0000, 9}; }
  static address where(nowhere who) {
    if (who == nowhere::no_port) return far();
    if (who == nowhere::unspecified) return {};
    if constexpr (is_v4) return {who == nowhere::everybody ? 0xffff'ffffu : 0xe000'0001u};
    else return {0xff02'0000'0000'0000, 1};
  }
  /// Source and destination, as the pseudo-header has them; their order does not change the sum.
  static std::vector<std::byte> addresses(u32 which) {
    std::vector<std::byte> b;
    const auto put = [&b](u64 n, u32 bytes) { for (u32 i = bytes; i-- > 0;) b.push_back(static_cast<std::byte>(n >> (8 * i) & 0xff)); };
    for (const address& a : {near(which), far()}) {
      if constexpr (is_v4) put(a.value, 4);
      else put(a.high, 8), put(a.low, 8);
    }
    return b;
  }
  /// What the link does with a train whose driver takes frames only; the frames then pass as any other.
  sent take_apart(path& way, packet& head, u8 protocol) requires(C::gso_max_size != 0) {
    std::byte* const at = head.push(ip_header);
    if constexpr (is_v4) (void)wire::ipv4::emit_atomic(at, protocol, way.local, way.remote, 0, 64);
    else wire::ipv6{.next_header = protocol, .source = way.local, .destination = way.remote}.emit(at);
    link::segmenter frames(head.d(), 0);
    frames.first(head);
    for (u32 name = std::exchange(head->train, 0); name != 0;) {
      packet part = packet::adopt(*chunks_.named(name), buffer::owner::application);
      name = std::exchange(part->train, 0);
      frames.next(part, name == 0);
      part.pull(ip_header);
      if (head) head.pull(ip_header), (void)send(way, std::move(head), protocol);
      (void)send(way, std::move(part), protocol);
    }
    return sent::sent;
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
    if (tcp_->is_due(now_)) tcp_->advance(*this, now_);
    for (u32 n = 0; tcp_->has_pending();) {
      const auto e = tcp_->pending(*this, now_);
      if (!e) break;
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
    if ((e.bits & stream_events::accepted) == 0 && e.listener != 0) return void(fault("an event names a listener, and nothing was accepted"));
    if ((e.bits & stream_events::connected) != 0 && ++r->connected > 1) return void(fault("connected twice"));
    if ((e.bits & stream_events::readable) != 0 && tcp_->peek(*this, e.id).empty()) return void(fault("readable, but there is nothing to read"));
    r->events = static_cast<u8>(r->events | e.bits);
    if ((e.bits & stream_events::closed) != 0) r->is_over = r->closed_unclaimed = true, r->why = e.why;
    if ((e.bits & r->aborts_at) != 0 && tcp_->abort(*this, e.id, now_)) r->aborts_at = 0;
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
    if (bytes.size() >= 20) {
      const u32 size = static_cast<u32>(bytes.size());
      arrived_ = {load_be<u32>(bytes.data() + 4), load_be<u32>(bytes.data() + 8), size, size - 4 * std::to_integer<u32>(bytes[12] >> 4), (bytes[13] & std::byte{flag::syn}) != std::byte{} ? 1u : 0u};
    }
    datagram_info<address> info{};
    info.local = near(want.address == 2 ? 2 : 1), info.remote = far(), info.protocol = 6;
    info.is_broadcast = std::exchange(broadcast_, false);
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
  // player_steps.hpp
  bool is_dead_if_closed(const remote& r);
  template <class O> bool is_told(const remote& r, const O& o);
  template <class O> bool set_and_told(const step& s, const remote& r, const char* what, const O& o);
  bool run(const step& s);
  bool read(const step& s, remote& r);
  bool compare(const step& s, const remote& r);
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

  u64 entropy_;
  time_point start_, now_;
  connection_id listener_{};
  u8 hop_limit_ = 0, dscp_ = 0;
  std::map<const path*, std::pair<u8, u8>> images_;  // what the header that was built for a path asks for
  bool listening_ = false, unroutable_ = false, nic_holds_ = false, broadcast_ = false;
  u32 mtu_ = 1500, ring_full_ = 0, together_ = 0, confirmed_ = 0, selected_ = 1;
  u32 connections_seen_ = 0, taken_ = 0;
  trace::record header_{}, checksum_{};
  struct { u32 seq = 0, ack = 0, size = 0, length = 0, syn = 0; } arrived_;
  std::vector<std::byte> memory_;
  buffer::descriptor table_[C::limits.chunks]{};
  u32 hashes_[C::limits.chunks]{};
  buffer::pool chunks_{};
  std::vector<packet> hold_, nic_;
  std::vector<tcp::owned_view> views_;
  tcp::reservation place_;
  std::unique_ptr<layer> tcp_ = std::make_unique<layer>();
};

}  // namespace strata::script

#include "player_steps.hpp"

namespace strata::script {

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
