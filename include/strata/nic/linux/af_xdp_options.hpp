// SPDX-License-Identifier: MIT
// How AF_XDP is opened, and what it counts.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/xdp_program.hpp>
#include <strata/nic/linux/xsk_socket.hpp>

namespace strata::inline STRATA_ABI::nic {

/// Whether the interface's driver moves frames between the wire and the region itself. automatic: if it can; else the kernel copies.
enum class xdp_zero_copy : u8 { automatic, require, off };

/// What became of the frame that open() sent through the program. not_possible: the kernel cannot (before Linux 5.18), queue 0 is not
/// ours, the interface is down, or its driver has the fill ring for itself (zero-copy).
enum class xdp_self_test : u8 { not_possible, passed, failed };

struct af_xdp_options {
  const char* interface = "";         ///< its name, 1..15 bytes
  region memory{};                    ///< the stack's; begins at a page. The kernel pins it
  u32 chunk_size = 2048;              ///< bytes, as limits.chunk_size of the Config: 2048..4096, or a multiple of 2048 for an MTU above 1778
  u16 mtu = 0;                        ///< bytes of IP packet; zero: the interface's
  mac_address mac{};                  ///< zero: the interface's
  u32 queue = 0;                      ///< the first receive queue
  u32 queues = 1;                     ///< how many from there on, all of this stack. Frames are sent by the first
  u32 queues_elsewhere = 0;           ///< receive queues that other stacks of ours have: nothing is doubtful about them
  xdp_mode mode = xdp_mode::automatic;
  xdp_zero_copy zero_copy = xdp_zero_copy::automatic;
  receive_checksum checksum = receive_checksum::verify;  ///< AF_XDP does not tell what the kernel or the hardware found: trust and accept_partial are for every frame
  kernel::ring_sizes rings{};
  u32 fill = 0;                       ///< chunks that wait to be received into, a queue; zero: 64, and more as bursts ask for them, up to 512 or a quarter of the pool
  u32 busy_poll_us = 0;               ///< SO_PREFER_BUSY_POLL and SO_BUSY_POLL: each receive() runs the interface's driver, by a system call; zero: interrupts do
  u32 busy_poll_budget = 64;          ///< SO_BUSY_POLL_BUDGET: frames
  bool requests_checksum = false;     ///< transport checksums are left to the interface (Linux 6.8). In zero-copy its driver must know how, which is yours to know: see the netdev
                                      ///< family's xsk-features. Else the kernel makes those that the interface does not
  bool wants_timestamps = false;      ///< sent_at() says when frames left, where the interface's driver tells (Linux 6.8)
  bool self_test = true;              ///< a frame goes through the program into the region; if it does not arrive, that is a warning
  bool overhears = true;              ///< gratuitous ARP and router advertisements, which the kernel gets, come in as well
};

/// What the driver counted, and what the kernel counted for its sockets.
struct af_xdp_counters {
  u64 receive_frames = 0;
  u64 receive_bytes = 0;
  u64 receive_copied = 0;      ///< pieces that were copied behind the first one of their frame
  u64 oversized = 0;           ///< receive: frames in pieces that do not fit in a chunk together
  u64 overheard = 0;           ///< receive: copied from the packet socket
  u64 no_chunk = 0;            ///< how often the pool had none left to wait for frames
  u64 transmit_frames = 0;
  u64 transmit_bytes = 0;
  u64 foreign = 0;             ///< transmit: not in the region, dropped
  u64 full = 0;                ///< transmit: the ring was full
  u64 kicks = 0;               ///< system calls that sent
  u64 kicks_again = 0;         ///< of those, that the kernel had no room for what they sent
  u64 wakes = 0;               ///< system calls that received: busy polling, or the interface's driver asked for it
  u64 link_down = 0;           ///< how often the kernel said that the interface is down or gone
  kernel::xdp::statistics_answer kernel{};
};

}  // namespace strata::inline STRATA_ABI::nic
