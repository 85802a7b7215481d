// SPDX-License-Identifier: MIT
// A NIC that cannot transmit.
// expect: transmits_frames
// expect: n.transmit(batch)
#include <strata/nic/driver.hpp>

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
static_assert(strata::nic::driver<deaf>);
