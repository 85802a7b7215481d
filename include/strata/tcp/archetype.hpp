// SPDX-License-Identifier: MIT
// A Config and an internet layer that have what tcp/config.hpp names, and nothing else: tcp/ is compiled over them, so a layer that reaches past its
// concepts fails here and not at a user's.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

struct archetype {
  using tick = milliseconds32;
  using family = only_v4;
  using header_image = strata::header_image::built;
  struct congestion_control {
    [[nodiscard]] u32 cwnd() const { return 1; }
    [[nodiscard]] u32 ssthresh() const { return 1; }
    void start(u32) {}
    void on_ack(u32, u32, u32) {}
    void on_recovery(u32, u32) {}
    void on_duplicate(u32) {}
    void on_partial(u32, u32) {}
    void on_recovered(u32, u32) {}
    void on_timeout(u32, u32) {}
    void on_idle(u32) {}
  };
  struct coalescing {
    static constexpr bool has_no_delay = true;
    [[nodiscard]] bool may_send(bool, bool) const { return true; }
  };
  struct acks {
    static constexpr u32 full_segments = 1, delay_ms = 0;
  };
  using pacing = tcp::pacing::none;
  struct connection_data {};
  static constexpr write_path writes{.low_water = true, .fair = true, .records = true, .collapse = true};
  static constexpr bool timestamps = true;
  static constexpr bool keep_alive = true;
  static constexpr bool urgent = true;
  static constexpr bool linger = true;
  static constexpr bool shutdown_receive = true;
  static constexpr bool header_prediction = true;
  static constexpr u32 small_queue = 0;
  static constexpr u32 gso_max_size = 0;
  static constexpr bool tso_deferral = false;
  static constexpr bool gro = true;
  static constexpr strata::limits limits{.connections = 2, .syn_slots = 2, .time_wait = 2};
};

struct network_archetype {
  using path = path_of_config<archetype>;
  network_archetype() = default;
  network_archetype(const network_archetype&) = delete;
  packet take() { return {}; }
  u32 headroom() { return 20; }
  bool route(path&) { return false; }
  bool is_group(const ipv4_address&) { return false; }
  sent send(path&, packet&&, u8) { return sent::dropped; }
  void confirm(const path&) {}
  u32 network_header_size(const path&) { return 20; }
  u64 random() { return 0; }
  buffer::pool& chunks() { return pool; }
  void observe(const trace::record&) {}
  buffer::pool pool{};
};

}  // namespace strata::inline STRATA_ABI::tcp
