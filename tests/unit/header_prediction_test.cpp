// SPDX-License-Identifier: MIT
// Header prediction is a shorter way to the same end: over a link that loses, repeats and reorders, two stacks exchange the same frames with it and without.
#include <two_ends.hpp>

#include <strata/nic/pcap.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

namespace {
using namespace strata;
using namespace strata::literals;

/// What went over a NIC, and when, as one number (FNV-1a).
struct digest {
  u64* hash;
  void write(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) *hash = (*hash ^ std::to_integer<u64>(b)) * 0x100000001b3;
  }
};
struct counts_predictions {
  static constexpr bool is_active = true;
  u32 predicted = 0;
  void on(const trace::record& r) { predicted += r.what == trace::step::fast_path; }
};

template <bool Predicts, bool Stamps> struct config : presets::testing {
  using nic = strata::nic::pcap<strata::nic::simulated, digest>;
  using observer = counts_predictions;
  static constexpr bool header_prediction = Predicts;
  static constexpr bool timestamps = Stamps;
};

struct outcome {
  u64 frames = 0xcbf29ce484222325;
  u32 predicted = 0;
  std::size_t received[2]{};
};

/// Each side sends `length` bytes in pieces of all sizes, reads what comes, and closes when it has all.
template <class C> outcome exchange(u64 seed, std::size_t length) {
  using net = stack<C>;
  outcome all;
  auto link = std::make_unique<nic::simulated_link>(seed);
  for (int side = 0; side < 2; ++side) {
    nic::impairment& i = link->faults(static_cast<u32>(side));
    i.delay_ns = 3'000'000, i.loss = 10'000, i.duplication = 10'000, i.reordering = 20'000, i.reorder_ns = 4'000'000;
  }
  constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
  std::vector<std::byte> memory[2] = {std::vector<std::byte>(bytes), std::vector<std::byte>(bytes)};
  const subnet<ipv4_address> addresses[2] = {"10.0.0.1/24"_net, "10.0.0.2/24"_net};
  std::unique_ptr<net> nets[2];
  for (u32 side = 0; side < 2; ++side) {
    nets[side] = std::make_unique<net>(typename net::options{
        .nic = {nic::simulated{*link, side}, digest{&all.frames}}, .memory = region(memory[side]), .entropy = {seed + side}, .address = addresses[side]});
  }
  REQUIRE(nets[1]->listen({.port = 7}));
  REQUIRE(nets[0]->connect({.remote = {"10.0.0.2"_ip, 7}}));
  std::size_t piece = 1;
  const test::talk said = test::talk_over(*link, nets, {.length = length}, [&](u32) { return piece = piece * 5 % 2999; });
  CHECK((said.is_as_sent && said.closed == 2));
  all.received[0] = said.received[0], all.received[1] = said.received[1];
  all.predicted = nets[0]->observer().predicted + nets[1]->observer().predicted;
  return all;
}

template <bool Stamps> void same_with_and_without() {
  for (u64 seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    constexpr std::size_t length = 200'000;
    const outcome with = exchange<config<true, Stamps>>(seed, length), without = exchange<config<false, Stamps>>(seed, length);
    CHECK(with.received[0] == length);
    CHECK(with.received[1] == length);
    CHECK(with.frames == without.frames);
    CHECK(with.predicted > 20);
    CHECK(without.predicted == 0);
  }
}

TEST_CASE("With header prediction and without it the same frames leave at the same times") { same_with_and_without<false>(); }
TEST_CASE("With header prediction and without it the same frames leave at the same times, with timestamps") { same_with_and_without<true>(); }

}  // namespace
