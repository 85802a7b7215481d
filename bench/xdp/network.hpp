// SPDX-License-Identifier: MIT
// Interfaces that only this process sees: pairs of veth, their ends in a network namespace `here` (this thread's from now on) or in one `there`, where the
// kernel is the peer. Both go with the process.
#pragma once
#include <strata/nic/linux/interface_facts.hpp>
#include <strata/posix/explain.hpp>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

extern char** environ;

namespace bench {
using strata::u16, strata::u32, strata::u64;

/// Ends the program: 77 where it is not possible here, else 1.
[[noreturn]] inline void give_up(const strata::nic::open_error& e) { std::exit(strata::posix::explain(e, "af_xdp")); }
[[noreturn]] inline void give_up(const char* what, const char* step, const char* remedy, int why, bool is_impossible_here = false) {
  give_up({what, step, remedy, why, is_impossible_here});
}

class network {
 public:
  /// Calls of this thread are made in the namespace `there` while one of these lives.
  class visit {
   public:
    explicit visit(const network& n) : back_(n.here_) { (void)::setns(n.there_, CLONE_NEWNET); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() { (void)::setns(back_, CLONE_NEWNET); }

   private:
    int back_;
  };
  struct pair {
    std::string near, far;
  };

  network() {
    for (const char* path : {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"})
      if (::access(path, X_OK) == 0) ip_ = path;
    if (ip_ == nullptr) give_up("there is no program ip", "access", "install iproute2", ENOENT, true);
    there_ = enter_a_new_one();
    here_ = enter_a_new_one();
  }

  /// A pair of veth, MTU 1500, up. The kernel has no address on it and says nothing by itself.
  pair connect(bool far_end_is_there) {
    const std::string number = std::to_string(pairs_++);
    pair p{"near" + number, "far" + number};
    ip({"link", "add", p.near.c_str(), "type", "veth", "peer", "name", p.far.c_str()});
    const std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(there_);
    if (far_end_is_there) ip({"link", "set", p.far.c_str(), "netns", path.c_str()});
    start(p.near);
    if (far_end_is_there) {
      visit there(*this);
      start(p.far);
    } else {
      start(p.far);
    }
    return p;
  }

  /// `address` with its prefix, as ip takes it, in the namespace of the calling thread.
  void give_address(const std::string& interface, const char* address) const { ip({"address", "add", address, "dev", interface.c_str()}); }
  /// TCP makes packets of one segment for it. With GSO "off" TCP makes large packets as before, which are cut where they leave (since Linux 4.17: sk_setup_caps).
  void send_single_segments(const std::string& interface) const { ip({"link", "set", "dev", interface.c_str(), "gso_max_segs", "1"}); }
  /// ETHTOOL_STXCSUM and the like, in the namespace of the calling thread.
  static void switch_off(const std::string& interface, std::initializer_list<u32> features) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (const u32 feature : features) {
      ethtool_value off{feature, 0};
      strata::nic::kernel::detail::ethtool_request r{};
      interface.copy(r.name, sizeof r.name - 1);
      r.value.data = &off;
      if (::ioctl(fd, SIOCETHTOOL, &r) < 0) give_up("an offload of the veth cannot be switched off", "ioctl SIOCETHTOOL", "see ethtool -k", errno);
    }
    (void)::close(fd);
  }

 private:
  static int enter_a_new_one() {
    if (::unshare(CLONE_NEWNET) != 0) give_up("no network namespace of its own", "unshare CLONE_NEWNET", "run as root", errno, errno == EPERM || errno == ENOSYS);
    const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0) give_up("the network namespace cannot be opened", "open /proc/thread-self/ns/net", "mount /proc", errno, true);
    return fd;
  }
  void start(const std::string& interface) const {
    const std::string path = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";  // absent where the kernel has no IPv6, which is as good
    if (const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC); fd >= 0) {
      (void)!::write(fd, "1", 1);
      (void)::close(fd);
    }
    ip({"link", "set", interface.c_str(), "mtu", "1500", "up"});
  }
  void ip(std::initializer_list<const char*> words) const {
    std::vector<char*> arguments{const_cast<char*>(ip_)};
    for (const char* w : words) arguments.push_back(const_cast<char*>(w));
    arguments.push_back(nullptr);
    pid_t child = 0;
    int status = 0;
    const int e = ::posix_spawn(&child, ip_, nullptr, nullptr, arguments.data(), environ);
    if (e != 0 || ::waitpid(child, &status, 0) < 0) give_up("ip does not start", "posix_spawn", "install iproute2", e, true);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up("ip refuses to make the interfaces (see above)", "ip link", "needs a kernel with CONFIG_VETH", 0, true);
  }

  const char* ip_ = nullptr;
  int here_ = -1, there_ = -1;
  u32 pairs_ = 0;
};

}  // namespace bench
