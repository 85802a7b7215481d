// SPDX-License-Identifier: MIT
// The two stacks that are fuzzed, behind one interface.
#include "world.hpp"

#include "tally.hpp"

#include <sim/octets.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/strata.hpp>

#include <strata/ip/v6.hpp>

#include <algorithm>

namespace strata::fuzz {

namespace {

using namespace strata::literals;

// Every table is so small that a short input reaches its end.
struct over_ethernet : presets::testing {
  using nic = cable_end;
  static constexpr strata::limits limits{.chunks = 48,
                                         .chunk_size = 704,
                                         .connections = 6,
                                         .listeners = 3,
                                         .backlog = 3,
                                         .syn_slots = 4,
                                         .time_wait = 2,
                                         .send_chunks = 6,
                                         .receive_chunks = 5,
                                         .datagram_sockets = 4,
                                         .datagrams = 2,
                                         .raw_sockets = 2,
                                         .neighbours = 4,
                                         .neighbour_queue = 2,
                                         .routes = 3,
                                         .groups = 3,
                                         .group_sources = 2,
                                         .errors = 2,
                                         .batch = 4,
                                         .receive_reserve = 6};
  static constexpr u16 mtu = 576;
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>, strata::raw::layer<C>>;
};

/// Nobody talks to port 9 (RFC 863).
struct not_to_discard {
  static constexpr bool is_open = false;
  template <class Address> [[nodiscard]] bool allows(const permission::request<Address>& r) const { return r.remote.port != 9; }
};
struct over_raw : over_ethernet {
  using tick = milliseconds32;
  using family = strata::dual;
  using header_image = strata::header_image::built;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using qdisc = strata::qdisc::fifo_of<4>;
  using coalescing = strata::tcp::minshall;
  using acks = strata::tcp::immediate_acks;
  using permission = not_to_discard;
  template <class C> using network = strata::layers<strata::ip::v4<C>, strata::ip::v6<C>>;
  static constexpr strata::limits limits = [] {
    strata::limits l = over_ethernet::limits;
    l.chunk_size = 1408;
    return l;
  }();
  static constexpr u16 mtu = 1280;
};

template <class C> class world_of final : public world {
  using net = strata::stack<C>;
  using address = typename net::address;
  using endpoint = typename net::endpoint;
  using tick = typename C::tick;
  static constexpr bool is_raw = !std::is_same_v<C, over_ethernet>;

  /// A stream that the application has heard of.
  struct known {
    typename net::stream stream{};
    std::string ends{};
    bool is_ours = false;  // connect() made it
    bool was_connected = false, was_accepted = false, peer_closed = false, is_closed = false;
    bool is_aborted = false;
    std::vector<std::byte> written{};
    bool has_start = false;
    std::uint32_t next_read = 0;
  };

 public:
  explicit world_of(setting s) : setting_(s) {
    link_header = is_raw ? 0 : 14;
    far.mtu = C::mtu;
    if (!is_raw) far.mac = {{2, 0, 0, 0, 0, 1}};
    if (is_raw && s.is_late) start_ = 0u - 3000u;
    start();
  }

  void pass(std::uint64_t microseconds) override { elapsed_ += microseconds; }

  void poll(unsigned frames) override {
    const std::size_t before = far.sent.size();
    const u64 events = net_->counters().events, polls = net_->counters().polls;
    net_->poll(now(), budget{frames}, on{[&](typename net::accepted e) { on_accepted(e); }, [&](typename net::connected e) { on_connected(e); },
                                        [&](typename net::readable e) { on_readable(e); }, [&](typename net::writable e) { on_writable(e); },
                                        [&](typename net::peer_closed e) { on_peer_closed(e); }, [&](typename net::closed e) { on_closed(e); },
                                        [&](typename net::timer e) { (void)live(e.stream); }, [&](typename net::datagram e) { on_datagram(e); },
                                        [&](typename net::error e) { on_error(e); }, [&](typename net::raw_packet e) { on_raw(e.socket); }, [&](typename net::raw_error e) { on_raw(e.socket); }});
    // A turn is bounded by what came, by what the tables hold, and not by what the bytes say.
    require(net_->counters().polls == polls + 1, "a turn is a turn");
    require(net_->counters().events - events <= frames + C::limits.connections + C::limits.datagram_sockets + C::limits.errors + 80u,
            "a turn tells a bounded number of events");
    require(far.sent.size() - before <= cable::ring_size * 2u + C::limits.chunks, "a turn sends a bounded number of frames");
    after_turn();
  }
  bool poll_at_deadline() override {
    const auto next = net_->next_deadline();
    if (!next) return false;
    go_to(*next);
    poll(16);
    return true;
  }

  void tell(call what, unsigned who, unsigned n) override {
    do_call(what, who, n);
    after_turn();
  }

  void finish() override {
    if (!setting_.is_abrupt) let_go();
    views_.clear();
    tell_counters();
    net_->shut_down();
    require(net_->chunks_in_use() == 0, "no chunk is in use after shut_down()");
    require(far.ring.empty(), "shut_down() closes the driver");
  }

 private:
  using time_point = typename net::time_point;

  static constexpr std::uint64_t ticks_per_us = tick::per_second > 1'000'000 ? tick::per_second / 1'000'000 : 1;
  static constexpr std::uint64_t us_per_tick = tick::per_second < 1'000'000 ? 1'000'000 / tick::per_second : 1;
  [[nodiscard]] time_point now() const { return {static_cast<typename tick::rep>(start_ + elapsed_ * ticks_per_us / us_per_tick)}; }
  void go_to(time_point when) {
    if (now().is_before(when)) elapsed_ += (when.since(now()).count * us_per_tick + ticks_per_us - 1) / ticks_per_us;
  }

  void start() {
    typename net::options o{.nic = cable_end(far), .memory = region(memory_), .entropy = {7}, .now = now()};
    if constexpr (is_raw) o.address = "fd00::1/64"_net, o.gateway = "fd00::ff"_ip;
    else o.address = "10.0.0.1/24"_net, o.gateway = "10.0.0.254"_ip;
    require(net_->start(std::move(o)) == bad_option::none, "the options are good");
    net_->advance(now());
    do_call(call::listen, 0, 0);
    do_call(call::listen, 1, 1);
    do_call(call::bind, 0, 0);
    do_call(call::bind, 1, 0);
    do_call(call::connect_socket, 1, 1);
    do_call(call::connect, 0, 0);
    after_turn();
  }
  [[nodiscard]] static endpoint peer(unsigned who, unsigned port) {
    endpoint e;
    e.port = static_cast<u16>(port);
    if ((who & 15) == 15) e.address = ours();  // not reached by any link
    else if constexpr (is_raw)
      e.address = (who & 7) < 6 ? ipv6_address{u64{0xfd00} << 48, 2 + (who & 7)} : ipv6_address{u64{0x20010db8} << 32, 2 + (who & 7)};
    else e.address = (who & 7) < 6 ? ipv4_address{0x0a00'0002 + (who & 7)} : ipv4_address{0xc000'0202 + (who & 7)};
    return e;
  }
  [[nodiscard]] std::string ends_of(const typename net::stream& s) const {
    const endpoint l = s.local(), r = s.remote();
    std::string key;
    for (const address& a : {l.address, r.address}) {
      std::byte text[16];
      if constexpr (is_raw) store_be(text, a.high), store_be(text + 8, a.low);
      else store_be(text, a.value);
      key.append(reinterpret_cast<const char*>(text), is_raw ? 16 : 4);
    }
    for (const unsigned port : {l.port, r.port}) key += {static_cast<char>(port >> 8), static_cast<char>(port)};
    return key;
  }

  // ---- the application ----

  void do_call(call what, unsigned who, unsigned n) {
    known* const k = streams_.empty() ? nullptr : &streams_[who % streams_.size()];
    const typename net::stream s = k != nullptr ? k->stream : typename net::stream{};
    const typename net::datagram_socket d = sockets_.empty() ? typename net::datagram_socket{} : sockets_[who % sockets_.size()];
    switch (what) {
      case call::listen:
        keep(listeners_,
             net_->listen({.port = static_cast<u16>(1000 + who % 4), .address = (n & 1) != 0 ? ours() : address{}, .backlog = n >> 1 & 3}));
        break;
      case call::close_listener:
        if (!listeners_.empty()) (void)listeners_[who % listeners_.size()].close();
        break;
      case call::connect: open(who, n); break;
      case call::send: write(k, n & 2047, {}); break;
      case call::send_more: write(k, n & 2047, {.more = true}); break;
      case call::receive: read(k, n & 2047); break;
      case call::consume: skip(k, n & 2047); break;
      case call::take: take(k); break;
      case call::drop_views: views_.clear(); break;
      case call::close: (void)s.close(); break;
      case call::abort:
        if (s.abort() && k != nullptr) k->is_aborted = true;
        break;
      case call::shutdown_send: (void)s.shutdown_send(); break;
      case call::commit: commit(k, n & 1023, n >> 10); break;
      case call::no_delay: (void)s.set(option::no_delay{(n & 1) != 0}); break;
      case call::user_timeout: (void)s.set(option::user_timeout{n * 10u}); break;
      case call::shutdown_receive: (void)s.shutdown_receive(); break;
      case call::keep_alive:
        (void)s.set(option::keep_alive{(n & 1) != 0, static_cast<u16>(n >> 1 & 15), static_cast<u16>(n >> 5 & 15), static_cast<u8>(n >> 9 & 7)});
        break;
      case call::cork: (void)s.set(option::cork{(n & 1) != 0}); break;
      case call::ip_fields: (void)s.set(option::dscp{static_cast<u8>(n)}), (void)s.set(option::hop_limit{static_cast<u8>(n >> 8)}); break;
      case call::group: change_group(d, n); break;
      case call::raw: use_raw(who, n); break;
      case call::timer: (void)s.set_timer(net::duration::from_ms(n)); break;
      case call::cancel_timer: (void)s.cancel_timer(); break;
      case call::bind:
        keep(sockets_, net_->bind({.port = static_cast<u16>(3000 + who % 4), .address = (n & 1) != 0 ? ours() : address{}}));
        break;
      case call::bind_any: keep(sockets_, net_->bind({})); break;
      case call::connect_socket: (void)d.connect(peer(n, (n >> 8) == 0 ? 53 : n >> 8)); break;
      case call::send_to: (void)d.send_to(text(n & 1023), peer(n >> 10, 53)); break;
      case call::send_datagram: (void)d.send(text(n & 2047)); break;
      case call::receive_datagram: (void)d.receive({scratch_, n % sizeof scratch_}); break;
      case call::consume_datagram:
        if (const auto view = d.peek()) require(view->bytes.size() <= C::limits.chunk_size, "a datagram fits in its chunk");
        (void)d.consume();
        break;
      case call::commit_datagram:
        if (auto place = d.reserve(n & 1023)) {
          std::fill((*place).room().begin(), (*place).room().end(), std::byte{0x55});
          (void)d.commit_to(std::move(*place), n & 511, peer(n >> 10, 53));
        }
        break;
      case call::close_socket: (void)d.close(); break;
      case call::mode: mode_ = static_cast<std::uint16_t>(n); break;
      case call::echo: echo(k); break;
      case call::time_back: net_->advance(now() - net::duration::ms(1)); break;
      case call::restart: restart(); break;
      case call::again_in_handler: mode_ |= polls_inside; break;
      case call::count: break;
    }
  }
  [[nodiscard]] static address ours() {
    if constexpr (is_raw) return "fd00::1"_ip;
    else return "10.0.0.1"_ip;
  }
  /// Handles are few: stale ones go, and listeners that were forgotten stay open.
  static void keep(auto& handles, const auto& made) {
    if (!made) return;
    if constexpr (requires { handles[0].is_live(); }) std::erase_if(handles, [](const auto& h) { return !h.is_live(); });
    else if (handles.size() == 8) handles.erase(handles.begin());
    handles.push_back(*made);
  }

  void open(unsigned who, unsigned n) {
    static constexpr u16 ports[] = {7, 80, 9, 1000};
    const auto s = net_->connect({.remote = peer(who, ports[n & 3]), .local = {{}, static_cast<u16>((n & 4) != 0 ? 1000 + (n >> 3 & 3) : 0)}});
    if (!s) return;
    known k;
    k.stream = *s;
    k.ends = ends_of(*s);
    k.is_ours = true;
    streams_.push_back(std::move(k));
    forget_some();
  }
  /// The application's memory of what has ended is short.
  void forget_some() {
    for (std::size_t i = 0; streams_.size() > 12 && i < streams_.size();)
      if (streams_[i].is_closed) streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i));
      else ++i;
  }

  [[nodiscard]] bytes text(std::size_t n) const { return {scratch_, n < sizeof scratch_ ? n : sizeof scratch_}; }
  static void put(known& k, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) k.written.push_back(static_cast<std::byte>((k.written.size() * 37 + k.written.size() / 251) & 0xff));
  }
  // What is written is remembered first, since it may leave before send() returns.
  void write(known* k, std::size_t n, tcp::send_flags flags) {
    if (k == nullptr || k->written.size() > 60'000) return;
    const std::size_t before = k->written.size();
    put(*k, n);
    const std::vector<std::byte> out(k->written.begin() + static_cast<std::ptrdiff_t>(before), k->written.end());
    const auto taken = k->stream.send(out, flags);
    require(!taken || *taken <= n, "send() takes what it is given, at most");
    k->written.resize(before + (taken ? *taken : 0));
  }
  void commit(known* k, std::size_t n, unsigned what) {
    if (k == nullptr || k->written.size() > 60'000) return;
    auto place = k->stream.reserve(static_cast<u32>(n));
    if (!place) return;
    const std::size_t before = k->written.size();
    require((*place).room().size() == n, "reserve() gives the room that was asked for");
    put(*k, n);
    std::copy(k->written.begin() + static_cast<std::ptrdiff_t>(before), k->written.end(), (*place).room().begin());
    if ((what & 3) == 3) (void)k->stream.abort(), k->is_aborted = true;
    if ((what & 3) == 2) n = 0;
    if ((what & 3) == 1) n /= 2;
    const auto taken = k->stream.commit(std::move(*place), static_cast<u32>(n));
    require(!taken || *taken == n, "commit() takes all or nothing");
    k->written.resize(before + (taken ? *taken : 0));
  }
  void echo(known* k) {
    if (k == nullptr || k->written.size() > 60'000) return;
    const std::size_t before = k->written.size();
    const auto unread = k->stream.peek();
    for (const auto part : unread) k->written.insert(k->written.end(), part.begin(), part.end());
    require(k->written.size() - before == unread.size(), "peek() states its size");
    const auto taken = k->stream.send(unread);
    k->written.resize(before + (taken ? *taken : 0));
    if (taken) skip(k, *taken);
  }
  void heard(known& k, bytes part) {
    if (!has_pattern || part.empty()) return;
    const auto follows = [&](std::uint32_t from) {
      for (std::size_t i = 0; i < part.size(); ++i)
        if (part[i] != pattern_at(from + static_cast<std::uint32_t>(i))) return false;
      return true;
    };
    if (k.has_start) {
      require(follows(k.next_read), "bytes come as the peer numbered them");
      k.next_read += static_cast<std::uint32_t>(part.size());
      return;
    }
    for (const std::uint32_t from : peer_starts[k.ends]) {
      if (!follows(from)) continue;
      k.has_start = true;
      k.next_read = from + static_cast<std::uint32_t>(part.size());
      return;
    }
    require(peer_starts[k.ends].size() >= 16, "the first bytes follow the peer's SYN");
  }
  void read(known* k, std::size_t n) {
    if (k == nullptr) return;
    std::vector<std::byte> to(n);
    const auto got = k->stream.receive(to);
    if (got) heard(*k, bytes(to).first(*got));
  }
  void skip(known* k, std::size_t n) {
    if (k == nullptr) return;
    std::size_t left = n;
    for (const auto part : k->stream.peek()) {
      const std::size_t now_read = part.size() < left ? part.size() : left;
      heard(*k, part.first(now_read));
      left -= now_read;
    }
    const auto got = k->stream.consume(n);
    if (got) require(*got == n - left, "consume() takes what peek() shows");
  }
  void take(known* k) {
    if (k == nullptr) return;
    auto view = k->stream.take();
    if (!view) return;
    heard(*k, (*view).bytes());
    views_.push_back(std::move(*view));
    if (views_.size() > 6) views_.erase(views_.begin());
  }

  void restart() {
    views_.clear();
    streams_.clear();
    sockets_.clear();
    raws_.clear();
    listeners_.clear();
    our_starts_.clear();
    tell_counters();
    net_->shut_down();
    require(net_->chunks_in_use() == 0, "no chunk is in use after shut_down()");
    start();
  }

  // ---- events ----

  [[nodiscard]] known* find(const typename net::stream& s) {
    for (known& k : streams_)
      if (k.stream == s) return &k;
    return nullptr;
  }
  [[nodiscard]] known& live(const typename net::stream& s) {
    known* const k = find(s);
    require(k != nullptr, "an event is of a stream that connect() returned or `accepted` told");
    require(!k->is_closed, "nothing follows `closed`");
    return *k;
  }
  void on_accepted(const typename net::accepted& e) {
    require(find(e.stream) == nullptr, "`accepted` comes first, and once");
    known k;
    k.stream = e.stream;
    k.ends = ends_of(e.stream);
    k.was_accepted = true;
    streams_.push_back(std::move(k));
    forget_some();
    note("connection.opened");
    greet(e.stream);
  }
  void on_connected(const typename net::connected& e) {
    known& k = live(e.stream);
    require(k.is_ours && !k.was_connected, "`connected` comes once, of what connect() began");
    k.was_connected = true;
    note("connection.opened");
    greet(e.stream);
  }
  void greet(const typename net::stream& s) {
    if ((mode_ & greets) != 0) write(find(s), 900, {});
    if ((mode_ & half_closes) != 0) (void)s.shutdown_send();
    if ((mode_ & polls_inside) != 0) require(!net_->poll(now(), budget{1}, ignore_rest{}), "poll inside a handler is busy");
  }
  void on_readable(const typename net::readable& e) {
    known& k = live(e.stream);
    require(!e.stream.peek().empty(), "`readable` comes when there is something to read");
    if ((mode_ & echoes) != 0) echo(&k);
    if ((mode_ & takes) != 0) take(&k);
    if ((mode_ & reads) != 0) read(&k, 4096);
    if ((mode_ & aborts_on_data) != 0 && e.stream.abort()) k.is_aborted = true;
  }
  void on_writable(const typename net::writable& e) {
    known& k = live(e.stream);
    if ((mode_ & greets) != 0 && k.written.size() < 8000) write(&k, 500, {});
  }
  void on_peer_closed(const typename net::peer_closed& e) {
    known& k = live(e.stream);
    require(!k.peer_closed, "`peer_closed` comes once");
    require(e.stream.peek().empty(), "`peer_closed` comes when the last byte was consumed");
    k.peer_closed = true;
    if ((mode_ & closes_after_peer) != 0) (void)e.stream.close();
  }
  void on_closed(const typename net::closed& e) {
    known& k = live(e.stream);
    k.is_closed = true;
    require(e.why != close_reason::none, "`closed` has a reason");
    require(!k.is_aborted || e.why == close_reason::aborted, "abort() ends as aborted");
    note("connection.closed");
    if (e.why == close_reason::orderly) note("connection.closed_orderly");
    if ((mode_ & reconnects) != 0 && reconnected_ < 4) ++reconnected_, open(0, 0);
  }
  void on_datagram(const typename net::datagram& e) {
    require(e.socket.is_live(), "a datagram is for a socket that is open");
    if ((mode_ & reads_datagrams) != 0) (void)e.socket.receive({scratch_, sizeof scratch_});
  }
  void on_error(const typename net::error& e) {
    if (e.stream.net() != nullptr) (void)live(e.stream);
    if (e.socket.net() != nullptr) require(e.socket.is_live(), "an error is for a socket that is open");
  }

  void on_raw(const typename net::raw_socket& s) {
    require(s.is_live(), "an event of a raw socket is of one that is open");
    if ((mode_ & reads_datagrams) != 0) (void)s.receive({scratch_, sizeof scratch_});
  }

  /// Three bits say what; the protocols are what the stack has itself, and one that it has not, which alone is sent: there are no rules for it.
  void use_raw(unsigned who, unsigned n) {
    static constexpr u8 protocols[] = {1, 6, 17, 253};
    const typename net::raw_socket s = raws_.empty() ? typename net::raw_socket{} : raws_[who % raws_.size()];
    const bool may_send = net_->template transport<2>().protocol_of(s.id()) == 253;
    switch (n & 7) {
      case 0: keep(raws_, net_->open_raw({.protocol = protocols[n >> 3 & 3], .address = (n >> 5 & 1) != 0 ? ours() : address{}})); break;
      case 1: (void)s.close(); break;
      case 2: (void)s.connect(peer(n >> 3, 0).address); break;
      case 3:
        if (may_send) (void)s.send_to(text(n >> 6), peer(n >> 3 & 7, 0).address), (void)s.send_to(written(peer(n >> 3 & 7, 0).address, n >> 6), peer(n >> 3 & 7, 0).address);
        break;
      case 4: (void)s.receive({scratch_, n >> 3 & 1023}); break;
      case 5:
        if (const auto view = s.peek()) require(view->header.size() >= 20 && view->header.size() + view->bytes.size() <= C::limits.chunk_size, "a packet fits in its chunk");
        (void)s.consume();
        break;
      case 6: (void)s.set(raw::option::dscp{static_cast<u8>(n >> 3)}), (void)s.set(raw::option::hop_limit{static_cast<u8>(n >> 8)});
        (void)s.set(raw::option::icmp_filter{n >> 3}), (void)s.set(raw::option::header_included{(n >> 13 & 1) != 0});
        break;
      case 7:
        if (may_send) (void)s.send(text(n >> 3));
        break;
    }
  }

  /// An IPv4 header and some bytes; without header_included they are what stands behind one. Where the words do not say so it is what it must be.
  [[nodiscard]] static bytes written(const address& to, unsigned n) {
    static std::byte packet[60];
    std::fill(std::begin(packet), std::end(packet), std::byte{0});
    packet[0] = (n & 7) == 7 ? static_cast<std::byte>(n & 0x74) : std::byte{0x45}, packet[9] = std::byte{253};
    packet[4] = packet[8] = static_cast<std::byte>(n);
    if constexpr (!is_raw) store_be<u32>(packet + 16, to.value);
    return bytes(packet).first(n & 63 ? 20 + n % 40 : n % 20);
  }

  // ---- what must hold ----

  void after_turn() {
    for (std::size_t i = checked; i < far.sent.size(); ++i) check_frame(far.sent[i]);
    checked = far.sent.size();
    for (known& k : streams_) check_stream(k);
    require(net_->chunks_in_use() <= C::limits.chunks, "chunks are counted");
    const auto next = net_->next_deadline();
    if (!net_->idle()) require(next.has_value() && now_or_before(*next), "waiting work is due now");
  }
  [[nodiscard]] bool now_or_before(time_point t) const { return net_->now().reached(t); }

  void check_stream(known& k) {
    const auto i = k.stream.info();
    require(i.has_value() || k.is_closed, "a stream that was not closed has info()");
    if (!i) return;
    require(i->receive_chunks <= C::limits.receive_chunks, "the receive budget holds");
    require(i->unread <= C::limits.receive_chunks * C::limits.chunk_size, "unread bytes lie in the budget's chunks");
    require(k.stream.peek().size() == i->unread, "peek() shows what is unread");
    require(i->mss >= 36 && i->mss + 40u <= C::mtu, "a segment fits the link");
    require(i->path_mtu <= C::mtu, "the path is no wider than the link");
    require(i->cwnd >= i->mss, "one segment may always leave");
    require(i->rto_us >= 1000 && i->rto_us <= 121'000'000, "the timeout is in its bounds");
    require(i->unacked <= C::limits.send_chunks * C::limits.chunk_size + 2, "what is outstanding is in the send queue");
    require(i->unacked + i->unsent <= C::limits.send_chunks * C::limits.chunk_size + 2, "what is queued is in the send queue");
    require(i->send_chunks <= C::limits.chunks, "the send queue is in the pool");
    require(i->bytes_acked <= k.written.size(), "only what was written is acknowledged");
    require(i->backoff <= 15, "back-off is bounded");
    if (i->receive_chunks == C::limits.receive_chunks && i->unread >= (C::limits.receive_chunks - 1) * i->mss) note("connection.filled");
  }

  /// RFC 894, 791, 8200, 826, 9293: sound, from us, within the MTU; and payload is what the application wrote at that place.
  void check_frame(const octets& frame) {
    using checker::at16;
    using checker::at8;
    bytes p(frame);
    if constexpr (!is_raw) {
      require(p.size() >= 14 && std::equal(p.begin() + 6, p.begin() + 12, reinterpret_cast<const std::byte*>(far.mac.bytes)),
              "a frame is from our MAC");
      const unsigned type = at16(p, 12);
      p = p.subspan(14);
      if (type == 0x0806) return require(p.size() == 28 && at8(p, 14) == 10 && at8(p, 17) == 1, "an ARP message tells of our address");
      require(type == 0x0800, "we speak ARP and IPv4");
    }
    require(p.size() >= 20 && p.size() <= C::mtu, "a packet fits the MTU");
    const bool is_four = at8(p, 0) >> 4 == 4;
    require(is_four ? at16(p, 2) == p.size() : p.size() >= 40 && at16(p, 4) + 40u == p.size(), "the length is the packet's");
    if (is_four && at8(p, 9) == 2) return check_igmp(p);
    if (is_four) {
      require(at8(p, 0) == 0x45 && checker::adds_up(p.first(20)), "the header has a right checksum");
      require(checker::at32(p, 12) == 0x0a00'0001, "a packet is from our address");
      if ((at16(p, 6) & 0x3fff) != 0) return check_fragment(p);
      if (at8(p, 9) == 1) require(checker::adds_up(p.subspan(20)), "an ICMP message has a right checksum");
    }
    const seen_segment s = read_segment(p, true);
    if ((is_four ? at8(p, 9) : at8(p, 6)) != 6) return;
    require(s.is_tcp && s.is_sound, "a segment is whole and has a right checksum");
    if ((s.flags & 2) != 0) our_starts_[s.ends] = s.seq + 1;
    if (s.data.empty()) return;
    known* k = nullptr;
    for (known& each : streams_)
      if (each.ends == s.ends) k = &each;
    const auto start = our_starts_.find(s.ends);
    require(k != nullptr, "data is of a stream that the application has");
    if (start == our_starts_.end()) return;  // the ring was full when the SYN should have left, and the peer guessed its number
    const std::uint32_t at = s.seq - start->second;
    require(at <= k->written.size() && s.data.size() <= k->written.size() - at, "only what was written is sent");
    require(std::equal(s.data.begin(), s.data.end(), k->written.begin() + at), "bytes are sent as they were written");
  }

  /// RFC 3376 §4, RFC 2236 §2: one hop, with router alert, to a group, and as long as it says.
  void check_igmp(bytes p) {
    using checker::at16;
    using checker::at8;
    require(at8(p, 0) == 0x46 && p.size() >= 32 && checker::adds_up(p.first(24)) && checker::adds_up(p.subspan(24)), "a message of IGMP has right checksums");
    require(at8(p, 8) == 1 && at8(p, 1) == 0xc0 && checker::at32(p, 20) == 0x9404'0000 && at8(p, 16) >> 4 == 14, "a message of IGMP goes one hop, to a group, with router alert");
    require(checker::at32(p, 12) == (is_raw ? 0 : 0x0a00'0001), "a message of IGMP is from our address");
    const bytes m = p.subspan(24);
    if (at8(m, 0) != 0x22) return require(m.size() == 8 && (at8(m, 0) == 0x12 || at8(m, 0) == 0x16 || at8(m, 0) == 0x17), "a message of IGMP is one that a host sends");
    std::size_t at = 8;
    for (unsigned n = at16(m, 6); n > 0; --n) {
      require(at + 8 <= m.size() && at8(m, at) >= 1 && at8(m, at) <= 6 && at8(m, at + 1) == 0, "a record is one of the six");
      at += 8 + at16(m, at + 2) * 4u;
    }
    require(at16(m, 6) != 0 && at == m.size(), "a report ends with its last record");
  }

  /// Only long answers to echoes leave in fragments: one after the other, in their order, unless the ring has no room for the rest.
  void check_fragment(bytes p) {
    using checker::at16;
    const unsigned offset = (at16(p, 6) & 0x1fffu) * 8u;
    const bool is_last = (at16(p, 6) & 0x2000) == 0;
    require(checker::at8(p, 9) == 1 && (at16(p, 6) & 0xc000) == 0, "only an echo's answer is cut");
    require(is_last || p.size() % 8 == 4, "a fragment but the last is a multiple of eight");
    if (offset == 0) cut_.clear(), cut_id_ = at16(p, 4);
    else require(offset == cut_.size() && at16(p, 4) == cut_id_, "a fragment goes on where the one before ended");
    cut_.insert(cut_.end(), p.begin() + 20, p.end());
    if (is_last) require(checker::adds_up(cut_), "an ICMP message in fragments has a right checksum");
  }

  /// The application lets go of everything, and the NIC behaves: all timers end, and nothing is left.
  void let_go() {
    misbehave(0);
    far.coming.clear();
    mode_ = 0;
    views_.clear();
    poll(16);
    for (known& k : streams_)
      if (k.stream.abort()) k.is_aborted = true;
    for (auto& l : listeners_) (void)l.close();
    for (auto& d : sockets_) (void)d.close();
    for (auto& r : raws_) (void)r.close();
    for (unsigned turns = 0; turns < 3; ++turns) poll(16);
    for (const known& k : streams_) require(k.is_closed && !k.stream.is_live(), "every stream ends with one `closed`");
    unsigned turns = 0;
    while (poll_at_deadline()) {
      require(++turns < 400, "all timers end");
      (void)take_sent();
    }
    poll(16);
    const auto& streams = net_->template transport<0>();
    require(streams.connections() == 0 && streams.half_open() == 0 && streams.time_waits() == 0, "no connection is left");
    require(net_->chunks_in_use() == 0, "no chunk is in use when all is done");
    require(net_->idle() && !net_->next_deadline(), "nothing waits when all is done");
  }

  /// Two bits say what, three the group (of one of them all systems are members, and one is none), two the source, and one whether it is the stack's own. One more:
  /// something is sent to it, and the next two say who hears it.
  void change_group(const typename net::datagram_socket& d, unsigned n) {
    const auto at = [](u32 a) {
      if constexpr (is_raw) return ipv4_address{a}.v6();
      else return ipv4_address{a};
    };
    const address group = at((n >> 2 & 7) == 0 ? 0xe0000001 : (n >> 2 & 7) == 7 ? 0x0a000003 : 0xef010200 + (n >> 2 & 7)), source = (n >> 5 & 3) == 0 ? address{} : at(0x0a000001 + (n >> 5 & 3));
    const address sources[] = {source, at(0x0a000003)};
    if ((n >> 8 & 1) != 0) {
      (void)d.set(udp::option::multicast_loop{static_cast<multicast::loop>((n >> 9 & 3) % 3)});
      return void(d.send_to(text(n >> 11 & 31), endpoint{group, static_cast<u16>(3000 + (n & 3))}));
    }
    const auto listed = std::span(sources).first(source.is_unspecified() ? 0 : 2);
    const auto tell = [&](const auto& to) {
      switch (n & 3) {
        case 0: (void)to.join({.group = group, .source = source}); break;
        case 1: (void)to.leave({.group = group, .source = source}); break;
        default: (void)to.listen_to({.group = group, .mode = (n & 1) != 0 ? multicast::filter_mode::exclude : multicast::filter_mode::include, .sources = listed}); break;
      }
    };
    if ((n >> 7 & 1) == 0) return tell(d);
    struct of_stack {
      net& s;
      void join(const typename net::membership& m) const { (void)s.join(m); }
      void leave(const typename net::membership& m) const { (void)s.leave(m); }
      void listen_to(const typename net::source_filter& f) const { (void)s.listen_to(f); }
    };
    tell(of_stack{*net_});
  }

  // ---- counting ----

  static void note(const char* what) {
    if (counted != nullptr) ++(*counted)[what];
  }
  void tell_counters() const {
    if (counted == nullptr) return;
    tally(*counted, "stack", net_->counters(), stack_names);
    tally(*counted, "interface", net_->at_interface().counters(), interface_names);
    tally(*counted, "tcp", net_->template transport<0>().counters(), tcp_names);
    tally(*counted, "udp", net_->template transport<1>().counted(), udp_names);
    tally(*counted, "raw", net_->template transport<2>().counted(), raw_names);
    tally(*counted, "ip", net_->template network<0>().counted(), ip_names);
    tally(*counted, "igmp", net_->template network<0>().igmp_counted(), igmp_names);
    tally(*counted, "icmp", net_->template network<0>().icmp_counted(), icmp_names);
    if constexpr (is_raw) {
      tally(*counted, "ip6", net_->template network<1>().counted(), ip_names);
      tally(*counted, "raw_ip", net_->at_interface().link.counted(), raw_ip_names);
      (*counted)["fifo.drops"] += net_->at_interface().qdisc.drops();
    } else {
      tally(*counted, "ethernet", net_->at_interface().link.counted(), ethernet_names);
      tally(*counted, "arp", net_->at_interface().neighbour.counted(), arp_names);
    }
  }

  setting setting_;
  std::uint64_t start_ = 1'000'000'000;
  std::uint64_t elapsed_ = 0;  // microseconds
  std::uint16_t mode_ = reads | closes_after_peer | greets;
  unsigned reconnected_ = 0;
  std::vector<known> streams_{};
  std::vector<typename net::listener> listeners_{};
  std::vector<typename net::datagram_socket> sockets_{};
  std::vector<typename net::raw_socket> raws_{};
  std::map<std::string, std::uint32_t> our_starts_{};
  std::byte scratch_[2048]{};
  std::vector<std::byte> cut_{};  // what came of a message in fragments
  unsigned cut_id_ = 0;
  alignas(64) std::byte memory_[std::size_t{C::limits.chunks} * C::limits.chunk_size]{};
  std::unique_ptr<net> net_ = std::make_unique<net>();
  std::vector<tcp::owned_view> views_{};  // last: they go before the stack
};

}  // namespace

std::unique_ptr<world> world::make(setting s) {
  if (s.is_raw) return std::make_unique<world_of<over_raw>>(s);
  return std::make_unique<world_of<over_ethernet>>(s);
}

}  // namespace strata::fuzz
