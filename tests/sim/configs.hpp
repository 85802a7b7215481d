// SPDX-License-Identifier: MIT
// What the policies of policies.hpp are.
#pragma once
#include "host_of.hpp"

#include <joining_nic.hpp>

#include <strata/qdisc/fifo.hpp>

namespace strata::sim {

struct server : presets::testing { using nic = watched_nic; };
struct low_latency : server {
  using coalescing = strata::tcp::none;
  using acks = strata::tcp::immediate_acks;
};
struct unlimited : server {
  using congestion_control = strata::tcp::unlimited;
  static constexpr bool timestamps = false;
};
struct fifo : server {
  using qdisc = strata::qdisc::fifo_of<100>;
  using coalescing = strata::tcp::minshall;
};
struct built : server { using header_image = strata::header_image::built; };
/// Segments leave behind one header, and a short train waits for the next ACK.
struct gso : server {
  static constexpr u32 gso_max_size = 65000;
  static constexpr bool tso_deferral = true;
};
/// Trains of a millisecond's worth, spread over the round-trip time, few of a connection below it.
struct paced : server {
  using pacing = strata::tcp::pacing::rate;
  static constexpr u32 small_queue = 16'000;
  static constexpr u32 gso_max_size = 20'000;
};
/// A line for the pool, options and records of the write path; small segments wait for completions, small chunks become one.
struct writing : server {
  using coalescing = strata::tcp::autocork;
  static constexpr strata::tcp::write_path writes{.low_water = true, .fair = true, .records = true, .collapse = true};
};
struct ms32 : server { using tick = strata::milliseconds32; };
/// Segments are joined before the stack sees them, and what is left in it.
struct trains : server {
  using nic = strata::test::joining<watched_nic>;
  static constexpr bool gro = true;
};
struct embedded : presets::embedded {
  using nic = watched_nic;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr bool destroyed = true;
};

}  // namespace strata::sim
