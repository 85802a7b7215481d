// SPDX-License-Identifier: MIT
// The pairs of NIC and Config that the programs offer. Each is instantiated in one unit of its own, NAME.cpp beside this file; here it is only named.
// Every driver is wrapped in pcap: with a sink that is not open that is two comparisons a frame.
#pragma once
#include <strata/nic/linux/af_packet.hpp>
#include <strata/nic/linux/af_xdp.hpp>
#include <strata/nic/linux/tap.hpp>
#include <strata/nic/pcap.hpp>
#include <strata/nic/spread.hpp>
#include <strata/posix/cores.hpp>
#include <strata/posix/pcap_file.hpp>
#include <strata/strata.hpp>

namespace example {

template <class Driver, strata::nic::pcap_link Link> using recorded = strata::nic::pcap<Driver, strata::posix::pcap_file, Link>;

struct tap_server : strata::presets::server {
  using device = strata::nic::tap;
  using nic = recorded<device, strata::nic::pcap_link::ethernet>;
  static constexpr strata::u32 gso_max_size = 65000;  // with --vnet they go to the kernel whole, without the link makes frames of them
  static constexpr bool long_datagrams = true;
};
struct tun_server : strata::presets::server {
  using device = strata::nic::tun;
  using nic = recorded<device, strata::nic::pcap_link::raw_ip>;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  static constexpr strata::u32 gso_max_size = 65000;
  static constexpr bool long_datagrams = true;
};
struct af_xdp_server : strata::presets::server {
  using device = strata::nic::af_xdp;
  using nic = recorded<device, strata::nic::pcap_link::ethernet>;
  static constexpr bool long_datagrams = true;
};
struct af_packet_server : strata::presets::server {
  using device = strata::nic::af_packet;
  using nic = recorded<device, strata::nic::pcap_link::ethernet>;
  static constexpr bool long_datagrams = true;
};
struct tap_low_latency : strata::presets::low_latency {
  using device = strata::nic::tap;
  using nic = recorded<device, strata::nic::pcap_link::ethernet>;
};
struct tap_embedded : strata::presets::embedded {
  using device = strata::nic::tap;
  using nic = recorded<device, strata::nic::pcap_link::ethernet>;
};


// A stack on each of several cores, with one address: http_server --cores.
inline constexpr strata::u32 most_cores = 8;
using crossing = strata::posix::crossing<most_cores, 256>;
struct tap_cores : tap_server {
  using nic = recorded<strata::nic::spread<device, crossing>, strata::nic::pcap_link::ethernet>;
};
struct af_xdp_cores : af_xdp_server {
  using nic = recorded<strata::nic::spread<device, crossing>, strata::nic::pcap_link::ethernet>;
};

}  // namespace example

extern template class strata::stack<example::tap_server>;
extern template class strata::stack<example::tun_server>;
extern template class strata::stack<example::af_xdp_server>;
extern template class strata::stack<example::af_packet_server>;
extern template class strata::stack<example::tap_cores>;
extern template class strata::stack<example::af_xdp_cores>;
extern template class strata::stack<example::tap_low_latency>;
extern template class strata::stack<example::tap_embedded>;
