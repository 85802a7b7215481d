// SPDX-License-Identifier: MIT
// What the programs on a network have in common: a NIC, a stack on it, an orderly end, and the last line.
#pragma once
#include <cli/options.hpp>
#include <cli/text.hpp>
#include <nic/configs.hpp>
#include <strata/posix.hpp>

#include <csignal>
#include <cstdio>
#include <pthread.h>

namespace example {

using strata::u32;
using strata::u64;

/// One line on stderr, NAME: error: WHAT (STEP, errno NAME); REMEDY, and the exit code 1.
inline int fail(const char* program, const std::string& what, const char* step, int errno_value, const std::string& remedy) {
  const char* const symbol = errno_value == 0 ? nullptr : strata::posix::errno_name(errno_value);
  const std::string number = errno_value == 0 ? "" : ", errno " + (symbol != nullptr ? std::string(symbol) : std::to_string(errno_value));
  (void)std::fprintf(stderr, "%s: error: %s (%s%s); %s\n", program, one_line(what).c_str(), step, number.c_str(), one_line(remedy).c_str());
  return 1;
}

inline const char* name_of(nic_kind k) {
  switch (k) {
    case nic_kind::tun: return "tun";
    case nic_kind::af_xdp: return "af_xdp";
    case nic_kind::af_packet: return "af_packet";
    case nic_kind::tap: break;
  }
  return "tap";
}

/// The keys that every `ready` has. Only AF_XDP has modes, and may do without copies.
template <class Net> void print_nic(const nic_options& o, Net& net) {
  const char *mode = "none", *copy = "yes";
  if constexpr (auto& nic = net.template at_interface<0>().nic; requires { nic->inner().is_zero_copy(); }) {
    mode = nic->inner().mode() == strata::nic::xdp_mode::driver ? "driver" : "generic";
    copy = nic->inner().is_zero_copy() ? "no" : "yes";
  }
  std::printf(" nic=%s mode=%s copy=%s interface=%s", name_of(o.nic), mode, copy, value(o.interface).c_str());
}

/// Opens the device of Config `C`. TAP and TUN know nothing of checksums: there the kernel computes what it sends.
template <class C> auto open_device(const nic_options& o, strata::region memory) {
  using device = typename C::device;
  (void)memory;
  if constexpr (std::same_as<device, strata::nic::af_xdp>)
    return device::open({.interface = o.interface.c_str(), .memory = memory, .chunk_size = C::limits.chunk_size, .mtu = o.mtu, .mac = o.mac, .queue = o.queue,
                         .mode = static_cast<strata::nic::xdp_mode>(o.xdp_mode), .zero_copy = static_cast<strata::nic::xdp_zero_copy>(o.zero_copy), .checksum = o.checksum});
  else if constexpr (std::same_as<device, strata::nic::af_packet>)
    return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed, .chunk_size = C::limits.chunk_size, .checksum = o.checksum});
  else return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed});
}
static_assert(static_cast<int>(xdp_kind::generic) == static_cast<int>(strata::nic::xdp_mode::generic) && static_cast<int>(zero_copy_kind::off) == static_cast<int>(strata::nic::xdp_zero_copy::off));

/// f<C>() for the Config of the server kind on the NIC that was asked for.
template <class F> int with_server(const nic_options& o, F&& f) {
  switch (o.nic) {
    case nic_kind::tun: return f.template operator()<tun_server>();
    case nic_kind::af_xdp: return f.template operator()<af_xdp_server>();
    case nic_kind::af_packet: return f.template operator()<af_packet_server>();
    case nic_kind::tap: break;
  }
  return f.template operator()<tap_server>();
}

/// What the driver threw away, or the kernel before it.
template <class Driver> u64 driver_drops(Driver& driver) {
  const auto& c = driver.count();
  if constexpr (requires { c.kernel.receive_dropped; })
    return c.oversized + c.foreign + c.kernel.receive_dropped + c.kernel.receive_invalid + c.kernel.transmit_invalid + c.kernel.receive_ring_full;
  else if constexpr (requires { c.unfinished; }) return c.dropped + c.oversized + c.unfinished + c.overflowed;
  else return c.dropped + c.oversized;
}

/// Frames, segments and datagrams that were thrown away, whatever the reason; not what was for others, or of a protocol that is not there (IPv6).
template <class Net> u64 drops_of(Net& net) {
  const auto& tcp = net.template transport<0>().counters();
  const auto& udp = net.template transport<1>().counted();
  const auto& ip = net.template network<0>().counted();
  auto& interface = net.template at_interface<0>();
  u64 n = interface.counters().queue_dropped;
  n += ip.in_hdr_errors + ip.in_truncated_pkts + ip.in_csum_errors + ip.in_martian_src + ip.reasm_fails + ip.out_no_routes + ip.frag_fails;
  n += tcp.in_errors + tcp.in_checksum_errors + tcp.listen_overflows + tcp.syn_slots_full + tcp.table_full + tcp.out_of_order_dropped + tcp.receive_dropped;
  n += udp.in_errors + udp.in_csum_errors + udp.rcvbuf_errors + udp.mem_errors + udp.sndbuf_errors;
  if (interface.nic) n += driver_drops(interface.nic->inner());
  return n;
}

/// The end of `done`; shuts the stack down first, which returns every chunk that anything still holds. The program's exit code: 1 if a chunk is lost, or
/// what was to be written could not be.
template <class Net> int finish_line(const char* program, Net& net, int code, std::FILE* where = stdout) {
  if (auto& nic = net.template at_interface<0>().nic; nic) {
    nic->sink().flush();
    if (nic->sink().has_failed()) code = fail(program, "the capture file could not be written to its end", "write", 0, "is there room? give another --pcap");
  }
  const u64 retransmitted = net.template transport<0>().counters().retransmitted, drops = drops_of(net);
  net.shut_down();
  const u32 in_use = net.chunks_in_use();
  std::fprintf(where, " retransmitted=%llu drops=%llu chunks_in_use=%u\n", static_cast<unsigned long long>(retransmitted), static_cast<unsigned long long>(drops), in_use);
  if (std::fflush(where) != 0 || std::ferror(where) != 0) code = fail(program, "the records could not be written", "write", errno, "is there room? is the reader still there?");
  return in_use != 0 ? 1 : code;
}

/// Serves until a signal, until `until` says true or `for_ns` are over (zero: never). SIGINT and SIGTERM stay blocked outside, so that none is lost between two of these.
template <class Net, class Handler, class Until> void run_until(Net& net, Handler&& handler, u64 for_ns, Until&& until) {
  (void)strata::posix::run(net, handler, {.for_ns = for_ns}, until);
}

/// The end, within two seconds: first what is under way finishes, then `abort()` ends what is left.
template <class Net, class Handler, class Done, class Abort> void end_in_order(Net& net, Handler&& handler, Done&& is_done, Abort&& abort) {
  const auto until = [&] { return is_done() && net.chunks_in_use() == 0; };
  run_until(net, handler, 1'200'000'000, until);
  if (!is_done()) abort();
  run_until(net, handler, 300'000'000, until);
}

/// Opens the NIC, starts a stack of Config `C` on it and calls `body(net)`, whose result is the exit code.
template <class C, class Body> int on_stack(const char* program, const nic_options& o, Body&& body) {
  using net_type = strata::stack<C>;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  strata::posix::pcap_file capture;
  if (!o.pcap.empty()) {
    capture = strata::posix::pcap_file(o.pcap.c_str());
    if (!capture.is_open()) return fail(program, "the capture file cannot be written: " + o.pcap, "open", errno, "give another --pcap");
  }
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  const strata::region memory = strata::posix::huge_pages(std::size_t{C::limits.chunks} * C::limits.chunk_size);
  if (memory.data() == nullptr) return fail(program, "no memory for the chunks", "mmap", errno, "free some");
  auto device = open_device<C>(o, memory);
  if (!device) return strata::posix::explain(device.error(), program);
  if constexpr (requires { device->warnings(); })
    for (const char* const doubt : device->warnings()) (void)std::fprintf(stderr, "%s: warning: %s\n", program, doubt);

  static net_type net;
  const strata::bad_option bad = net.start({.nic = {std::move(*device), std::move(capture), {.start_ns = strata::posix::epoch_offset_ns()}},
                                            .memory = memory,
                                            .entropy = strata::posix::random(),
                                            .mac = o.mac,
                                            .address = o.address,
                                            .gateway = o.gateway,
                                            .mtu = o.mtu,
                                            .now = strata::posix::now<typename C::tick>()});
  if (bad != strata::bad_option::none) {
    static const char* const names[] = {"", "memory", "entropy", "--mac is a group address", "--mtu is too small, or a frame of the interface's MTU does not fit in a chunk",
                                        "--address cannot be a host's", "--address has too long a prefix", "--gateway is not on this link, or strata's own address",
                                        "--address is one too many for the NIC", "the stack runs already"};
    (void)fail(program, names[static_cast<u32>(bad)], "options", 0, "see --help");
    return 2;
  }
  net.advance(strata::posix::now<typename C::tick>());
  return body(net);
}

}  // namespace example
