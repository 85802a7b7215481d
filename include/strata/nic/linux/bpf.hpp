// SPDX-License-Identifier: MIT
// The kernel's bpf(2), as far as a driver needs it: maps, programs of the kind XDP, the link that ties one to an interface, a run of one over a frame
// that we make up. Results are the kernel's (a descriptor, or 0), or -errno.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/ebpf.hpp>
#include <strata/nic/linux/system_calls.hpp>

#include <linux/bpf.h>

namespace strata::inline STRATA_ABI::nic::kernel::bpf {

namespace detail {
inline u64 address_of(const void* p) { return static_cast<u64>(reinterpret_cast<std::uintptr_t>(p)); }
template <class System>
long enter(const System& system, int command, bpf_attr& attributes) {
  return system.bpf(command, &attributes, sizeof attributes);
}
/// All of it zero, padding and the members of newer kernels too: the kernel looks.
struct attributes {
  bpf_attr value;
  attributes() { __builtin_memset(&value, 0, sizeof value); }
};
// At most 15 letters, digits, dots and underscores: what bpftool shows.
inline void set_name(char (&to)[BPF_OBJ_NAME_LEN], const char* from) {
  for (std::size_t i = 0; i + 1 < BPF_OBJ_NAME_LEN && from[i] != 0; ++i) to[i] = from[i];
}
template <class System> long by_id(const System& system, int command, u32 id) {
  attributes a;
  a.value.prog_id = id;  // a union of the four
  return enter(system, command, a.value);
}
}  // namespace detail

struct map_shape {
  u32 kind = BPF_MAP_TYPE_ARRAY;
  u32 key_size = 4;
  u32 value_size = 4;
  u32 entries = 1;
  const char* name = "";
};

template <class System> [[nodiscard]] long create_map(const System& system, const map_shape& shape) {
  detail::attributes a;
  a.value.map_type = shape.kind;
  a.value.key_size = shape.key_size;
  a.value.value_size = shape.value_size;
  a.value.max_entries = shape.entries;
  detail::set_name(a.value.map_name, shape.name);
  return detail::enter(system, BPF_MAP_CREATE, a.value);
}
template <class System> [[nodiscard]] long update_element(const System& system, int map, const void* key, const void* value) {
  detail::attributes a;
  a.value.map_fd = static_cast<u32>(map);
  a.value.key = detail::address_of(key);
  a.value.value = detail::address_of(value);
  a.value.flags = BPF_ANY;
  return detail::enter(system, BPF_MAP_UPDATE_ELEM, a.value);
}
template <class System> [[nodiscard]] long lookup_element(const System& system, int map, const void* key, void* value) {
  detail::attributes a;
  a.value.map_fd = static_cast<u32>(map);
  a.value.key = detail::address_of(key);
  a.value.value = detail::address_of(value);
  return detail::enter(system, BPF_MAP_LOOKUP_ELEM, a.value);
}
/// All elements of an array, from its first on (Linux 5.6).
template <class System> [[nodiscard]] long lookup_all(const System& system, int map, void* keys, void* values, u32 entries) {
  u32 last = 0;
  detail::attributes a;
  a.value.batch.map_fd = static_cast<u32>(map);
  a.value.batch.out_batch = detail::address_of(&last);
  a.value.batch.keys = detail::address_of(keys);
  a.value.batch.values = detail::address_of(values);
  a.value.batch.count = entries;
  return detail::enter(system, BPF_MAP_LOOKUP_BATCH, a.value);
}
template <class System> [[nodiscard]] long delete_element(const System& system, int map, const void* key) {
  detail::attributes a;
  a.value.map_fd = static_cast<u32>(map);
  a.value.key = detail::address_of(key);
  return detail::enter(system, BPF_MAP_DELETE_ELEM, a.value);
}

/// Loads a program of the kind XDP. `flags`: BPF_F_XDP_HAS_FRAGS or 0. `log`, if not empty: what the verifier says of it, a string.
template <class System>
[[nodiscard]] long load_xdp_program(const System& system, std::span<const ebpf::instruction> code, const char* name, u32 flags,
                                    std::span<char> log = {}) {
  static constexpr char licence[] = "MIT";  // what is called here is open to every licence
  detail::attributes a;
  a.value.prog_type = BPF_PROG_TYPE_XDP;
  a.value.insn_cnt = static_cast<u32>(code.size());
  a.value.insns = detail::address_of(code.data());
  a.value.license = detail::address_of(licence);
  a.value.prog_flags = flags;
  a.value.expected_attach_type = BPF_XDP;
  if (!log.empty()) {
    a.value.log_level = 1;
    a.value.log_size = static_cast<u32>(log.size());
    a.value.log_buf = detail::address_of(log.data());
  }
  detail::set_name(a.value.prog_name, name);
  long r;
  u32 tries = 0;
  do r = detail::enter(system, BPF_PROG_LOAD, a.value);  // the verifier gives up with EAGAIN when a signal comes
  while (r == -EAGAIN && ++tries < 5);
  return r;
}

/// Ties the program to the interface for as long as the descriptor that comes is open: it goes with the process, however that ends.
/// `flags`: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE.
template <class System> [[nodiscard]] long create_xdp_link(const System& system, int program, int interface_index, u32 flags) {
  detail::attributes a;
  a.value.link_create.prog_fd = static_cast<u32>(program);
  a.value.link_create.target_ifindex = static_cast<u32>(interface_index);
  a.value.link_create.attach_type = BPF_XDP;
  a.value.link_create.flags = flags;
  return detail::enter(system, BPF_LINK_CREATE, a.value);
}

/// Descriptors of what other processes made, by its number. Asks for CAP_SYS_ADMIN.
template <class System> [[nodiscard]] long program_by_id(const System& system, u32 id) { return detail::by_id(system, BPF_PROG_GET_FD_BY_ID, id); }
template <class System> [[nodiscard]] long map_by_id(const System& system, u32 id) { return detail::by_id(system, BPF_MAP_GET_FD_BY_ID, id); }
template <class System> [[nodiscard]] long link_by_id(const System& system, u32 id) { return detail::by_id(system, BPF_LINK_GET_FD_BY_ID, id); }
/// The number of the next link after `id` in this machine (Linux 5.8), or -ENOENT.
template <class System> [[nodiscard]] long next_link(const System& system, u32 id) {
  detail::attributes a;
  a.value.start_id = id;
  const long r = detail::enter(system, BPF_LINK_GET_NEXT_ID, a.value);
  return r < 0 ? r : static_cast<long>(a.value.next_id);
}
/// What the kernel knows of a map, program or link: bpf_map_info, bpf_prog_info, bpf_link_info. What is not zero in it before, it takes for a request.
template <class System, class Info> [[nodiscard]] long info_of(const System& system, int descriptor, Info& info) {
  detail::attributes a;
  a.value.info.bpf_fd = static_cast<u32>(descriptor);
  a.value.info.info_len = sizeof info;
  a.value.info.info = detail::address_of(&info);
  return detail::enter(system, BPF_OBJ_GET_INFO_BY_FD, a.value);
}
/// The key after `key` (null: the first one), or -ENOENT.
template <class System> [[nodiscard]] long next_key(const System& system, int map, const void* key, void* next) {
  detail::attributes a;
  a.value.map_fd = static_cast<u32>(map);
  a.value.key = detail::address_of(key);
  a.value.next_key = detail::address_of(next);
  return detail::enter(system, BPF_MAP_GET_NEXT_KEY, a.value);
}

struct run_result {
  u32 verdict = 0;
  u32 nanoseconds = 0;  ///< mean of the runs
};
/// Runs the program over a frame of at least 14 bytes, `repeat` times. Redirections are answered and not carried out.
template <class System>
[[nodiscard]] long run_program(const System& system, int program, std::span<const std::byte> frame, run_result& result, u32 repeat = 1,
                               const xdp_md* context = nullptr) {
  detail::attributes a;
  a.value.test.prog_fd = static_cast<u32>(program);
  a.value.test.data_in = detail::address_of(frame.data());
  a.value.test.data_size_in = static_cast<u32>(frame.size());
  a.value.test.repeat = repeat;
  if (context != nullptr) {
    a.value.test.ctx_in = detail::address_of(context);
    a.value.test.ctx_size_in = sizeof *context;
  }
  const long r = detail::enter(system, BPF_PROG_TEST_RUN, a.value);
  result = {a.value.test.retval, a.value.test.duration};
  return r;
}

}  // namespace strata::inline STRATA_ABI::nic::kernel::bpf
