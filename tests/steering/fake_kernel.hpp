// SPDX-License-Identifier: MIT
// A kernel to put in the place of nic::kernel::system_calls: it keeps maps as bpf(2) does, knows which descriptors are open, and refuses what a test tells it to.
#pragma once
#include <strata/nic/linux/xdp_program.hpp>

#include <deque>
#include <linux/filter.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace steering_test {
using namespace strata;

struct kernel_state {
  struct bpf_map {
    u32 kind = 0, key_size = 0, value_size = 0, entries = 0;
    std::map<std::vector<u8>, std::vector<u8>> elements{};
  };
  struct refusal {
    std::string call;  ///< as in `journal`
    int why = 0;
    u32 times = 1;
  };

  std::vector<std::string> journal{};  ///< each call that may fail, and each close with its descriptor
  std::deque<refusal> refusals{};
  u64 refuse_nth = ~u64{0};  ///< the call with that number, counted from zero, fails with EIO
  u64 calls = 0;

  int next_descriptor = 100;
  std::set<int> open{};
  std::map<int, bpf_map> maps{};
  std::vector<bpf_insn> program{};
  u32 program_flags = 0;
  std::vector<u32> link_flags{};  ///< of each attempt
  int link = -1;
  std::map<std::vector<u8>, int> joined{};  ///< link addresses of packet memberships
  std::vector<std::byte> answer{};          ///< to the next question by netlink
  std::map<u32, std::vector<u8>> ethtool{}; ///< answers by command
  std::vector<std::array<u8, 4>> addresses{};  ///< that the kernel has
  std::vector<std::byte> ring{};            ///< what mmap maps

  /// Another stack's program on the interface, or a foreign one: while it is there, attaching is refused.
  bool is_occupied = false;
  bool is_ours = true;    ///< the same instructions
  u64 vanishes_after = ~u64{0};  ///< so many refused attempts
  std::map<int, u32> numbers{};  ///< of descriptors: what they are of, by the numbers below
  static constexpr u32 program_number = 500, first_map_number = 600, link_number = 700;
  std::vector<sock_filter> filter{};

  long enter(const std::string& call);
  int descriptor() {
    open.insert(next_descriptor);
    return next_descriptor++;
  }
  [[nodiscard]] u64 times(const std::string& call) const;
  /// The first that is still open.
  [[nodiscard]] const bpf_map* map_of(u32 kind, u32 key_size) const;
  /// The value of the map of one entry that is open.
  [[nodiscard]] u64 first4() const;
};

/// Copies speak with the same kernel.
struct fake_kernel {
  kernel_state* state = nullptr;

  long close(int fd) const;
  [[nodiscard]] long socket(int family, int type, int protocol) const;
  [[nodiscard]] long bind(int fd, const void* address, u32 length) const;
  [[nodiscard]] long setsockopt(int fd, int level, int name, const void* value, u32 length) const;
  [[nodiscard]] long sendto(int fd, const void* from, std::size_t size, int flags) const;
  [[nodiscard]] long recvfrom(int fd, void* to, std::size_t size, int flags) const;
  [[nodiscard]] long ioctl(int fd, unsigned long request, void* argument) const;
  [[nodiscard]] long mmap(std::size_t size, int flags, int fd, u64 offset, void*& to) const;
  long munmap(void* at, std::size_t size) const;
  [[nodiscard]] long bpf(int command, void* attributes, u32 size) const;
};

}  // namespace steering_test
