// SPDX-License-Identifier: MIT
// What the calls of TCP take and answer.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/address.hpp>
#include <strata/core/events.hpp>
#include <strata/core/expected.hpp>
#include <strata/core/permission.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// RFC 9293 §3.3.2. LISTEN and half-open connections have records of their own, so has TIME-WAIT once the application is done.
enum class state : u8 { closed, syn_sent, syn_received, established, fin_wait_1, fin_wait_2, close_wait, closing, last_ack, time_wait };

enum class listen_error : u8 { none, in_use, no_slot, bad_port, not_permitted, bad_options };
enum class connect_error : u8 {
  none,
  no_slot,          ///< all control blocks are in use: raise limits.connections
  no_route,
  no_port,          ///< no free local port to this peer
  in_use,           ///< the local port that was asked for is taken for this peer
  bad_address,      ///< unspecified, broadcast or multicast (RFC 9293 §3.9.2.3)
  not_permitted,
  bad_options
};
enum class send_error : u8 { none, stale, would_block, closed, not_connected, not_permitted, bad_options, too_big };
enum class receive_error : u8 { none, stale, would_block, end_of_stream, not_permitted };
enum class call_error : u8 { none, stale, not_permitted, not_connected, bad_options };

template <class Address, class Identity = permission::no_identity> struct listen_options {
  u16 port = 0;
  Address address{};   ///< unspecified: any of ours
  u32 backlog = 0;     ///< half-open and not yet accepted ones; zero: limits.backlog
  [[no_unique_address]] Identity identity{};  ///< who asks, if the permission policy tells people apart; accepted streams are theirs
};
template <class Address, class Identity = permission::no_identity> struct connect_options {
  endpoint<Address> remote{};
  endpoint<Address> local{};  ///< zero port: chosen by RFC 6056 §3.3.4
  [[no_unique_address]] Identity identity{};
};

struct send_flags {
  bool more = false;        ///< more will follow at once: a short last segment waits for it (Linux: MSG_MORE)
  bool now_please = false;  ///< ring the doorbell before returning
  bool end_of_record = false;  ///< nothing is appended to the segment that takes the last of these bytes. Needs write_path::records. Linux: MSG_EOR
};

/// Options of a connection: s.set(option::no_delay{true}), s.get<option::no_delay>().
namespace option {
struct no_delay { bool value = false; };           ///< small segments leave at once; exists where the coalescing policy holds them back
struct user_timeout { u32 ms = 0; };               ///< RFC 9293 §3.9.1.1: how long data may go unacknowledged; zero: the default of 15 retransmissions
/// While it is on, every write is as one with send_flags::more; turned off, what was held back leaves. As with `more`, nothing waits longer than a
/// retransmission timeout while nothing is outstanding. Linux: TCP_CORK.
struct cork { bool value = false; };
/// After a send that came up short, `writable` comes when the quota has room for so many bytes; more than the quota: when all of it is free. Zero: when a
/// third is. Linux: sk_stream_is_writeable; BSD: SO_SNDLOWAT.
struct send_low_water { u32 bytes = 0; };
/// A send takes no more while so many bytes wait unsent, and `writable` comes when half of them have left; zero: as many as the quota holds. What an
/// application has not handed over it can still replace by something newer. Linux: TCP_NOTSENT_LOWAT.
struct notsent_low_water { u32 bytes = 0; };
/// RFC 9293 §3.9.1.9: the DSCP of what the connection sends from now on, 0 to 63 (RFC 2474 §3); beyond: bad_options. Linux: IP_TOS, IPV6_TCLASS.
struct dscp { u8 value = 0; };
/// RFC 9293 §3.9.2: time to live, or hop limit, of what the connection sends from now on; zero: 64. Linux: IP_TTL, IPV6_UNICAST_HOPS.
struct hop_limit { u8 value = 0; };
/// RFC 9293 §3.8.4: after `idle_s` seconds without a segment from the peer it is probed, every `interval_s`; `probes` in a row without an answer end the
/// connection as timed_out. Linux: SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. Zero in any of the three: bad_options.
struct keep_alive { bool value = false; u16 idle_s = 7200, interval_s = 75; u8 probes = 9; };
/// The connection sends no faster than this, bytes per second; zero: as fast as its window says. Exists where connections are paced. Linux: SO_MAX_PACING_RATE.
struct pacing_rate { u64 bytes_per_second = 0; };
/// What close() does with bytes that the peer has not acknowledged. Off: they are sent for as long as it takes. On: after `ms` they are given up, and the
/// peer gets a reset; zero: at once. Linux: SO_LINGER.
struct linger { bool value = false; u32 ms = 0; };
}  // namespace option

/// A sequence of spans, which one call sends: std::array, std::span, unread_view.
template <class T> concept gathered = !std::convertible_to<const T&, std::span<const std::byte>> && requires(const T& parts) {
  { *parts.begin() } -> std::convertible_to<std::span<const std::byte>>;
  { parts.begin() == parts.end() } -> std::convertible_to<bool>;
};
/// Bytes in all.
template <gathered T> [[nodiscard]] constexpr std::size_t total_size(const T& parts) {
  std::size_t n = 0;
  for (const std::span<const std::byte> part : parts) n += part.size();
  return n;
}

/// A place in the send queue for `room()` bytes, written by the application and sent by commit(). Dropping it cancels.
class reservation {
 public:
  reservation() = default;
  reservation(packet chunk, u32 bytes) : chunk_(std::move(chunk)), bytes_(bytes) {}
  [[nodiscard]] std::span<std::byte> room() const { return chunk_ ? chunk_.room().first(bytes_) : std::span<std::byte>{}; }

 private:
  packet chunk_;
  u32 bytes_ = 0;

 public:
  [[nodiscard]] packet release() { return std::move(chunk_); }  ///< for the layer
};

/// All unread bytes, as a sequence of spans. Valid until the next call that consumes from the same stream.
class unread_view {
 public:
  unread_view() = default;
  unread_view(buffer::pool& chunks, u32 head, u32 bytes) : chunks_(&chunks), head_(head), bytes_(bytes) {}
  class iterator {
   public:
    using value_type = std::span<const std::byte>;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    iterator(buffer::pool* chunks, u32 at) : chunks_(chunks), at_(at) {}
    [[nodiscard]] value_type operator*() const {
      const buffer::descriptor& d = *chunks_->named(at_);
      return {d.chunk + d.body + d.done, static_cast<std::size_t>(d.body_length - d.done)};
    }
    iterator& operator++() { at_ = chunks_->named(at_)->queue; return *this; }
    iterator operator++(int) { iterator old = *this; ++*this; return old; }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }

   private:
    buffer::pool* chunks_ = nullptr;
    u32 at_ = 0;
  };
  [[nodiscard]] iterator begin() const { return {chunks_, bytes_ == 0 ? 0 : head_}; }
  [[nodiscard]] iterator end() const { return {chunks_, 0}; }
  [[nodiscard]] std::size_t size() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  /// The first span: all there is, if the bytes came in one chunk.
  [[nodiscard]] std::span<const std::byte> front() const { return empty() ? std::span<const std::byte>{} : *begin(); }
  /// Copies the first bytes to `to`; how many.
  std::size_t copy_to(std::span<std::byte> to) const {
    std::size_t n = 0;
    for (const auto part : *this) {
      const std::size_t take = smaller_of(part.size(), to.size() - n);
      copy_bytes(to.data() + n, part.data(), take);
      n += take;
      if (n == to.size()) break;
    }
    return n;
  }

 private:
  buffer::pool* chunks_ = nullptr;
  u32 head_ = 0;
  u32 bytes_ = 0;
};

/// Bytes that the application took out of the stream without a copy; the chunk goes back when this is dropped.
class owned_view {
 public:
  owned_view() = default;
  owned_view(packet chunk, u32 offset, u32 bytes) : chunk_(std::move(chunk)), offset_(offset), bytes_(bytes) {}
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return chunk_ ? std::span<const std::byte>{chunk_->chunk + offset_, bytes_} : std::span<const std::byte>{};
  }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(chunk_); }

 private:
  packet chunk_;
  u32 offset_ = 0;
  u32 bytes_ = 0;
};

/// What limits a sender now: the predicate that stopped the last output loop.
enum class limited_by : u8 { nothing, application, congestion_window, receive_window, coalescing, ring, neighbour, chunks, deferral, pacing, small_queue };

/// A connection in plain fields. Times in microseconds, windows in bytes. Linux: struct tcp_info.
struct connection_info {
  tcp::state state = state::closed;
  limited_by limit = limited_by::nothing;
  u8 send_window_scale = 0;
  u8 receive_window_scale = 0;
  bool has_timestamps = false;
  bool in_recovery = false;
  u8 backoff = 0;             ///< consecutive retransmission timeouts
  u32 mss = 0;                ///< payload bytes of a full segment
  u32 path_mtu = 0;
  u32 cwnd = 0;
  u32 ssthresh = 0;
  u32 send_window = 0;
  u32 receive_window = 0;
  u32 unacked = 0;            ///< bytes sent, not acknowledged
  u32 unsent = 0;             ///< bytes queued, not sent
  u32 unread = 0;
  u32 urgent = 0;             ///< bytes from the first unread one to the end of urgent data, which may not be here yet (RFC 9293 §3.8.5)
  u32 send_chunks = 0;
  u32 receive_chunks = 0;
  u32 srtt_us = 0;
  u32 rttvar_us = 0;
  u32 rto_us = 0;
  u32 retransmitted = 0;      ///< segments
  u64 pacing_rate = 0;        ///< bytes per second; zero: not paced
  tally bytes_acked = 0;
  tally bytes_received = 0;
};

/// Counters, by Linux's names where it has one (nstat).
struct counters {
  tally in_segments = 0, out_segments = 0, retransmitted = 0;
  tally active_opens = 0, passive_opens = 0, attempt_fails = 0, established_resets = 0;
  tally in_errors = 0;               ///< too short, or a header length outside the segment
  tally in_checksum_errors = 0;
  tally in_broadcast = 0;            ///< segments to broadcast or multicast addresses (RFC 9293 §3.9.2.3)
  tally no_listener = 0;             ///< SYN to a port where nobody listens
  tally unfit_for_listener = 0;      ///< neither SYN nor ACK nor RST, or SYN with FIN, to a port where somebody listens
  tally out_resets = 0;
  tally listen_overflows = 0;        ///< backlog or control blocks exhausted
  tally syn_slots_full = 0;
  tally half_open_recycled = 0;      ///< who did not answer for a second made room for another
  tally table_full = 0;              ///< probe bound of the connection table
  tally syn_ack_timeouts = 0;
  tally paws_rejected = 0;
  tally out_of_window = 0;
  tally bad_ack = 0;
  tally challenge_acks = 0;
  tally challenge_limited = 0;
  tally out_of_order = 0;
  tally out_of_order_dropped = 0;
  tally receive_dropped = 0;         ///< in-order data beyond the chunk budget
  tally copied_small = 0;            ///< segments copied to the chunk before them
  tally duplicate_data = 0;
  tally timeouts = 0;
  tally fast_retransmits = 0;
  tally zero_window_probes = 0;
  tally still_below = 0;             ///< retransmissions put off since the NIC still had the packet
  tally retransmit_copies = 0;       ///< and sent as a copy after another timeout
  tally splits = 0;                  ///< chunks that were cut
  tally splits_for_mss = 0;          ///< since a segment became shorter
  tally splits_for_window = 0;       ///< since the window took only the front
  tally ring_full = 0;
  tally no_chunk = 0;
  tally slot_moves = 0;              ///< bytes that were written to a slot went to a chunk, since more came
  tally auto_corked = 0;             ///< small segments that waited for a completion. Linux: TCPAutoCorking
  tally waits_for_chunks = 0;        ///< writers that stood in line for the pool
  tally time_waits = 0;
  tally time_wait_recycled = 0;      ///< the oldest record made room
  tally time_wait_reused = 0;        ///< RFC 6191
  tally icmp_ignored = 0;            ///< quoted sequence number not outstanding (RFC 5927 §4.1)
  tally aborted = 0;
  tally data_after_close = 0;
  tally keep_alive_probes = 0;
  tally limited_by_cwnd = 0;         ///< the send loop ended with data unsent, and why: congestion window
  tally limited_by_window = 0;       ///< the peer's window
  tally limited_by_coalescing = 0;   ///< Nagle, `more`, cork
  tally limited_by_pacing = 0;       ///< its time has not come
  tally limited_by_small_queue = 0;  ///< enough of the connection waits in qdisc and NIC
  tally limited_by_deferral = 0;     ///< a short train waits for the next ACK
  tally out_trains = 0;              ///< handed down behind one header; out_segments counts their segments
  tally unwanted_data = 0;           ///< bytes acknowledged and dropped after shutdown_receive()
  tally collapsed = 0;               ///< chunks of the send queue whose bytes went to the one before them. Linux: TCPRetransCollapse
};

/// What several threads made each other wait for; only where they share a stack.
struct backlog_counters {
  tally queued = 0;            ///< segments that waited for a thread that copied
  tally dropped = 0;           ///< and found no room. Linux: TCPBacklogDrop
  tally errors_dropped = 0;    ///< ICMP errors that came meanwhile: they are told again. Linux: LockDroppedIcmps
  tally deferred = 0;          ///< timers and calls that were put off to the release
};

}  // namespace strata::inline STRATA_ABI::tcp
