// SPDX-License-Identifier: MIT
// What the tests of received trains share: two stacks that send to each other over a path that may be bad.
#pragma once
#include <joining_nic.hpp>
#include <two_ends.hpp>

#include <strata/ip/v6.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/nic/pcap.hpp>
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace strata::trains {
using namespace strata::literals;

using joined = test::joining<nic::simulated>;

struct counts_steps {
  static constexpr bool is_active = true;
  u32 fast = 0, slow = 0;
  void on(const trace::record& r) { fast += r.what == trace::step::fast_path, slow += r.what == trace::step::slow_path; }
};

template <class Nic> struct over_v4 : presets::testing {
  using nic = Nic;
  using observer = counts_steps;
};
template <class Nic> struct without_prediction : over_v4<Nic> { static constexpr bool header_prediction = false; };
template <class Nic> struct over_v6 : over_v4<Nic> {
  using family = strata::only_v6;
  using neighbour = strata::neighbour::fixed;
  template <class C> using network = layers<strata::ip::v6<C>>;
};

/// What went over a NIC, and when, as one number (FNV-1a).
struct digest {
  u64* hash;
  void write(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) *hash = (*hash ^ std::to_integer<u64>(b)) * 0x100000001b3;
  }
};
using digested = strata::nic::pcap<strata::nic::simulated, digest>;
template <bool Gro, bool Stamps> struct joining_config : over_v4<digested> {
  static constexpr bool gro = Gro, timestamps = Stamps;
};
template <bool Gro> struct joining_over_v6 : over_v6<digested> { static constexpr bool gro = Gro; };

struct outcome {
  u64 frames = 0xcbf29ce484222325;
  std::size_t received[2]{};
  bool is_as_sent = true;
  u64 trains = 0, in_segments = 0, out_segments = 0, in_errors = 0;
  u32 fast = 0, slow = 0, closed = 0, chunks_left = 0;
};

using test::octet;

template <bool IsV6> auto address_of(u32 side) {
  if constexpr (IsV6) {
    const subnet<ipv6_address> both[2] = {"fd00::1/64"_net, "fd00::2/64"_net};
    return both[side];
  } else {
    const subnet<ipv4_address> both[2] = {"10.0.0.1/24"_net, "10.0.0.2/24"_net};
    return both[side];
  }
}

/// Each side sends `length` bytes as fast as it may, reads what comes, and closes.
template <class C> outcome exchange(u64 seed, std::size_t length, bool is_bad) {
  using net = stack<C>;
  outcome all;
  auto link = std::make_unique<nic::simulated_link>(seed);
  for (u32 side = 0; side < 2; ++side) {
    nic::impairment& i = link->faults(side);
    i.delay_ns = 3'000'000;
    if (is_bad) i.loss = 10'000, i.duplication = 10'000, i.reordering = 20'000, i.reorder_ns = 4'000'000;
  }
  constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
  std::vector<std::byte> memory[2] = {std::vector<std::byte>(bytes), std::vector<std::byte>(bytes)};
  constexpr bool is_v6 = C::family::address::bits == 128;
  const subnet<typename C::family::address> ends[2] = {address_of<is_v6>(0), address_of<is_v6>(1)};
  std::unique_ptr<net> nets[2];
  for (u32 side = 0; side < 2; ++side) {
    auto end = [&] {
      if constexpr (std::same_as<typename C::nic, digested>) return digested{nic::simulated{*link, side}, digest{&all.frames}};
      else return typename C::nic(*link, side);
    }();
    if constexpr (requires { end.counted(all.trains, 1u); }) end.counted(all.trains, static_cast<u32>(seed) + side);
    typename net::options o{.nic = std::move(end), .memory = region(memory[side]), .entropy = {seed + side}};
    o.address = ends[side];
    nets[side] = std::make_unique<net>(std::move(o));
  }
  if constexpr (is_v6)
    for (u32 side = 0; side < 2; ++side) nets[side]->at_interface().neighbour.set(mac_address{{2, 0, 0, 0, 0, static_cast<u8>(2 - side)}});
  REQUIRE(nets[1]->listen({.port = 7}));
  REQUIRE(nets[0]->connect({.remote = {ends[1].address, 7}}));
  const test::talk said = test::talk_over(*link, nets, {.length = length, .says_more = true}, [](u32) { return std::size_t{8000}; });
  all.received[0] = said.received[0], all.received[1] = said.received[1], all.is_as_sent = said.is_as_sent, all.closed = said.closed;
  for (auto& n : nets) {
    all.fast += n->observer().fast, all.slow += n->observer().slow;
    all.in_segments += n->transport().counters().in_segments;
    all.out_segments += n->transport().counters().out_segments;
    all.in_errors += n->transport().counters().in_errors + n->transport().counters().in_checksum_errors;
    all.chunks_left += n->chunks_in_use();
  }
  return all;
}

constexpr std::size_t length = 400'000;

inline void is_whole(const outcome& o) {
  CHECK(o.received[0] == length);
  CHECK(o.received[1] == length);
  CHECK(o.is_as_sent);
  CHECK(o.closed == 2);
  CHECK(o.chunks_left == 0);
  CHECK(o.in_errors == 0);
  CHECK(o.trains > 20);
}

template <class With, class Without> void same_with_and_without() {
  for (u64 seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    const outcome with = exchange<With>(seed, length, seed > 1), without = exchange<Without>(seed, length, seed > 1);
    CHECK(with.frames == without.frames);
    CHECK(with.in_segments == without.in_segments);
    CHECK(with.fast < without.fast);
    CHECK((with.received[0] == length && with.received[1] == length && with.is_as_sent && with.closed == 2 && with.chunks_left == 0));
  }
}

}  // namespace strata::trains
