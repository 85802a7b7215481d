// SPDX-License-Identifier: MIT
// What is joined and what is not: segments of one batch, and how often TCP looked.
#include <two_stacks.hpp>

#include <strata/neighbour/fixed.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {
using namespace strata;
using namespace strata::test;

struct counts_looks {
  static constexpr bool is_active = true;
  u32 looks = 0, joins = 0, seq = 0, ack = 0;
  void on(const trace::record& r) {
    joins += r.what == trace::step::join && r.bytes == 1000 && r.connection == 1 && r.chunk != 0;
    if (r.what == trace::step::join) seq = r.seq, ack = r.ack;
    looks += r.what == trace::step::fast_path || r.what == trace::step::slow_path;
  }
};
struct config : presets::testing {
  using observer = counts_looks;
  using neighbour = strata::neighbour::fixed;
  static constexpr bool timestamps = false;
  static constexpr bool gro = true;
};
using net = stack<config>;

/// What a test changes of a segment.
struct piece {
  u32 bytes = 1000;
  u8 flags = wire::tcp::flag::ack;
  u16 window = 5000;
  u8 type_of_service = 0, ttl = 64;
  u32 ack_more = 0;   ///< bytes of ours that it acknowledges
  u32 gap = 0;        ///< bytes that are missing in front of it
  u16 from = 2000;    ///< the peer's port
  bool is_good = true;
  bool dont_fragment = false;
};

struct world {
  nic::wire cable{};
  alignas(64) std::byte memory[256 * 2048]{};
  net a{};
  bare_peer peer{cable};
  u32 seq[2] = {100, 100}, ack[2] = {};  // of the two connections, from ports 2000 and 2001
  u32 ms = 1;
  std::size_t read = 0;
  bool is_right = true;

  world() {
    (void)a.start({.nic = {cable, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
    REQUIRE(a.listen({.port = 7}));
    for (const u16 port : {u16{2000}, u16{2001}}) {
      send({.bytes = 0, .flags = wire::tcp::flag::syn, .from = port});
      poll();
      const auto frames = peer.receive();
      REQUIRE(frames.size() == 1);
      ack[port - 2000] = load_be<u32>(frames[0].data() + 38) + 1;
      ++seq[port - 2000];
      send({.bytes = 0, .from = port});
      poll();
    }
    (void)looks();
  }
  void send(const piece& p) {
    u32 &at = seq[p.from - 2000], &acked = ack[p.from - 2000];
    at += p.gap;
    acked += p.ack_more;
    std::vector<std::byte> f(54 + p.bytes);
    copy_bytes(f.data(), reinterpret_cast<const std::byte*>("\2\0\0\0\0\1\2\0\0\0\0\2\x08\0"), 14);
    wire::ipv4 ip;
    ip.protocol = 6;
    ip.type_of_service = p.type_of_service;
    ip.ttl = p.ttl;
    ip.dont_fragment = p.dont_fragment;
    ip.total_length = static_cast<u16>(40 + p.bytes);
    ip.source = "10.0.0.2"_ip;
    ip.destination = "10.0.0.1"_ip;
    ip.emit(f.data() + 14);
    wire::tcp t;
    t.source = p.from, t.destination = 7, t.seq = at, t.ack = (p.flags & wire::tcp::flag::ack) != 0 ? acked : 0, t.flags = p.flags, t.window = p.window;
    t.emit(f.data() + 34);
    for (u32 i = 0; i < p.bytes; ++i) f[54 + i] = static_cast<std::byte>((at + i) * 13);
    t.checksum = static_cast<u16>(~fold(ones_sum(std::span(f).subspan(34)) + pseudo_header_sum(ip.source, ip.destination, 6, 20 + p.bytes)));
    if (!p.is_good) ++t.checksum;
    t.emit(f.data() + 34);
    peer.send(f);
    if (p.is_good) at += p.bytes + ((p.flags & wire::tcp::flag::fin) != 0 ? 1 : 0);
  }
  /// Bytes that could be read in this poll.
  std::size_t poll() {
    const std::size_t before = read;
    (void)a.poll({u64{ms++} * 1'000'000}, budget{64}, on{[&](net::readable e) {
                                                           std::byte to[8192];
                                                           const auto n = e.stream.receive(to);
                                                           if (!n) return;
                                                           read += *n;
                                                         },
                                                         ignore_rest{}});
    return read - before;
  }
  u32 looks() { return std::exchange(a.observer().looks, 0); }
  /// Segments that come together: how often TCP looked.
  u32 looks_at(std::initializer_list<piece> batch) {
    (void)looks();
    std::size_t bytes = 0;
    for (const piece& p : batch) send(p), bytes += p.is_good ? p.bytes : 0;
    const auto before = a.transport().counters().in_segments;
    CHECK(poll() == bytes);
    CHECK(a.transport().counters().in_segments == before + batch.size());
    (void)peer.receive();
    return looks();
  }
};

constexpr u8 plain = wire::tcp::flag::ack, push = plain | wire::tcp::flag::psh, fin = plain | wire::tcp::flag::fin, urgent = plain | wire::tcp::flag::urg;

TEST_CASE("segments that follow each other are looked at once") {
  auto w = std::make_unique<world>();
  CHECK(w->looks_at({{}, {}, {}, {}}) == 1);
  CHECK(w->a.observer().joins == 3);  // each segment behind the first is told of
  CHECK(w->a.observer().seq == w->seq[0] - 1000);
  CHECK(w->a.observer().ack == w->ack[0]);
  CHECK(w->looks_at({{}}) == 1);
  CHECK(w->looks_at({{}, {}}) == 1);
}
TEST_CASE("PSH and a shorter segment end what is joined, behind them") {
  auto w = std::make_unique<world>();
  CHECK(w->looks_at({{}, {.flags = push}, {}, {}}) == 2);
  CHECK(w->looks_at({{}, {.bytes = 999}, {}, {}}) == 2);
  CHECK(w->looks_at({{.flags = push}, {}}) == 2);
  CHECK(w->looks_at({{.bytes = 500}, {}, {}}) == 2);  // a longer one does not go behind a shorter one
}
TEST_CASE("a change of what the header says ends what is joined, in front of it") {
  auto w = std::make_unique<world>();
  CHECK(w->looks_at({{}, {.window = 5001}, {.window = 5001}}) == 2);
  CHECK(w->looks_at({{}, {.type_of_service = 1}}) == 2);
  CHECK(w->looks_at({{}, {.type_of_service = 4}}) == 2);
  CHECK(w->looks_at({{}, {.ttl = 63}}) == 2);
  CHECK(w->looks_at({{}, {.dont_fragment = true}}) == 2);
  CHECK(w->looks_at({{}, {.flags = urgent}}) == 2);
  CHECK(w->looks_at({{}, {.from = 2001}, {}}) == 3);
  CHECK(w->looks_at({{}, {.bytes = 0}, {}}) == 3);
  CHECK(w->looks_at({{}, {.flags = fin}}) == 2);
}
TEST_CASE("an ACK of something new ends what is joined, in front of it") {
  auto w = std::make_unique<world>();
  net::stream s;
  w->send({});
  (void)w->a.poll({u64{w->ms++} * 1'000'000}, budget{64}, on{[&](net::readable e) { s = e.stream, (void)s.consume(1000); }, ignore_rest{}});
  std::byte text[300]{};
  REQUIRE(s.send(text));
  CHECK(w->looks_at({{}, {.ack_more = 100}, {}, {.ack_more = 200}}) == 3);
  CHECK(s.info()->unacked == 0);
  CHECK(s.info()->bytes_received == 5000);
}
TEST_CASE("a hole ends what is joined, and what lies behind it waits") {
  auto w = std::make_unique<world>();
  w->send({}), w->send({}), w->send({.gap = 1000}), w->send({});
  CHECK(w->poll() == 2000);
  CHECK(w->looks() == 3);
}
TEST_CASE("a segment with a wrong checksum is not joined") {
  auto w = std::make_unique<world>();
  w->send({}), w->send({.is_good = false}), w->send({}), w->send({});
  CHECK(w->poll() == 3000);
  CHECK(w->looks() == 1);
  CHECK(w->a.transport().counters().in_checksum_errors == 1);
}
TEST_CASE("small segments are copied as they come") {
  auto w = std::make_unique<world>();
  CHECK(w->looks_at({{.bytes = 100}, {.bytes = 100}, {.bytes = 100}}) == 3);
  CHECK(w->looks_at({{.bytes = 255}, {.bytes = 255}}) == 2);
  CHECK(w->looks_at({{.bytes = 256}, {.bytes = 256}}) == 1);
}

}  // namespace
