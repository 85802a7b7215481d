// SPDX-License-Identifier: MIT
// The language of the scripts: a trace of packets as constexpr data, in the notation of tcpdump and packetdrill, read by the compiler. A typing error does
// not compile, and the compiler prints the name of the fault.
//
//   in("S 0:0(0) win 65535 <mss 1460,ws 7>")     from the peer       flags  S syn  F fin  R rst  P psh  U urg  E ece  W cwr  . ack, and seq:end(length)
//   out(". 1:1461(1460) ack 1")                   from strata         all numbers count from the first one of their side, timestamps too
//
// in() may say `urg N` too, the urgent pointer as it stands in the header.
// A segment states only what differs:  in: flags "." unless given, the number that follows what the peer sent, the ACK of its last segment, its last window.
// out: data without flags may or may not carry PSH; what is not stated is not compared, but see player.hpp for what always is.
// Windows are in bytes: the player scales. Times are in milliseconds since the script began.
#pragma once
#include <strata/core/path.hpp>
#include <strata/tcp/types.hpp>

#include <source_location>

namespace strata::script {

enum class verb : u8 {
  at, in, out, in_raw, together, listen, close_listener, connect, write, write_view, reserve, commit, read, take, drop_taken, close, shutdown, abort, no_delay,
  shutdown_receive, keep_alive, linger, cork, user_timeout, pacing_rate, timer, expect, never, closed, icmp, mtu, value, counter, ring_full, chunks, unroutable, nic_holds, complete,
  next_life, corrupt, in_use, active, passive, peer_unscaled, stale, above, header_words, reserved, broadcast, selects, connect_nowhere, iss_moved, iss_apart,
  no_deadline, due_in, gather, send_low_water, notsent_low_water, abandon, hop_limit, abort_when_told, dscp, sleeps
};
/// What `info()` of the connection is asked for.
enum class field : u8 {
  state, limit, mss, cwnd, ssthresh, send_window, receive_window, unacked, unsent, unread, urgent, send_chunks, receive_chunks, srtt_ms, rto_ms, backoff, in_recovery,
  retransmitted, bytes_acked, bytes_received, has_timestamps, send_window_scale, receive_window_scale, path_mtu, rttvar_ms, pacing_rate,
  confirmed  // of this script's connections: how often the layer below was told that a peer is reached
};
using counter_type = u64 tcp::counters::*;

namespace flag { inline constexpr u8 fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128; }

/// One segment as the script states it.
struct wanted {
  u32 seq = 0, length = 0, ack = 0, window = 0, ts_value = 0, ts_echo = 0;
  u16 mss = 0, urgent = 0;
  u8 flags = 0, shift = 0;
  bool has_flags = false, has_seq = false, has_ack = false, has_window = false, has_mss = false, has_shift = false, has_ts = false, no_ts = false, sack_ok = false,
       has_options = false;
  const char* hex = nullptr;  // options as they are, in hexadecimal digits; ends at the first other character
};

struct step {
  verb what{};
  u8 peer = 0;          // which of several peers: they differ in their port
  u8 code = 0;          // an error, an event, a field, a kind
  u8 address = 0;       // which of our addresses, from 1; zero: the first, or whichever
  bool flagged = false; // `more`, `true`
  bool has_gives = false, has_fails = false;
  u32 number = 0, gives = 0;
  u64 value = 0;
  wanted s{};
  counter_type counted = nullptr;
  unsigned line = 0;

  /// The same step for another peer: its source port is another one, and so are its numbers.
  [[nodiscard]] consteval step peer_is(u8 n) const { step c = *this; c.peer = n; return c; }
  /// The same step at another of our addresses, of which there are two: where a segment goes or comes from, and what listen() and connect() ask for.
  [[nodiscard]] consteval step on_address(u8 n) const { step c = *this; c.address = n; return c; }
  /// What the call answers: how many bytes.
  [[nodiscard]] consteval step takes(u32 n) const { step c = *this; c.has_gives = true; c.gives = n; return c; }
  /// The call fails so.
  template <class E> [[nodiscard]] consteval step fails(E e) const { step c = *this; c.has_fails = true; c.code = static_cast<u8>(e); return c; }
};

namespace fault {  // never defined: consteval code that calls one does not compile, and the compiler prints its name
void a_number_belongs_here();
void this_is_not_packetdrills_notation();
void the_length_in_parentheses_is_not_end_minus_seq();
void options_end_with_an_angle_bracket();
void hexadecimal_digits_come_in_pairs_and_words_of_four();
}  // namespace fault

namespace detail {

struct reader {
  const char* p;

  consteval void spaces() { while (*p == ' ' || *p == ',') ++p; }
  consteval bool word(const char* w) {
    const char* q = p;
    for (; *w != 0; ++q, ++w) if (*q != *w) return false;
    if ((*q >= 'a' && *q <= 'z') || (*q >= 'A' && *q <= 'Z')) return false;
    p = q;
    spaces();
    return true;
  }
  consteval bool is_digit() const { return *p >= '0' && *p <= '9'; }
  consteval u32 number() {
    if (!is_digit()) fault::a_number_belongs_here();
    u64 n = 0;
    while (is_digit()) n = n * 10 + static_cast<u64>(*p++ - '0');
    if (n > 0xffff'ffff) fault::a_number_belongs_here();
    return static_cast<u32>(n);
  }
  consteval void is(char c) {
    if (*p != c) fault::this_is_not_packetdrills_notation();
    ++p;
  }
  consteval void flags(wanted& s) {
    for (; *p != 0 && *p != ' '; ++p) {
      switch (*p) {
        case 'S': s.flags |= flag::syn; break;
        case 'F': s.flags |= flag::fin; break;
        case 'R': s.flags |= flag::rst; break;
        case 'P': s.flags |= flag::psh; break;
        case 'U': s.flags |= flag::urg; break;
        case 'E': s.flags |= flag::ece; break;
        case 'W': s.flags |= flag::cwr; break;
        case '.': s.flags |= flag::ack; break;
        case '-': break;  // no flag at all
        default: fault::this_is_not_packetdrills_notation();
      }
    }
    s.has_flags = true;
  }
  consteval void options(wanted& s) {
    s.has_options = true;
    for (spaces(); *p != '>'; spaces()) {
      if (word("mss")) s.has_mss = true, s.mss = static_cast<u16>(number());
      else if (word("ws")) s.has_shift = true, s.shift = static_cast<u8>(number());
      else if (word("sackOK")) s.sack_ok = true;
      else if (word("nots")) s.no_ts = true;
      else if (word("ts")) { s.has_ts = true; s.ts_value = number(); spaces(); s.ts_echo = number(); }
      else if (word("hex")) hex(s);
      else fault::options_end_with_an_angle_bracket();
    }
    ++p;
  }
  consteval void hex(wanted& s) {
    s.hex = p;
    u32 digits = 0;
    for (; (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'); ++p) ++digits;
    if (digits == 0 || digits % 8 != 0 || digits > 80) fault::hexadecimal_digits_come_in_pairs_and_words_of_four();
  }
};

consteval wanted parse(const char* text) {
  wanted s{};
  reader r{text};
  for (r.spaces(); *r.p != 0; r.spaces()) {
    if (r.is_digit()) {
      s.has_seq = true;
      s.seq = r.number();
      r.is(':');
      const u32 end = r.number();
      r.is('(');
      s.length = r.number();
      r.is(')');
      if (end - s.seq != s.length) fault::the_length_in_parentheses_is_not_end_minus_seq();
    } else if (r.word("ack")) {
      s.has_ack = true, s.ack = r.number();
    } else if (r.word("win")) {
      s.has_window = true, s.window = r.number();
    } else if (r.word("urg")) {
      s.urgent = static_cast<u16>(r.number());
    } else if (*r.p == '<') {
      ++r.p;
      r.options(s);
    } else {
      r.flags(s);
    }
  }
  return s;
}

}  // namespace detail

using here = std::source_location;
consteval step make(verb v, here h) { step s{}; s.what = v; s.line = h.line(); return s; }
consteval step make(verb v, u32 n, here h) { step s = make(v, h); s.number = n; return s; }

// ---- time and segments ----
/// Nothing leaves before `ms`; then one poll. What must leave then is named by the out() that follow.
consteval step at(u32 ms, here h = here::current()) { return make(verb::at, ms, h); }
/// The loop comes back at `ms` only, whatever was due before; then one poll. What leaves in it is named by the out() that follow.
consteval step sleeps_until(u32 ms, here h = here::current()) { return make(verb::sleeps, ms, h); }
consteval step in(const char* text, here h = here::current()) { step s = make(verb::in, h); s.s = detail::parse(text); return s; }
consteval step out(const char* text, here h = here::current()) { step s = make(verb::out, h); s.s = detail::parse(text); return s; }
/// The next `n` segments come in one poll.
consteval step together(u32 n, here h = here::current()) { return make(verb::together, n, h); }
/// The next segment's checksum is wrong.
consteval step corrupt(here h = here::current()) { return make(verb::corrupt, h); }
/// The next segment is cut to `n` bytes of header and data.
consteval step cut_to(u32 n, here h = here::current()) { return make(verb::in_raw, n, h); }
/// The next segment says that its header has so many 32-bit words.
consteval step header_words(u32 n, here h = here::current()) { return make(verb::header_words, n, h); }
/// The four reserved bits of the next segment.
consteval step reserved_bits(u32 bits, here h = here::current()) { return make(verb::reserved, bits, h); }
/// The next segment comes as a broadcast, or to a group.
consteval step broadcast(here h = here::current()) { return make(verb::broadcast, h); }
/// The peer begins a new connection from the same port: its numbers start `higher` above where the last life's started.
consteval step next_life(u32 higher, here h = here::current()) { return make(verb::next_life, higher, h); }

/// The first number of this life lies above all `sent` numbers of the one before.
consteval step above_old_life(u32 sent, here h = here::current()) { return make(verb::above, sent, h); }

/// The first number of this life lies about so much above that of the one before, a twentieth more or less.
consteval step iss_moved(u32 about, here h = here::current()) { return make(verb::iss_moved, about, h); }
/// The first number lies a million and more away from that of the connection with another peer.
consteval step iss_apart_from(u32 peer, here h = here::current()) { return make(verb::iss_apart, peer, h); }

// ---- the application ----
inline constexpr bool more = true;
consteval step listen(u32 backlog = 0, here h = here::current()) { return make(verb::listen, backlog, h); }
consteval step close_listener(here h = here::current()) { return make(verb::close_listener, h); }
consteval step connect(here h = here::current()) { return make(verb::connect, h); }
/// Where nobody can be.
enum class nowhere : u8 { unspecified, everybody, group, no_port };
consteval step connect_to(nowhere who, here h = here::current()) { return make(verb::connect_nowhere, static_cast<u32>(who), h); }
consteval step write(u32 n, bool with_more = false, here h = here::current()) { step s = make(verb::write, n, h); s.flagged = with_more; return s; }
/// The end of a record: send_flags::end_of_record.
consteval step write_record(u32 n, bool with_more = false, here h = here::current()) { step s = write(n, with_more, h); s.value = 1; return s; }
/// The same bytes as write(n), in one call, as spans of `each`.
consteval step gather(u32 n, u32 each, bool with_more = false, here h = here::current()) { step s = make(verb::gather, n, h); s.value = each; s.flagged = with_more; return s; }
/// Sends what is unread, by its view: an echo without a copy in between.
consteval step echo(here h = here::current()) { return make(verb::write_view, h); }
consteval step reserve(u32 n, here h = here::current()) { return make(verb::reserve, n, h); }
consteval step commit(u32 n, bool with_more = false, here h = here::current()) { step s = make(verb::commit, n, h); s.flagged = with_more; return s; }
consteval step commit_record(u32 n, here h = here::current()) { step s = commit(n, false, h); s.value = 1; return s; }
consteval step read(u32 n, here h = here::current()) { return make(verb::read, n, h); }
/// Takes the first unread chunk out of the stream.
consteval step take(u32 n, here h = here::current()) { return make(verb::take, n, h); }
consteval step drop_taken(here h = here::current()) { return make(verb::drop_taken, h); }
consteval step close(here h = here::current()) { return make(verb::close, h); }
consteval step shutdown(here h = here::current()) { return make(verb::shutdown, h); }
consteval step abort(here h = here::current()) { return make(verb::abort, h); }
consteval step no_delay(bool on, here h = here::current()) { step s = make(verb::no_delay, h); s.flagged = on; return s; }
consteval step send_low_water(u32 bytes, here h = here::current()) { return make(verb::send_low_water, bytes, h); }
consteval step notsent_low_water(u32 bytes, here h = here::current()) { return make(verb::notsent_low_water, bytes, h); }
consteval step pacing_rate(u32 bytes_per_second, here h = here::current()) { return make(verb::pacing_rate, bytes_per_second, h); }
consteval step user_timeout(u32 ms, here h = here::current()) { return make(verb::user_timeout, ms, h); }
consteval step shutdown_receive(here h = here::current()) { return make(verb::shutdown_receive, h); }
/// option::keep_alive; `idle` and `interval` in seconds. Without arguments: off.
consteval step keep_alive(u16 idle, u16 interval, u8 probes, here h = here::current()) {
  step s = make(verb::keep_alive, u32{idle} << 16 | interval, h); s.code = probes; s.flagged = true; return s;
}
consteval step no_keep_alive(here h = here::current()) { return make(verb::keep_alive, h); }
consteval step cork(bool on, here h = here::current()) { step s = make(verb::cork, h); s.flagged = on; return s; }
consteval step linger(u32 ms, here h = here::current()) { return make(verb::linger, ms, h); }
/// option::hop_limit; from now on every segment asks for it.
consteval step hop_limit(u8 n, here h = here::current()) { return make(verb::hop_limit, n, h); }
/// option::dscp, likewise.
consteval step dscp(u8 n, here h = here::current()) { return make(verb::dscp, n, h); }
/// The stack is stopped: everything ends silently, and the layer is as new.
consteval step abandon(here h = here::current()) { return make(verb::abandon, h); }
consteval step timer(u32 ms, here h = here::current()) { return make(verb::timer, ms, h); }
consteval step cancel_timer(here h = here::current()) { step s = make(verb::timer, h); s.flagged = true; return s; }

// ---- what the application is told ----
using bit = stream_events::bit;
/// The event was told since the connection began, or since the last expect() of it.
consteval step expect(bit event, here h = here::current()) { step s = make(verb::expect, h); s.code = event; return s; }
/// The handler that is told `event` next aborts its connection, in that turn.
consteval step abort_when_told(bit event, here h = here::current()) { step s = make(verb::abort_when_told, h); s.code = event; return s; }
/// It was not.
consteval step never(bit event, here h = here::current()) { step s = make(verb::never, h); s.code = event; return s; }
consteval step closed(close_reason why, here h = here::current()) { step s = make(verb::closed, h); s.code = static_cast<u8>(why); return s; }
consteval step stale(here h = here::current()) { return make(verb::stale, h); }
/// Nothing is due: a loop could sleep for ever.
consteval step no_deadline(here h = here::current()) { return make(verb::no_deadline, h); }
/// A loop could sleep for `ms`, and no longer.
consteval step is_due_in(u32 ms, here h = here::current()) { return make(verb::due_in, ms, h); }
consteval step is(field f, u64 value, here h = here::current()) { step s = make(verb::value, h); s.code = static_cast<u8>(f); s.value = value; return s; }
consteval step is(tcp::state v, here h = here::current()) { return is(field::state, static_cast<u64>(v), h); }
consteval step is(tcp::limited_by v, here h = here::current()) { return is(field::limit, static_cast<u64>(v), h); }
consteval step counted(counter_type c, u64 value, here h = here::current()) { step s = make(verb::counter, h); s.counted = c; s.value = value; return s; }
/// Connections, half-open ones and TIME-WAIT records in use, as `connections * 10000 + half_open * 100 + time_waits`.
consteval step in_use(u32 connections, u32 half_open, u32 time_waits, here h = here::current()) { return make(verb::in_use, connections * 10000 + half_open * 100 + time_waits, h); }

// ---- the layer below ----
/// An ICMP error about a segment of ours whose first number was `seq`.
consteval step icmp(icmp_error_kind kind, u32 seq, u32 mtu = 0, bool is_local = false, here h = here::current()) {
  step s = make(verb::icmp, seq, h); s.code = static_cast<u8>(kind); s.gives = mtu; s.flagged = is_local; return s;
}
/// The path's MTU as route() says it, for an IPv4 header and no options: 1500 until then.
consteval step path_mtu(u32 bytes, here h = here::current()) { return make(verb::mtu, bytes, h); }
/// The NIC refuses the next `n` segments.
consteval step ring_full(u32 n, here h = here::current()) { return make(verb::ring_full, n, h); }
/// Only `n` chunks are left to take; a number beyond the pool's gives all back.
consteval step chunks(u32 n, here h = here::current()) { return make(verb::chunks, n, h); }
/// Only `n` of those are left that are kept for receiving; with two of the four not even one for an ACK.
consteval step last_chunks(u32 n, here h = here::current()) { step s = make(verb::chunks, n, h); s.flagged = true; return s; }
/// Which of our addresses the internet layer selects for whoever names none.
consteval step ip_selects(u32 address, here h = here::current()) { return make(verb::selects, address, h); }
inline constexpr u32 all = 1000;
consteval step unroutable(bool on, here h = here::current()) { step s = make(verb::unroutable, h); s.flagged = on; return s; }
/// The NIC keeps what it is given until complete().
consteval step nic_holds(bool on, here h = here::current()) { step s = make(verb::nic_holds, h); s.flagged = on; return s; }
consteval step complete(here h = here::current()) { return make(verb::complete, h); }

// ---- how most scripts begin ----
/// An open connection that we began: the peer said <mss 1460,ws 0>, window 65535, `rtt` milliseconds after our SYN. Both sides' next number is 1.
consteval step established_active(u32 rtt = 0, here h = here::current()) { return make(verb::active, rtt, h); }
/// The same, begun by the peer.
consteval step established_passive(u32 rtt = 0, here h = here::current()) { return make(verb::passive, rtt, h); }

/// In which variations a script is played. Always: both families, and a tick of 32 bits; the clock, the sequence numbers and the timestamps of both sides
/// far from their wrap and just below it.
enum class with : u8 { either, timestamps, no_timestamps };
/// standard: both families; immediate: tcp::none and tcp::immediate_acks; adaptive: tcp::adaptive_acks; minshall: tcp::minshall and every fourth ACK;
/// writing: everything that tcp/write_path.hpp has; corking: tcp::autocork_over<tcp::none>; paced: pacing::rate, and three segments of a connection below it; paced_trains: that rate, and trains; deferring: trains that wait to become longer.
enum class policy : u8 { standard, only_v4, only_v6, immediate, adaptive, minshall, writing, corking, paced, paced_trains, deferring };

/// Plays it in each variation; the first that fails is shown, with the trace until then.
void play(std::span<const step> script, with timestamps = with::either, policy which = policy::standard, here h = here::current());

}  // namespace strata::script
