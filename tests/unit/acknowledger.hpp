// SPDX-License-Identifier: MIT
// A driver that is the network and everybody in it: a generator of frames that acknowledges what came, some virtual time later, and may keep what it sends.
#pragma once
#include <strata/strata.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>

#include "../written_segment.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace strata::test {

using namespace strata::literals;

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
    std::deque<packet> kept;
    u64 now = 0, delay = 10;  // ms
    u32 data_segments = 0;
    bool keeps = false;  // what is sent, until it is false again
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
      to->kept.push_back(std::move(p));
    }
    return batch.size();
  }
  std::size_t reclaim(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size() && !to->keeps && !to->kept.empty(); ++n, to->kept.pop_front()) batch[n] = std::move(to->kept.front());
    return n;
  }
  void close() { to->kept.clear(); }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }
  [[nodiscard]] static u16 port_of(u32 n) { return static_cast<u16>(1024 + n); }

 private:
  static void write(packet& p, const ack& a) {
    const bool is_syn = (a.flags & wire::tcp::flag::syn) != 0;
    write_segment(p, {.from = 0x0a00'0002, .seq = a.seq, .ack = a.ack, .port = a.port, .flags = a.flags, .options = std::span(mss_of_1460).first(is_syn ? 1 : 0)});
  }
};

/// A stack of `C`, whose nic is an acknowledger, with `n` connections that the peer opened.
template <class C> struct acknowledged {
  using net = strata::stack<C>;
  acknowledger::way way;
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{C::limits.chunks} * C::limits.chunk_size);
  std::unique_ptr<net> tcp_ip = std::make_unique<net>();
  std::vector<typename net::stream> all;

  explicit acknowledged(u32 n) {
    if (tcp_ip->start({.nic = {&way}, .memory = std::span(memory), .entropy = {1}, .address = "10.0.0.1/24"_net}) != bad_option::none || !tcp_ip->listen({.port = 7})) return;
    for (u32 i = 0; i < n; ++i) {
      way.waiting.push_back({.seq = i * 7919, .port = acknowledger::port_of(i), .flags = wire::tcp::flag::syn, .due = way.now});
      for (u32 turns = 0; (i % 32 == 31 || i + 1 == n) && all.size() <= i && turns < 100; ++turns) tick(1, on{[&](typename net::accepted e) { all.push_back(e.stream); }, ignore_rest{}});
    }
  }
  template <class H> void tick(u64 ms, H&& h) {
    way.now += ms;
    (void)tcp_ip->poll(typename net::time_point{} + net::duration::from_ms(static_cast<u32>(way.now)), budget{4096}, h);
  }
};

}  // namespace strata::test
