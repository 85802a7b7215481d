// SPDX-License-Identifier: MIT
// A NIC with several queues in memory, for tests of stacks that share one address, and a Config over it: one host whose cores have a queue each, and its peer,
// whose frames come by the queues in turn, so that nearly all come to a wrong core.
#pragma once
#include <strata/nic/spread.hpp>
#include <strata/strata.hpp>

#include <memory>
#include <vector>

namespace strata::test {

using namespace strata::literals;

/// An end of one cable for each queue; what is sent goes by them in turn, past those that are full.
template <class End, u32 Most> class queues_of {
 public:
  static constexpr std::size_t ring_bytes = Most * End::ring_bytes;
  static constexpr nic::capabilities may = End::may;

  /// Ends of `count` cables from the first on, all with one MAC.
  queues_of(nic::wire* cables, u32 count, u32 side) : count_(count) {
    for (u32 i = 0; i < count; ++i) ends_[i] = End(cables[i], side);
  }
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    for (u32 i = 0; i < count_; ++i) n += ends_[i].receive(chunks, batch.subspan(n));
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (u32 full = 0; n < batch.size() && full < count_; turn_ = (turn_ + 1) % count_) {
      if (ends_[turn_].transmit(batch.subspan(n, 1)) == 1) ++n, full = 0;
      else ++full;
    }
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) {
    std::size_t n = 0;
    for (u32 i = 0; i < count_; ++i) n += ends_[i].reclaim(batch.subspan(n));
    return n;
  }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return ends_[0].mtu(); }
  [[nodiscard]] mac_address address() const { return ends_[0].address(); }
  [[nodiscard]] nic::capabilities has() const { return may; }
  void close() {
    for (u32 i = 0; i < count_; ++i) ends_[i].close();
  }

 private:
  End ends_[Most]{};
  u32 count_;
  u32 turn_ = 0;
};

/// Both hosts have a stack of this type; the peer's has a crossing of one core.
template <class End, class Bell = nic::no_bell> struct on_queues : presets::testing {
  static constexpr u32 most = 3;
  using crossing = strata::nic::crossing<most, 256, 2048, Bell>;
  using nic = strata::nic::spread<queues_of<End, most>, crossing>;
  static constexpr strata::limits limits{.chunks = 1024, .connections = 64, .listeners = 4, .backlog = 64, .syn_slots = 64, .time_wait = 64, .datagram_sockets = 8,
                                         .datagrams = 16, .neighbours = 16, .neighbour_queue = 32, .routes = 8, .fragments = 8, .errors = 8};
};

inline constexpr ipv4_address of_peer = "10.0.0.1"_ip, of_cores = "10.0.0.2"_ip;

/// The peer and the cores, started.
template <class C, u32 Cores> struct several_cores {
  using net = stack<C>;
  static constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
  struct alignas(64) memory { std::byte at[bytes]; };

  nic::wire cables[Cores]{};
  std::unique_ptr<typename C::crossing> alone = std::make_unique<typename C::crossing>(nic::owner_options{.cores = 1}),
                                        between = std::make_unique<typename C::crossing>(nic::owner_options{.cores = Cores, .key = {7, 11}});
  std::unique_ptr<memory> memories[Cores + 1];
  std::unique_ptr<net> peer, core[Cores];

  several_cores() {
    for (auto& m : memories) m.reset(new memory);
  }
  explicit several_cores(typename net::time_point now) : several_cores() {
    start_peer(now);
    for (u32 i = 0; i < Cores; ++i) start_core(i, now);
  }
  // By the thread that owns it from then on.
  void start_peer(typename net::time_point now) {
    peer = std::make_unique<net>(typename net::options{.nic = {{cables, Cores, 0}, *alone, 0}, .memory = memories[Cores]->at, .entropy = {99}, .address = {of_peer, 24}, .now = now});
  }
  void start_core(u32 i, typename net::time_point now) {
    core[i] = std::make_unique<net>(typename net::options{.nic = {{cables + i, 1, 1}, *between, i}, .memory = memories[i]->at, .entropy = {i + 1}, .address = {of_cores, 24}, .now = now});
  }
  [[nodiscard]] const nic::spread_counters& counted(u32 i) { return core[i]->template at_interface<0>().nic->spread_counted(); }
  /// Of all cores.
  [[nodiscard]] nic::spread_counters counted() {
    nic::spread_counters all;
    for (u32 i = 0; i < Cores; ++i) {
      const nic::spread_counters& c = counted(i);
      all.kept += c.kept, all.handed_over += c.handed_over, all.for_all += c.for_all, all.taken_over += c.taken_over;
      all.full += c.full, all.too_long += c.too_long, all.orphans += c.orphans;
    }
    return all;
  }
  [[nodiscard]] u32 chunks_in_use() {
    u32 n = peer->chunks_in_use();
    for (auto& c : core) n += c->chunks_in_use();
    return n;
  }
};

}  // namespace strata::test
