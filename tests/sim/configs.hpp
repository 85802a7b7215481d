// SPDX-License-Identifier: MIT
// What the policies of policies.hpp are.
#pragma once
#include "host_of.hpp"

#include <joining_nic.hpp>

#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq.hpp>
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>

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
  static constexpr bool long_datagrams = true;
};
/// 16 Mbit/s in small bursts, and a queue that drops what waits too long, or for want of room from whoever has the most.
struct codel : server {
  using qdisc = strata::qdisc::tbf_of<strata::qdisc::tbf_options{.rate = 2'000'000, .burst = 6'000},
                                      strata::qdisc::fq_codel_of<strata::qdisc::fq_codel_options{.flows = 64, .limit = 60, .drop_batch = 8}>>;
};
/// What is urgent first; all else by flows, each at most at 24 Mbit/s, and few of one wait.
struct fair : server {
  using qdisc = strata::qdisc::prio<strata::qdisc::fifo_of<20>, strata::qdisc::fq_of<strata::qdisc::fq_options{.flows = 32, .limit = 80, .flow_limit = 24}, strata::qdisc::max_rate<3'000'000>>>;
  using byte_limit = strata::qdisc::byte_limit;
};
/// Flows in turn, trains cut before the queue, few places.
struct robin : server {
  using qdisc = strata::qdisc::drr_of<strata::qdisc::drr_options{.flows = 16, .flow_limit = 20, .limit = 40}>;
  static constexpr u32 gso_max_size = 20'000;
};
struct built : server { using header_image = strata::header_image::built; };
/// Those of `server`, and chunks are cut in slots for small messages.
inline constexpr strata::limits with_slots = [] {
  strata::limits l = server::limits;
  l.slots = 512;
  return l;
}();
/// Segments leave behind one header, and a short train waits for the next ACK; small messages lie in slots.
struct gso : server {
  static constexpr strata::limits limits = with_slots;
  static constexpr u32 gso_max_size = 65000;
  static constexpr bool tso_deferral = true;
};
/// Trains of a millisecond's worth, spread over the round-trip time, few of a connection below it.
struct paced : server {
  using pacing = strata::tcp::pacing::rate;
  static constexpr u32 small_queue = 16'000;
  static constexpr u32 gso_max_size = 20'000;
};
/// A line for the pool, options and records of the write path; small segments wait for completions, small chunks become one, and small messages lie in slots.
struct writing : server {
  static constexpr strata::limits limits = with_slots;
  using coalescing = strata::tcp::autocork;
  static constexpr strata::tcp::write_path writes{.low_water = true, .fair = true, .records = true, .collapse = true};
};
struct ms32 : server {
  using tick = strata::milliseconds32;
  static constexpr bool long_datagrams = true;
};
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
