// SPDX-License-Identifier: MIT
// TCP: RFC 9293, with RFC 5681 and 6582 (congestion), 6298 (timeout), 7323 (window scale, timestamps, PAWS), 5961 (blind attacks), 6528 (initial
// sequence numbers), 6056 (ports), 6191 (TIME-WAIT reuse). The class is declared here and defined by subject:
//   calls.hpp   what the application does              input.hpp       segments, in the order of RFC 9293 §3.10.7
//   append.hpp  bytes into the send queue              receive.hpp     in order, out of order, windows, ACKs owed
//   line.hpp    who waits for the pool                 ack.hpp         acknowledgments and loss recovery
//   split.hpp   chunks that are cut or copied          trains.hpp      several received segments behind one header
//   collapse.hpp  small ones that become one           gro.hpp         segments of a batch joined to such
//   output.hpp  the send loop                          predicates.hpp  what it asks
//   segment.hpp headers, ACK, SYN, FIN, RST            gso.hpp         segments that leave together
//   open.hpp    sequence numbers, listeners, connect   half_open.hpp   SYN slots
//   ports.hpp   the port of who asks for none          timers.hpp      the wheel and what it fires
//   close.hpp   ends, TIME-WAIT                        keep_alive.hpp  probes of an idle peer
//   options.hpp options of a connection                icmp_errors.hpp errors about what we sent
//   charge.hpp  what a place in the send queue costs   pacing.hpp      when the next segment may go
//   backlog.hpp what waits while a thread copies without the stack's lock
// Every call takes `below`, the internet layer that tcp/config.hpp asks for, and the time.
#pragma once
#include <new>

#include <strata/buffer/left_checksum.hpp>
#include <strata/buffer/received_checksum.hpp>
#include <strata/buffer/train.hpp>
#include <strata/core/checksum.hpp>
#include <strata/core/port_list.hpp>
#include <strata/core/siphash.hpp>
#include <strata/core/small_table.hpp>
#include <strata/core/timer_list.hpp>
#include <strata/tcp/acks.hpp>
#include <strata/tcp/apart.hpp>
#include <strata/tcp/challenges.hpp>
#include <strata/tcp/coalescing.hpp>
#include <strata/tcp/congestion/newreno.hpp>
#include <strata/tcp/tcb.hpp>
#include <strata/wire/tcp.hpp>
#include <strata/wire/tcp_options.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> class layer {
 public:
  using address = typename C::family::address;
  using tick = typename C::tick;
  using time_point = strata::time_point<tick>;
  using duration = strata::duration<tick>;
  using path = path_of_config<C>;
  using event = stream_events;
  using info_type = datagram_info<address>;
  using identity_type = permission::identity_in<C>;
  using error_type = network_error<address>;
  static constexpr u8 protocol = 6;
  static constexpr std::size_t header_size = 60;  ///< bytes: header and the longest options
  static constexpr bool takes_trains = true;

  /// Draws the keys. Nothing else works before it.
  template <class B> void open(B&& below, time_point now);

  // ---- what the application does (calls.hpp, open.hpp, close.hpp) ----
  template <class B> [[nodiscard]] expected<connection_id, listen_error> listen(B&& below, const listen_options<address, identity_type>& o);
  /// Ends listening; connections that were accepted live on, half-open ones are dropped.
  template <class B> expected<void, call_error> close_listener(B&& below, connection_id id);
  template <class B> [[nodiscard]] expected<connection_id, connect_error> connect(B&& below, const connect_options<address, identity_type>& o, time_point now);
  /// Copies `bytes` to the send queue and sends what windows allow; how many bytes were taken. Fewer than given: `writable` follows. Linux: tcp_sendmsg.
  template <class B> [[nodiscard]] expected<std::size_t, send_error> send(B&& below, connection_id id, std::span<const std::byte> bytes, send_flags flags, time_point now);
  /// The same for a sequence of spans, in order, as one write. Linux: sendmsg with several iovecs.
  template <class B, gathered Parts> [[nodiscard]] expected<std::size_t, send_error> send(B&& below, connection_id id, const Parts& parts, send_flags flags, time_point now);
  /// Room for up to `n` bytes in a chunk of the send queue, to be written in place. At most one segment: too_big beyond it.
  template <class B> [[nodiscard]] expected<reservation, send_error> reserve(B&& below, connection_id id, u32 n, time_point now);
  template <class B> [[nodiscard]] expected<std::size_t, send_error> commit(B&& below, connection_id id, reservation&& r, u32 n, send_flags flags, time_point now);
  /// All unread bytes.
  template <class B> [[nodiscard]] unread_view peek(B&& below, connection_id id);
  /// Drops up to `n` unread bytes; how many.
  template <class B> expected<std::size_t, receive_error> consume(B&& below, connection_id id, std::size_t n, time_point now);
  /// Copies and consumes.
  template <class B> [[nodiscard]] expected<std::size_t, receive_error> receive(B&& below, connection_id id, std::span<std::byte> to, time_point now);
  /// Takes the first chunk of unread bytes out of the stream without a copy. It counts against the pool until it is dropped.
  template <class B> [[nodiscard]] expected<owned_view, receive_error> take(B&& below, connection_id id, time_point now);
  /// Orderly end of both directions: what is queued is sent, then FIN; the layer finishes alone. Unread bytes become a reset (RFC 9293 §3.6.1).
  template <class B> expected<void, call_error> close(B&& below, connection_id id, time_point now);
  /// Half-close: FIN after what is queued; receiving goes on.
  template <class B> expected<void, call_error> shutdown_send(B&& below, connection_id id, time_point now);
  /// Nobody will read any more: unread bytes go, and what still comes is acknowledged and dropped, so that the peer may finish. Linux: shutdown(SHUT_RD).
  template <class B> expected<void, call_error> shutdown_receive(B&& below, connection_id id, time_point now) requires(C::shutdown_receive);
  /// RST, and nothing more. `closed{aborted}` follows.
  template <class B> expected<void, call_error> abort(B&& below, connection_id id, time_point now);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::no_delay o, time_point now) requires(C::coalescing::has_no_delay);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::cork o, time_point now);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::send_low_water o, time_point now) requires(C::writes.low_water);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::notsent_low_water o, time_point now) requires(C::writes.low_water);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::user_timeout o, time_point now);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::keep_alive o, time_point now) requires(C::keep_alive);
  expected<void, call_error> set(auto&& below, connection_id id, option::pacing_rate o, time_point now) requires(C::pacing::is_paced);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::linger o, time_point now) requires(C::linger);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::dscp o, time_point now);
  template <class B> expected<void, call_error> set(B&& below, connection_id id, option::hop_limit o, time_point now);
  template <class O> [[nodiscard]] std::optional<O> get(connection_id id) const;
  /// The application's own timer of this connection: one `timer` event after `after`. Zero ticks and up to the tick's horizon.
  expected<void, call_error> set_timer(connection_id id, duration after, time_point now);
  expected<void, call_error> cancel_timer(connection_id id);
  [[nodiscard]] std::optional<connection_info> info(connection_id id, time_point now) const;
  [[nodiscard]] typename C::connection_data* data(connection_id id) { connection* c = find(id); return c != nullptr ? &c->data : nullptr; }
  [[nodiscard]] endpoint<address> local(connection_id id) const { const connection* c = find(id); return c == nullptr ? endpoint<address>{} : endpoint<address>{c->way.local, c->local_port}; }
  [[nodiscard]] endpoint<address> remote(connection_id id) const { const connection* c = find(id); return c == nullptr ? endpoint<address>{} : endpoint<address>{c->way.remote, c->remote_port}; }

  // ---- copies without the stack's lock (backlog.hpp), where threads share a stack ----
  /// Whether a thread holds the connection's owner word: others that may wait do so before they change the connection.
  [[nodiscard]] bool is_owned(connection_id id) const requires is_shared<C> { const connection* c = find(id); return c != nullptr && c->word.is_held; }
  [[nodiscard]] bool is_anything_owned() const requires is_shared<C>;
  /// Makes places for `bytes` behind the send queue and takes the word for the caller, who fills them and calls end_send(); how many bytes were taken at once.
  /// No places: all was done, as by send(). Linux: lock_sock.
  template <class B> [[nodiscard]] expected<std::size_t, send_error> begin_send(B&& below, connection_id id, std::span<const std::byte> bytes, apart& places,
                                                                                send_flags flags, time_point now) requires is_shared<C>;
  /// What was filled is queued and sent; the word is free again, and what came meanwhile is processed. Linux: release_sock.
  template <class B> void end_send(B&& below, connection_id id, apart& places, bool comes_short, send_flags flags, time_point now) requires is_shared<C>;
  /// Unread bytes for `to`, where they lie, and the word for the caller, who copies them and calls end_receive(). Few are copied at once.
  template <class B> [[nodiscard]] expected<std::size_t, receive_error> begin_receive(B&& below, connection_id id, std::span<std::byte> to, apart& places,
                                                                                      time_point now) requires is_shared<C>;
  template <class B> void end_receive(B&& below, connection_id id, apart& places, time_point now) requires is_shared<C>;
  [[nodiscard]] const tcp::backlog_counters& backlog_counters() const requires is_shared<C> { return backlog_counters_; }
  /// Whose a connection is, what a listener listens to and whose it is; zero for a stale id.
  [[nodiscard]] identity_type identity(connection_id id) const { const connection* c = find(id); return c == nullptr ? identity_type{} : c->identity; }
  [[nodiscard]] endpoint<address> listening(connection_id id) const { const listener* l = find_listener(id); return l == nullptr ? endpoint<address>{} : endpoint<address>{l->local, l->port}; }
  [[nodiscard]] identity_type listener_identity(connection_id id) const { const listener* l = find_listener(id); return l == nullptr ? identity_type{} : l->identity; }

  // ---- what the stack does ----
  /// A segment. `p` is pulled to the TCP header; the layer keeps it or leaves it. What it means to the application comes from pending().
  template <class B> std::optional<event> on_datagram(B&& below, const info_type& info, packet& p, time_point now);
  /// An error about a segment of ours. RFC 9293 §3.9.2.2, RFC 5927.
  template <class B> std::optional<event> on_error(B&& below, const error_type& e, time_point now);
  /// The next connection that has something to tell. Connections that only owe an ACK or have room to send are served here too.
  template <class B> [[nodiscard]] std::optional<event> pending(B&& below, time_point now);
  [[nodiscard]] bool has_pending() const {
    if constexpr (corks_itself<typename C::coalescing>) if (!corked_.was_looked_at) return true;
    return turn_head_ != 0 || !is_line_empty();
  }
  /// After the handler: ACK decision, output, and the end of connections that were told so.
  template <class B> void finish(B&& below, const event& e, time_point now);
  /// No further segments for now: what waits for others to join it is looked at.
  template <class B> void end_of_batch(B&& below, time_point now) requires(C::gro);
  /// Timers, at most `timers_per_turn` of them; the rest stays due.
  template <class B> void advance(B&& below, time_point now);
  /// Whether advance(now) has something to do: timers, TIME-WAIT records, or the clock of timestamps.
  [[nodiscard]] bool is_due(time_point now) const {
    return wheel_.is_due(now) || now.since(clock_at_) >= duration::ms(1) || now.is_before(clock_at_) ||
           (oldest_record_ != 0 && now.reached(records_[oldest_record_ - 1].expires));
  }
  [[nodiscard]] std::optional<time_point> next_deadline() const;
  /// The first time that the stack is told: what was called before it counts from now.
  void begin_time(time_point now);
  /// The end of a poll: the grave is emptied, connections that met a full ring try again next turn.
  template <class B> void end_of_turn(B&& below, time_point now);
  /// The id of the listener in a slot, as `accepted` names it.
  [[nodiscard]] connection_id listener_id(u32 index) const { return {index, listeners_[index].generation}; }
  /// Whether an event may still be told for this id.
  [[nodiscard]] bool is_live(connection_id id) const { const connection* c = find(id); return c != nullptr && !c->cancelled; }
  /// Whether this event may: after close() nobody wants to hear of data or room, not even in the turn in which it was called.
  [[nodiscard]] bool may_tell(connection_id id, stream_events::bit what) const {
    constexpr u8 of_data = stream_events::readable | stream_events::writable | stream_events::peer_closed | stream_events::error;
    const connection* c = find(id);
    return c != nullptr && !c->cancelled && (!c->detached || (what & of_data) == 0);
  }
  /// Whether nothing waits for the next turn.
  [[nodiscard]] bool is_idle() const { return turn_head_ == 0 && retry_head_ == 0 && is_line_empty(); }
  /// Drops everything silently and returns every chunk: the stack is going.
  template <class B> void abandon(B&& below);

  [[nodiscard]] const tcp::counters& counters() const { return counters_; }
  [[nodiscard]] u32 connections() const { return in_use_; }
  /// f(connection_id) for each that has a control block; those in TIME-WAIT have none.
  template <class F> void for_each_connection(F&& f) const {
    for (const connection& c : tcbs_)
      if (c.state != state::closed) f(id_of(c));
  }
  [[nodiscard]] u32 time_waits() const { return time_wait_count_; }
  [[nodiscard]] u32 half_open() const { return half_open_; }

  static constexpr std::size_t tcb_bytes = sizeof(tcb<C>);
  static constexpr u32 timers_per_turn = 64;

 private:
  using connection = tcb<C>;
  using slot = syn_slot<C>;
  using record = time_wait_record<C>;
  using pair = socket_pair<address>;
  using tcp_options = wire::tcp_options_of<0>;  // nothing here speaks of SACK
  using table = table_for<C::limits.connections + C::limits.syn_slots + C::limits.time_wait>;

  struct listener {
    address local{};
    u16 port = 0;
    u16 backlog = 0;
    u16 waiting = 0;       // half-open, or open and not yet told
    bool is_used = false;
    u32 generation = 0;
    [[no_unique_address]] identity_type identity{};
  };
  /// A segment as input.hpp works on it.
  struct segment {
    serial32 seq{}, ack{};
    u32 length = 0;        // payload bytes
    u32 body = 0;          // offset of the payload in the chunk
    u32 window = 0;        // as in the header
    u16 urgent = 0;
    u8 flags = 0;
    bool has_timestamps = false;
    u32 ts_value = 0, ts_echo = 0;
    [[nodiscard]] constexpr bool has(u8 f) const { return (flags & f) != 0; }
    /// SEG.LEN of RFC 9293 §3.3.1: SYN and FIN count.
    [[nodiscard]] constexpr u32 span() const { return length + (has(wire::tcp::flag::syn) ? 1u : 0u) + (has(wire::tcp::flag::fin) ? 1u : 0u); }
  };
  /// A segment without data, whose sender may have no control block.
  struct bare_segment {
    wire::tcp header{};
    tcp_options options{};
  };
  enum class kind : u32 { connection = 0, half_open = 1, time_wait = 2 };
  enum timer_index : u32 { retransmit_timer, ack_timer, persist_timer, linger_timer, application_timer, keep_alive_timer };
  static constexpr bool waits_for_completions = C::small_queue != 0 || corks_itself<typename C::coalescing>;
  static constexpr u32 timer_count = 5 + (C::keep_alive ? 1 : 0) + (C::pacing::is_paced ? 1 : 0) + (waits_for_completions ? 1 : 0);
  static_assert(timer_count <= 8, "a byte holds which timers are armed");
  static constexpr timer_index pacing_timer = static_cast<timer_index>(C::keep_alive ? 6 : 5);  // where connections are paced
  static constexpr timer_index completion_timer = static_cast<timer_index>(timer_count - 1);    // where segments wait for completions of others

  static constexpr limits limits_ = C::limits;
  static constexpr bool timestamps = C::timestamps;
  static constexpr u16 ends_of_a_write = C::writes.records ? mark_push | mark_end : mark_push;             // when a chunk is cut they go to the second part
  static constexpr u16 marks_of_a_tail = C::writes.records ? mark_sum_known | mark_end : mark_sum_known;  // of which an open tail has mark_sum_known alone
  static constexpr u32 option_room = timestamps ? 12 : 0;                                  // timestamps: the options of every segment but SYN
  static constexpr u32 copybreak = 256;                                   // bytes; shorter segments are copied to the chunk before them
  static constexpr u32 first_advice = 3;                                  // RFC 9293 §3.8.3, R1: retransmissions of one segment
  static constexpr u32 max_backoff = 15;                                  // Linux: TCP_RETR2; 15 minutes and more
  static constexpr u32 max_syn_ack_retries = 5;                           // Linux: TCP_SYNACK_RETRIES
  static constexpr u32 duplicate_threshold = 3;                           // RFC 5681 §3.2
  [[nodiscard]] static constexpr u16 default_mss(const address& peer) { return peer.is_v4() ? 536 : 1220; }  // RFC 9293 §3.7.1
  static constexpr u32 least_mss = 48;                                    // a peer's SYN cannot make every byte a segment. Linux: TCP_MIN_SND_MSS
  static constexpr duration time_wait_length = duration::seconds(60);     // 2 MSL as Linux's TCP_TIMEWAIT_LEN
  static constexpr u32 max_syn_retries = 7;                               // 255 s; RFC 1122 §4.2.3.5: at least three minutes
  static constexpr duration linger_length = duration::seconds(60);        // FIN-WAIT-2 after close(). Linux: tcp_fin_timeout
  static constexpr duration challenge_interval = duration::ms(500);
  static constexpr u8 most_strays = 8;  ///< empty segments that are not acceptable and are answered within challenge_interval
  static constexpr duration paws_idle = duration::from_ms(24u * 24 * 3600 * 1000);  // RFC 7323 §5.5: 24 days, or the horizon of a shorter tick
  static constexpr u64 receive_budget = u64{limits_.receive_chunks} * limits_.chunk_size;
  static constexpr u8 receive_shift = [] {                                // RFC 7323 §2.3: large enough for the budget
    u8 s = 0;
    while (s < 14 && receive_budget >> s > 65535) ++s;
    return s;
  }();

  // ---- names and lookup (open.hpp) ----
  [[nodiscard]] u64 hash_of(const pair& who) const;
  [[nodiscard]] serial32 initial_sequence_number(u64 hash, const address& local, time_point now) const;
  [[nodiscard]] u32 timestamp_offset(const address& remote) const;
  [[nodiscard]] u32 timestamp_clock(time_point now) const;
  void run_clock(time_point now);
  [[nodiscard]] connection* find(connection_id id);
  [[nodiscard]] const connection* find(connection_id id) const { return const_cast<layer*>(this)->find(id); }
  [[nodiscard]] STRATA_OUT_OF_LINE u32 index_of(const connection& c) const { return static_cast<u32>(&c - tcbs_); }
  [[nodiscard]] connection_id id_of(const connection& c) const { return {index_of(c), c.generation}; }
  [[nodiscard]] static constexpr u32 value_of(kind k, u32 index) { return static_cast<u32>(k) << 30 | index; }
  [[nodiscard]] std::optional<u32> lookup(const pair& who) const;
  template <class B> [[nodiscard]] std::optional<u16> choose_port(B&& below, const address& local, const address& remote, u16 remote_port, time_point now);
  static constexpr bool remembers_no_port = limits_.connections + limits_.syn_slots + limits_.time_wait >= 1024;  // a search of fewer is short
  void freed_a_name();
  [[nodiscard]] bool is_free(const pair& who, time_point now) const;
  [[nodiscard]] bool seems_free(const pair& who, time_point now) const;
  [[nodiscard]] bool may_follow(u32 value, time_point now) const;
  [[nodiscard]] listener* find_listener(const address& local, u16 port);
  [[nodiscard]] const listener* find_listener(connection_id id) const {
    return id.index < limits_.listeners && listeners_[id.index].is_used && listeners_[id.index].generation == id.generation ? &listeners_[id.index] : nullptr;
  }
  [[nodiscard]] connection* allocate();
  void put_back(connection& c);
  template <class B> void prepare(B&& below, connection& c, time_point now);
  template <class B> [[nodiscard]] u32 segment_limit(B&& below, const path& way, u32 mtu) const;
  template <class B> [[nodiscard]] u16 offered_mss(B&& below, const path& way) const;
  template <class B> [[nodiscard]] u16 mss_of(B&& below, const connection& c) const;
  template <class B> void negotiate(B&& below, connection& c, bool has_scale, u8 shift, bool has_timestamps, u32 lost);

  // ---- half-open (open.hpp) ----
  template <class B> void on_syn(B&& below, const pair& who, const segment& s, const tcp_options& o, time_point now, std::optional<serial32> above = {});
  template <class B> void on_half_open(B&& below, slot& h, packet& p, segment& s, time_point now);
  template <class B> void send_syn_ack(B&& below, slot& h, time_point now);
  template <class B> void acknowledge_half_open(B&& below, const slot& h, time_point now);
  void drop_half_open(slot& h);
  [[nodiscard]] bool recycle_half_open(u8 of);
  template <class B> [[nodiscard]] bool may_accept(B&& below, const slot& h) const;

  // ---- input (input.hpp, ack.hpp, receive.hpp) ----
  void find_recent(address local, u16 local_port, address remote, u16 remote_port);
  [[nodiscard]] bool is_expected(const connection& c, const wire::tcp& header, std::span<const std::byte> bytes, u32 size) const;
  template <class B> void on_expected_ack(B&& below, connection& c, const packet& p, const wire::tcp& header, u32 length, time_point now);
  template <class B> void on_expected(B&& below, connection& c, packet& p, const wire::tcp& header, u32 size, time_point now);
  template <class B> void on_unexpected(B&& below, const info_type& info, packet& p, time_point now);
  template <class B> void on_other(B&& below, const info_type& info, const wire::tcp& header, packet& p, time_point now);
  template <class B> void on_parsed(B&& below, const info_type& info, const wire::tcp& header, std::span<const std::byte> options, packet& p, segment& s, time_point now);
  template <class B> void on_found(B&& below, connection* c, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now);
  template <class B> void on_train(B&& below, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now);
  template <class B> void take_apart(B&& below, const info_type& info, const wire::tcp& header, packet& p, time_point now);
  template <class B> void receive_train(B&& below, connection& c, packet& p, u32 header_length, time_point now);
  void observe_size(connection& c, u32 n);
  template <class B> bool join(B&& below, const info_type& info, const wire::tcp& header, packet& p, u32 size, time_point now) requires(C::gro);
  [[nodiscard]] bool continues_train(const wire::tcp& header, const packet& p, u32 length) const requires(C::gro);
  [[nodiscard]] static bool same_treatment(const std::byte* a, const std::byte* b);
  [[nodiscard]] static bool same_bytes(const std::byte* a, const std::byte* b, u32 n);
  template <class B> void on_segment_with_options(B&& below, connection* c, const info_type& info, packet& p, segment& s, const wire::tcp& header,
                                                  std::span<const std::byte> options, time_point now);
  [[nodiscard]] static bool is_between(const connection& c, const info_type& info, const wire::tcp& header) {
    const auto both = [](u16 remote, u16 local) STRATA_INLINE_LAMBDA { return u32{remote} << 16 | local; };  // one compare of words that lie side by side
    if (both(c.remote_port, c.local_port) != both(header.source, header.destination)) [[unlikely]] return false;
    if (c.way.remote != info.remote || c.way.local != info.local || c.state == state::closed) [[unlikely]] return false;
    return true;
  }
  [[nodiscard]] connection* recent() { return recent_ != 0 ? &element(tcbs_, recent_ - 1) : nullptr; }
  [[nodiscard]] bool is_recent(const info_type& info, const wire::tcp& header) { return recent_ != 0 && is_between(element(tcbs_, recent_ - 1), info, header); }
  template <class B> void on_segment(B&& below, connection& c, packet& p, segment& s, time_point now);
  template <class B> void on_syn_sent(B&& below, connection& c, packet& p, segment& s, const tcp_options& o, time_point now);
  template <class B> void after_ack(B&& below, connection& c, packet& p, segment& s, time_point now);
  template <class B> [[nodiscard]] bool on_ack(B&& below, connection& c, const segment& s, time_point now);
  template <class B> void on_new_ack(B&& below, connection& c, serial32 ack, u32 ts_echo, time_point now);
  template <class B> void on_duplicate_ack(B&& below, connection& c, time_point now);
  void update_window(connection& c, const segment& s);
  void on_urgent(connection& c, const segment& s);
  [[nodiscard]] static serial32 first_unread(const connection& c) { return c.rcv_nxt - (c.unread + (c.fin_received ? 1u : 0u)); }
  template <class B> void become_established(B&& below, connection& c, time_point now);
  template <class B> void receive_data(B&& below, connection& c, packet& p, segment& s, time_point now);
  template <class B> bool receive_next(B&& below, connection& c, packet& p, serial32 seq, u32 body, u32 n, time_point now);
  template <class B> void receive_ahead(B&& below, connection& c, packet& p, serial32 seq, u32 body, u32 n);
  bool drop_ahead(buffer::pool& chunks, connection& c);
  void drop_unwanted(connection& c, u32 n);
  [[nodiscard]] static bool is_shut(const connection& c) { return C::shutdown_receive && c.receive_shut; }
  template <class B> void join_ahead(B&& below, connection& c);
  void on_fin(connection& c);
  template <class B> [[nodiscard]] bool may_hold(B&& below, const connection& c) const;
  [[nodiscard]] bool append_by_copy(buffer::pool& chunks, connection& c, const std::byte* from, u32 n);
  void enqueue_received(buffer::pool& chunks, connection& c, packet& p, u32 body, u32 n);
  [[nodiscard]] u32 receive_window(const connection& c) const;
  [[nodiscard]] u16 advertise(connection& c) const;
  [[nodiscard]] u32 window_step(const connection& c) const;
  void answer_unacceptable(connection& c, const segment& s, time_point now);
  template <class B> void challenge(B&& below, connection& c, time_point now);
  template <class B> [[nodiscard]] bool may_challenge(B&& below, const address& peer, time_point now);
  template <class B> void decide_ack(B&& below, connection& c, time_point now);
  void follow_rhythm(connection& c, time_point now) requires adaptive_ack_policy<typename C::acks>;
  [[nodiscard]] static u32 ack_delay_ms(const connection& c);
  template <class B> [[nodiscard]] std::size_t read_some(B&& below, connection& c, std::span<std::byte> to);
  [[nodiscard]] static bool is_usual_read(const connection& c, std::size_t room);
  template <class B> [[nodiscard]] std::size_t read_at_once(B&& below, connection& c, std::byte* to);
  template <class B> void drop_received(B&& below, connection& c, u32 n, std::byte* to = nullptr);
  void was_read(connection& c);
  void open_window(connection& c);

  // ---- output (output.hpp) ----
  static constexpr bool has_trains = C::gso_max_size != 0;
  template <class B> void output(B&& below, connection& c, time_point now, bool overrides = false);
  static constexpr bool sends_at_once = C::header_prediction && !has_trains && !waits_for_completions && !C::pacing::is_paced && !C::tso_deferral;
  static constexpr bool writes_at_once = sends_at_once && C::limits.slots == 0 && !C::writes.low_water && !C::writes.records;
  template <class B> [[nodiscard]] bool is_usual_write(B&& below, const connection& c, std::size_t bytes, send_flags flags, time_point now) const;
  [[nodiscard]] static bool is_unstopped(const connection& c, u32 length, time_point now);
  template <class B> void send_at_once(B&& below, connection& c, buffer::descriptor& d, time_point now);
  void note_sent(connection& c, const buffer::descriptor& d, bool with_fin, time_point now);
  // what it asks (predicates.hpp)
  [[nodiscard]] static bool fits_cwnd(const connection& c, u32 length);
  [[nodiscard]] static bool fits_window(const connection& c, u32 usable);
  [[nodiscard]] static bool may_leave(const connection& c, u32 length);
  [[nodiscard]] static u32 usable_window(const connection& c) { const u32 in_flight = c.snd_nxt - c.snd_una; return excess_of(c.snd_wnd, in_flight); }
  [[nodiscard]] static bool awaits_completion(buffer::pool& chunks, const connection& c) requires corks_itself<typename C::coalescing>;
  void wait_for_completion(connection& c, time_point now) requires corks_itself<typename C::coalescing>;
  template <class B> void look_for_completions(B&& below) requires corks_itself<typename C::coalescing>;
  void forget_buried() requires corks_itself<typename C::coalescing>;
  static void stop(connection& c, limited_by why, tally& counted) { c.limit = why, ++counted; }
  [[nodiscard]] static bool must_wait(const connection& c, time_point now) requires(C::pacing::is_paced);
  [[nodiscard]] static u64 pacing_rate(const connection& c) requires(C::pacing::is_paced);
  void charge(connection& c, u32 segments, u32 bytes, time_point now) requires(C::pacing::is_paced);
  [[nodiscard]] static u32 bytes_below(const buffer::pool& chunks, const connection& c) requires(C::small_queue != 0);
  [[nodiscard]] static u32 small_queue_limit(const connection& c) requires(C::small_queue != 0);
  // trains (gso.hpp)
  /// Segments of one run of the send loop that will leave together, and what it was before them.
  struct train_to_be {
    buffer::descriptor* head = nullptr;
    u32 parts = 0;
    u32 bytes = 0, most = 0;  // of payload
    bool with_fin = false;
    struct {
      serial32 snd_nxt{}, resend{}, small_end{};
      u32 send_next = 0;
      u8 armed = 0;
      bool rtt_timed = false, small_unacked = false, fin_sent = false;
    } before{};
  };
  [[nodiscard]] static bool starts(const train_to_be& t) { return t.parts == 0; }
  [[nodiscard]] static constexpr bool starts(const nothing<train_to_be>&) { return true; }
  template <class B> [[nodiscard]] u32 train_bytes(B&& below, const connection& c) requires(has_trains);
  template <class B> [[nodiscard]] sent join(B&& below, connection& c, buffer::descriptor& d, bool with_fin, time_point now, train_to_be& t) requires(has_trains);
  template <class B> [[nodiscard]] sent depart(B&& below, connection& c, time_point now, train_to_be& t) requires(has_trains);
  template <class B> [[nodiscard]] sent transmit_train(B&& below, connection& c, buffer::descriptor& head, u32 parts, bool with_fin, time_point now) requires(has_trains);
  [[nodiscard]] static bool should_defer(const connection& c, u32 usable, u32 most, time_point now) requires(C::tso_deferral);
  void left_with_ack(connection& c, u32 segments, u32 bytes, time_point now);
  [[nodiscard]] static bool is_open_tail(const connection& c, const buffer::descriptor* d, u32 room);
  // what places cost, and small ones (charge.hpp)
  static constexpr bool has_slots = C::limits.slots != 0;
  static constexpr u32 charge_of_a_chunk = has_slots ? limits_.chunk_size / 256 : 1;   // the quota counts slots of 256 bytes where there are any, else chunks
  static constexpr u32 send_quota = limits_.send_chunks * charge_of_a_chunk;
  static_assert(send_quota <= 0xffff - charge_of_a_chunk, "limits::send_chunks: a quota has at most 65,535 chunks, or slots of 256 bytes");
  [[nodiscard]] static u32 size_of(const buffer::pool& chunks, const buffer::descriptor& d);
  [[nodiscard]] static u32 units_of(const buffer::descriptor& d);
  static void occupy(connection& c, const buffer::descriptor& d);
  static void vacate(connection& c, const buffer::descriptor& d);
  [[nodiscard]] static bool is_quota_full(const connection& c) { return c.send_count + (charge_of_a_chunk - 1) >= send_quota; }
  template <class B> [[nodiscard]] packet take_for(B&& below, u32 bytes);
  template <class B> [[nodiscard]] packet take_tail(B&& below, const connection& c, std::size_t bytes);
  [[nodiscard]] static bool outgrows_slot(const buffer::pool& chunks, const connection& c, std::size_t more) requires has_slots;
  template <class B> [[nodiscard]] buffer::descriptor* move_to_chunk(B&& below, connection& c, buffer::descriptor& d, u32& room) requires has_slots;
  // small neighbours (collapse.hpp)
  [[nodiscard]] static bool may_collapse(const buffer::pool& chunks, const connection& c, const buffer::descriptor& first, const buffer::descriptor& second) requires(C::writes.collapse);
  void collapse(buffer::pool& chunks, connection& c, buffer::descriptor& first, buffer::descriptor& second) requires(C::writes.collapse);
  [[nodiscard]] bool collapse_unsent(buffer::pool& chunks, connection& c) requires(C::writes.collapse);
  [[nodiscard]] bool makes_place(buffer::pool& chunks, connection& c);
  void take_in_sent(buffer::pool& chunks, connection& c, buffer::descriptor& d) requires(C::writes.collapse);
  // writers that wait for the pool (line.hpp)
  [[nodiscard]] bool may_take_chunk(connection& c);
  void stand_in_line(connection& c) requires(C::writes.fair);
  void leave_line(connection& c) requires(C::writes.fair);
  template <class B> [[nodiscard]] bool serve_line(B&& below) requires(C::writes.fair);
  [[nodiscard]] bool is_line_empty() const { if constexpr (C::writes.fair) return line_.head == 0; else return true; }
  template <class B> [[nodiscard]] buffer::descriptor& enqueue_fresh(B&& below, connection& c, packet&& p);
  template <class B> [[nodiscard]] bool write_at_once(B&& below, connection& c, std::span<const std::byte> bytes, time_point now) requires writes_at_once;
  template <class B> [[nodiscard]] std::size_t append(B&& below, connection& c, std::span<const std::byte> bytes);
  template <class B> [[nodiscard]] send_error may_write(B&& below, connection* c) const;
  STRATA_SHORTER_INLINE void enqueue_written(buffer::pool& chunks, connection& c, packet&& p, u32 n, u32 sum, bool sum_left);
  template <class B> void push(B&& below, connection& c, send_flags flags, time_point now);
  template <class B> [[nodiscard]] expected<std::size_t, send_error> send_any(B&& below, connection* c, std::span<const std::byte> bytes, send_flags flags, time_point now);
  template <class B, class Parts> [[nodiscard]] expected<std::size_t, send_error> write(B&& below, connection& c, const Parts& parts, std::size_t size, send_flags flags, time_point now);
  void end_write(buffer::pool& chunks, connection& c, bool is_whole, send_flags flags);
  [[nodiscard]] static std::size_t unsent_room(const connection& c);
  [[nodiscard]] static bool has_room(const connection& c);
  [[nodiscard]] bool tail_takes(buffer::pool& chunks, const connection& c, u32 n) const;
  template <class B> [[nodiscard]] packet take_of_reserve(B&& below);
  template <class B> [[nodiscard]] buffer::descriptor* split(B&& below, connection& c, buffer::descriptor& d, u32 first);
  static constexpr bool subtracts = sizeof(std::size_t) >= 8;  // small machines sum anew: less code
  STRATA_OFF_PATH static void drop_front(buffer::descriptor& d);
  template <class B> [[nodiscard]] sent transmit_payload(B&& below, connection& c, packet&& p, serial32 seq, u32 length, u8 flags, u32 sum, time_point now);
  template <class B> [[nodiscard]] sent transmit(B&& below, connection& c, buffer::descriptor& d, bool with_fin, time_point now);
  template <class B> [[nodiscard]] STRATA_OFF_PATH sent send_seldom(B&& below, path& way, packet& p) { return below.send(way, std::move(p), protocol); }
  template <class B> [[nodiscard]] sent transmit_again(B&& below, connection& c, buffer::descriptor& d, time_point now);
  template <class B> [[nodiscard]] sent transmit_copy(B&& below, connection& c, buffer::descriptor& d, time_point now);
  template <class B> void retransmit_head(B&& below, connection& c, time_point now);
  template <class B> void resend_lost(B&& below, connection& c, time_point now);
  using sum_type = std::conditional_t<(sizeof(std::size_t) >= 8), u64, u32>;  // small machines add in 32 bits
  [[nodiscard]] static constexpr sum_type words_of(u32 word);
  STRATA_OUT_OF_LINE void count_retransmission(connection& c) { ++counters_.retransmitted, ++c.retransmitted; }
  template <class B> void emit_header(B&& below, connection& c, packet& p, serial32 seq, u8 flags, u32 payload_sum, time_point now);
  template <class B> [[nodiscard]] bool send_control(B&& below, connection& c, serial32 seq, u8 flags, time_point now);
  void stamp(tcp_options& o, bool has, u32 offset, u32 echo, time_point now) const;
  [[nodiscard]] static constexpr u32 unscaled_window(u32 n, bool is_scaled_later);
  template <class B> void send_syn(B&& below, connection& c, time_point now);
  template <class B> void send_ack(B&& below, connection& c, time_point now) {
    if (!send_control(below, c, c.snd_nxt, wire::tcp::flag::ack, now)) c.ack_now = true;  // owed: send_control put it on the retry list
  }
  template <class B> void send_fin(B&& below, connection& c, time_point now);
  template <class B> void send_reset(B&& below, connection& c, time_point now);
  template <class B> void refuse(B&& below, const pair& who, const segment& s);
  template <class B> bool send_bare(B&& below, path& way, bare_segment& s);
  template <class B> bool send_bare(B&& below, const pair& who, bare_segment& s);
  [[nodiscard]] static pair pair_of(const connection& c) { return {c.way.local, c.way.remote, c.local_port, c.remote_port}; }
  [[nodiscard]] static u32 pipe(const connection& c) { return (c.in_loss ? c.resend : c.snd_nxt) - c.snd_una; }
  template <class B> [[nodiscard]] u32 chunk_limit(B&& below) const { return below.chunks().chunk_size() - body_offset(below); }  // payload bytes
  template <class B> [[nodiscard]] u32 body_offset(B&& below) const { return (below.headroom() + 20 + option_room + 7) & ~u32{7}; }

  // ---- what waits for a thread that copies (backlog.hpp) ----
  [[nodiscard]] static bool is_held(const connection& c) { if constexpr (is_shared<C>) return c.word.is_held; else return (void)c, false; }
  bool defer(connection& c, u8 what) requires is_shared<C>;
  template <class B> void put_in_backlog(B&& below, connection& c, packet& p) requires is_shared<C>;
  template <class B> void release_word(B&& below, connection& c, time_point now) requires is_shared<C>;
  template <class B> void process_backlog(B&& below, connection& c, time_point now) requires is_shared<C>;

  // ---- ends (close.hpp) ----
  /// Both FINs are sent and acknowledged: nothing can come that matters, and only the application has something left to do.
  [[nodiscard]] static bool is_over(const connection& c) { return c.state == state::time_wait || (c.state == state::last_ack && c.fin_sent && c.snd_una == c.snd_end + 1); }
  template <class B> void end(B&& below, connection& c, close_reason why);
  template <class B> void release(B&& below, connection& c);
  template <class B> void clear_queues(B&& below, connection& c);
  static void clear(buffer::pool& chunks, u32& head, buffer::owner as);
  template <class B> void start_closing(B&& below, connection& c, time_point now);
  void enter_time_wait(connection& c);
  template <class B> void leave_for_time_wait(B&& below, connection& c, time_point now);
  template <class B> void on_time_wait(B&& below, u32 index, const segment& s, const tcp_options& o, time_point now);
  void add_time_wait(const connection& c, time_point now);
  void drop_time_wait(u32 index);
  void unlink_time_wait(u32 index);
  void append_time_wait(u32 index, time_point now);

  // ---- turns and timers (timers.hpp) ----
  STRATA_OUT_OF_LINE void raise(connection& c, u8 bits) { c.events = static_cast<u8>(c.events | bits); add_to_turn(c); }
  void add_to_turn(connection& c);
  void add_to_retry(connection& c);
  void look_at_retries_and_grave();
  template <class B> void settle(B&& below, connection& c, time_point now);
  template <class B> void settle_what_is_left(B&& below, connection& c, time_point now);
  void arm(connection& c, timer_index which, time_point at);
  void disarm(connection& c, timer_index which) { c.armed = static_cast<u8>(c.armed & ~(1u << which)); }
  [[nodiscard]] static bool is_armed(const connection& c, timer_index which) { return (c.armed >> which & 1) != 0; }
  void restart_retransmit_timer(connection& c, time_point now);
  [[nodiscard]] static time_point user_deadline(const connection& c, time_point now);
  void rearm_wheel(connection& c);
  [[nodiscard]] static duration backed_off(duration rto, u32 times);
  template <class B> void on_timer(B&& below, connection& c, time_point now);
  template <class B> void on_retransmit_timer(B&& below, connection& c, time_point now);
  template <class B> void on_persist_timer(B&& below, connection& c, time_point now);
  template <class B> void on_half_open_timer(B&& below, slot& h, time_point now);
  template <class B> void on_keep_alive_timer(B&& below, connection& c, time_point now);
  void start_keep_alive(connection& c, time_point now) requires(C::keep_alive);

  u32 fresh_ = 0, free_ = 0, grave_ = 0, in_use_ = 0;
  u32 recent_ = 0;  // 1 + index of the connection that got the last segment
  u32 turn_head_ = 0, turn_tail_ = 0, retry_head_ = 0;
  u32 fresh_slots_ = 0, free_slots_ = 0, half_open_ = 0, recycle_at_ = 0;
  u32 fresh_records_ = 0, free_records_ = 0, oldest_record_ = 0, newest_record_ = 0, time_wait_count_ = 0;
  tcp::counters counters_{};
  [[no_unique_address]] std::conditional_t<C::writes.fair, line_of_writers, nothing<line_of_writers>> line_{};
  [[no_unique_address]] std::conditional_t<corks_itself<typename C::coalescing>, waiting_for_completion, nothing<waiting_for_completion>> corked_{};
  [[no_unique_address]] std::conditional_t<is_shared<C>, tcp::backlog_counters, nothing<tcp::backlog_counters>> backlog_counters_{};
  siphash_key key_{}, port_key_{};
  time_point clock_at_{};  // when clock_ was so many milliseconds: it goes on where the tick wraps
  u32 clock_ = 0;
  u32 port_steps_[16]{};   // RFC 6056 §3.3.4: the table of the double-hash algorithm
  [[no_unique_address]] port_list<limits_.explicit_ports> explicit_ports_{};
  [[no_unique_address]] std::conditional_t<remembers_no_port, exhausted_ports<C>, nothing<exhausted_ports<C>>> no_port_{};
  [[no_unique_address]] std::conditional_t<remembers_no_port, number_of_names_freed, nothing<number_of_names_freed>> ports_freed_{};
  static constexpr u32 challenge_groups = limits_.challenge_acks != 0 ? 64 : 0;
  static_assert(limits_.challenge_acks <= 170, "limits::challenge_acks is at most 170: half as many again are counted in a byte");
  [[no_unique_address]] challenge_budget<tick, challenge_groups> challenges_{};
  [[no_unique_address]] std::conditional_t<C::gro, waiting_train<address>, nothing<waiting_train<address>>> gro_{};
  listener listeners_[limits_.listeners]{};
  slot slots_[limits_.syn_slots]{};
  record records_[limits_.time_wait]{};
  connection tcbs_[limits_.connections]{};
  table table_{};
  timers_for<tick, limits_.connections + limits_.syn_slots> wheel_{};
};

}  // namespace strata::inline STRATA_ABI::tcp

#include <strata/tcp/ports.hpp>
#include <strata/tcp/open.hpp>
#include <strata/tcp/half_open.hpp>
#include <strata/tcp/calls.hpp>
#include <strata/tcp/charge.hpp>
#include <strata/tcp/append.hpp>
#include <strata/tcp/line.hpp>
#include <strata/tcp/split.hpp>
#include <strata/tcp/collapse.hpp>
#include <strata/tcp/predicates.hpp>
#include <strata/tcp/gso.hpp>
#include <strata/tcp/output.hpp>
#include <strata/tcp/segment.hpp>
#include <strata/tcp/input.hpp>
#include <strata/tcp/icmp_errors.hpp>
#include <strata/tcp/ack.hpp>
#include <strata/tcp/receive.hpp>
#include <strata/tcp/trains.hpp>
#include <strata/tcp/gro.hpp>
#include <strata/tcp/close.hpp>
#include <strata/tcp/timers.hpp>
#include <strata/tcp/options.hpp>
#include <strata/tcp/keep_alive.hpp>
#include <strata/tcp/backlog.hpp>
