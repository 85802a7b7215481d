// SPDX-License-Identifier: MIT
// The fake kernel of fake_xsk/, and the driver over it, compiled once.
#include <fake_xsk/opened.hpp>

namespace strata::test {

fake_kernel::descriptor_of* fake_kernel::bound_to(u32 queue) {
  for (auto& [fd, d] : open)
    if (d.kind == "xsk" && d.is_bound && d.queue == queue) return &d;
  return nullptr;
}
bool fake_kernel::deliver(std::span<const std::byte> frame, u32 queue) {
  descriptor_of* const d = bound_to(queue);
  if (d == nullptr || !is_up) return false;
  const auto& memory = registration_of(*d);
  const u32 room = memory.chunk_size - xdp::packet_headroom;
  const u32 pieces = static_cast<u32>((frame.size() + room - 1) / room);
  if (pieces > 1 && !d->in_pieces) return ++d->statistics.receive_dropped, false;
  if (d->receive.size - d->receive.filled() < pieces) return ++d->statistics.receive_ring_full, false;
  if (d->fill.filled() < pieces) return ++d->statistics.fill_ring_empty, false;
  for (std::size_t at = 0; at < frame.size();) {
    const u64 chunk = d->fill.entry<u64>(d->fill.consumer()++);
    const std::size_t n = std::min<std::size_t>(room, frame.size() - at);
    if (chunk + memory.chunk_size > memory.length) faults.push_back("a chunk outside of the memory is on the fill ring");
    copy_bytes(memory_of(*d) + chunk + xdp::packet_headroom, frame.data() + at, n);
    at += n;
    const bool is_unaligned = (memory.flags & xdp::unaligned_chunks) != 0;
    const u64 address = is_unaligned ? chunk | u64{xdp::packet_headroom} << xdp::offset_shift : chunk + xdp::packet_headroom;
    d->receive.entry<xdp::descriptor>(d->receive.producer()) = {address, static_cast<u32>(n), at < frame.size() ? u32{xdp::continued} : 0u};
    ++d->receive.producer();
  }
  return true;
}
void fake_kernel::complete_all() {
  for (const auto& [fd, address] : uncompleted) put_completion(open[fd], address);
  uncompleted.clear();
}
void fake_kernel::put_completion(descriptor_of& d, u64 address) {
  if (d.completion.filled() == d.completion.size) faults.push_back("the completion ring overflows");
  d.completion.entry<u64>(d.completion.producer()++) = address;
}
void fake_kernel::fulfil(std::byte* metadata, std::vector<std::byte>& frame) {
  xdp::transmit_metadata m;
  __builtin_memcpy(&m, metadata, sizeof m);
  if ((m.flags & xdp::wants_checksum) != 0) {
    const std::size_t start = m.request.checksum_start;
    ++checksums_made;
    store_be<u16>(frame.data() + start + m.request.checksum_offset, static_cast<u16>(~fold(ones_sum(std::span(frame).subspan(start)))));
  }
  if ((m.flags & xdp::wants_timestamp) != 0 && now_ns != 0) {
    m.completion.timestamp = now_ns++;
    __builtin_memcpy(metadata, &m, sizeof m);
  }
}
long fake_kernel::send(int fd) {
  ++kicks;
  descriptor_of& d = open[fd];
  if (is_deleted) return -ENXIO;
  if (!is_up) return -ENETDOWN;
  std::vector<std::byte> frame;
  std::vector<u64> addresses;
  for (u32 frames = 0; d.transmit.filled() != 0;) {
    if (frames == xdp::frames_a_kick) return -EAGAIN;
    if (d.completion.filled() + uncompleted.size() + addresses.size() >= d.completion.size) return -EAGAIN;  // the kernel keeps room for each completion
    const xdp::descriptor& t = d.transmit.entry<xdp::descriptor>(d.transmit.consumer()++);
    const auto& memory = registration_of(d);
    const u64 first = t.address - memory.metadata_length;  // it is looked for even where there is none
    const bool is_good = t.length != 0 && t.address >= memory.metadata_length && t.address + t.length <= memory.length &&
                         ((memory.flags & xdp::unaligned_chunks) != 0 || first / memory.chunk_size == (t.address + t.length - 1) / memory.chunk_size);
    if (!is_good) ++d.statistics.transmit_invalid, faults.push_back("an invalid descriptor on the transmit ring");
    else frame.insert(frame.end(), memory_of(d) + t.address, memory_of(d) + t.address + t.length);
    if (is_good && (t.options & xdp::metadata_in_front) != 0) fulfil(memory_of(d) + t.address - memory.metadata_length, frame);
    addresses.push_back(t.address);
    if ((t.options & xdp::continued) != 0) continue;
    ++frames;
    sent.push_back(std::move(frame));
    frame.clear();
    for (const u64 a : addresses) {
      if (completes) put_completion(d, a);
      else uncompleted.emplace_back(fd, a);
    }
    addresses.clear();
  }
  return 0;
}
long fake_system::socket(int family, int, int) const {
  const char* const kind = family == xdp::family ? "xsk" : family == AF_PACKET ? "packet" : "netlink";
  if (const long r = refused(std::string("socket ") + kind); r < 0) return r;
  return make(kind);
}
long fake_system::close(int fd) const {
  if (fd < 0) return -EBADF;
  if (!k->open.contains(fd)) return k->faults.push_back("a descriptor is closed twice"), -EBADF;
  if (k->open[fd].mappings != 0) k->faults.push_back("a socket is closed while its rings are mapped");
  if (k->open[fd].kind == "xsk" && k->open[fd].shares < 0)
    for (const auto& [other, d] : k->open)
      if (d.shares == fd) k->faults.push_back("the socket that registered the memory is closed before one that shares it");
  k->open.erase(fd);
  return 0;
}
long fake_system::setsockopt(int fd, int level, int name, const void* value, u32 length) const {
  auto& d = k->open[fd];
  u32 n = 0;
  if (length >= sizeof n) __builtin_memcpy(&n, value, sizeof n);
  if (d.kind != "xsk") {
    if (const long r = refused("setsockopt " + d.kind); r < 0) return r;
    return 0;
  }
  if (level == SOL_SOCKET) {
    if (const long r = refused("busy poll"); r < 0) return r;
    d.options[name] = static_cast<int>(n);
    return 0;
  }
  if (name == xdp::memory) {
    if (const long r = refused("memory"); r < 0) return r;
    __builtin_memcpy(&d.memory, value, sizeof d.memory);
    return 0;
  }
  if (const long r = refused("ring"); r < 0) return r;
  auto& ring = name == xdp::fill_ring ? d.fill : name == xdp::completion_ring ? d.completion : name == xdp::receive_ring ? d.receive : d.transmit;
  ring.size = n;
  ring.memory.assign(fake_kernel::ring::entries_at / 8 + std::size_t{n} * 2, 0);
  ring.producer() = ring.consumer() = k->start_index;
  if (name == xdp::transmit_ring) ring.flags() = xdp::wants_wakeup;
  return 0;
}
long fake_system::getsockopt(int fd, int, int name, void* value, u32& length) const {
  auto& d = k->open[fd];
  if (name == xdp::mmap_offsets) {
    if (const long r = refused("offsets"); r < 0) return r;
    constexpr xdp::ring_offset at{0, fake_kernel::ring::consumer_at, fake_kernel::ring::entries_at, fake_kernel::ring::flags_at};
    const xdp::ring_offsets all{at, at, at, at};
    __builtin_memcpy(value, &all, sizeof all);
    length = sizeof all;
    return 0;
  }
  if (name == xdp::options) {
    if (const long r = refused("options"); r < 0) return r;
    const u32 flags = d.is_zero_copy ? xdp::is_zero_copy : 0;
    __builtin_memcpy(value, &flags, sizeof flags);
    return 0;
  }
  __builtin_memcpy(value, &d.statistics, sizeof d.statistics);
  return 0;
}
long fake_system::mmap(std::size_t size, int, int fd, u64 offset, void*& to) const {
  to = nullptr;
  if (const long r = refused("mmap"); r < 0) return r;
  auto& d = k->open[fd];
  if (d.kind == "packet") {
    d.packets.assign(size, std::byte{0});
    to = d.packets.data();
  } else {
    auto& ring = offset == xdp::receive_ring_at ? d.receive : offset == xdp::transmit_ring_at ? d.transmit : offset == xdp::fill_ring_at ? d.fill : d.completion;
    if (size > ring.memory.size() * 8) k->faults.push_back("a mapping is larger than its ring");
    to = ring.memory.data();
  }
  k->mappings[to] = fd;
  ++d.mappings;
  return 0;
}
long fake_system::munmap(void* at, std::size_t) const {
  const auto m = k->mappings.find(at);
  if (m == k->mappings.end()) return k->faults.push_back("what is not mapped is unmapped"), -EINVAL;
  if (k->open.contains(m->second)) --k->open[m->second].mappings;
  k->mappings.erase(m);
  return 0;
}
long fake_system::bind(int fd, const void* address, u32) const {
  auto& d = k->open[fd];
  if (d.kind != "xsk") return refused("bind packet");
  ++k->binds;
  xdp::socket_address a;
  __builtin_memcpy(&a, address, sizeof a);
  if (const long r = refused("bind"); r < 0) return r;
  if ((a.flags & xdp::shared_memory) != 0) {
    if (const long r = refused("bind shared"); r < 0) return r;
    if (a.flags != xdp::shared_memory) return k->faults.push_back("flags beside shared_memory"), -EINVAL;
    d.shares = static_cast<int>(a.shared_with);
    d.in_pieces = k->open[d.shares].in_pieces;
  } else {
    if ((a.flags & xdp::zero_copy) != 0 && !k->has_zero_copy) return -EOPNOTSUPP;
    if ((a.flags & xdp::use_fragments) != 0 && !k->has_pieces) return -EINVAL;
    d.in_pieces = (a.flags & xdp::use_fragments) != 0;
    d.is_zero_copy = (a.flags & xdp::zero_copy) != 0;
  }
  if (k->bound_to(a.queue) != nullptr) return -EBUSY;
  if (a.queue >= k->queues) return -EINVAL;
  d.is_bound = true;
  d.queue = a.queue;
  return 0;
}
long fake_system::sendto(int fd, const void*, std::size_t size, int, const void*, u32) const {
  if (k->open[fd].kind == "netlink") {
    if (const long r = refused("netlink"); r < 0) return r;
    return static_cast<long>(size);
  }
  if (const long r = refused("kick"); r < 0) return ++k->kicks, r;
  const long sent = k->send(fd);
  const long late = refused("after the kick");
  return late < 0 ? late : sent;
}
long fake_system::recvfrom(int fd, void* to, std::size_t, int, void*, u32*) const {
  if (k->open[fd].kind == "netlink") return answer_netlink(static_cast<std::byte*>(to));
  ++k->wakes;
  return -EAGAIN;
}
long fake_system::ioctl(int, unsigned long, void* argument) const {
  const auto* const request = static_cast<const nic::kernel::detail::ethtool_request*>(argument);
  u32 command;
  __builtin_memcpy(&command, request->value.data, sizeof command);
  if (command == ETHTOOL_GCHANNELS) {
    ethtool_channels c{};
    c.combined_count = k->queues;
    __builtin_memcpy(request->value.data, &c, sizeof c);
  } else {
    ethtool_value v{command, (k->vlan_offload ? u32{ETH_FLAG_RXVLAN} : 0u) | (k->lro ? u32{ETH_FLAG_LRO} : 0u)};
    __builtin_memcpy(request->value.data, &v, sizeof v);
  }
  return 0;
}
long fake_system::epoll_create() const {
  if (const long r = refused("epoll"); r < 0) return r;
  return make("epoll");
}
long fake_system::epoll_add(int, int) const { return refused("epoll add"); }
static std::vector<u8> bytes_at(u64 address, u32 size) { return {reinterpret_cast<const u8*>(address), reinterpret_cast<const u8*>(address) + size}; }
long fake_system::bpf(int command, void* attributes, u32) const {
  bpf_attr& a = *static_cast<bpf_attr*>(attributes);
  switch (command) {
    case BPF_MAP_CREATE: {
      if (const long r = refused("bpf map"); r < 0) return r;
      const long fd = make(a.map_type == BPF_MAP_TYPE_XSKMAP ? "xskmap" : "map");
      k->open[static_cast<int>(fd)].key_size = a.key_size;
      k->open[static_cast<int>(fd)].value_size = a.value_size;
      return fd;
    }
    case BPF_PROG_LOAD:
      if (const long r = refused("bpf load"); r < 0) return r;
      return make("program");
    case BPF_PROG_TEST_RUN: {
      if (!k->runs_live_frames) return -EINVAL;
      if (a.test.batch_size > 256) return -E2BIG;
      if (const long r = refused("bpf run"); r < 0) return r;
      xdp_md context;
      __builtin_memcpy(&context, reinterpret_cast<const void*>(a.test.ctx_in), sizeof context);
      if (k->program_redirects) (void)k->deliver({reinterpret_cast<const std::byte*>(a.test.data_in), a.test.data_size_in}, context.rx_queue_index);
      return 0;
    }
    case BPF_LINK_CREATE:
      if (const long r = refused("bpf link"); r < 0) return r;
      if (a.link_create.flags == XDP_FLAGS_DRV_MODE && !k->has_driver_mode) return -EOPNOTSUPP;
      return make("link");
    case BPF_MAP_UPDATE_ELEM: {
      if (const long r = refused("bpf update"); r < 0) return r;
      if (auto& map = k->open[static_cast<int>(a.map_fd)]; map.kind != "xskmap") {
        map.elements[bytes_at(a.key, map.key_size)] = bytes_at(a.value, map.value_size);
        return 0;
      }
      u32 key, value;
      __builtin_memcpy(&key, reinterpret_cast<const void*>(a.key), sizeof key);
      __builtin_memcpy(&value, reinterpret_cast<const void*>(a.value), sizeof value);
      if (!k->open.contains(static_cast<int>(value)) || !k->open[static_cast<int>(value)].is_bound) return k->faults.push_back("no bound socket goes into the map"), -EBADF;
      k->sockets_of_map[key] = static_cast<int>(value);
      return 0;
    }
    case BPF_MAP_LOOKUP_ELEM:
    case BPF_MAP_DELETE_ELEM: {
      auto& map = k->open[static_cast<int>(a.map_fd)];
      const auto found = map.elements.find(bytes_at(a.key, map.key_size));
      if (found == map.elements.end()) return -ENOENT;
      if (command == BPF_MAP_LOOKUP_ELEM) __builtin_memcpy(reinterpret_cast<void*>(a.value), found->second.data(), map.value_size);
      else map.elements.erase(found);
      return 0;
    }
    case BPF_MAP_LOOKUP_BATCH:
      // The counters of the first row; the others are zero.
      for (u32 i = 0; i < a.batch.count; ++i) {
        const u64 value = i < nic::steering::verdict_columns ? k->verdicts[i] : 0;
        __builtin_memcpy(reinterpret_cast<std::byte*>(a.batch.values) + i * sizeof value, &value, sizeof value);
      }
      return 0;
    default: return -ENOENT;
  }
}
long fake_system::poll(pollfd*, u32, int) const { return 0; }
void fake_system::sleep_ns(u64 ns) const { k->slept_ns += ns; }
long fake_system::make(const std::string& kind) const {
  const int fd = k->next_descriptor++;
  k->open[fd].kind = kind;
  return fd;
}
long fake_system::refused(const std::string& what) const {
  if (k->calls++ == k->fails_at) return -k->fails_with;
  const auto r = k->refusals.find(what);
  if (r == k->refusals.end() || r->second.times == 0) return 0;
  if (r->second.times != ~0u) --r->second.times;
  return -r->second.why;
}
long fake_system::answer_netlink(std::byte* to) const {
  if (const long r = refused("netlink answer"); r < 0) return r;
  std::size_t size = NLMSG_LENGTH(sizeof(ifinfomsg));
  const auto attribute = [&](u16 type, const void* value, u16 length) {
    const rtattr a{static_cast<u16>(RTA_LENGTH(length)), type};
    __builtin_memcpy(to + size, &a, sizeof a);
    __builtin_memcpy(to + size + sizeof a, value, length);
    size += RTA_SPACE(length);
  };
  attribute(IFLA_ADDRESS, k->mac.bytes, 6);
  attribute(IFLA_MTU, &k->mtu, 4);
  nlmsghdr h{};
  h.nlmsg_len = static_cast<u32>(size);
  h.nlmsg_type = RTM_NEWLINK;
  ifinfomsg link{};
  link.ifi_index = 7;
  link.ifi_flags = (k->is_up ? 0x1u : 0u) | (k->has_carrier ? 0x10000u : 0u);
  __builtin_memcpy(to, &h, sizeof h);
  __builtin_memcpy(to + NLMSG_HDRLEN, &link, sizeof link);
  return static_cast<long>(size);
}

void opened::start(nic::af_xdp_options o, const shape& s) {
  kernel.start_index = s.start_index;
  kernel.mtu = o.mtu != 0 ? o.mtu : 1500;
  kernel.queues = o.queues;
  o.interface = "fake0";
  o.memory = memory;
  o.chunk_size = s.chunk_size;
  auto made = fake_af_xdp::open(o, fake_system{&kernel});
  if (!made) FAIL(made.error().what << " (" << made.error().step << ", errno " << made.error().errno_value << ")");
  nic = std::move(*made);
  chunks.open(o.memory, std::span(table).first(s.chunks), s.chunk_size, hashes.data());
}
void opened::finish() {
  nic.close();
  CHECK(chunks.in_use() == 0);
  for (const auto& f : kernel.faults) FAIL_CHECK(f);
  CHECK(kernel.is_clean());
}
packet opened::frame(u8 mark, std::size_t length, u32 headroom) {
  packet p = chunks.take(headroom);
  if (!p) return p;
  nic_test::fill(p.room().first(length), mark);
  p.extend(length);
  p.become(buffer::owner::nic);
  return p;
}
bool opened::transmit(u8 mark, std::size_t length, u32 headroom) {
  packet p = frame(mark, length, headroom);
  return p && nic.transmit({&p, 1}) == 1;
}
bool opened::deliver(u8 mark, std::size_t length, u32 queue) {
  std::vector<std::byte> bytes(length);
  nic_test::fill(bytes, mark);
  return kernel.deliver(bytes, queue);
}
std::vector<packet> opened::receive(std::size_t most) {
  std::vector<packet> batch(most);
  batch.resize(nic.receive(chunks, batch));
  return batch;
}
u32 opened::reclaim() {
  u32 n = 0;
  packet batch[4];
  for (std::size_t k; (k = nic.reclaim(batch)) != 0; n += static_cast<u32>(k)) nic_test::drop({batch, k});
  return n;
}
bool opened::is_sent(std::size_t index, u8 mark, std::size_t length) const {
  if (index >= kernel.sent.size() || kernel.sent[index].size() != length) return false;
  for (std::size_t i = 0; i < length; ++i)
    if (kernel.sent[index][i] != nic_test::pattern(mark, i)) return false;
  return true;
}

}  // namespace strata::test

template class strata::nic::af_xdp_over<strata::test::fake_system>;
