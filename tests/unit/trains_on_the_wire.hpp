// SPDX-License-Identifier: MIT
// Trains change how segments go down, not what goes over the wire: two stacks exchange the same frames at the same times with them and without, over a link
// that loses, repeats and reorders. A unit for each kind of stack.
#pragma once
#include <two_ends.hpp>

#include <strata/nic/pcap.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace trains_on_the_wire {
using namespace strata;
using namespace strata::literals;

/// What went over a NIC: records of a pcap file, with their times.
struct records {
  std::vector<std::vector<std::byte>>* all;
  void write(std::span<const std::byte> bytes) { all->emplace_back(bytes.begin(), bytes.end()); }
};
template <u32 Train, bool Stamps> struct four : presets::testing {
  using nic = strata::nic::pcap<strata::nic::simulated, records>;
  static constexpr bool timestamps = Stamps;
  static constexpr u32 gso_max_size = Train;
};
template <u32 Train, bool Stamps> struct six : four<Train, Stamps> {
  using family = strata::only_v6;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  template <class C> using network = layers<strata::ip::v6<C>>;
};

template <bool V4> auto near() { if constexpr (V4) return subnet<ipv4_address>("10.0.0.1/24"_net); else return subnet<ipv6_address>("fd00::1/64"_net); }
template <bool V4> auto far() { if constexpr (V4) return subnet<ipv4_address>("10.0.0.2/24"_net); else return subnet<ipv6_address>("fd00::2/64"_net); }

struct outcome {
  std::vector<std::vector<std::byte>> records;
  std::size_t received[2]{};
  u64 segments = 0, trains = 0, retransmitted = 0;
};

/// Each side writes `length` bytes, up to `piece` of them at once, reads what comes, and closes when it has all.
template <class C> outcome exchange(u64 seed, std::size_t length, u32 piece, u32 loss) {
  using net = stack<C>;
  constexpr bool is_v4 = C::family::address::bits == 32;
  outcome all;
  auto link = std::make_unique<nic::simulated_link>(seed);
  for (int side = 0; side < 2; ++side) {
    nic::impairment& i = link->faults(static_cast<u32>(side));
    i.delay_ns = 3'000'000, i.loss = loss, i.duplication = loss, i.reordering = 2 * loss, i.reorder_ns = 4'000'000;
  }
  constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
  std::vector<std::byte> memory[2] = {std::vector<std::byte>(bytes), std::vector<std::byte>(bytes)};
  std::unique_ptr<net> nets[2];
  for (u32 side = 0; side < 2; ++side) {
    typename net::options o{.nic = {nic::simulated{*link, side}, records{&all.records}}, .memory = region(memory[side]), .entropy = {seed + side}};
    if (side == 0) o.address = near<is_v4>();
    else o.address = far<is_v4>();
    nets[side] = std::make_unique<net>(std::move(o));
  }
  REQUIRE(nets[1]->listen({.port = 7}));
  if constexpr (is_v4) REQUIRE(nets[0]->connect({.remote = {"10.0.0.2"_ip, 7}}));
  else REQUIRE(nets[0]->connect({.remote = {"fd00::2"_ip, 7}}));
  const test::talk said = test::talk_over(*link, nets, {.length = length}, [piece](u32) { return std::size_t{piece}; });
  CHECK(said.is_as_sent);
  all.received[0] = said.received[0], all.received[1] = said.received[1];
  for (const auto& n : nets) {
    const auto& c = n->transport().counters();
    all.segments += c.out_segments, all.trains += c.out_trains, all.retransmitted += c.retransmitted;
  }
  return all;
}

template <template <u32, bool> class Config, bool Stamps> inline void same_with_and_without() {
  u64 trains = 0, retransmitted = 0;
  for (u64 seed = 1; seed <= 4; ++seed) {
    for (const u32 piece : {300u, 1460u, 4000u, 60'000u}) {
      for (const u32 loss : {0u, 10'000u}) {
        INFO("seed " << seed << ", writes of " << piece << ", loss " << loss);
        constexpr std::size_t length = 120'000;
        const outcome with = exchange<Config<65000, Stamps>>(seed, length, piece, loss), without = exchange<Config<0, Stamps>>(seed, length, piece, loss);
        CHECK(with.received[0] == length);
        CHECK(with.received[1] == length);
        CHECK(with.segments == without.segments);
        CHECK(with.retransmitted == without.retransmitted);
        CHECK(without.trains == 0);
        REQUIRE(with.records.size() == without.records.size());
        for (std::size_t i = 0; i < with.records.size(); ++i)
          if (with.records[i] != without.records[i]) FAIL("record " << i << " of " << with.records.size() << " differs");
        trains += with.trains, retransmitted += with.retransmitted;
      }
    }
  }
  CHECK(trains > 100);
  CHECK(retransmitted > 20);
}

}  // namespace trains_on_the_wire
