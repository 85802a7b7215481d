// SPDX-License-Identifier: MIT
// The Configs of the contract's tests. Each stack is instantiated once, in a file of its own: what extern template is for.
#pragma once
#include <strata/strata.hpp>

namespace strata::test {

struct contract : presets::testing {
  struct connection_data {
    u32 number;
  };
};
/// Lives as long as the program.
struct forever : contract {
  static constexpr bool destroyed = false;
};
/// Has no coalescing policy that could be switched off.
struct eager : contract {
  using coalescing = strata::tcp::none;
};
struct many : presets::testing {
  static constexpr strata::limits limits{.chunks = 1024, .connections = 150, .listeners = 2, .backlog = 150, .syn_slots = 150, .time_wait = 16};
};

/// A driver that counts its doorbell.
struct bell : nic::wire_pair {
  u32* rings = nullptr;
  constexpr bell(nic::wire& cable, u32 side, u32* counter = nullptr) : nic::wire_pair(cable, side), rings(counter) {}
  nic::kick flush() {
    if (rings != nullptr) ++*rings;
    return nic::wire_pair::flush();
  }
};
struct ringing : presets::testing {
  using nic = bell;
};

}  // namespace strata::test

extern template class strata::stack<strata::test::contract>;
extern template class strata::stack<strata::test::forever>;
extern template class strata::stack<strata::test::many>;
extern template class strata::stack<strata::test::ringing>;
