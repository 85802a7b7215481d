// SPDX-License-Identifier: MIT
// strata as an IP endpoint in somebody else's hands, through public calls only: IP packets without a link header go in and come out one by one, each with its
// time; the caller owns the clock and moves it in microseconds; no call waits. This is how a conformance suite, a fuzzer or a simulator drives a stack.
#pragma once
#include <strata/strata.hpp>
#include <strata/ip/v6.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>

#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace strata::ip_endpoint {
using namespace strata::literals;

using octets = std::vector<std::byte>;
struct timed_packet {
  u64 at_us = 0;
  octets bytes;
};
/// What the endpoint and its owner share: packets on their way, and the time.
struct tunnel {
  std::deque<octets> in;
  std::deque<timed_packet> out;
  u64 now_us = 0;
  u16 mtu = 1500;
};

/// A driver over a tunnel: nic/driver.hpp is all that it knows of strata.
class tunnel_nic {
 public:
  static constexpr std::size_t ring_bytes = 0;
  static constexpr nic::capabilities may{};
  explicit tunnel_nic(tunnel& t) : t_(&t) {}

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !t_->in.empty(); ++n) {
      batch[n] = chunks.take_receive(64);
      if (!batch[n]) break;
      const octets& bytes = t_->in.front();
      copy_bytes(batch[n].room().data(), bytes.data(), bytes.size());
      batch[n].extend(bytes.size());
      t_->in.pop_front();
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (packet& p : batch) {
      t_->out.push_back({t_->now_us, {p.bytes().begin(), p.bytes().end()}});
      p.reset();
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return t_->mtu; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }

 private:
  tunnel* t_;
};

struct over_v4 : presets::server {
  using nic = tunnel_nic;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
};
struct over_v6 : over_v4 {
  using family = only_v6;
  template <class C> using network = layers<ip::v6<C>>;
};

/// A segment as the peer sees it.
struct segment {
  u8 flags = 0, ttl = 0, traffic_class = 0;
  u32 seq = 0, ack = 0;
  u16 window = 0;
  octets options, data;
  u64 at_us = 0;
};

/// The endpoint, and a peer that writes its segments by hand.
template <class C> struct endpoint_under_test {
  using net = stack<C>;
  using address = typename C::family::address;
  static constexpr bool is_v4 = address::bits == 32;
  static constexpr std::size_t ip_header = is_v4 ? 20 : 40;

  tunnel tun{};
  octets memory = octets(std::size_t{C::limits.chunks} * C::limits.chunk_size);
  net tcp_ip{};
  std::string log;  // the events, in order
  typename net::stream last{};
  u32 iss = 0;      // the endpoint's first number

  [[nodiscard]] static address us() { if constexpr (is_v4) return "192.0.2.1"_ip; else return "2001:db8::1"_ip; }
  [[nodiscard]] static address them() { if constexpr (is_v4) return "192.0.2.9"_ip; else return "2001:db8::9"_ip; }

  endpoint_under_test() {
    tun.mtu = is_v4 ? 1500 : 1520;
    REQUIRE(tcp_ip.start({.nic = tunnel_nic{tun}, .memory = std::span(memory), .entropy = {1}, .address = {us(), is_v4 ? u8{24} : u8{64}}, .now = time()}) == bad_option::none);
  }
  [[nodiscard]] typename net::time_point time() const { return {tun.now_us * 1000}; }
  void poll() {
    (void)tcp_ip.poll(time(), budget{64}, on{
        [this](typename net::accepted e) { log += "accepted ", last = e.stream; }, [this](typename net::connected) { log += "connected "; },
        [this](typename net::readable) { log += "readable "; }, [this](typename net::writable) { log += "writable "; },
        [this](typename net::peer_closed) { log += "peer_closed "; }, [this](typename net::closed e) { log += "closed" + std::to_string(static_cast<int>(e.why)) + " "; },
        [this](typename net::error) { log += "error "; }, ignore_rest{}});
  }
  /// Moves the clock by `us`, a deadline at a time, as next_deadline() says; what leaves has the time at which it was due.
  void pass(u64 us) {
    const u64 until = tun.now_us + us;
    for (;;) {
      const auto due = tcp_ip.next_deadline();
      if (!due || due->count > until * 1000) break;
      tun.now_us = due->count / 1000 > tun.now_us ? (due->count + 999) / 1000 : tun.now_us;
      poll();
    }
    tun.now_us = until;
    poll();
  }
  /// A segment of the peer; numbers count from the first ones of their side.
  void send(u8 flags, u32 seq, u32 ack, std::size_t length, u16 window = 65535, std::initializer_list<u8> options = {}) {
    octets p(ip_header + 20 + options.size() + length);
    std::byte* at = p.data() + ip_header;
    wire::tcp h;
    h.source = 4000, h.destination = 80, h.seq = peer_iss + seq, h.ack = (flags & wire::tcp::flag::ack) != 0 ? iss + ack : 0, h.flags = flags, h.window = window;
    h.header_length = static_cast<u8>(20 + options.size());
    h.emit(at);
    std::size_t i = 20;
    for (const u8 o : options) at[i++] = std::byte{o};
    for (; i < p.size() - ip_header; ++i) at[i] = std::byte{'x'};
    const u32 size = static_cast<u32>(p.size() - ip_header);
    store_be<u16>(at + 16, static_cast<u16>(~fold(pseudo_header_sum(them(), us(), 6, size) + ones_sum({at, size}))));
    if constexpr (is_v4) {
      wire::ipv4 ip;
      ip.total_length = static_cast<u16>(p.size()), ip.ttl = 64, ip.protocol = 6, ip.source = them(), ip.destination = us();
      ip.emit(p.data());
    } else {
      wire::ipv6 ip;
      ip.payload_length = static_cast<u16>(size), ip.next_header = 6, ip.source = them(), ip.destination = us();
      ip.emit(p.data());
    }
    tun.in.push_back(std::move(p));
  }
  /// The next packet that left, if it is a sound segment.
  [[nodiscard]] segment next() {
    segment s;
    REQUIRE(!tun.out.empty());
    const timed_packet p = std::move(tun.out.front());
    tun.out.pop_front();
    REQUIRE(p.bytes.size() >= ip_header + 20);
    REQUIRE(p.bytes.size() <= tun.mtu);
    const std::span<const std::byte> bytes(p.bytes);
    s.at_us = p.at_us;
    s.traffic_class = is_v4 ? static_cast<u8>(bytes[1]) : static_cast<u8>(load_be<u16>(bytes.data()) >> 4);
    s.ttl = static_cast<u8>(bytes[is_v4 ? 8 : 7]);
    const auto tcp_bytes = bytes.subspan(ip_header);
    wire::tcp h;
    REQUIRE(wire::tcp::read(tcp_bytes, h));
    REQUIRE(checksum_is_valid(tcp_bytes, pseudo_header_sum(us(), them(), 6, static_cast<u32>(tcp_bytes.size()))));
    if ((h.flags & wire::tcp::flag::syn) != 0) iss = h.seq;
    s.flags = h.flags, s.seq = h.seq - iss, s.ack = h.ack - peer_iss, s.window = h.window;
    s.options.assign(tcp_bytes.begin() + 20, tcp_bytes.begin() + h.header_length);
    s.data.assign(tcp_bytes.begin() + h.header_length, tcp_bytes.end());
    return s;
  }
  void establish() {
    REQUIRE(tcp_ip.listen({.port = 80}));
    send(wire::tcp::flag::syn, 0, 0, 0, 65535, {2, 4, 0x05, 0xb4});
    poll();
    REQUIRE(next().flags == (wire::tcp::flag::syn | wire::tcp::flag::ack));
    send(wire::tcp::flag::ack, 1, 1, 0);
    poll();
    REQUIRE(log == "accepted ");
    log.clear();
    REQUIRE(tun.out.empty());
  }
  static constexpr u32 peer_iss = 0xffff'f000;
};
using flag = wire::tcp::flag;
constexpr u8 ack = flag::ack, push = flag::ack | flag::psh;

template <class C> std::unique_ptr<endpoint_under_test<C>> make() { return std::make_unique<endpoint_under_test<C>>(); }

// Linux: tcp_syn_options writes MSS, SACK-permitted (not here yet) with timestamps, NOP, window scale.
template <class C> void handshake() {
  auto e = make<C>();
  auto s = e->tcp_ip.connect({.remote = {e->them(), 4000}, .local = {{}, 80}});
  REQUIRE(s);
  const segment syn = e->next();
  CHECK(syn.flags == flag::syn);
  CHECK(syn.ttl == 64);
  REQUIRE(syn.options.size() == 20);
  CHECK(load_be<u32>(syn.options.data()) == (0x0204'0000u | 1460));
  CHECK(load_be<u32>(syn.options.data() + 4) == 0x0101'080a);
  CHECK(load_be<u16>(syn.options.data() + 16) == 0x0103);
  e->pass(999'999);
  CHECK(e->tun.out.empty());
  e->pass(1);
  CHECK(e->next().at_us == 1'000'000);  // RFC 6298 (2.1)
  e->pass(50'000);
  e->send(flag::syn | flag::ack, 0, 1, 0, 65535, {2, 4, 0x05, 0xb4});
  e->poll();
  CHECK(e->log == "connected ");
  const segment done = e->next();
  CHECK(done.flags == flag::ack);
  CHECK(done.seq == 1);
  CHECK(done.ack == 1);
  CHECK(s->info()->state == tcp::state::established);
}
// RFC 6928 §2, and PSH at the end of each write.
template <class C> void initial_window() {
  auto e = make<C>();
  e->establish();
  const octets bytes(20 * 1460, std::byte{'y'});
  CHECK(e->last.send(bytes).value_or(0) == bytes.size());
  e->poll();
  for (u32 i = 0; i < 10; ++i) {
    const segment s = e->next();
    CHECK(s.seq == 1 + i * 1460);
    CHECK(s.data.size() == 1460);
    CHECK((s.flags & flag::psh) == 0);
  }
  CHECK(e->tun.out.empty());
  e->send(ack, 1, 1 + 10 * 1460, 0);
  e->poll();
  for (u32 i = 10; i < 20; ++i) CHECK(((e->next().flags & flag::psh) != 0) == (i == 19));
  CHECK(e->last.info()->bytes_acked == 10 * 1460);
}
// Linux: the first ACKs leave at once; a lone segment waits 40 ms once the two talk in turn; RFC 9293 §3.8.6.3.
template <class C> void acks_in_turn() {
  auto e = make<C>();
  e->establish();
  e->send(push, 1, 1, 100);
  e->poll();
  CHECK(e->log == "readable ");
  CHECK(e->next().ack == 101);
  // A handler that answers within its turn: the answer carries the ACK.
  e->pass(10'000);
  e->send(push, 101, 1, 100);
  (void)e->tcp_ip.poll(e->time(), budget{64}, on{[](typename stack<C>::readable r) { (void)r.stream.consume(r.stream.send(r.stream.peek()).value_or(0)); }, ignore_rest{}});
  const segment answer = e->next();
  CHECK(answer.ack == 201);
  CHECK(answer.data.size() == 200);
  CHECK(answer.flags == push);
  CHECK(e->tun.out.empty());
  e->pass(10'000);
  e->send(push, 201, 201, 100);
  e->poll();
  CHECK(e->tun.out.empty());
  const u64 came = e->tun.now_us;
  e->pass(100'000);
  const segment late = e->next();
  CHECK(late.ack == 301);
  CHECK(late.at_us == came + 40'000);
}
// RFC 6298 §5 with Linux's minimum of 200 ms; the times are exact.
template <class C> void retransmissions() {
  auto e = make<C>();
  e->establish();
  CHECK(e->last.send(octets(100)).value_or(0) == 100);
  const u64 sent = e->next().at_us;
  e->pass(3'000'000);
  u64 after = 200'000;
  for (u64 at = sent + after; at <= sent + 3'000'000; at += after) {
    const segment s = e->next();
    CHECK(s.at_us == at);
    CHECK(s.seq == 1);
    after *= 2;
  }
  CHECK(e->tun.out.empty());
}
// RFC 9293 §3.10.7.1: no ACK bit on the reset of a segment that has one.
template <class C> void resets() {
  auto e = make<C>();
  e->iss = 0;
  e->send(ack, 5, 77, 10);
  e->poll();
  segment s = e->next();
  CHECK(s.flags == flag::rst);
  CHECK(s.seq == 77);
  e->send(flag::syn, 5, 0, 0);
  e->poll();
  s = e->next();
  CHECK(s.flags == (flag::rst | flag::ack));
  CHECK(s.ack == 6);
}
// RFC 9293 §3.9.2, §3.9.1.9; MUST-48, MUST-49, SHLD-21, SHLD-22: the time to live and the DSCP, from the next segment on, unchanged by what is below.
template <class C> void ip_fields() {
  auto e = make<C>();
  e->establish();
  CHECK(e->last.set(option::dscp{64}).error() == tcp::call_error::bad_options);
  CHECK(e->last.set(option::dscp{46}));
  CHECK(e->last.set(option::hop_limit{3}));
  CHECK(e->last.template get<option::dscp>()->value == 46);
  CHECK(e->last.template get<option::hop_limit>()->value == 3);
  CHECK(e->last.send(octets(100)).value_or(0) == 100);
  segment s = e->next();
  CHECK(s.traffic_class == 46 << 2);
  CHECK(s.ttl == 3);
  e->send(push, 1, 101, 10);
  e->poll();
  CHECK(e->next().traffic_class == 46 << 2);
  CHECK(e->last.set(option::dscp{}));
  CHECK(e->last.set(option::hop_limit{}));
  CHECK(e->last.send(octets(100)).value_or(0) == 100);
  s = e->next();
  CHECK(s.traffic_class == 0);
  CHECK(s.ttl == 64);
}
// Orderly, by hand; calls that cannot go on say so and do not wait.
template <class C> void ends() {
  auto e = make<C>();
  e->establish();
  std::byte room[10];
  CHECK(e->last.receive(room).error() == tcp::receive_error::would_block);
  e->send(flag::fin | flag::ack, 1, 1, 0);
  e->poll();
  CHECK(e->log == "peer_closed ");
  CHECK(e->next().ack == 2);
  CHECK(e->last.receive(room).error() == tcp::receive_error::end_of_stream);
  CHECK(e->last.close());
  CHECK(e->next().flags == (flag::fin | flag::ack));
  e->send(ack, 2, 2, 0);
  e->poll();
  e->poll();
  CHECK(e->log == "peer_closed closed" + std::to_string(static_cast<int>(close_reason::orderly)) + " ");
  CHECK(!e->last.is_live());
  CHECK(e->tun.out.empty());
}
template <class C> void all() {
  SECTION("handshake") { handshake<C>(); }
  SECTION("initial window") { initial_window<C>(); }
  SECTION("ACKs in turn") { acks_in_turn<C>(); }
  SECTION("retransmissions") { retransmissions<C>(); }
  SECTION("resets") { resets<C>(); }
  SECTION("IP fields") { ip_fields<C>(); }
  SECTION("ends") { ends<C>(); }
}

}  // namespace strata::ip_endpoint
