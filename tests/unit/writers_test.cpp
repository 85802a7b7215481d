// SPDX-License-Identifier: MIT
// Ten thousand writers on a pool that holds some hundred of their segments: everyone gets its turn, in order, and is told of it once. Their peer is the
// driver itself, a generator of frames that acknowledges what came, some virtual time later.
#include <strata/strata.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>

#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <memory>
#include <vector>

using namespace strata;
using namespace strata::literals;

namespace {

constexpr u32 writers = 10'000;

class acknowledger {
 public:
  static constexpr std::size_t ring_bytes = 0;
  static constexpr nic::capabilities may{};
  struct ack {
    u32 seq = 0, ack = 0;
    u16 port = 0;
    u8 flags = 0;
    u64 due = 0;
  };
  struct way {
    std::deque<ack> waiting;
    u64 now = 0, delay = 10;  // ms
    u32 data_segments = 0;
  };
  way* to = nullptr;

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !to->waiting.empty() && to->waiting.front().due <= to->now; ++n) {
      batch[n] = chunks.take_receive(64);
      if (!batch[n]) break;
      write(batch[n], to->waiting.front());
      to->waiting.pop_front();
    }
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (packet& p : batch) {
      wire::ipv4 ip;
      wire::tcp h;
      const auto bytes = p.bytes();
      if (wire::ipv4::read(bytes, ip) && wire::tcp::read(bytes.subspan(20), h)) {
        const u32 length = static_cast<u32>(bytes.size()) - 20 - h.header_length, syn = (h.flags & wire::tcp::flag::syn) != 0 ? 1u : 0u;
        to->data_segments += length != 0;
        if (length + syn != 0) to->waiting.push_back({.seq = h.ack, .ack = h.seq + length + syn, .port = h.destination, .flags = wire::tcp::flag::ack, .due = to->now + to->delay});
      }
      p.reset();
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }
  [[nodiscard]] static u16 port_of(u32 n) { return static_cast<u16>(1024 + n); }

 private:
  static void write(packet& p, const ack& a) {
    const u32 options = (a.flags & wire::tcp::flag::syn) != 0 ? 4 : 0, size = 20 + options;
    wire::ipv4 ip;
    ip.total_length = static_cast<u16>(20 + size), ip.protocol = 6, ip.source = "10.0.0.2"_ip, ip.destination = "10.0.0.1"_ip;
    std::byte* const at = p.room().data() + 20;
    ip.emit(p.room().data());
    wire::tcp h;
    h.source = a.port, h.destination = 7, h.seq = a.seq, h.ack = a.ack, h.flags = a.flags, h.window = 65535, h.header_length = static_cast<u8>(size);
    h.emit(at);
    if (options != 0) store_be<u32>(at + 20, 0x0204'05b4);
    store_be<u16>(at + 16, static_cast<u16>(~fold(pseudo_header_sum(ip.source, ip.destination, 6, size) + ones_sum({at, size}))));
    p.extend(20 + size);
  }
};

struct fair : presets::testing {
  using nic = acknowledger;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  struct connection_data {
    u32 turns = 0, taken = 0, short_sends = 0, events = 0;
  };
  static constexpr strata::tcp::write_path writes{.fair = true};
  static constexpr strata::limits limits{.chunks = 512, .connections = writers, .backlog = writers, .syn_slots = 256, .time_wait = 16, .send_chunks = 16};
};
using net = stack<fair>;

struct scene {
  acknowledger::way way;
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{fair::limits.chunks} * fair::limits.chunk_size);
  std::unique_ptr<net> tcp_ip = std::make_unique<net>();
  std::vector<net::stream> all;

  explicit scene(u32 n) {
    REQUIRE(tcp_ip->start({.nic = {&way}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net}) == bad_option::none);
    REQUIRE(tcp_ip->listen({.port = 7}));
    for (u32 i = 0; i < n; ++i) {
      way.waiting.push_back({.seq = i * 7919, .port = acknowledger::port_of(i), .flags = wire::tcp::flag::syn, .due = way.now});
      if (i % 32 == 31 || i + 1 == n) while (all.size() <= i) tick(1, on{[&](net::accepted e) { all.push_back(e.stream); }, ignore_rest{}});
    }
  }
  template <class H> void tick(u64 ms, H&& h) {
    way.now += ms;
    (void)tcp_ip->poll(net::time_point{} + net::duration::from_ms(static_cast<u32>(way.now)), budget{4096}, h);
  }
};

}  // namespace

TEST_CASE("ten thousand writers on a small pool are served in order, and nobody starves") {
  scene s(writers);
  REQUIRE(s.all.size() == writers);
  const std::vector<std::byte> page(20 * 1460);
  std::vector<u32> order;
  u32 vain = 0, uncalled = 0;
  // Each writes without end: whatever was not taken is tried again when `writable` comes, and not before.
  const auto write = [&](const net::stream& one) {
    auto& d = *one.data();
    const std::size_t n = one.send(page).value_or(0);
    d.taken += static_cast<u32>(n);
    d.turns += n != 0;
    if (n < page.size()) ++d.short_sends;
    return n;
  };
  for (const net::stream& one : s.all) (void)write(one);
  CHECK(s.tcp_ip->chunks().available() == fair::limits.receive_reserve);
  const auto handler = on{[&](net::writable e) {
                            auto& d = *e.stream.data();
                            ++d.events;
                            if (d.events > d.short_sends) ++uncalled;
                            order.push_back(acknowledger::port_of(0) <= e.stream.remote().port ? e.stream.remote().port - acknowledger::port_of(0) : 0u);
                            if (write(e.stream) == 0) ++vain;
                          },
                          ignore_rest{}};
  u32 rounds = 0;
  const auto least = [&] {
    u32 n = ~0u;
    for (const net::stream& one : s.all) n = one.data()->turns < n ? one.data()->turns : n;
    return n;
  };
  while (least() < 3 && ++rounds < 5000) s.tick(1, handler);
  INFO("milliseconds " << rounds);
  CHECK(least() == 3);
  CHECK(vain == 0);       // who is told that there is room finds it
  CHECK(uncalled == 0);   // one event for one send that came short
  u32 most = 0, taken_least = ~0u, taken_most = 0;
  for (const net::stream& one : s.all) {
    const auto& d = *one.data();
    most = d.turns > most ? d.turns : most;
    taken_least = d.taken < taken_least ? d.taken : taken_least;
    taken_most = d.taken > taken_most ? d.taken : taken_most;
  }
  CHECK(most <= 4);                               // nobody has a second turn more than another
  CHECK(taken_most - taken_least <= 18 * 1460);  // the first write took a whole quota; from then on it is a chunk each turn
  // In order: a turn goes round.
  std::vector<u32> at(writers, ~0u);
  u32 closest = ~0u;
  for (u32 i = 0; i < order.size(); ++i) {
    if (at[order[i]] != ~0u && i - at[order[i]] < closest) closest = i - at[order[i]];
    at[order[i]] = i;
  }
  CHECK(closest >= writers - fair::limits.chunks);
  CHECK(s.tcp_ip->transport<0>().counters().waits_for_chunks >= 3 * (writers - 100));
  s.tcp_ip->shut_down();
  CHECK(s.tcp_ip->chunks().in_use() == 0);
}

TEST_CASE("one who comes first to a pool that others wait for stands behind them") {
  scene s(4);
  const std::vector<std::byte> much(16 * 1460);
  std::vector<packet> held;
  while (s.tcp_ip->chunks().available() > fair::limits.receive_reserve) held.push_back(s.tcp_ip->chunks().take(0));
  CHECK(s.all[0].send(much).error() == tcp::send_error::would_block);
  CHECK(s.all[1].send(much).error() == tcp::send_error::would_block);
  held.pop_back(), held.pop_back();
  CHECK(s.all[2].send(much).error() == tcp::send_error::would_block);  // there are two chunks, and they are not for this one
  CHECK(s.all[3].reserve(10).error() == tcp::send_error::would_block);
  std::vector<u32> told;
  const auto handler = on{[&](net::writable e) { told.push_back(e.stream.id().index), (void)e.stream.send(much); }, ignore_rest{}};
  CHECK(!s.tcp_ip->idle());
  s.tick(1, handler);
  CHECK(told == std::vector<u32>{s.all[0].id().index, s.all[1].id().index});
  held.clear();
  s.tick(1, handler);
  REQUIRE(told.size() >= 4);
  CHECK(told[2] == s.all[2].id().index);
  CHECK(told[3] == s.all[3].id().index);
  s.tcp_ip->shut_down();
}

TEST_CASE("who ends or changes its mind leaves the line") {
  scene s(4);
  const std::vector<std::byte> much(2 * 1460);
  std::vector<packet> held;
  while (s.tcp_ip->chunks().available() > fair::limits.receive_reserve) held.push_back(s.tcp_ip->chunks().take(0));
  for (const net::stream& one : s.all) CHECK(one.send(much).error() == tcp::send_error::would_block);
  CHECK(s.all[1].abort());
  CHECK(s.all[0].abort());
  CHECK(s.all[3].abort());
  std::vector<u32> told;
  const auto handler = on{[&](net::writable e) { told.push_back(e.stream.id().index); }, ignore_rest{}};
  s.tick(1, handler);
  CHECK(told.empty());
  held.clear();
  s.tick(1, handler);
  s.tick(1, handler);
  CHECK(told == std::vector<u32>{s.all[2].id().index});
  CHECK(s.tcp_ip->idle());
  CHECK(s.tcp_ip->chunks().in_use() == 0);
}
