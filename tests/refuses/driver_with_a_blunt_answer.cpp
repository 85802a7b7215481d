// SPDX-License-Identifier: MIT
// A NIC whose transmit answers yes or no, where the stack asks how many frames were taken.
// expect: transmits_frames
// expect g++: 'n.transmit(batch)' does not satisfy return-type-requirement
// expect clang: same_as
#include <strata/nic/driver.hpp>

struct blunt {
#ifdef FIXED
  using answer = std::size_t;
#else
  using answer = bool;
#endif
  static constexpr std::size_t ring_bytes = 0;
  static constexpr strata::nic::capabilities may{};
  std::size_t receive(strata::buffer::pool&, std::span<strata::packet>) { return 0; }
  answer transmit(std::span<strata::packet>) { return 1; }
  std::size_t reclaim(std::span<strata::packet>) { return 0; }
  strata::nic::kick flush() { return strata::nic::kick::done; }
  strata::u16 mtu() const { return 1500; }
  strata::mac_address address() const { return {}; }
  strata::nic::capabilities has() const { return {}; }
};
static_assert(strata::nic::driver<blunt>);
