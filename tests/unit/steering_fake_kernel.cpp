// SPDX-License-Identifier: MIT
#include <steering/fake_kernel.hpp>

#include <algorithm>
#include <cstring>

namespace steering_test {
namespace {
void* pointer(u64 n) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(n)); }
std::vector<u8> bytes(const void* from, std::size_t n) { return {static_cast<const u8*>(from), static_cast<const u8*>(from) + n}; }
}  // namespace

long kernel_state::enter(const std::string& call) {
  journal.push_back(call);
  if (calls++ == refuse_nth) return -EIO;
  for (auto r = refusals.begin(); r != refusals.end(); ++r)
    if (r->call == call) {
      const int why = r->why;
      if (--r->times == 0) refusals.erase(r);
      return -why;
    }
  return 0;
}
u64 kernel_state::times(const std::string& call) const { return static_cast<u64>(std::count(journal.begin(), journal.end(), call)); }
const kernel_state::bpf_map* kernel_state::map_of(u32 kind, u32 key_size) const {
  for (const auto& [fd, m] : maps)
    if (open.contains(fd) && m.kind == kind && m.key_size == key_size) return &m;
  return nullptr;
}

u64 kernel_state::first4() const {
  u64 value = 0;
  for (const auto& [fd, m] : maps)
    if (open.contains(fd) && m.entries == 1 && !m.elements.empty()) std::memcpy(&value, m.elements.begin()->second.data(), sizeof value);
  return value;
}

long fake_kernel::close(int fd) const {
  state->journal.push_back(fd == state->link ? "close link" : "close");
  return state->open.erase(fd) == 1 ? 0 : -EBADF;
}
long fake_kernel::socket(int family, int, int) const {
  if (const long r = state->enter(family == AF_PACKET ? "socket AF_PACKET" : family == AF_INET ? "socket AF_INET" : "socket AF_NETLINK"); r < 0) return r;
  return state->descriptor();
}
long fake_kernel::bind(int, const void*, u32) const { return state->enter("bind"); }
long fake_kernel::setsockopt(int, int level, int name, const void* value, u32) const {
  const std::string call = level == SOL_SOCKET              ? "attach filter"
                           : name == PACKET_ADD_MEMBERSHIP  ? "join"
                           : name == PACKET_DROP_MEMBERSHIP ? "leave"
                                                            : "packet option";
  if (const long r = state->enter(call); r < 0) return r;
  if (level == SOL_SOCKET) {
    sock_fprog p;
    std::memcpy(&p, value, sizeof p);
    state->filter.assign(p.filter, p.filter + p.len);
  }
  if (call == "join" || call == "leave") {
    packet_mreq request;
    std::memcpy(&request, value, sizeof request);
    const std::vector<u8> mac(request.mr_address, request.mr_address + request.mr_alen);
    int& count = state->joined[mac];
    count += call == "join" ? 1 : -1;
    if (count == 0) state->joined.erase(mac);
  }
  return 0;
}
long fake_kernel::sendto(int, const void*, std::size_t size, int) const {
  const long r = state->enter("send");
  return r < 0 ? r : static_cast<long>(size);
}
long fake_kernel::recvfrom(int, void* to, std::size_t size, int) const {
  if (const long r = state->enter("receive"); r < 0) return r;
  const std::size_t n = std::min(size, state->answer.size());
  std::copy_n(state->answer.data(), n, static_cast<std::byte*>(to));
  return static_cast<long>(n);
}
/// As SIOCGIFCONF answers: what there is room for, and how many bytes that took.
static void tell_addresses(const kernel_state& state, void* question) {
  int bytes;
  void* to;
  std::memcpy(&bytes, question, sizeof bytes);
  std::memcpy(&to, static_cast<char*>(question) + sizeof to, sizeof to);
  std::size_t n = 0;
  for (const auto& a : state.addresses) {
    if ((n + 1) * sizeof(nic::kernel::interface_request) > static_cast<std::size_t>(bytes)) break;
    nic::kernel::interface_request r{};
    (void)r.set_name("lo");
    std::memcpy(&r.value.as_large_as_the_kernels[4], a.data(), a.size());
    std::memcpy(static_cast<char*>(to) + n++ * sizeof r, &r, sizeof r);
  }
  bytes = static_cast<int>(n * sizeof(nic::kernel::interface_request));
  std::memcpy(question, &bytes, sizeof bytes);
}
long fake_kernel::ioctl(int, unsigned long request, void* argument) const {
  if (const long r = state->enter("ioctl"); r < 0) return r;
  if (request == SIOCGIFCONF) return tell_addresses(*state, argument), 0;
  void* data;
  std::memcpy(&data, static_cast<char*>(argument) + 16, sizeof data);
  u32 command;
  std::memcpy(&command, data, sizeof command);
  const auto found = state->ethtool.find(command);
  if (found == state->ethtool.end()) return -EOPNOTSUPP;
  std::memcpy(static_cast<u8*>(data) + sizeof command, found->second.data(), found->second.size());
  return 0;
}
long fake_kernel::mmap(std::size_t size, int, int, u64, void*& to) const {
  if (const long r = state->enter("mmap"); r < 0) return to = nullptr, r;
  state->ring.assign(size, std::byte{0});
  to = state->ring.data();
  return 0;
}
long fake_kernel::munmap(void* at, std::size_t size) const {
  state->journal.push_back(at == state->ring.data() && size == state->ring.size() ? "munmap" : "munmap of something else");
  return 0;
}

static long inform(kernel_state& state, int fd, void* to) {
  if (const long r = state.enter("info"); r < 0) return r;
  const auto found = state.numbers.find(fd);
  const u32 number = found == state.numbers.end() ? 0 : found->second;
  if (state.maps.contains(fd)) {
    bpf_map_info info{};
    info.type = state.maps[fd].kind;
    info.key_size = state.maps[fd].key_size;
    info.value_size = state.maps[fd].value_size;
    info.max_entries = state.maps[fd].entries;
    std::memcpy(to, &info, sizeof info);
  } else if (number != 0 && number != kernel_state::program_number) {
    bpf_link_info info{};
    info.type = BPF_LINK_TYPE_XDP;
    info.prog_id = number == kernel_state::link_number ? kernel_state::program_number : number;
    std::memcpy(to, &info, sizeof info);
  } else {
    bpf_prog_info info;
    std::memcpy(&info, to, sizeof info);
    info.tag[0] = number == 0 || state.is_ours ? 1 : 2;
    for (u32 i = 0; i < info.nr_map_ids; ++i) static_cast<u32*>(pointer(info.map_ids))[i] = kernel_state::first_map_number + i;
    std::memcpy(to, &info, sizeof info);
  }
  return 0;
}
long fake_kernel::bpf(int command, void* attributes, u32 size) const {
  bpf_attr a;
  std::memset(&a, 0, sizeof a);
  std::memcpy(&a, attributes, std::min<std::size_t>(size, sizeof a));
  switch (command) {
    case BPF_MAP_CREATE: {
      if (const long r = state->enter(a.map_type == BPF_MAP_TYPE_XSKMAP ? "create XSKMAP" : "create map"); r < 0) return r;
      const int fd = state->descriptor();
      state->maps[fd] = {a.map_type, a.key_size, a.value_size, a.max_entries};
      if (a.map_type == BPF_MAP_TYPE_ARRAY)
        for (u32 k = 0; k < a.max_entries; ++k) state->maps[fd].elements[bytes(&k, 4)] = std::vector<u8>(a.value_size);
      return fd;
    }
    case BPF_MAP_UPDATE_ELEM: {
      if (const long r = state->enter("update"); r < 0) return r;
      auto& m = state->maps.at(static_cast<int>(a.map_fd));
      const auto key = bytes(pointer(a.key), m.key_size);
      u32 index;
      std::memcpy(&index, key.data(), sizeof index);
      if (m.kind == BPF_MAP_TYPE_HASH ? !m.elements.contains(key) && m.elements.size() == m.entries : index >= m.entries) return -E2BIG;
      m.elements[key] = bytes(pointer(a.value), m.value_size);
      return 0;
    }
    case BPF_MAP_LOOKUP_ELEM: {
      if (const long r = state->enter("lookup"); r < 0) return r;
      const auto& m = state->maps.at(static_cast<int>(a.map_fd));
      const auto found = m.elements.find(bytes(pointer(a.key), m.key_size));
      if (found == m.elements.end()) return -ENOENT;
      std::memcpy(pointer(a.value), found->second.data(), m.value_size);
      return 0;
    }
    case BPF_MAP_LOOKUP_BATCH: {
      if (const long r = state->enter("lookup all"); r < 0) return r;
      const auto& m = state->maps.at(static_cast<int>(a.batch.map_fd));
      auto* key = static_cast<u8*>(pointer(a.batch.keys));
      auto* value = static_cast<u8*>(pointer(a.batch.values));
      u32 n = 0;
      for (; n < a.batch.count && n < m.entries; ++n) {
        std::memcpy(key + std::size_t{4} * n, &n, 4);
        std::memcpy(value + std::size_t{m.value_size} * n, m.elements.at(bytes(&n, 4)).data(), m.value_size);
      }
      return n < a.batch.count ? -ENOENT : 0;
    }
    case BPF_MAP_DELETE_ELEM: {
      if (const long r = state->enter("delete"); r < 0) return r;
      auto& m = state->maps.at(static_cast<int>(a.map_fd));
      return m.elements.erase(bytes(pointer(a.key), m.key_size)) == 1 ? 0 : -ENOENT;
    }
    case BPF_PROG_LOAD: {
      if (const long r = state->enter("load"); r < 0) return r;
      const auto* first = static_cast<const bpf_insn*>(pointer(a.insns));
      state->program.assign(first, first + a.insn_cnt);
      state->program_flags = a.prog_flags;
      return state->descriptor();
    }
    case BPF_LINK_CREATE: {
      state->link_flags.push_back(a.link_create.flags);
      if (const long r = state->enter(a.link_create.flags == XDP_FLAGS_DRV_MODE ? "attach driver" : "attach generic"); r < 0) return r;
      if (state->is_occupied) {
        if (state->vanishes_after-- == 0) state->is_occupied = false;
        return -EBUSY;
      }
      return state->link = state->descriptor();
    }
    case BPF_MAP_GET_NEXT_KEY: {
      if (const long r = state->enter("next key"); r < 0) return r;
      const auto& m = state->maps.at(static_cast<int>(a.map_fd));
      const auto next = a.key == 0 ? m.elements.begin() : m.elements.upper_bound(bytes(pointer(a.key), m.key_size));
      if (next == m.elements.end()) return -ENOENT;
      std::memcpy(pointer(a.next_key), next->first.data(), m.key_size);
      return 0;
    }
    case BPF_PROG_GET_FD_BY_ID:
    case BPF_MAP_GET_FD_BY_ID:
    case BPF_LINK_GET_FD_BY_ID: {
      if (const long r = state->enter("by number"); r < 0) return r;
      if (!state->is_occupied) return -ENOENT;
      const int fd = state->descriptor();
      state->numbers[fd] = a.prog_id;
      // In an order that is not ours.
      const u32 map = a.prog_id - kernel_state::first_map_number;
      if (map == 0) state->maps[fd] = {BPF_MAP_TYPE_ARRAY, 4, 8, 128};
      if (map == 1) state->maps[fd] = {BPF_MAP_TYPE_HASH, 16, 8, 256};
      if (map == 2) state->maps[fd] = {BPF_MAP_TYPE_XSKMAP, 4, 4, 64};
      if (map == 3) state->maps[fd] = {BPF_MAP_TYPE_HASH, 4, 8, 256};
      if (map == 4) state->maps[fd] = {BPF_MAP_TYPE_ARRAY, 4, 8, 1};
      if (map == 5) state->maps[fd] = {BPF_MAP_TYPE_HASH, 4, 4, 256};
      return fd;
    }
    case BPF_LINK_GET_NEXT_ID: {
      if (const long r = state->enter("next link"); r < 0) return r;
      if (a.start_id >= kernel_state::link_number) return -ENOENT;
      a.next_id = a.start_id < 3 ? a.start_id + 1 : kernel_state::link_number;  // some that are others'
      std::memcpy(attributes, &a, size);
      return 0;
    }
    case BPF_OBJ_GET_INFO_BY_FD: return inform(*state, static_cast<int>(a.info.bpf_fd), pointer(a.info.info));
    default: return -EINVAL;
  }
}

}  // namespace steering_test
