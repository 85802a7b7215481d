// SPDX-License-Identifier: MIT
// Two hosts of one policy on one link, their applications and the judge; a run is a function of its request. After each event the invariants of a TCP/IP
// stack are looked at, and the first that does not hold ends the run under its name.
#pragma once
#include "policies.hpp"

#include <cstdio>
#include <string>

namespace strata::sim {

struct request {
  u64 seed = 1;
  const char* scenario = nullptr;  ///< null: the seed says which
  const char* policy = nullptr;
  std::FILE* capture = nullptr;    ///< every frame that was sent, as a pcap
  bool is_told = false;            ///< events on stderr
};

struct outcome {
  const char* scenario = "";
  const char* policy = "";
  bool is_ok = false;
  std::string invariant, detail;   ///< of a failure
  std::string ends;                ///< how the connections ended, one word each side
  u64 bytes[2]{};                  ///< that arrived from side 0, from side 1
  u64 planned[2]{};                ///< that side 0, side 1 meant to send
  u64 ns = 0, frames = 0, retransmitted = 0;
  u32 connections = 0;
  u64 forwarded = 0, fragments = 0;  ///< by a router between the hosts
};

[[nodiscard]] outcome simulate(const request&);

[[nodiscard]] bool is_scenario(std::string_view name);
[[nodiscard]] bool is_policy(std::string_view name);
[[nodiscard]] u32 number_of_scenarios();
[[nodiscard]] u32 number_of_policies();
[[nodiscard]] const char* scenario_name(u32 index);
[[nodiscard]] const char* policy_name(u32 index);

}  // namespace strata::sim
