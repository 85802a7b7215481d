// SPDX-License-Identifier: MIT
// What scarce.hpp promises. Its table is specialised before the first stack is instantiated.
#pragma once
#include "scarce.hpp"

#include <strata/core/keyed_table.hpp>

#include <optional>
#include <utility>

namespace strata::inline STRATA_ABI {
/// The table of 8 connections, 6 half-open ones and 7 records; no other Config has so many entries.
template <> class keyed_table<21> : public keyed_table<24> {
 public:
  static constexpr u32 capacity = 21;
  [[nodiscard]] bool insert(u32 hash, u32 value) {
    const bool has_a_place = std::exchange(vacated_, std::nullopt) == hash;  // a record of TIME-WAIT takes its connection's, and cannot be refused
    return (has_a_place || !sim::refused_inserts().next()) && keyed_table<24>::insert(hash, value);
  }
  bool erase(u32 hash, u32 value) {
    vacated_ = hash;
    return keyed_table<24>::erase(hash, value);
  }

 private:
  std::optional<u32> vacated_;
};
}  // namespace strata::inline STRATA_ABI

#include "configs.hpp"

namespace strata::sim {

struct scarce : presets::testing {
  using tick = strata::microseconds32;
  using nic = watched_nic;
  static constexpr strata::limits limits{.chunks = 64,
                                         .connections = 8,
                                         .listeners = 2,
                                         .backlog = 4,
                                         .syn_slots = 6,
                                         .time_wait = 7,
                                         .send_chunks = 6,
                                         .receive_chunks = 6,
                                         .datagram_sockets = 2,
                                         .datagrams = 3,
                                         .neighbours = 4,
                                         .neighbour_queue = 2,
                                         .routes = 2,
                                         .errors = 4,
                                         .batch = 4,
                                         .receive_reserve = 4};
};

}  // namespace strata::sim
