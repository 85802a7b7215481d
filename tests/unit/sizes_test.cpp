// SPDX-License-Identifier: MIT
// What each thing weighs: a number that grows is a decision, not an accident. 64-bit targets.
#include <strata/strata.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace strata;

static_assert(sizeof(void*) != 8 || sizeof(buffer::descriptor) == 64, "a descriptor is one cache line");
static_assert(sizeof(void*) != 8 || sizeof(packet) <= 16);
static_assert(sizeof(tcp::tcb<presets::server>) <= 432, "512 is the limit with SACK and all that belongs to it");
static_assert(sizeof(tcp::tcb<presets::embedded>) <= 288);
static_assert(sizeof(tcp::syn_slot<presets::server>) <= 64, "half-open connections are small (RFC 4987 §3.1)");
static_assert(sizeof(tcp::time_wait_record<presets::server>) <= 48);
static_assert(sizeof(tcp::time_wait_record<presets::embedded>) <= 48);
static_assert(sizeof(stack<presets::server>::stream) <= 16);

TEST_CASE("memory() accounts for what a stack weighs") {
  constexpr auto m = stack<presets::server>::memory();
  CHECK(m.total() >= sizeof(stack<presets::server>));
  constexpr auto small = stack<presets::embedded>::memory();
  CHECK(small.total() < 28 * 1024);
}
