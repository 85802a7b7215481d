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
#include <functional>
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
/// `cores` share the interface: each has a queue of it.
template <class C> auto open_device(const nic_options& o, strata::region memory, u32 core = 0, u32 cores = 1) {
  using device = typename C::device;
  (void)memory;
  if constexpr (std::same_as<device, strata::nic::af_xdp>)
    return device::open({.interface = o.interface.c_str(), .memory = memory, .chunk_size = C::limits.chunk_size, .mtu = o.mtu, .mac = o.mac, .queue = o.queue + core, .queues_elsewhere = cores - 1,
                         .mode = static_cast<strata::nic::xdp_mode>(o.xdp_mode), .zero_copy = static_cast<strata::nic::xdp_zero_copy>(o.zero_copy), .checksum = o.checksum,
                         .overhears = core == 0});
  else if constexpr (std::same_as<device, strata::nic::af_packet>)
    return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed, .chunk_size = C::limits.chunk_size, .checksum = o.checksum});
  else return device::open({.interface = o.interface.c_str(), .mtu = o.mtu, .mac = o.mac, .seed = o.seed, .is_one_of_many = cores > 1, .vnet = o.vnet});
}
/// The same for a core that `first` was opened before. A TAP that somebody made with one queue has that one for all.
template <class C> auto open_device(const nic_options& o, strata::region memory, u32 core, u32 cores, const typename C::device* first, bool& has_one_queue) {
  if constexpr (requires { first->beside(); }) {
    if (first != nullptr && has_one_queue) return first->beside();
    auto opened = open_device<C>(o, memory, core, cores);
    if (opened || first != nullptr || cores == 1 || opened.error().errno_value != EINVAL) return opened;
    has_one_queue = true;
    return open_device<C>(o, memory);
  } else {
    return (void)first, (void)has_one_queue, open_device<C>(o, memory, core, cores);
  }
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

/// What a stack says at its end, when it has been shut down, which returns every chunk that anything still holds.
struct last_counts {
  u64 retransmitted = 0, drops = 0;
  u32 chunks_in_use = 0;
  bool has_recorded = true;  ///< the capture file is whole

  void add(const last_counts& c) {
    retransmitted += c.retransmitted, drops += c.drops, chunks_in_use += c.chunks_in_use;
    has_recorded = has_recorded && c.has_recorded;
  }
};
template <class Net> last_counts shut_down(Net& net) {
  last_counts c;
  if (auto& nic = net.template at_interface<0>().nic; nic) {
    nic->sink().flush();
    c.has_recorded = !nic->sink().has_failed();
  }
  c.retransmitted = net.template transport<0>().counters().retransmitted, c.drops = drops_of(net);
  net.shut_down();
  c.chunks_in_use = net.chunks_in_use();
  return c;
}
/// The end of `done`. The program's exit code: 1 if a chunk is lost, or what was to be written could not be.
inline int finish_line(const char* program, const last_counts& c, int code, std::FILE* where = stdout) {
  if (!c.has_recorded) code = fail(program, "the capture file could not be written to its end", "write", 0, "is there room? give another --pcap");
  std::fprintf(where, " retransmitted=%llu drops=%llu chunks_in_use=%u\n", static_cast<unsigned long long>(c.retransmitted), static_cast<unsigned long long>(c.drops), c.chunks_in_use);
  if (std::fflush(where) != 0 || std::ferror(where) != 0) code = fail(program, "the records could not be written", "write", errno, "is there room? is the reader still there?");
  return c.chunks_in_use != 0 ? 1 : code;
}
template <class Net> int finish_line(const char* program, Net& net, int code, std::FILE* where = stdout) { return finish_line(program, shut_down(net), code, where); }

/// A stack at work, and whoever wants to know how it is.
struct no_door {};  ///< nothing wakes it but the NIC and its timers
template <class Net, class Door = no_door> struct at_work {
  Net& net;
  const char* program;
  const nic_options& options;
  stats_socket stats{};
  Door door{};
  u64 started_ns = strata::posix::monotonic_ns();

  /// Serves until a signal, until `until` says true or `for_ns` are over (zero: never). SIGINT and SIGTERM stay blocked outside, so that none is lost between two of these.
  template <class Handler, class Until> void run_until(Handler&& handler, u64 for_ns, Until&& until) {
    const auto is_over = [&] {
      if (!options.stats_socket.empty()) tell(strata::posix::monotonic_ns());
      return until();
    };
    if constexpr (std::is_empty_v<Door>) (void)strata::posix::run(net, handler, {.for_ns = for_ns}, is_over);
    else (void)strata::posix::run(net, handler, door, {.for_ns = for_ns}, is_over);
  }

  /// The end, within two seconds: first what is under way finishes, then `abort()` ends what is left. `all`: whether it is over, told whether it is here.
  template <class Handler, class Done, class Abort, class All = std::identity> void end_in_order(Handler&& handler, Done&& is_done, Abort&& abort, All&& all = {}) {
    const auto until = [&]() -> bool { return all(is_done() && net.chunks_in_use() == 0); };
    run_until(handler, 1'200'000'000, until);
    if (!is_done()) abort();
    run_until(handler, 300'000'000, until);
  }

 private:
  void tell(u64 now_ns) {
    if (stats.is_wanted(now_ns)) stats.publish(describe(net, program, options, now_ns - started_ns));
  }
};

/// Starts `net` over a driver, which `wrap` makes of the device; 0, or the exit code.
template <class C, class Net, class Device, class... Wrap>
int start(const char* program, const nic_options& o, Net& net, Device&& device, strata::posix::pcap_file&& capture, strata::region memory, Wrap&&... wrap) {
  const strata::bad_option bad = net.start({.nic = {{std::move(device), wrap...}, std::move(capture), {.start_ns = strata::posix::epoch_offset_ns()}},
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
  return 0;
}
/// SIGINT and SIGTERM wait for run(), in this thread and those that it starts.
inline void block_stop_signals() {
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}
/// Into `capture`, if one is wanted; the exit code if that is not possible.
inline int open_capture(const char* program, const std::string& path, strata::posix::pcap_file& capture) {
  if (path.empty()) return 0;
  capture = strata::posix::pcap_file(path.c_str());
  return capture.is_open() ? 0 : fail(program, "the capture file cannot be written: " + path, "open", errno, "give another --pcap");
}
/// The device over `memory`, which is allocated; or the exit code.
template <class C> struct opened {
  using device_type = typename C::device;
  strata::region memory{};
  std::optional<device_type> device{};
  int code = 0;
  bool has_one_queue = false;  ///< of several cores

  opened(const char* program, const nic_options& o, u32 core = 0, u32 cores = 1, opened* first = nullptr)
      : memory(strata::posix::huge_pages(std::size_t{C::limits.chunks} * C::limits.chunk_size)) {
    if (memory.data() == nullptr) {
      code = fail(program, "no memory for the chunks", "mmap", errno, "free some");
      return;
    }
    auto d = open_device<C>(o, memory, core, cores, first != nullptr ? &*first->device : nullptr, first != nullptr ? first->has_one_queue : has_one_queue);
    if (!d) {
      code = strata::posix::explain(d.error(), program);
      return;
    }
    if constexpr (requires { d->warnings(); })
      for (const char* const doubt : d->warnings()) (void)std::fprintf(stderr, "%s: warning: %s\n", program, doubt);
    device.emplace(std::move(*d));
  }
};

/// Opens the NIC, starts a stack of Config `C` on it and calls `body(at_work)`, whose result is the exit code.
template <class C, class Body> int on_stack(const char* program, const nic_options& o, Body&& body) {
  using net_type = strata::stack<C>;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  strata::posix::pcap_file capture;
  if (const int code = open_capture(program, o.pcap, capture); code != 0) return code;
  block_stop_signals();
  opened<C> nic(program, o);
  if (nic.code != 0) return nic.code;
  static net_type net;
  if (const int code = start<C>(program, o, net, std::move(*nic.device), std::move(capture), nic.memory); code != 0) return code;
  at_work<net_type> running{net, program, o};
  if (!o.stats_socket.empty())
    if (const auto no = running.stats.open(o.stats_socket); no.errno_value != 0) {
      net.shut_down();
      return fail(program, std::string(no.what) + ": " + o.stats_socket, no.step, no.errno_value, no.remedy);
    }
  return body(running);
}

}  // namespace example
