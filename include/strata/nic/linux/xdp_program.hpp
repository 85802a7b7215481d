// SPDX-License-Identifier: MIT
// The program of steering.hpp in the kernel: made with its maps, attached to an interface in driver or generic mode, told of sockets and addresses.
// It is attached by a link (BPF_LINK_CREATE, Linux 5.9), so it goes with its owner or with the process, however that ends.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/driver.hpp>
#include <strata/nic/linux/bpf.hpp>
#include <strata/nic/linux/claims.hpp>
#include <strata/nic/linux/kernel_addresses.hpp>
#include <strata/nic/linux/link_groups.hpp>
#include <strata/nic/linux/shared_program.hpp>
#include <strata/nic/linux/steering.hpp>

#include <linux/if_link.h>

namespace strata::inline STRATA_ABI::nic {

/// Where the program runs. driver: before the kernel makes a packet of the frame; the interface's driver must know how. generic: after, on every
/// interface.
enum class xdp_mode : u8 { automatic, driver, generic };

namespace kernel {

template <class System = system_calls> class xdp_steering {
 public:
  struct options {
    int interface_index = 0;
    xdp_mode mode = xdp_mode::automatic;  ///< automatic: driver, and if the interface refuses that, generic
    u32 queue = 0;                        ///< the first receive queue that gets a socket: no other stack on the interface has it
    u32 queues = 1;                       ///< receive queues that may get a socket: 0 .. queues - 1
    bool has_frags = false;               ///< frames may come in several buffers (Linux 5.18): lets driver mode be at a large MTU
    std::span<char> log{};                ///< gets what the kernel's verifier says of the program when it refuses it
  };
  /// Frames since the program was attached, by what became of them. What is not redirected was passed to the kernel.
  struct counts {
    u64 redirected_arp = 0;
    u64 redirected_ip = 0;
    u64 redirected_neighbour = 0;  ///< solicitations of ours
    u64 redirected_group = 0;      ///< to groups that we joined
    u64 redirected_transit = 0;    ///< IPv4 for others, to a router
    u64 no_socket = 0;             ///< for us, and passed: came by a receive queue that has no socket
    u64 passed = 0;
    u64 malformed = 0;  ///< passed: shorter than its headers, or ARP, IP or a solicitation that contradicts itself
  };

  /// errno_value == 0: it is attached, or was by another stack (shared_program.hpp). Otherwise nothing is left behind.
  [[nodiscard]] open_error open(System system, const options& o) {
    close();
    system_ = system;
    owner_ = u64{1} << o.queue % 64;
    open_error e = create_maps(o);
    if (e.errno_value == 0) e = load(o);
    if (e.errno_value == 0) e = groups_.open(system, o.interface_index);
    bool again = e.errno_value == 0;
    for (u32 tries = 0; again && tries < 8; ++tries) e = attach(o, again);
    if (e.errno_value != 0) close();
    return e;
  }

  /// Frames of that queue go to this AF_XDP socket from now on.
  [[nodiscard]] open_error add_socket(u32 queue, int fd) {
    const u32 socket = static_cast<u32>(fd);
    const long r = bpf::update_element(system_, map(steering::map::sockets), &queue, &socket);
    if (r == 0) return {};
    if (r == -E2BIG) return failure(r, "the program was made for fewer receive queues", "bpf BPF_MAP_UPDATE_ELEM", "give more in options.queues");
    return failure(r, "the program does not take the socket of this queue", "bpf BPF_MAP_UPDATE_ELEM", "bind the AF_XDP socket first");
  }

  /// Frames for this address (4 or 16 bytes in network order; IPv4 in IPv6's mapped form is IPv4) are ours. May be a group. 0.0.0.0 stands for every
  /// IPv4 address but those that the kernel has now, on whatever interface: what a router forwards. False: there are steering::most_addresses of them
  /// already, or the interface does not take its group, or does not tell what the kernel has.
  [[nodiscard]] bool claim(std::span<const u8> address) {
    const entry e = entry_of(address);
    if (e.address.empty() || (is_unspecified(e.address) && !keep_the_kernels(e))) return false;
    const long r = claims::add(system_, map(e.where), e.address.data(), owner_);
    if (r != 0) return r == 1;
    choose_first();
    const auto group = link_group_of(e.address);
    if (!group || groups_.join(*group)) return true;
    (void)claims::remove(system_, map(e.where), e.address.data(), owner_);
    choose_first();
    return false;
  }
  /// False: it was not claimed.
  bool disclaim(std::span<const u8> address) {
    const entry e = entry_of(address);
    if (e.address.empty() || claims::remove(system_, map(e.where), e.address.data(), owner_) != 0) return false;
    choose_first();
    if (const auto group = link_group_of(e.address)) (void)groups_.leave(*group);
    return true;
  }
  /// Frames to this MAC, which is not the interface's, come in as well.
  [[nodiscard]] bool claim(const mac_address& mac) { return groups_.join(mac); }

  /// Reads the kernel's counters, by one system call.
  [[nodiscard]] counts verdicts() const {
    constexpr u32 cells = steering::verdict_rows * steering::verdict_columns;
    u64 values[cells] = {};
    u32 keys[cells];
    (void)bpf::lookup_all(system_, map(steering::map::verdicts), keys, values, cells);
    u64 sum[steering::verdict_columns] = {};
    for (u32 i = 0; i < cells; ++i) sum[i % steering::verdict_columns] += values[i];
    const auto of = [&](steering::verdict v) { return sum[static_cast<u32>(v)]; };
    using enum steering::verdict;
    return {of(arp), of(ip), of(neighbour), of(group), of(transit), of(no_socket), of(passed), of(malformed)};
  }

  /// driver or generic once it is open.
  [[nodiscard]] xdp_mode mode() const { return mode_; }
  /// Why mode `automatic` became generic: the errno that driver mode was refused with.
  [[nodiscard]] int driver_errno() const { return driver_errno_; }
  [[nodiscard]] int program() const { return program_.get(); }
  /// Another stack attached it.
  [[nodiscard]] bool is_shared() const { return is_shared_; }

  /// Detaches the program, and its maps go with it; or leaves it to the other stacks that use it, without our addresses.
  void close() {
    link_.close();
    if (program_) forget_ours();
    groups_.close();
    program_.close();
    for (auto& m : maps_) m.close();
  }

 private:
  struct entry {
    steering::map where;
    std::span<const u8> address;
  };
  static entry entry_of(std::span<const u8> a) {
    if (a.size() == 4) return {steering::map::own4, a};
    if (a.size() != 16) return {steering::map::own4, {}};
    static constexpr u8 mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 §2.5.5.2
    for (std::size_t i = 0; i < sizeof mapped; ++i)
      if (a[i] != mapped[i]) return {steering::map::own6, a};
    return {steering::map::own4, a.last(4)};
  }
  static bool is_unspecified(std::span<const u8> a) {
    for (const u8 byte : a)
      if (byte != 0) return false;
    return true;
  }
  /// What is for the kernel itself stays with it.
  [[nodiscard]] bool keep_the_kernels(const entry& others) const {
    if (others.where != steering::map::own4) return false;  // no router of ours forwards IPv6
    kernel_addresses of_kernel;
    if (of_kernel.read(system_) < 0) return false;
    for (const auto& a : of_kernel)
      if (const u32 nothing = 0; bpf::update_element(system_, map(steering::map::kernel4), a.bytes, &nothing) < 0) return false;
    return true;
  }
  void choose_first() { claims::choose_first(system_, map(steering::map::first4), map(steering::map::own4)); }
  void forget_ours() {
    for (const auto own : {steering::map::own4, steering::map::own6}) claims::remove_all(system_, map(own), owner_);
    choose_first();
  }
  [[nodiscard]] int map(steering::map m) const { return maps_[static_cast<u32>(m)].get(); }

  static open_error failure(long r, const char* what, const char* step, const char* remedy, bool is_impossible_here = false) {
    return {what, step, remedy, static_cast<int>(-r), is_impossible_here};
  }

  [[nodiscard]] open_error create_maps(const options& o) {
    using enum steering::map;
    // Without CAP_BPF the first is refused; with it alone, the one of sockets.
    const struct {
      steering::map which;
      bpf::map_shape shape;
    } wanted[] = {
        {own4, {BPF_MAP_TYPE_HASH, 4, 8, steering::most_addresses, "strata_own4"}},
        {own6, {BPF_MAP_TYPE_HASH, 16, 8, steering::most_addresses, "strata_own6"}},
        {steering::map::verdicts, {BPF_MAP_TYPE_ARRAY, 4, 8, steering::verdict_rows * steering::verdict_columns, "strata_verdicts"}},
        {first4, {BPF_MAP_TYPE_ARRAY, 4, 8, 1, "strata_first4"}},
        {kernel4, {BPF_MAP_TYPE_HASH, 4, 4, kernel_addresses::most, "strata_kernel4"}},
        {sockets, {BPF_MAP_TYPE_XSKMAP, 4, 4, o.queues > steering::most_queues ? o.queues : steering::most_queues, "strata_sockets"}},
    };
    for (const auto& w : wanted) {
      const long fd = bpf::create_map(system_, w.shape);
      if (fd < 0) return map_failure(fd, w.which == sockets);
      maps_[static_cast<u32>(w.which)] = {system_, static_cast<int>(fd)};
    }
    return {};
  }
  static open_error map_failure(long r, bool is_of_sockets) {
    static constexpr const char* step = "bpf BPF_MAP_CREATE";
    if (r == -ENOSYS) return failure(r, "this kernel has no bpf(2)", step, "take one with CONFIG_BPF_SYSCALL, or nic::af_packet", true);
    if (r == -EPERM && is_of_sockets)
      return failure(r, "not allowed to make a map of AF_XDP sockets", step, "run as root, or give the program CAP_NET_ADMIN beside CAP_BPF", true);
    if (r == -EPERM)
      return failure(r, "not allowed to make a BPF map", step,
                     "run as root, or give the program CAP_BPF and CAP_NET_ADMIN; before Linux 5.11 allow it more locked memory too: ulimit -l",
                     true);
    if (r == -EINVAL && is_of_sockets)
      return failure(r, "this kernel knows no map of AF_XDP sockets", step,
                     "take one with CONFIG_XDP_SOCKETS, or nic::af_packet", true);
    if (r == -ENOMEM) return failure(r, "no memory for a BPF map", step, "free some: the machine or its control group has none left");
    return failure(r, "a BPF map cannot be made", step, "see bpf(2) for this errno");
  }

  [[nodiscard]] open_error load(const options& o) {
    static constexpr const char* step = "bpf BPF_PROG_LOAD";
    auto code = steering::own_address;
    int descriptors[steering::maps];
    for (u32 i = 0; i < steering::maps; ++i) descriptors[i] = maps_[i].get();
    ebpf::relocate(code, descriptors);
    const u32 flags = o.has_frags ? BPF_F_XDP_HAS_FRAGS : 0;
    const long fd = bpf::load_xdp_program(system_, code, "strata_own", flags);
    // A log that is too short for what the verifier has to say would be a failure of its own.
    if (fd < 0 && !o.log.empty()) (void)owned_descriptor<System>(system_, static_cast<int>(bpf::load_xdp_program(system_, code, "strata_own", flags, o.log)));
    if (fd >= 0) return program_ = {system_, static_cast<int>(fd)}, open_error{};
    if (fd == -EPERM)
      return failure(fd, "not allowed to load the XDP program", step,
                     "run as root, or give the program CAP_NET_ADMIN and CAP_BPF; before Linux 5.11 allow it more locked memory too: ulimit -l",
                     true);
    if (fd == -EINVAL && o.has_frags)
      return failure(fd, "this kernel does not know XDP programs for frames in several buffers", step,
                     "take Linux 5.18, or an MTU that one chunk holds", true);
    if (fd == -EACCES || fd == -EINVAL)
      return failure(fd, "the kernel's verifier refuses the XDP program", step,
                     "on older kernels give the program CAP_PERFMON beside CAP_BPF, or run as root; take Linux 5.9 or later; options.log gets its reasons",
                     true);
    return failure(fd, "the XDP program cannot be loaded", step, "see bpf(2) for this errno");
  }

  /// `again`: the program that was in the way has just gone, as that of a process that was killed.
  [[nodiscard]] open_error attach(const options& o, bool& again) {
    again = false;
    driver_errno_ = 0;
    is_shared_ = false;
    if (o.mode != xdp_mode::generic) {
      const long fd = bpf::create_xdp_link(system_, program_.get(), o.interface_index, XDP_FLAGS_DRV_MODE);
      if (fd >= 0) return attached(fd, xdp_mode::driver);
      if (fd == -EBUSY || fd == -EEXIST) return join(o, fd, again);
      // Generic mode would be refused for the same reason.
      const bool is_of_no_mode = fd == -EPERM || fd == -ENODEV;
      if (o.mode == xdp_mode::driver || is_of_no_mode) return attach_failure(fd, true);
      driver_errno_ = static_cast<int>(-fd);
    }
    const long fd = bpf::create_xdp_link(system_, program_.get(), o.interface_index, XDP_FLAGS_SKB_MODE);
    if (fd == -EBUSY || fd == -EEXIST) return join(o, fd, again);
    return fd >= 0 ? attached(fd, xdp_mode::generic) : attach_failure(fd, false);
  }
  /// There is a program already: perhaps ours, of another stack.
  [[nodiscard]] open_error join(const options& o, long why, bool& again) {
    shared_program<System> found;
    const long r = join_program(system_, o.interface_index, program_.get(), found);
    if (r == -EPERM)
      return failure(why, "another XDP program is attached to the interface", "bpf BPF_LINK_CREATE",
                     "end its owner, or take it off: ip link set dev NAME xdp off. If it is another stack's: to share it, run as root (CAP_SYS_ADMIN)");
    again = r == -EAGAIN;
    if (r != 0) return attach_failure(why, o.mode == xdp_mode::driver);
    const xdp_mode mode = found.attached == XDP_ATTACHED_DRV ? xdp_mode::driver : xdp_mode::generic;
    if (o.mode != xdp_mode::automatic && o.mode != mode)
      return failure(why, "another stack attached its program in the other mode", "options.mode", "give both the same mode");
    for (u32 i = 0; i < steering::maps; ++i) maps_[i] = std::move(found.maps[i]);
    program_ = std::move(found.program);
    link_ = std::move(found.link);
    mode_ = mode;
    is_shared_ = true;
    forget_ours();  // what a dead one on our queue had
    return {};
  }
  open_error attached(long fd, xdp_mode mode) {
    link_ = {system_, static_cast<int>(fd)};
    mode_ = mode;
    return {};
  }
  static open_error attach_failure(long r, bool is_driver_mode) {
    static constexpr const char* step = "bpf BPF_LINK_CREATE";
    switch (r) {
      case -EPERM:
        return failure(r, "not allowed to attach the XDP program", step, "run as root, or give the program CAP_NET_ADMIN", true);
      case -EBUSY:
      case -EEXIST:
        return failure(r, "another XDP program is attached to the interface", step, "end its owner, or take it off: ip link set dev NAME xdp off");
      case -ENODEV:
        return failure(r, "the interface is not there", step, "ip link shows those that are");
      case -ERANGE:
        return failure(r, "the interface's MTU is too large for XDP in driver mode", step,
                       "lower it to 3498 or less, take options that let frames come in several buffers, or take generic mode");
      case -EOPNOTSUPP:
        if (is_driver_mode)
          return failure(r, "the interface's driver knows no XDP", step, "take generic mode, or leave the choice to automatic", true);
        return failure(r, "the interface knows no XDP", step, "take another interface, or nic::af_packet", true);
      case -EINVAL:
        if (is_driver_mode)
          return failure(r, "the interface refuses the XDP program in driver mode", step,
                         "see dmesg: often its MTU or its number of queues; or take generic mode");
        return failure(r, "the kernel cannot attach an XDP program by a link, or the interface is not there", step,
                       "take Linux 5.9 or later; ip link shows the interfaces", true);
      default:
        return failure(r, "the XDP program cannot be attached", step, "see dmesg; or take another mode");
    }
  }

  [[no_unique_address]] System system_{};
  xdp_mode mode_ = xdp_mode::automatic;
  int driver_errno_ = 0;
  bool is_shared_ = false;
  u64 owner_ = 1;  // our bit in the maps of addresses
  owned_descriptor<System> maps_[steering::maps]{};
  owned_descriptor<System> program_{};
  link_groups<System> groups_{};
  owned_descriptor<System> link_{};
};

}  // namespace kernel
}  // namespace strata::inline STRATA_ABI::nic
