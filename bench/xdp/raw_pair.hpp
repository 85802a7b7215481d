// SPDX-License-Identifier: MIT
// Two ends with a veth between them, of each kind that is compared: bare frames, strata (strata_pair.hpp), the kernel's TCP (kernel_pair.hpp). Each has
//
//   start(now)              the near end's first question
//   far(now)                a look at the far end, which answers what it got; true if it did
//   near(now, goes_on)      a look at the near end; true if an answer came, and then, if it goes on, the next question has left
//
// Nothing waits. What an end owes (ACKs, chunks that come back) is done in these calls, so it is in the times.
#pragma once
#include "contender.hpp"
#include "raw_end.hpp"

namespace bench {

constexpr std::size_t message = 64;                     // bytes a round trip carries each way
constexpr u32 tcp_frame = 14 + 20 + 20 + message;       // and their frame: Ethernet, IPv4, TCP without options
constexpr u32 smallest_frame = 60;
constexpr u32 few = 64, many = 512;  // chunks that wait to be received into, on every side alike: less for caches and TLBs to hold, or room for bursts

inline strata::mac_address mac_of(const std::string& interface) {
  const auto facts = strata::nic::kernel::facts_of(strata::nic::kernel::system_calls{}, interface.c_str());
  if (!facts) give_up(facts.error());
  return facts->mac;
}
inline const char* name_of(strata::buffer::page_kind k) {
  switch (k) {
    case strata::buffer::page_kind::huge: return "huge";
    case strata::buffer::page_kind::transparent_huge: return "transparent_huge";
    default: return "plain";
  }
}
inline const char* name_of(strata::nic::xdp_mode m) { return m == strata::nic::xdp_mode::driver ? "driver" : "generic"; }

constexpr strata::u8 near_address[4] = {10, 9, 0, 1}, far_address[4] = {10, 9, 0, 2};

class raw_pair {
 public:
  raw_pair(const network::pair& p, strata::nic::xdp_mode mode, steering how, u32 fill, u32 length = tcp_frame)
      : near_(p.near, mode, how, near_address, far_address, mac_of(p.far), fill), far_(p.far, mode, how, far_address, near_address, mac_of(p.near), fill), mode_(mode), fill_(fill), length_(length) {}

  static constexpr bool wants_time = false;
  void start(u64) {
    (void)near_.send(length_);
    near_.flush();
  }
  bool far(u64) {
    if (far_.receive() == 0) return false;
    (void)far_.send(length_);
    far_.flush();
    return true;
  }
  bool near(u64, bool goes_on) {
    if (near_.receive() == 0) return false;
    if (goes_on) start(0);
    return true;
  }
  [[nodiscard]] setting how() const { return {"af_xdp", name_of(mode_), "yes", name_of(near_.pages()), fill_}; }

  raw_end& near_end() { return near_; }
  raw_end& far_end() { return far_; }

 private:
  raw_end near_, far_;
  strata::nic::xdp_mode mode_;
  u32 fill_;
  u32 length_;
};

}  // namespace bench
