// SPDX-License-Identifier: MIT
// What AF_XDP and its users agree on (Documentation/networking/af_xdp.rst, xsk-tx-metadata.rst), up to Linux 6.18: the headers of distributions are often
// older than the kernel that runs, so nothing is taken from them.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::nic::kernel::xdp {

inline constexpr int family = 44;  ///< AF_XDP
inline constexpr int level = 283;  ///< SOL_XDP, of the socket options
enum option : int { mmap_offsets = 1, receive_ring = 2, transmit_ring = 3, memory = 4, fill_ring = 5, completion_ring = 6, statistics = 7, options = 8 };

/// Of sockaddr::flags.
enum bind_flag : u16 { shared_memory = 1, copy = 2, zero_copy = 4, use_need_wakeup = 8, use_fragments = 16 };  // the last one: Linux 6.6
/// Of memory_registration::flags.
enum memory_flag : u32 { unaligned_chunks = 1, software_checksum = 2, has_metadata = 4 };                      // the last two: Linux 6.8
/// Of descriptor::options.
enum descriptor_option : u32 { continued = 1, metadata_in_front = 2 };
/// Of transmit_metadata::flags.
enum metadata_flag : u64 { wants_timestamp = 1, wants_checksum = 2 };
inline constexpr u32 wants_wakeup = 1;      ///< of a ring's flags
inline constexpr u32 is_zero_copy = 1;      ///< of what the option `options` answers
inline constexpr u32 packet_headroom = 256; ///< bytes that the kernel keeps in front of each received frame: XDP_PACKET_HEADROOM
inline constexpr u32 frames_a_kick = 32;    ///< that one sendto() sends in copy mode
inline constexpr u32 least_chunk = 2048;    ///< bytes; the largest is a page

/// Where mmap() finds the rings.
inline constexpr u64 receive_ring_at = 0, transmit_ring_at = 0x80000000, fill_ring_at = 0x100000000, completion_ring_at = 0x180000000;

/// In chunks that are not aligned, the kernel's addresses of received frames have the offset in their upper 16 bits.
inline constexpr u32 offset_shift = 48;

struct memory_registration {
  u64 address;
  u64 length;
  u32 chunk_size;
  u32 headroom;
  u32 flags;
  u32 metadata_length;  // read with has_metadata only
};
static_assert(sizeof(memory_registration) == 32);

struct ring_offset {
  u64 producer, consumer, entries, flags;
};
struct ring_offsets {
  ring_offset receive, transmit, fill, completion;
};
static_assert(sizeof(ring_offsets) == 128);

struct socket_address {
  u16 family;
  u16 flags;
  u32 interface_index;
  u32 queue;
  u32 shared_with;  // a socket's descriptor, with shared_memory
};
static_assert(sizeof(socket_address) == 16);

struct descriptor {
  u64 address;  // of the frame, from the start of the registered memory
  u32 length;
  u32 options;
};
static_assert(sizeof(descriptor) == 16);

/// What the kernel counted for one socket.
struct statistics_answer {
  u64 receive_dropped = 0;      ///< for a reason that none of the others names: no chunk large enough, no room
  u64 receive_invalid = 0;      ///< chunks of the fill ring that lay outside the memory
  u64 transmit_invalid = 0;     ///< descriptors that were no frame; they complete as others do
  u64 receive_ring_full = 0;
  u64 fill_ring_empty = 0;
  u64 transmit_ring_empty = 0;
};
static_assert(sizeof(statistics_answer) == 48);

struct metadata_request {
  u16 checksum_start, checksum_offset;
  u64 launch_time;
};
struct metadata_completion {
  u64 timestamp;
};
/// In front of a frame that is sent with metadata_in_front. Before, what is asked for; after, what became of it.
struct transmit_metadata {
  u64 flags;
  union {
    metadata_request request;
    metadata_completion completion;
  };
};
static_assert(sizeof(transmit_metadata) == 24);

}  // namespace strata::inline STRATA_ABI::nic::kernel::xdp
