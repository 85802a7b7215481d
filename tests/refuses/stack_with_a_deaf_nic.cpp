// SPDX-License-Identifier: MIT
// The same NIC as in driver_without_transmit, met where a user meets it: in a Config.
// expect: this Config's nic is no strata::nic::driver: it needs `std::size_t transmit(std::span<packet>)`
// expect: transmits_frames
#include <strata/strata.hpp>

struct deaf {
  static constexpr std::size_t ring_bytes = 0;
  static constexpr strata::nic::capabilities may{};
  std::size_t receive(strata::buffer::pool&, std::span<strata::packet>) { return 0; }
#ifdef FIXED
  std::size_t transmit(std::span<strata::packet> batch) { return batch.size(); }
#endif
  std::size_t reclaim(std::span<strata::packet>) { return 0; }
  strata::nic::kick flush() { return strata::nic::kick::done; }
  strata::u16 mtu() const { return 1500; }
  strata::mac_address address() const { return {}; }
  strata::nic::capabilities has() const { return {}; }
};
struct mine : strata::presets::server {
  using nic = deaf;
};
std::size_t memory(strata::stack<mine>& n) { return n.chunks_in_use(); }
