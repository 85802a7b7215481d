// SPDX-License-Identifier: MIT
// A kernel with one interface and AF_XDP, in memory: what the driver calls through fake_system arrives here. It plays copy mode: a call sends 32 frames,
// received frames begin 256 bytes behind their chunk's start. It keeps books on every descriptor and mapping, and refuses on demand.
#pragma once
#include <strata/core/checksum.hpp>
#include <strata/nic/linux/af_xdp.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace strata::test {

namespace xdp = nic::kernel::xdp;

struct fake_kernel {
  // ---- the interface ----
  u32 mtu = 1500;
  mac_address mac{{2, 0, 0, 0, 0, 0x11}};
  u32 queues = 1;
  bool is_up = true, has_carrier = true, is_deleted = false;
  bool vlan_offload = false, lro = false;
  bool runs_live_frames = true, program_redirects = true;
  bool has_zero_copy = false, has_driver_mode = true, has_pieces = true;

  // ---- refusals: the next `times` calls named `what` fail so ----
  struct refusal {
    int why = 0;
    u32 times = 0;
  };
  std::map<std::string, refusal> refusals{};
  void refuse(const std::string& what, int why, u32 times = ~0u) { refusals[what] = {why, times}; }
  u32 fails_at = ~0u;  ///< the call of this number fails, whatever it is; they count from 0
  int fails_with = ENOMEM;
  u32 calls = 0;       ///< that may fail

  // ---- the books ----
  u32 start_index = 0;  ///< where the rings' indices begin
  u32 kicks = 0, wakes = 0, binds = 0;
  u64 slept_ns = 0;
  std::vector<std::string> faults{};  ///< what a caller must not do
  struct ring {
    std::vector<u64> memory{};  // one line an index, then the entries
    u32 size = 0;
    static constexpr u64 consumer_at = 64, flags_at = 128, entries_at = 192;
    [[nodiscard]] u32& word(u64 at) { return *reinterpret_cast<u32*>(reinterpret_cast<std::byte*>(memory.data()) + at); }
    [[nodiscard]] u32& producer() { return word(0); }
    [[nodiscard]] u32& consumer() { return word(consumer_at); }
    [[nodiscard]] u32& flags() { return word(flags_at); }
    template <class T> [[nodiscard]] T& entry(u32 i) { return reinterpret_cast<T*>(reinterpret_cast<std::byte*>(memory.data()) + entries_at)[i & (size - 1)]; }
    [[nodiscard]] u32 filled() { return producer() - consumer(); }
  };
  struct descriptor_of {
    std::string kind{};
    ring fill{}, completion{}, receive{}, transmit{};
    xdp::memory_registration memory{};
    int shares = -1;
    bool is_bound = false, in_pieces = false, is_zero_copy = false;
    u32 queue = 0;
    u32 mappings = 0;
    std::vector<std::byte> packets{};  // of the packet socket
    u32 key_size = 0, value_size = 0;  // of a map
    std::map<std::vector<u8>, std::vector<u8>> elements{};
    std::map<int, int> options{};
    xdp::statistics_answer statistics{};
  };
  std::map<int, descriptor_of> open{};
  std::map<void*, int> mappings{};  // -> descriptor
  std::map<u32, int> sockets_of_map{};
  std::vector<std::vector<u8>> claimed{};
  u64 verdicts[nic::steering::verdict_columns] = {};  ///< what the program counted
  int next_descriptor = 100;

  // ---- the wire ----
  std::vector<std::vector<std::byte>> sent{};
  bool completes = true;                    ///< what was sent completes at once
  std::vector<std::pair<int, u64>> uncompleted{};

  [[nodiscard]] descriptor_of* bound_to(u32 queue);
  [[nodiscard]] std::byte* memory_of(descriptor_of& d) { return reinterpret_cast<std::byte*>((d.shares >= 0 ? open[d.shares] : d).memory.address); }
  [[nodiscard]] const xdp::memory_registration& registration_of(descriptor_of& d) { return (d.shares >= 0 ? open[d.shares] : d).memory; }

  /// A frame arrives: as many pieces as it needs. False: dropped and counted.
  bool deliver(std::span<const std::byte> frame, u32 queue = 0);
  void complete_all();
  void put_completion(descriptor_of& d, u64 address);
  u32 checksums_made = 0;
  u64 now_ns = 0;  ///< not zero: tells when frames left
  void fulfil(std::byte* metadata, std::vector<std::byte>& frame);
  /// What sendto() does: 32 frames at most.
  long send(int fd);

  [[nodiscard]] bool is_clean() const { return open.empty() && mappings.empty() && faults.empty(); }
};

}  // namespace strata::test
