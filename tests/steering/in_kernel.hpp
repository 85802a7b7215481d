// SPDX-License-Identifier: MIT
// A network namespace of our own with a veth pair in it, and what else tests of the steering program in the kernel share.
#pragma once
#include <strata/nic/linux/interface_facts.hpp>
#include <strata/nic/linux/overheard.hpp>
#include <strata/nic/linux/xdp_program.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <linux/capability.h>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <thread>

#include "frames.hpp"

namespace in_kernel {
using namespace steering_test;
using nic::xdp_mode;
using xdp_steering = nic::kernel::xdp_steering<>;

/// A fresh network namespace for the life of the object, with a veth pair v0, v1 that is up.
struct own_namespace {
  int before = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  explicit own_namespace(const char* more = "") {
    if (before < 0 || ::unshare(CLONE_NEWNET) != 0) {
      (void)::close(before);
      SKIP("no network namespace: run as root");
    }
    // The kernel's own frames (listener reports, router solicitations) would be counted among ours.
    for (const char* which : {"all", "default"}) std::ofstream("/proc/sys/net/ipv6/conf/" + std::string(which) + "/disable_ipv6") << "1";
    if (!ip("link add v0 type veth peer name v1")) {
      leave();
      SKIP("no veth pair: install iproute2, take a kernel with CONFIG_VETH");
    }
    REQUIRE((*more == 0 || ip(more)));
    REQUIRE(ip("link set v0 up"));
    REQUIRE(ip("link set v1 up"));
  }
  own_namespace(const own_namespace&) = delete;
  ~own_namespace() { leave(); }
  static bool ip(const std::string& words) { return std::system(("ip " + words + " 2>/dev/null").c_str()) == 0; }
  void leave() {
    if (before >= 0) (void)::setns(before, CLONE_NEWNET), (void)::close(before);
    before = -1;
  }
};

inline nic::kernel::interface_facts facts_of(const char* name) {
  const auto f = nic::kernel::facts_of(nic::kernel::system_calls{}, name);
  REQUIRE(f);
  return *f;
}
/// Opens on v0, or skips the case where this kernel or user may not.
inline void open(xdp_steering& s, xdp_steering::options o = {}) {
  static char log[1 << 16];
  log[0] = 0;
  o.interface_index = facts_of("v0").index;
  o.log = log;
  const auto e = s.open({}, o);
  if (e.errno_value != 0 && e.is_impossible_here && e.errno_value != EACCES) SKIP(e.what << "; " << e.remedy);
  INFO(e.what << " (" << e.step << ", errno " << e.errno_value << ")\n" << log);
  REQUIRE(e.errno_value == 0);
}
struct xsk {
  int fd = ::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  xsk() {
    if (fd < 0) SKIP("no AF_XDP socket: take a kernel with CONFIG_XDP_SOCKETS");
  }
  xsk(const xsk&) = delete;
  ~xsk() { (void)::close(fd); }
};

using columns = std::array<u64, steering::verdict_columns>;
inline columns in_columns(const xdp_steering::counts& c) {
  columns a{};
  a[static_cast<u32>(passed)] = c.passed;
  a[static_cast<u32>(malformed)] = c.malformed;
  a[static_cast<u32>(arp)] = c.redirected_arp;
  a[static_cast<u32>(ip)] = c.redirected_ip;
  a[static_cast<u32>(neighbour)] = c.redirected_neighbour;
  a[static_cast<u32>(group)] = c.redirected_group;
  a[static_cast<u32>(transit)] = c.redirected_transit;
  a[static_cast<u32>(no_socket)] = c.no_socket;
  return a;
}

/// Runs f in a thread that has only these capabilities; they are a thread's own.
template <class F> void with_capabilities(u64 wanted, F f) {
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    data[0].effective = data[0].permitted = static_cast<u32>(wanted);
    data[1].effective = data[1].permitted = static_cast<u32>(wanted >> 32);
    if (::syscall(SYS_capset, &header, data) == 0) f();
  }).join();
}
constexpr u64 capability(int c) { return u64{1} << c; }

}  // namespace in_kernel
