// SPDX-License-Identifier: MIT
// One stack with a million idle connections. Their peer has no memory: a generator of frames behind sixteen addresses, whose every answer follows from the
// segment that it answers.
#include <strata/strata.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>

#include "written_segment.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

using namespace strata;
using namespace strata::literals;

namespace {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRATA_HAS_SHADOWS  // which are several times as large as what they watch
#endif
#endif
#ifdef STRATA_HAS_SHADOWS
constexpr u32 connections = 100'000;
#else
constexpr u32 connections = 1'000'000;
#endif
constexpr u32 addresses = 16;

/// The driver is the network and everybody in it.
class crowd {
 public:
  static constexpr std::size_t ring_bytes = 0;
  static constexpr nic::capabilities may{};

  struct segment {
    u32 from = 0, seq = 0, ack = 0;
    u16 port = 0, length = 0;
    u8 flags = 0;
  };
  std::vector<segment>* waiting = nullptr;  ///< what the next receive brings
  u32* surprises = nullptr;                 ///< segments that nobody asked for
  u32* sent = nullptr;                      ///< bytes that strata sent

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !waiting->empty(); ++n) {
      batch[n] = chunks.take_receive(64);
      if (!batch[n]) break;
      write(batch[n], waiting->back());
      waiting->pop_back();
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (packet& p : batch) {
      answer(p.bytes());
      p.reset();
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }

  [[nodiscard]] static segment syn_of(u32 n) {
    segment s;
    s.from = 0x0a00'0100 + n % addresses;
    s.port = static_cast<u16>(1024 + n / addresses);
    s.seq = first_number(s);
    s.flags = wire::tcp::flag::syn;
    return s;
  }
  [[nodiscard]] static u32 number_of(const endpoint<ipv4_address>& e) { return (e.port - 1024u) * addresses + (e.address.value - 0x0a00'0100); }
  [[nodiscard]] static u32 first_number(const segment& s) { return s.from * 2654435761u + s.port * 40503u; }

 private:
  void answer(std::span<const std::byte> bytes) {
    wire::ipv4 ip;
    wire::tcp h;
    const bool is_sound = wire::ipv4::read(bytes, ip) && wire::tcp::read(bytes.subspan(20), h);
    if (!is_sound || (h.flags & wire::tcp::flag::rst) != 0) {
      ++*surprises;
      return;
    }
    segment s;
    s.from = ip.destination.value, s.port = h.destination;
    s.seq = h.ack, s.ack = h.seq + 1, s.flags = wire::tcp::flag::ack;
    const u32 length = static_cast<u32>(bytes.size()) - 20 - h.header_length;
    *sent += length;
    if ((h.flags & wire::tcp::flag::syn) != 0) waiting->push_back(s);
    else if (length != 0) s.ack = h.seq + length, s.length = static_cast<u16>(length), s.flags |= wire::tcp::flag::psh, waiting->push_back(s);
  }
  static void write(packet& p, const segment& s) {
    const bool is_syn = (s.flags & wire::tcp::flag::syn) != 0;
    test::write_segment(p, {.from = s.from, .seq = s.seq, .ack = s.ack, .port = s.port, .flags = s.flags, .options = std::span(test::mss_of_1460).first(is_syn ? 1 : 0), .length = s.length});
  }
};

struct config : presets::server {
  using nic = crowd;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr strata::limits limits{.chunks = 1024, .connections = ::connections};
};
using net = stack<config>;

std::size_t resident_bytes() {
  std::ifstream f("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  f >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("a million idle connections fit into less than a GiB, wake up, and end") {
  std::vector<crowd::segment> waiting;
  std::vector<std::byte> memory(std::size_t{config::limits.chunks} * config::limits.chunk_size);
  std::vector<net::stream> woken;
  u32 surprises = 0, sent = 0, came = 0, accepted = 0, closed = 0;
  const auto tcp_ip = std::make_unique<net>();
  net::time_point now{};
  REQUIRE(tcp_ip->start({.nic = {&waiting, &surprises, &sent}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/16"_net}) == bad_option::none);
  REQUIRE(tcp_ip->listen({.port = 7}));
  const auto poll = [&] {
    (void)tcp_ip->poll(now, budget{256}, on{[&](net::accepted e) {
                                              if (crowd::number_of(e.stream.remote()) % 1000 == 0) woken.push_back(e.stream);
                                              ++accepted;
                                            },
                                            [&](net::closed) { ++closed; },
                                            [&](net::readable e) { came += static_cast<u32>(e.stream.consume(e.stream.peek().size()).value_or(0)); }, ignore_rest{}});
  };
  for (u32 n = 0; n < connections;) {
    for (u32 i = 0; i < 64 && n < connections; ++i, ++n) waiting.push_back(crowd::syn_of(n));
    while (!waiting.empty()) poll();
    now = now + net::duration::from_ms(1);
  }
  poll();
  CHECK(accepted == connections);
  static_assert(net::memory().total() < std::size_t{1} << 30);
  const std::size_t resident = resident_bytes();
  WARN(connections << " connections: resident " << (resident >> 20) << " MiB, " << resident / connections << " B each");
  CHECK(resident < std::size_t{1} << 30);

  // An hour of nothing: no timer is armed for who is idle, so nothing need be done.
  CHECK(!tcp_ip->next_deadline());
  now = now + net::duration::seconds(3600);
  poll();
  CHECK(sent == 0);

  // One in a thousand is written to, and its peer answers with as much.
  const std::vector<std::byte> word(64);
  for (const net::stream& one : woken) {
    if (one.send(word).value_or(0) != word.size()) ++surprises;
    while (!waiting.empty()) poll();
  }
  CHECK(sent == word.size() * woken.size());
  CHECK(came == word.size() * woken.size());
  CHECK(surprises == 0);

  // All of them end.
  for (u32 n = 0; n < connections; ++n) {
    crowd::segment s = crowd::syn_of(n);
    s.seq += 1 + (n % 1000 == 0 ? 64u : 0u), s.flags = wire::tcp::flag::rst;
    waiting.push_back(s);
    if (waiting.size() == 64 || n + 1 == connections)
      while (!waiting.empty()) poll();
  }
  poll();
  CHECK(closed == connections);
  CHECK(tcp_ip->transport<0>().connections() == 0);
}
