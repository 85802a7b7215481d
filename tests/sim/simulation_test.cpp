// SPDX-License-Identifier: MIT
// Two hundred runs over every kind of weather and every policy. scripts/simulate runs as many as one likes.
#include "simulation.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <set>

namespace {

using namespace strata;

/// STRATA_SIM_SEEDS says how many; sanitizers take a part.
u64 seeds() {
  if (const char* wanted = std::getenv("STRATA_SIM_SEEDS")) return std::strtoull(wanted, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__)
  return 60;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 60;
#else
  return 200;
#endif
#else
  return 200;
#endif
}

TEST_CASE("every seed keeps the invariants, satisfies the judge, and moves its bytes or says why not") {
  std::set<std::string> scenarios, policies;
  u64 moved = 0, orderly = 0;
  for (u64 seed = 1; seed <= seeds(); ++seed) {
    const sim::outcome o = sim::simulate({.seed = seed});
    INFO("replay: scripts/simulate --seed " << seed << " --pcap seed-" << seed << ".pcap\n" << o.scenario << ' ' << o.policy << ' ' << o.invariant << ": " << o.detail);
    CHECK(o.is_ok);
    scenarios.insert(o.scenario), policies.insert(o.policy);
    if (o.ends.find_first_not_of("orderly/,") == std::string::npos) {
      ++orderly;
      CHECK(o.planned[0] + o.planned[1] > 0);
      CHECK(o.bytes[0] <= o.planned[0]);
      CHECK(o.bytes[1] <= o.planned[1]);
    } else {
      CHECK_FALSE(o.ends.empty());  // the stated reasons
    }
    moved += o.bytes[0] + o.bytes[1];
  }
  CHECK(scenarios.size() == sim::number_of_scenarios());
  CHECK(orderly >= seeds() / 2);
  CHECK(moved >= seeds() * 65536);
}

TEST_CASE("a seed is the same run each time") {
  for (const u64 seed : {7u, 22u, 100u}) {
    const sim::outcome a = sim::simulate({.seed = seed}), b = sim::simulate({.seed = seed});
    CHECK(a.ns == b.ns);
    CHECK(a.frames == b.frames);
    CHECK(a.ends == b.ends);
    CHECK(a.bytes[0] == b.bytes[0]);
  }
}

TEST_CASE("trains and slots live through a path whose MTU shrinks, neighbours that are lost, a ring that fills, a link that goes down and chunks that run out") {
  for (const char* const policy : {"gso", "trains", "writing"})
    for (const char* const scenario : {"mtu_told", "mtu_untold", "arp_loss", "ring_full", "link_down", "few_chunks", "tiny_writes"}) {
      u64 moved = 0;
      for (u64 seed = 1; seed <= 4; ++seed) {
        const sim::outcome o = sim::simulate({.seed = seed, .scenario = scenario, .policy = policy});
        INFO("replay: scripts/simulate --seed " << seed << " --scenario " << scenario << " --policy " << policy << "\n" << o.invariant << ": " << o.detail);
        CHECK(o.is_ok);
        moved += o.bytes[0] + o.bytes[1];
      }
      CHECK(moved > 0);
    }
}

TEST_CASE("hosts find each other through a router, which queues, says what is too long, and cuts what may be cut") {
  u64 moved = 0, forwarded = 0, fragments = 0;
  for (const char* const scenario : {"routed", "routed_narrow", "routed_queues"})
    for (const char* const policy : {"fifo", "ms32", "gso"})
      for (u64 seed = 1; seed <= 5; ++seed) {
        const sim::outcome o = sim::simulate({.seed = seed, .scenario = scenario, .policy = policy});
        INFO("replay: scripts/simulate --seed " << seed << " --scenario " << scenario << " --policy " << policy << "\n" << o.invariant << ": " << o.detail);
        CHECK(o.is_ok);
        CHECK(o.forwarded > 0);
        moved += o.bytes[0] + o.bytes[1], forwarded += o.forwarded, fragments += o.fragments;
      }
  CHECK(moved > 0);
  CHECK(fragments > 0);
  CHECK(fragments < forwarded);
}

}  // namespace
