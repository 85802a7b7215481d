// SPDX-License-Identifier: MIT
// The kernel's side of a packet socket with rings, played by a test: what kernel::system_calls answers, the blocks that it fills, the slots that it sends.
#pragma once
#include <strata/nic/linux/af_packet.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace strata::nic_test {

struct packet_kernel {
  // What the interface is, and what fails: the result of the call of that name, negative.
  int index = 7, mtu = 1500;
  u16 kind = nic::kernel::interface_request::ethernet;
  mac_address mac{{0x02, 0, 0, 0, 0, 0x11}};
  long no_socket = 0, no_index = 0, no_address = 0, no_mtu = 0, no_mapping = 0, no_bind = 0, no_force = 0;
  int refused_option = -1;  ///< of SOL_PACKET, or SO_ATTACH_FILTER
  long refusal = 0;

  // What was done.
  bool is_open = false, is_mapped = false, is_bound = false;
  u32 sends = 0;
  int socket_error = 0;         ///< SO_ERROR
  u32 drops = 0;                ///< PACKET_STATISTICS, since it was asked last
  u16 membership = 0xffff;
  int send_buffer = 0;
  std::vector<sock_filter> filter{};
  tpacket_req3 receive_ring{}, transmit_ring{};
  std::vector<u64> memory{};

  // The interface.
  bool is_up = true, is_there = true;
  u32 takes = 1u << 30;          ///< frames that a send() takes before the socket's buffer is full
  u32 refuses_next = 0;          ///< how often the next frame is dropped below the socket: ENOBUFS
  std::vector<std::string> wire{};

  [[nodiscard]] std::byte* at(std::size_t offset) { return reinterpret_cast<std::byte*>(memory.data()) + offset; }
  [[nodiscard]] std::size_t receive_size() const { return std::size_t{receive_ring.tp_block_size} * receive_ring.tp_block_nr; }

  // ---- receiving: frames are written to the open block; close_block() hands it over
  u32 block = 0, frames = 0, end = 0, last = 0;
  [[nodiscard]] tpacket_block_desc& open_block() { return *reinterpret_cast<tpacket_block_desc*>(at(std::size_t{block} * receive_ring.tp_block_size)); }
  [[nodiscard]] bool has_block() { return (open_block().hdr.bh1.block_status & TP_STATUS_USER) == 0; }
  static constexpr u32 first_frame = 48;
  void write(std::span<const std::byte> frame, u32 status = 0, u8 type = PACKET_HOST, u16 tci = 0, u16 tpid = 0, u32 length = 0) {
    if (frames == 0) end = first_frame;
    std::byte* const start = reinterpret_cast<std::byte*>(&open_block()) + end;
    auto& f = *reinterpret_cast<tpacket3_hdr*>(start);
    f = {};
    f.tp_mac = 82;
    f.tp_snaplen = static_cast<u32>(frame.size());
    f.tp_len = length == 0 ? f.tp_snaplen : length;
    f.tp_status = TP_STATUS_USER | status;
    f.hv1.tp_vlan_tci = tci;
    f.hv1.tp_vlan_tpid = tpid;
    reinterpret_cast<sockaddr_ll*>(start + 48)->sll_pkttype = type;
    std::memcpy(start + f.tp_mac, frame.data(), frame.size());
    f.tp_next_offset = (f.tp_mac + f.tp_snaplen + 15) / 16 * 16;
    last = end;
    end += f.tp_next_offset;
    ++frames;
  }
  void close_block() {
    auto& b = open_block();
    b.hdr.bh1.num_pkts = frames;
    b.hdr.bh1.offset_to_first_pkt = first_frame;
    if (frames != 0) reinterpret_cast<tpacket3_hdr*>(reinterpret_cast<std::byte*>(&b) + last)->tp_next_offset = 0;
    b.hdr.bh1.block_status = TP_STATUS_USER | TP_STATUS_BLK_TMO;
    block = (block + 1) % receive_ring.tp_block_nr;
    frames = 0;
  }

  // ---- sending: as the kernel's tpacket_snd() without waiting
  u32 head = 0;
  bool completes = true;  ///< false: slots stay SENDING until complete()
  [[nodiscard]] tpacket3_hdr& slot(u32 i) { return *reinterpret_cast<tpacket3_hdr*>(at(receive_size() + std::size_t{i} * transmit_ring.tp_frame_size)); }
  long send() {
    ++sends;
    if (!is_there) return -ENXIO;
    if (!is_up) return -ENETDOWN;
    long sent = 0;
    for (u32 n = 0; slot(head).tp_status == TP_STATUS_SEND_REQUEST; ++n) {
      if (socket_error != 0) return -std::exchange(socket_error, 0);
      if (n == takes) return sent != 0 ? sent : -EAGAIN;
      if (refuses_next != 0) {
        --refuses_next;
        return -ENOBUFS;
      }
      tpacket3_hdr& s = slot(head);
      wire.emplace_back(reinterpret_cast<const char*>(&s) + 48, s.tp_len);
      sent += s.tp_len;
      s.tp_status = completes ? TP_STATUS_AVAILABLE : TP_STATUS_SENDING;
      head = (head + 1) % transmit_ring.tp_frame_nr;
    }
    return sent;
  }
  void complete() {
    for (u32 i = 0; i < transmit_ring.tp_frame_nr; ++i)
      if (slot(i).tp_status == TP_STATUS_SENDING) slot(i).tp_status = TP_STATUS_AVAILABLE;
  }
};

/// kernel::system_calls, answered by a packet_kernel.
struct packet_calls {
  packet_kernel* k = nullptr;

  long socket(int, int, int) const {
    if (k->no_socket != 0) return k->no_socket;
    k->is_open = true;
    return 5;
  }
  long close(int) const { return k->is_open = false, 0; }
  long ioctl(int, unsigned long request, void* argument) const {
    auto& r = *static_cast<nic::kernel::interface_request*>(argument);
    switch (request) {
      case SIOCGIFINDEX: r.value.index = k->index; return k->no_index;
      case SIOCGIFMTU: r.value.mtu = k->mtu; return k->no_mtu;
      default:
        r.value.hardware.family = k->kind;
        std::memcpy(r.value.hardware.bytes, k->mac.bytes, 6);
        return k->no_address;
    }
  }
  long setsockopt(int, int level, int name, const void* value, u32 length) const {
    if (name == k->refused_option && level == (name == SO_ATTACH_FILTER ? SOL_SOCKET : SOL_PACKET)) return k->refusal;
    if (level == SOL_PACKET && name == PACKET_RX_RING) std::memcpy(&k->receive_ring, value, length);
    if (level == SOL_PACKET && name == PACKET_TX_RING) std::memcpy(&k->transmit_ring, value, length);
    if (level == SOL_PACKET && name == PACKET_ADD_MEMBERSHIP) k->membership = static_cast<const packet_mreq*>(value)->mr_type;
    if (level == SOL_SOCKET && name == SO_SNDBUFFORCE && k->no_force != 0) return k->no_force;
    if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_SNDBUF)) k->send_buffer = *static_cast<const int*>(value);
    if (level == SOL_SOCKET && name == SO_ATTACH_FILTER) {
      const auto& p = *static_cast<const sock_fprog*>(value);
      k->filter.assign(p.filter, p.filter + p.len);
    }
    return 0;
  }
  long getsockopt(int, int level, int name, void* value, u32& length) const {
    if (level == SOL_PACKET && name == PACKET_STATISTICS) {
      const tpacket_stats_v3 seen{0, std::exchange(k->drops, 0u), 0};
      std::memcpy(value, &seen, length);
    }
    if (level == SOL_SOCKET && name == SO_ERROR) *static_cast<int*>(value) = std::exchange(k->socket_error, 0);
    return 0;
  }
  long mmap(std::size_t size, int, int, u64, void*& to) const {
    to = nullptr;
    if (k->no_mapping != 0) return k->no_mapping;
    k->memory.assign(size / 8, 0);
    k->is_mapped = true;
    to = k->memory.data();
    return 0;
  }
  long munmap(void*, std::size_t) const { return k->is_mapped = false, 0; }
  long bind(int, const void*, u32) const { return k->is_bound = k->no_bind == 0, k->no_bind; }
  long sendto(int, const void*, std::size_t, int) const { return k->send(); }
};

}  // namespace strata::nic_test
