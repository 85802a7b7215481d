// SPDX-License-Identifier: MIT
// A router between two NICs of one kind. Each kind is instantiated in a unit of its own beside this file.
#pragma once
#include <cli/options.hpp>
#include <nic/program.hpp>
#include <route/config.hpp>

namespace example {

template <class Device> struct router : strata::presets::server {
  using device = Device;
  struct port {
    using nic = Device;
    using link = strata::link::ethernet;
    using neighbour = strata::neighbour::arp;
    using qdisc = strata::qdisc::direct;
  };
  static constexpr bool forwards = true;
  using hooks = strata::ip::hooks<strata::ip::rule_table<256>>;
  static constexpr strata::limits limits{.connections = 16, .time_wait = 16, .datagram_sockets = 1, .neighbours = 1024, .routes = 64};
  template <class C> using interfaces = strata::interfaces<strata::interface<port>, strata::interface<port>>;
};
using tap_router = router<strata::nic::tap>;
using af_packet_router = router<strata::nic::af_packet>;
using af_xdp_router = router<strata::nic::af_xdp>;

/// What the driver of an interface threw away.
template <std::size_t I, class Net> u64 drops_at(Net& net) {
  u64 n = 0;
  if (auto& nic = net.template at_interface<I>().nic; nic) each_drop_of(*nic, [&](const drop& d) { n += d.frames; });
  return n;
}

/// Routes until a signal comes; the exit code.
template <class C> int run_router(const route_options& o, const route_config& config) {
  using net_type = strata::stack<C>;
  constexpr const char* program = "route";
  const strata::region memory = strata::posix::huge_pages(std::size_t{C::limits.chunks} * C::limits.chunk_size);
  if (memory.data() == nullptr) return fail(program, "no memory for the chunks", "mmap", errno, "free some");
  const auto open = [&](const route_config::interface_line& i) {
    nic_options n;
    n.nic = config.nic, n.xdp_mode = config.xdp_mode, n.interface = i.name, n.mtu = i.mtu, n.seed = o.seed;
    return open_device<C>(n, memory);
  };
  auto first = open(config.interfaces[0]);
  if (!first) return strata::posix::explain(first.error(), program);
  auto second = open(config.interfaces[1]);
  if (!second) return strata::posix::explain(second.error(), program);

  static net_type net;
  const auto now = strata::posix::now<typename C::tick>();
  const strata::bad_option bad = net.start({.memory = memory,
                                            .entropy = strata::posix::random(),
                                            .now = now,
                                            .interfaces = {{.nic = std::move(*first), .address = config.interfaces[0].address, .mtu = config.interfaces[0].mtu},
                                                           {.nic = std::move(*second), .address = config.interfaces[1].address, .mtu = config.interfaces[1].mtu}}});
  const auto refuse = [&](const std::string& what) {
    net.shut_down();
    (void)fail(program, what, "options", 0, "mend the file of --config");
    return 2;
  };
  if (bad != strata::bad_option::none) return refuse(bad == strata::bad_option::claim ? "the kernel does not bring in what is for others" : "an interface's address or MTU cannot be");
  net.advance(now);
  for (const auto& a : config.addresses)
    if (!net.add_address(a.link, a.address)) return refuse("an address cannot be, or there are too many: " + text_of(a.address.address));
  for (const auto& r : config.routes)
    if (!net.add_route(r.to, r.via, r.link)) return refuse("a route cannot be, or there are too many: " + text_of(r.to.address));
  for (const auto& r : config.rules)
    if (!net.template hook<0>().add(r)) return refuse("there are more than 256 rules");

  const nic_names names = names_of(net);
  std::printf("ready proto=ip address=%s,%s nic=%s mode=%s copy=%s interface=%s,%s routes=%zu rules=%zu\n", text_of(config.interfaces[0].address.address).c_str(),
              text_of(config.interfaces[1].address.address).c_str(), name_of(config.nic), names.mode, names.copy, value(config.interfaces[0].name).c_str(),
              value(config.interfaces[1].name).c_str(), config.routes.size(), config.rules.size());
  strata::ignore_rest nobody{};
  (void)strata::posix::run(net, nobody, {.for_ns = o.for_ns});

  const auto& ip = net.network();
  const auto& router = ip.router_counted();
  const auto& count = ip.counted();
  const std::pair<const char*, u64> causes[] = {{"rule", ip.hooks_counted().dropped},      {"no_route", count.out_no_routes},      {"too_big", count.frag_fails},
                                                {"header", count.in_hdr_errors},           {"truncated", count.in_truncated_pkts}, {"checksum", count.in_csum_errors},
                                                {"address", count.in_addr_errors},         {"source", count.in_martian_src},       {"source_route", count.in_source_routed},
                                                {"fragment_to_us", count.reasm_fails},     {"discard", router.out_discards},       {"driver", drops_at<0>(net) + drops_at<1>(net)}};
  u64 dropped = 0;
  std::string by;
  for (const auto& [name, n] : causes) {
    if (n == 0) continue;
    dropped += n;
    by.append(by.empty() ? "" : ",").append(name).append(":").append(std::to_string(n));
  }
  const u64 forwarded = router.out_forw_datagrams;
  net.shut_down();
  const u32 in_use = net.chunks_in_use();
  using number = unsigned long long;
  std::printf("done forwarded=%llu dropped=%llu by=%s fragments=%llu icmp_errors=%llu retransmitted=0 drops=%llu chunks_in_use=%u\n", number{forwarded}, number{dropped},
              by.empty() ? "none" : by.c_str(), number{router.frag_creates}, number{ip.icmp_counted().out_dest_unreachs} + ip.icmp_counted().out_time_excds, number{dropped}, in_use);
  if (std::fflush(stdout) != 0) return fail(program, "the records could not be written", "write", errno, "is there room? is the reader still there?");
  return in_use == 0 ? 0 : 1;
}

extern template int run_router<tap_router>(const route_options&, const route_config&);
extern template int run_router<af_packet_router>(const route_options&, const route_config&);
extern template int run_router<af_xdp_router>(const route_options&, const route_config&);

}  // namespace example
