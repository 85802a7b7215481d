// SPDX-License-Identifier: MIT
// What the programs on a network have in common: a NIC, a stack on it, an orderly end, and the last line.
#pragma once
#include <cli/options.hpp>
#include <cli/text.hpp>
#include <nic/configs.hpp>
#include <nic/stats.hpp>
#include <nic/stats_socket.hpp>
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

/// The keys that every `ready` has. Only AF_XDP has modes, and may do without copies.
template <class Net> void print_nic(const nic_options& o, Net& net) {
  const nic_names n = names_of(net);
  std::printf(" nic=%s mode=%s copy=%s interface=%s", name_of(o.nic), n.mode, n.copy, value(o.interface).c_str());
}

/// Opens the device of Config `C`. TAP and TUN know nothing of checksums without --vnet: there the kernel computes what it sends.
template <class C> auto open_device(const nic_options& o, strata::region memory) {
  using device = typename C::device;
  (void)memory;
  if constexpr (std::same_as<device, strata::nic::af_xdp>)
    return device::open({.interface = o.interface.c_str(), .memory = memory, .chunk_size = C::limits.chunk_size, .mtu = o.mtu, .mac = o.mac, .queue = o.queue,
                         .mode = static_cast<strata::nic::xdp_mode>(o.xdp_mode), .zero_copy = static_cast<strata::nic::xdp_zero_copy>(o.zero_copy), .checksum = o.checksum});
  else if constexpr (std::same_as<device, strata::nic::af_packet>)
    return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed, .chunk_size = C::limits.chunk_size, .checksum = o.checksum});
  else return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed, .vnet = o.vnet});
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

/// A stack at work, and whoever wants to know how it is.
template <class Net> struct at_work {
  Net& net;
  const char* program;
  const nic_options& options;
  stats_socket stats{};
  u64 started_ns = strata::posix::monotonic_ns();

  /// Serves until a signal, until `until` says true or `for_ns` are over (zero: never). SIGINT and SIGTERM stay blocked outside, so that none is lost between two of these.
  template <class Handler, class Until> void run_until(Handler&& handler, u64 for_ns, Until&& until) {
    (void)strata::posix::run(net, handler, {.for_ns = for_ns}, [&] {
      if (!options.stats_socket.empty()) tell(strata::posix::monotonic_ns());
      return until();
    });
  }

  /// The end, within two seconds: first what is under way finishes, then `abort()` ends what is left.
  template <class Handler, class Done, class Abort> void end_in_order(Handler&& handler, Done&& is_done, Abort&& abort) {
    const auto until = [&] { return is_done() && net.chunks_in_use() == 0; };
    run_until(handler, 1'200'000'000, until);
    if (!is_done()) abort();
    run_until(handler, 300'000'000, until);
  }

 private:
  void tell(u64 now_ns) {
    if (stats.is_wanted(now_ns)) stats.publish(describe(net, program, options, now_ns - started_ns));
  }
};

/// Opens the NIC, starts a stack of Config `C` on it and calls `body(at_work)`, whose result is the exit code.
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
                                        "--address cannot be a host's", "--address has too long a prefix", "--gateway is not on this link, or strata's own address", "the link",
                                        "--address is one too many for the NIC", "the stack runs already"};
    (void)fail(program, names[static_cast<u32>(bad)], "options", 0, "see --help");
    return 2;
  }
  net.advance(strata::posix::now<typename C::tick>());
  at_work<net_type> running{net, program, o};
  if (!o.stats_socket.empty())
    if (const auto no = running.stats.open(o.stats_socket); no.errno_value != 0) {
      net.shut_down();
      return fail(program, std::string(no.what) + ": " + o.stats_socket, no.step, no.errno_value, no.remedy);
    }
  return body(running);
}

}  // namespace example
