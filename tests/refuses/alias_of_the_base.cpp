// SPDX-License-Identifier: MIT
// Inside a Config `nic` is the base's policy, not the folder: write strata::nic.
// expect g++: wire_pair
// expect clang: wire_pair
#include <strata/strata.hpp>

struct mine : strata::presets::server {
#ifdef FIXED
  using nic = strata::nic::wire_pair;
#else
  using nic = nic::wire_pair;
#endif
};
std::size_t memory(strata::stack<mine>& n) { return n.chunks_in_use(); }
