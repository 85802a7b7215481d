// SPDX-License-Identifier: MIT
// The presets that the other tests do not use: low_latency and embedded.
#include <echo_over.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

struct quick : presets::low_latency {
  static constexpr strata::limits limits = presets::testing::limits;
};
struct small : presets::embedded {
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
};
TEST_CASE("low_latency and embedded talk") {
  auto a = two_stacks<quick>::make();
  CHECK(echo_over<quick>(*a, {"10.0.0.2"_ip, 7}, "quick") == "quick");
  auto b = two_stacks<small>::make();
  CHECK(echo_over<small>(*b, {"10.0.0.2"_ip, 7}, "small") == "small");
}

/// A NIC without memory of its own, as on most boards.
struct board_nic {
  static constexpr std::size_t ring_bytes = 0;
  static constexpr nic::capabilities may{};
  std::size_t receive(buffer::pool&, std::span<packet>) { return 0; }
  std::size_t transmit(std::span<packet>) { return 0; }
  std::size_t reclaim(std::span<packet>) { return 0; }
  nic::kick flush() { return nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }
  [[nodiscard]] nic::capabilities has() const { return {}; }
};
struct board : presets::embedded { using nic = board_nic; };
// On a Cortex-M with its pointers of 32 bits it is less; with checks, there is a hash for each chunk.
static_assert(stack<board>::memory().total() - stack<board>::memory().descriptors <= 20 * 1024);

}  // namespace
