// SPDX-License-Identifier: MIT
// Several stacks on one interface, in one process or in several, each with receive queues of its own. An interface has one XDP program, so the first stack
// attaches it and the others find it there: the same instructions, by the hash that the kernel makes of them. They hold its link as well, so it stays until
// the last of them has gone. To look for what another one made asks for CAP_SYS_ADMIN (or root), which a stack that is alone does not need.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/bpf.hpp>
#include <strata/nic/linux/interface_facts.hpp>
#include <strata/nic/linux/owned_descriptor.hpp>
#include <strata/nic/linux/steering.hpp>

namespace strata::inline STRATA_ABI::nic::kernel {

/// A steering program that another stack attached, with its maps in the order of steering::map.
template <class System> struct shared_program {
  owned_descriptor<System> maps[steering::maps]{};
  owned_descriptor<System> program{};
  owned_descriptor<System> link{};
  u8 attached = 0;  ///< XDP_ATTACHED_DRV or XDP_ATTACHED_SKB
};

namespace detail {

constexpr bool is_in_order(steering::map which, const bpf_map_info& info) {
  switch (which) {
    case steering::map::sockets: return info.type == BPF_MAP_TYPE_XSKMAP;
    case steering::map::own4: return info.type == BPF_MAP_TYPE_HASH && info.key_size == 4 && info.value_size == 8;
    case steering::map::own6: return info.type == BPF_MAP_TYPE_HASH && info.key_size == 16;
    case steering::map::verdicts: return info.type == BPF_MAP_TYPE_ARRAY && info.max_entries > 1;
    case steering::map::first4: return info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1;
    case steering::map::kernel4: return info.type == BPF_MAP_TYPE_HASH && info.key_size == 4 && info.value_size == 4;
  }
  return false;
}

/// The link by which the program of that number is attached.
template <class System> [[nodiscard]] owned_descriptor<System> link_of(const System& system, u32 program) {
  for (long id = bpf::next_link(system, 0); id > 0; id = bpf::next_link(system, static_cast<u32>(id))) {
    owned_descriptor<System> link{system, static_cast<int>(bpf::link_by_id(system, static_cast<u32>(id)))};
    if (!link) continue;  // gone meanwhile
    bpf_link_info info{};
    if (bpf::info_of(system, link.get(), info) == 0 && info.type == BPF_LINK_TYPE_XDP && info.prog_id == program) return link;
  }
  return {};
}

}  // namespace detail

/// Takes hold of the program on the interface, if it is the same as `ours`. 0, or -EPERM where the right is missing, -ENOENT where it is another program,
/// -EAGAIN where it has just gone.
template <class System> [[nodiscard]] long join_program(System system, int interface_index, int ours, shared_program<System>& found) {
  interface_facts facts;
  if (const long r = attached_program_of(system, interface_index, facts); r < 0) return r;
  if (facts.foreign_program == 0) return -EAGAIN;
  const long fd = bpf::program_by_id(system, facts.foreign_program);
  if (fd < 0) return fd == -ENOENT ? -EAGAIN : fd;
  found.program = {system, static_cast<int>(fd)};
  found.attached = facts.attached;

  bpf_prog_info mine{}, theirs{};
  u32 ids[steering::maps]{};
  theirs.nr_map_ids = steering::maps;
  theirs.map_ids = bpf::detail::address_of(ids);
  if (bpf::info_of(system, ours, mine) != 0 || bpf::info_of(system, found.program.get(), theirs) != 0) return -ENOENT;
  if (__builtin_memcmp(mine.tag, theirs.tag, sizeof mine.tag) != 0 || theirs.nr_map_ids != steering::maps) return -ENOENT;
  for (const u32 id : ids) {
    owned_descriptor<System> map{system, static_cast<int>(bpf::map_by_id(system, id))};
    bpf_map_info info{};
    if (!map || bpf::info_of(system, map.get(), info) != 0) return -ENOENT;
    for (u32 i = 0; i < steering::maps; ++i)
      if (detail::is_in_order(static_cast<steering::map>(i), info)) found.maps[i] = std::move(map);
  }
  for (const auto& map : found.maps)
    if (!map) return -ENOENT;
  found.link = detail::link_of(system, facts.foreign_program);
  return found.link ? 0 : -ENOENT;
}

}  // namespace strata::inline STRATA_ABI::nic::kernel
