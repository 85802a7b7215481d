// SPDX-License-Identifier: MIT
// The control block of one connection, and the small records of connections that need none: half-open ones and those in TIME-WAIT.
// Sequence variables are spelled as in RFC 9293 §3.3.1.
//
//          1         2          3          4
//     ----------|----------|----------|----------
//            snd_una    snd_nxt    snd_una + snd_wnd      (send sequence space, RFC 9293 figure 3)
//
// The send queue is the retransmission queue: descriptors linked by `queue`, in order of sequence numbers, each at most one segment.
#pragma once
#include <bit>

#include <strata/core/serial.hpp>
#include <strata/tcp/config.hpp>
#include <strata/tcp/rtt.hpp>
#include <strata/tcp/types.hpp>
#include <strata/wire/tcp.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// Marks of a chunk in the send queue.
enum mark : u16 {
  mark_sum_known = 1,       ///< descriptor::sum is the sum of body[0, body_length)
  mark_push = 2,            ///< PSH goes with it: the end of a write without `more`
  mark_sum_left = 8,        ///< and was not made, since the NIC will: descriptor::sum is none
  mark_waited_an_rto = 4,   ///< was still below when it should have been sent again
  mark_end = 16             ///< the end of a record: nothing is appended
};

/// How data comes in, for an adaptive_ack_policy. Linux: icsk_ack.
template <class Tick> struct ack_rhythm {
  strata::time_point<Tick> last{};  ///< when data came
  u16 delay_ms = 0;                 ///< zero: none came yet
  u8 quick = 0;                     ///< ACKs that leave at once
};
/// The keep-alive option of a connection, and where it stands.
template <class Tick> struct keep_alive_state {
  strata::time_point<Tick> last_heard{};  ///< any segment of the peer
  option::keep_alive option{false, 0, 0, 0};  ///< zeros, as all of a table that nobody has used
  u8 unanswered = 0;                      ///< probes in a row
};
/// Whose a connection is while a thread copies its bytes without the stack's lock, and what waits meanwhile (backlog.hpp). Under the lock, all of it.
struct owner_word {
  u32 head = 0, tail = 0;  ///< names of the chunks that wait
  u32 count = 0;
  bool is_held = false;    ///< a thread copies.  Linux: sk_lock.owned
  u8 deferred = 0;         ///< bits: what else is to be done at release. Linux: tsq_flags
  static constexpr u8 timer = 1, readable = 2, close = 4, shutdown_send = 8, shutdown_receive = 16, abort = 32;
};
template <class> struct nothing {};  ///< in the place of a state that this Config does not have: types differ, so that none takes a byte

/// What makes a connection another than the usual one, in a byte: header prediction, a write and the end of a turn ask for several at once.
struct conditions {
  bool fin_ahead : 1 = false;          ///< an out-of-order FIN is known
  bool in_recovery : 1 = false;        ///< fast recovery, RFC 6582
  bool urgent : 1 = false;             ///< rcv_up lies ahead of what was read
  bool detached : 1 = false;           ///< close(): nobody will read any more
  bool receive_shut : 1 = false;       ///< shutdown_receive(): what comes is acknowledged and dropped
  bool in_loss : 1 = false;            ///< after a timeout, until `recover` is acknowledged
  bool fin_queued : 1 = false;         ///< the application closed its side
  bool wants_write : 1 = false;        ///< a send came up short: tell `writable`

  /// Whether one of `these` holds. As a byte: asked as eight truth values, each would be a branch of its own.
  [[nodiscard]] bool has_any(conditions these) const { return (std::bit_cast<u8>(*this) & std::bit_cast<u8>(these)) != 0; }
};
static_assert(sizeof(conditions) == 1);

template <class C> struct tcb : conditions {
  using address = typename C::family::address;
  using tick = typename C::tick;
  using time_point = strata::time_point<tick>;
  using duration = strata::duration<tick>;

  // What a send and an in-order segment look at. Small members come first: a Cortex-M0 reaches a byte up to 31, a half-word up to 62 and a word up to 124
  // bytes from a pointer with one instruction, and needs three beyond.
  tcp::state state = state::closed;
  u8 events = 0;                 ///< bits of stream_events that the next turn tells
  u8 armed = 0;                  ///< bits of the timers that have a deadline
  u8 snd_shift = 0, rcv_shift = 0;   ///< window scale, RFC 7323 §2
  u8 duplicate_acks = 0;
  u8 backoff = 0;                ///< how often the retransmission timeout was doubled; until a round-trip time is measured (RFC 6298 §5)
  u8 unanswered = 0;             ///< timeouts or probes in a row since the peer acknowledged something, or answered a probe
  u8 probes = 0;                 ///< how often the interval between probes of a closed window was doubled

  bool was_challenged = false;
  u8 strays = 0;                 ///< empty segments that were not acceptable and were answered since `strays_since`
  close_reason why = close_reason::none;  ///< while it is open: what ICMP said about what is outstanding
  limited_by limit = limited_by::nothing;
  bool ack_pending : 1 = false;        ///< we owe an ACK, soon
  bool ack_now : 1 = false;            ///< and at the end of this turn
  bool has_timestamps : 1 = false;     ///< negotiated, RFC 7323 §3
  bool fin_sent : 1 = false;
  bool fin_received : 1 = false;       ///< in order
  bool peer_closed_told : 1 = false;
  bool in_turn : 1 = false;            ///< on the list of this turn
  bool rtt_timed : 1 = false;
  bool no_delay : 1 = false;
  bool more : 1 = false;               ///< the last send said that more will follow
  bool cancelled : 1 = false;          ///< abort() inside a handler: the events of that turn that are left are not told
  bool is_open : 1 = false;            ///< the application knows it: `closed` is owed
  bool is_passive : 1 = false;
  bool small_unacked : 1 = false;      ///< a segment below the MSS is outstanding (Minshall)
  bool ring_full : 1 = false;
  bool is_buried : 1 = false;          ///< in the grave
  bool lingers : 1 = false;            ///< option::linger
  bool corked : 1 = false;             ///< option::cork
  bool port_is_explicit : 1 = false;   ///< connect() was told the local port, and it stands in the list of those

  u16 send_count = 0;            ///< chunks in the send queue
  u16 mss = 0;                   ///< payload bytes of a full segment, options already taken off
  u16 receive_count = 0;         ///< chunks that hold unread or out-of-order bytes
  u16 observed = 0;              ///< payload bytes of the segments that fill a chunk
  u16 peer_mss = 0;              ///< what the peer's SYN said, or 536, for IPv6 1220 (RFC 9293 §3.7.1)
  u16 local_port = 0, remote_port = 0;
  serial32 snd_una{}, snd_nxt{};
  u32 snd_wnd = 0;               ///< bytes, scaled
  serial32 snd_end{};            ///< behind the last byte that the application wrote; FIN comes after it
  serial32 rcv_nxt{};
  serial32 rcv_adv{};            ///< right edge of the window that we advertised; never moves left (RFC 9293 §3.8.6)
  u32 send_head = 0, send_tail = 0;  ///< names of chunks
  u32 send_next = 0;             ///< first chunk of which something is unsent; zero: none
  u32 receive_head = 0, receive_tail = 0;
  u32 ahead_head = 0;            ///< out-of-order chunks by sequence number
  u32 unread = 0;                ///< bytes

  serial32 recover{};            ///< RFC 6582 §3.2: highest sequence number sent when loss was found
  serial32 resend{};             ///< after a timeout: what is behind it has been sent again
  u32 snd_wnd_max = 0;           ///< largest window the peer offered (sender's silly window avoidance)
  serial32 iss{}, irs{};         ///< irs only where we began: SYNs may cross (RFC 9293 §3.5)
  rtt_estimator<tick> rtt{};
  [[no_unique_address]] typename C::congestion_control congestion{};
  serial32 ts_recent{};          ///< RFC 7323 §4.3
  time_point first_unacked{};    ///< when snd_una last moved, or data was first sent into an idle connection: the user timeout counts from here
  time_point last_sent{};        ///< RFC 5681 §4.1
  serial32 snd_wl1{}, snd_wl2{};
  serial32 small_end{};          ///< end of the last small segment sent
  serial32 rtt_seq{};            ///< RFC 6298 §3: the segment that is being timed
  time_point rtt_start{};
  serial32 last_ack_sent{};
  u32 ts_offset = 0;
  u32 resent_ts = 0;             ///< the timestamp clock when the head, or the SYN, was last sent again
  time_point ts_recent_at{};
  time_point challenged{};       ///< when the last challenge ACK left, RFC 5961 §7
  time_point strays_since{};

  serial32 fin_at{};             ///< sequence number of an out-of-order FIN
  serial32 rcv_up{};             ///< behind the last urgent byte, RFC 9293 §3.8.5

  // Who and where.
  u32 header_sum = 0;            ///< ports, addresses and protocol: what never changes of the checksum
  u32 hash = 0;
  path_of_config<C> way{};
  u32 user_timeout_ms = 0;
  [[no_unique_address]] std::conditional_t<adaptive_ack_policy<typename C::acks>, ack_rhythm<tick>, nothing<ack_rhythm<tick>>> rhythm{};
  [[no_unique_address]] std::conditional_t<C::keep_alive, keep_alive_state<tick>, nothing<keep_alive_state<tick>>> alive{};

  [[no_unique_address]] std::conditional_t<C::writes.low_water, low_water_marks, nothing<low_water_marks>> low_water{};
  [[no_unique_address]] std::conditional_t<corks_itself<typename C::coalescing>, last_sent_chunk, nothing<last_sent_chunk>> last_down{};
  [[no_unique_address]] std::conditional_t<C::writes.fair, place_in_line, nothing<place_in_line>> place{};

  [[no_unique_address]] std::conditional_t<C::pacing::is_paced, tcp::pace<tick>, nothing<tcp::pace<tick>>> pace{};
  time_point deadline[5 + (C::keep_alive ? 1 : 0) + (C::pacing::is_paced ? 1 : 0) + (C::small_queue != 0 || corks_itself<typename C::coalescing> ? 1 : 0)]{};      ///< of each timer
  u32 turn_next = 0;             ///< 1 + index of the next connection that has something to do in this turn
  u32 retry_next = 0;            ///< 1 + index of the next connection that met a full ring
  u32 generation = 0;
  u32 retransmitted = 0;
  u32 linger_ms = 0;
  u32 listener = 0;              ///< 1 + index of the listener that waits for `accepted`; then zero
  tally bytes_acked = 0, bytes_received = 0;
  [[no_unique_address]] std::conditional_t<is_shared<C>, owner_word, nothing<owner_word>> word{};
  [[no_unique_address]] typename C::connection_data data{};
  [[no_unique_address]] permission::identity_in<C> identity{};  ///< whose it is
};

/// Segments that were joined, and wait for more of the same batch (gro.hpp).
template <class Address> struct waiting_train {
  buffer::descriptor* head = nullptr;  ///< null: none
  buffer::descriptor* tail = nullptr;
  datagram_info<Address> info{};
  wire::tcp header{};                  ///< of the first
  u32 connection = 0;                  ///< 1 + index
  u32 size = 0;                        ///< bytes of the first header and of all payload
  u32 segment_size = 0;                ///< payload bytes of the first
  u32 parts = 0;
};

/// What names a connection: RFC 9293 §3.3.2, a pair of sockets.
template <class Address> struct socket_pair {
  Address local{}, remote{};
  u16 local_port = 0, remote_port = 0;
  friend constexpr bool operator==(const socket_pair&, const socket_pair&) = default;
};
/// A search for a local port that found none. It finds none again until a name is free, or time passes over a record in TIME-WAIT.
template <class C> struct exhausted_ports {
  socket_pair<typename C::family::address> who{};  ///< local port zero
  u32 freed = 0;
  time_point<typename C::tick> at{};
  bool is_known = false;
};
struct number_of_names_freed { u32 count = 0; };

/// A connection between SYN and the ACK that completes it. RFC 4987 §3.
template <class C> struct syn_slot : socket_pair<typename C::family::address> {
  u32 hash = 0;
  serial32 iss{}, irs{};
  u32 ts_recent = 0, ts_offset = 0;
  u32 next = 0;                  ///< free list
  u16 peer_mss = 0;
  u16 window = 0;
  u8 listener = 0;               ///< 1 + index; zero: the slot is free
  u8 snd_shift = 0;
  u8 retries = 0;
  bool has_scale = false, has_timestamps = false;
  bool was_resent = false;
  strata::time_point<typename C::tick> sent_at{};  ///< the last time
};

/// What is left of a connection for 2 MSL. RFC 9293 §3.10.7.4, RFC 7323 §5, RFC 6191.
template <class C> struct time_wait_record : socket_pair<typename C::family::address> {
  serial32 snd_nxt{}, rcv_nxt{};
  u32 ts_recent = 0, ts_offset = 0;
  u32 newer = 0, older = 0;      ///< 1 + index, in order of expiry; `newer` also links free ones
  u16 window = 0;
  bool has_timestamps = false;
  strata::time_point<typename C::tick> expires{};
};

}  // namespace strata::inline STRATA_ABI::tcp
