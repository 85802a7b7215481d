// SPDX-License-Identifier: MIT
// What --stats-socket tells: one JSON object with the connections, what each layer counts, and what was dropped why.
#pragma once
#include <cli/json.hpp>
#include <cli/options.hpp>
#include <nic/configs.hpp>

#include <vector>

namespace example {

using strata::u32;
using strata::u64;

inline const char* name_of(nic_kind k) {
  switch (k) {
    case nic_kind::tun: return "tun";
    case nic_kind::af_xdp: return "af_xdp";
    case nic_kind::af_packet: return "af_packet";
    case nic_kind::tap: break;
  }
  return "tap";
}

/// The driver in its wrappers, if it has any.
template <class Nic> auto& device_in(Nic& nic) {
  if constexpr (requires { nic.inner(); }) return device_in(nic.inner());
  else return nic;
}

/// Only AF_XDP has modes, and may do without copies.
struct nic_names {
  const char* mode = "none";
  const char* copy = "yes";
};
template <class Net> nic_names names_of(Net& net) {
  nic_names n;
  if constexpr (auto& nic = net.template at_interface<0>().nic; requires { device_in(*nic).is_zero_copy(); }) {
    n.mode = device_in(*nic).mode() == strata::nic::xdp_mode::driver ? "driver" : "generic";
    n.copy = device_in(*nic).is_zero_copy() ? "no" : "yes";
  }
  return n;
}

struct drop {
  const char* why;  ///< LAYER.COUNTER
  u64 frames;
};

/// f(drop) for each reason that a driver has: what it threw away, or the kernel before it.
template <class Driver, class F> void each_drop_of(Driver& driver, F&& f) {
  const auto& c = driver.count();
  f(drop{"nic.oversized", c.oversized});
  if constexpr (requires { c.kernel.receive_dropped; }) {
    f(drop{"nic.foreign", c.foreign});
    f(drop{"nic.kernel_rx_dropped", c.kernel.receive_dropped});
    f(drop{"nic.kernel_rx_invalid", c.kernel.receive_invalid});
    f(drop{"nic.kernel_rx_ring_full", c.kernel.receive_ring_full});
    f(drop{"nic.kernel_tx_invalid", c.kernel.transmit_invalid});
  } else {
    f(drop{"nic.dropped", c.dropped});
    if constexpr (requires { c.unfinished; }) {
      f(drop{"nic.unfinished", c.unfinished});
      f(drop{"nic.overflowed", c.overflowed});
    }
  }
}

/// What the layers of a stack count, whatever its Config.
struct layers {
  const strata::tcp::counters& tcp;
  const strata::udp::counters& udp;
  const strata::ip::counters& ip;
  const strata::ip::icmp_counters& icmp;
  const strata::interface_counters& interface;
  const strata::stack_counters& stack;
  const strata::neighbour::arp::counters* arp = nullptr;  ///< null: the link has no ARP
  u32 connections = 0, half_open = 0, time_waits = 0;
  u32 chunks = 0, chunks_in_use = 0;
};
template <class Net> layers layers_of(Net& net) {
  const auto& tcp = net.template transport<0>();
  const auto& interface = net.template at_interface<0>();
  layers l{tcp.counters(), net.template transport<1>().counted(), net.template network<0>().counted(), net.template network<0>().icmp_counted(), interface.counters(), net.counters()};
  if constexpr (requires { interface.neighbour.counted().requests_sent; }) l.arp = &interface.neighbour.counted();
  l.connections = tcp.connections(), l.half_open = tcp.half_open(), l.time_waits = tcp.time_waits();
  l.chunks = net.chunks().capacity(), l.chunks_in_use = net.chunks_in_use();
  return l;
}

/// Frames, segments and datagrams that were thrown away; not what was for others, or of a protocol that is not there (IPv6).
using drop_list = std::vector<drop>;
void add_drops(drop_list& to, const layers& l);
template <class Net> drop_list drops_by_reason(Net& net) {
  drop_list all;
  auto& interface = net.template at_interface<0>();
  if (interface.nic) {
    each_drop_of(device_in(*interface.nic), [&](const drop& d) { all.push_back(d); });
    if constexpr (requires { interface.nic->inner().spread_counted(); }) {
      const strata::nic::spread_counters& c = interface.nic->inner().spread_counted();
      for (const drop d : {drop{"nic.core_full", c.full}, drop{"nic.core_too_long", c.too_long}, drop{"nic.orphan_fragments", c.orphans}}) all.push_back(d);
    }
  }
  add_drops(all, layers_of(net));
  return all;
}
template <class Net> u64 drops_of(Net& net) {
  u64 n = 0;
  for (const drop& d : drops_by_reason(net)) n += d.frames;
  return n;
}

/// A connection, as one element of an array.
void describe(json& j, const strata::endpoint<strata::ipv4_address>& local, const strata::endpoint<strata::ipv4_address>& remote, const strata::tcp::connection_info& i);
void describe(json& j, const layers& l);
void describe(json& j, const drop_list& drops);
void describe(json& j, const char* program, u64 age_ns, const nic_options& o, const nic_names& n);
void describe(json& j, const strata::nic::kernel::xdp_steering<>::counts& v);

/// One line of JSON.
template <class Net> std::string describe(Net& net, const char* program, const nic_options& o, u64 age_ns) {
  static constexpr u32 most_shown = 256;
  json j;
  describe(j, program, age_ns, o, names_of(net));
  j.begin_array("connections");
  u32 shown = 0;
  net.template transport<0>().for_each_connection([&](strata::connection_id id) {
    const auto i = net.info(id);
    if (!i || ++shown > most_shown) return;
    const auto local = net.local(id), remote = net.remote(id);
    describe(j, local, remote, *i);
  });
  j.end_array();
  j.begin("layers");
  describe(j, layers_of(net));
  if constexpr (auto& nic = net.template at_interface<0>().nic; requires { device_in(*nic).verdicts(); }) describe(j, device_in(*nic).verdicts());
  j.end();
  describe(j, drops_by_reason(net));
  return j.line();
}

// In the units beside this file, as their stacks.
extern template std::string describe(strata::stack<tap_server>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<tun_server>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<af_xdp_server>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<af_packet_server>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<tap_cores>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<af_xdp_cores>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<tap_low_latency>&, const char*, const nic_options&, u64);
extern template std::string describe(strata::stack<tap_embedded>&, const char*, const nic_options&, u64);

}  // namespace example
