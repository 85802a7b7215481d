// SPDX-License-Identifier: MIT
// The Configs that scripts are played over: small tables, so that scripts reach their ends.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::script {

struct over_v4 {
  using tick = nanoseconds64;
  using family = only_v4;
  using header_image = strata::header_image::cached;
  using congestion_control = strata::tcp::newreno;
  using coalescing = strata::tcp::nagle;
  using acks = strata::tcp::delayed_acks;
  using pacing = strata::tcp::pacing::none;
  static constexpr strata::tcp::write_path writes{};
  static constexpr bool timestamps = true;
  static constexpr bool keep_alive = true;
  static constexpr bool urgent = true;
  static constexpr bool linger = true;
  static constexpr bool shutdown_receive = true;
  static constexpr bool header_prediction = true;
  static constexpr u32 small_queue = 0;
  static constexpr u32 gso_max_size = 0;
  static constexpr bool tso_deferral = false;
  static constexpr bool gro = false;
  struct connection_data {};
  static constexpr strata::limits limits{.chunks = 200,
                                         .connections = 4,
                                         .listeners = 2,
                                         .backlog = 4,
                                         .syn_slots = 3,
                                         .time_wait = 2,
                                         .send_chunks = 40,
                                         .receive_chunks = 40,
                                         .datagram_sockets = 4,
                                         .datagrams = 3,
                                         .receive_reserve = 4};
};
struct over_v6 : over_v4 {
  using family = only_v6;
  using header_image = strata::header_image::built;
};
/// The same scripts, the same frames: trains are taken apart by the player, as the link does.
struct in_trains_over_v4 : over_v4 { static constexpr u32 gso_max_size = 65000; };
struct in_trains_over_v6 : over_v6 { static constexpr u32 gso_max_size = 5000; };
struct paced : over_v4 {
  using pacing = strata::tcp::pacing::rate;
  static constexpr u32 small_queue = 3 * 1460;
};
struct paced_trains : in_trains_over_v4 { using pacing = strata::tcp::pacing::rate; };
struct deferring : in_trains_over_v4 { static constexpr bool tso_deferral = true; };
struct in_32_bits : over_v4 {  // as on a microcontroller
  using tick = microseconds32;
  using header_image = strata::header_image::built;
};
struct adaptive : over_v4 {
  using acks = strata::tcp::adaptive_acks;
};
struct minshall : over_v4 {
  using coalescing = strata::tcp::minshall;
  using acks = strata::tcp::every_nth_ack<4>;
};
struct corking : over_v4 {
  using coalescing = strata::tcp::autocork_over<strata::tcp::none>;
};
struct writing : over_v4 {
  static constexpr strata::tcp::write_path writes{.low_water = true, .fair = true, .records = true, .collapse = true};
};
struct immediate : over_v4 {
  using coalescing = strata::tcp::none;
  using acks = strata::tcp::immediate_acks;
};

}  // namespace strata::script
