// SPDX-License-Identifier: MIT
// A router between two simulated links, without its type. To each host it looks like the other one: it answers for it (RFC 1027), under its MAC.
#pragma once
#include "host.hpp"

#include <strata/ip/forward.hpp>

namespace strata::sim {

/// Where a router begins. links[i] leads to the host of side i, which has the link's side i.
struct middle {
  nic::simulated_link* links[2] = {};
  mac_address macs[2]{};   ///< on each link
  u64 seed = 0;
};

class router {
 public:
  router() = default;
  router(const router&) = delete;
  router& operator=(const router&) = delete;
  virtual ~router() = default;

  /// Our address on the link to the host of this side.
  [[nodiscard]] static constexpr u32 ip(u32 side) { return host::ip(side) + 100; }

  virtual void poll(u64 now) = 0;
  /// In virtual time.
  [[nodiscard]] virtual std::optional<u64> next_deadline() const = 0;
  [[nodiscard]] virtual bool idle() const = 0;
  [[nodiscard]] virtual u32 chunks_in_use() const = 0;  ///< that hold something
  [[nodiscard]] virtual ip::router_counters counted() const = 0;
  virtual void shut_down() = 0;
};

std::unique_ptr<router> make_plain_router(const middle&);
std::unique_ptr<router> make_fair_router(const middle&);
std::unique_ptr<router> make_shaping_router(const middle&);

inline constexpr std::unique_ptr<router> (*routers[])(const middle&) = {make_plain_router, make_fair_router, make_shaping_router};

}  // namespace strata::sim
