// SPDX-License-Identifier: MIT
// Which frames come to strata: the XDP program `own_address`. Strata has addresses of its own on an interface that the kernel goes on using. A frame
// is either redirected to strata's AF_XDP socket or passed to the kernel; XDP cannot do both.
//
//   redirected: ARP whose target protocol address is ours · IPv4 and IPv6 to our addresses (fragments, ICMP) and to groups that were joined ·
//               neighbour solicitations for our addresses, to their solicited-node group · where 0.0.0.0 was claimed, which a router does, IPv4 that came
//               to the interface's MAC for any other host but the kernel
//   passed:     everything else: other addresses, broadcasts, frames with a VLAN tag, what is malformed or too short
//
// Router advertisements to a group are passed, since both need them, even if that group was joined; and so is gratuitous ARP for other addresses than
// ours. Strata reads these two from a packet socket: overheard.hpp. RFC 826, RFC 791 §3.1, RFC 8200 §3, RFC 4861 §4.2, §4.3.
//
// Of a frame in several buffers the program sees the first only. It compares no length with the frame's but those of headers that it reads: the
// layers do.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/nic/linux/ebpf.hpp>

namespace strata::inline STRATA_ABI::nic::steering {

/// The program's maps by their places in the list for ebpf::relocate.
enum class map : u8 {
  sockets,   ///< XSKMAP: receive queue -> socket
  own4,      ///< hash: 4 bytes of address -> whose it is, a bit for each stack; the program asks only whether it is there. 0.0.0.0 stands for all others
  own6,      ///< hash: 16 bytes of address -> likewise
  verdicts,  ///< array: (receive queue modulo verdict_rows) * verdict_columns + verdict -> its counter
  first4,    ///< array of one: first_value() of a host's address in own4, or 0. A packet to it costs a load, and one to another a lookup in own4
  kernel4,   ///< hash: 4 bytes of address -> nothing that is read; what the kernel keeps when a router takes all others
};
inline constexpr u32 maps = 6;
/// What first4 holds for the address whose four bytes are loaded as `word`.
constexpr u64 first_value(u32 word) { return u64{word} << 32 | 1; }

/// What became of a frame. The first two are passed to the kernel, and so is no_socket.
enum class verdict : u8 { passed, malformed, arp, ip, neighbour, group, transit, no_socket };
inline constexpr u32 verdict_columns = 8;  ///< a row is a cache line
inline constexpr u32 verdict_rows =
    16;  ///< queues are served by different CPUs at once: each counts in a line of its own, until there are more than these
static_assert(static_cast<u32>(verdict::no_socket) < verdict_columns);

/// Addresses of each family, groups among them, and receive queues with a socket: of all stacks on the interface.
inline constexpr u32 most_addresses = 256;
inline constexpr u32 most_queues = 64;

/// What the program answers the kernel (enum xdp_action).
inline constexpr i32 xdp_pass = 2, xdp_redirect = 4;

namespace detail {
using namespace ebpf;

inline constexpr i32 map_lookup_elem = 1, redirect_map = 51;                      // enum bpf_func_id
inline constexpr i32 context_data = 0, context_data_end = 4, context_queue = 16;  // struct xdp_md

inline constexpr i32 ethernet = 14, arp = 28, ipv4 = 20, ipv6 = 40, solicitation = 24;  // header sizes, bytes
inline constexpr i32 icmpv6 = 58, router_advertisement = 134, neighbour_solicitation = 135, neighbour_advertisement = 136;

constexpr statement load_map(reg to, map which) { return ebpf::load_map(to, static_cast<i32>(which)); }
constexpr statement load_map_value(reg to, map which) { return ebpf::load_map_value(to, static_cast<i32>(which)); }
constexpr statement found(verdict v) { return mov(r7, static_cast<i32>(v)); }

// As assembler is written:
// clang-format off

// Without CAP_PERFMON the verifier takes no pointer to which something was added that depends on data: constants only, and so a word at a time.
#define STRATA_WORD_OF_OPTIONS add(r4, 4), jump_gt(r4, r3, "count"), sub(r5, 4), jump_eq(r5, 0, "own4")
#define STRATA_REDIRECT                                                     \
    load32(r2, r6, context_queue),                                          \
    load_map(r1, map::sockets),                                             \
    mov(r3, xdp_pass), /* the answer where that queue has no socket */      \
    call(redirect_map),                                                     \
    mov(r9, r0)
#define STRATA_COUNT                                                        \
    load32(r4, r6, context_queue),                                          \
    bit_and(r4, verdict_rows - 1), shift_left(r4, 3),                       \
    add(r4, r7),                                                            \
    store32(r10, -4, r4),                                                   \
    mov(r2, r10), add(r2, -4),                                              \
    load_map(r1, map::verdicts),                                            \
    call(map_lookup_elem),                                                  \
    jump_eq(r0, 0, "answer"),                                               \
    mov(r4, 1),                                                             \
    atomic_add64(r0, 0, r4)

// r6: the context. r7: the verdict. r8: the frame's first byte. r9: what will be answered.
inline constexpr statement own_address[] = {
    // The usual frame: IPv4 without options to the address in first4. No jump is taken on its way, since each costs more than the rest where the caches
    // and the predictor are cold.
    mov(r6, r1),
    load32(r8, r1, context_data),
    load32(r3, r1, context_data_end),
    mov(r4, r8), add(r4, ethernet + ipv4),
    jump_gt(r4, r3, "another"),
    load16(r4, r8, 12),
    jump_ne(r4, network16(0x0800), "another"),
    load8(r4, r8, ethernet),
    jump_ne(r4, 0x45, "another"),                   // version, five words of header
    load8(r4, r8, ethernet + 2), shift_left(r4, 8),
    load8(r5, r8, ethernet + 3), bit_or(r4, r5),
    jump_lt(r4, ipv4, "another"),                   // total length
    load32(r2, r8, ethernet + 16),                  // destination
    shift_left(r2, 32), bit_or(r2, 1),              // as first_value() has it
    load_map_value(r1, map::first4),
    load64(r1, r1, 0),
    jump_ne(r1, r2, "another"),
    STRATA_REDIRECT,
    found(verdict::ip),
    jump_ne(r9, xdp_redirect, "no socket"),
    STRATA_COUNT,
    mov(r0, r9),
    exit_with_r0(),

  label("another"),
    mov(r9, xdp_pass),
    found(verdict::malformed),
    mov(r4, r8), add(r4, ethernet),
    jump_gt(r4, r3, "count"),
    load16(r5, r8, 12),
    jump_eq(r5, network16(0x0800), "ipv4"),
    jump_eq(r5, network16(0x86dd), "ipv6"),
    jump_eq(r5, network16(0x0806), "arp"),
    jump("pass"),

  label("ipv4"),
    mov(r4, r8), add(r4, ethernet + ipv4),
    jump_gt(r4, r3, "count"),
    load8(r5, r8, ethernet),
    mov(r2, r5), bit_and(r2, 0xf0),
    jump_ne(r2, 0x40, "count"),                     // version
    bit_and(r5, 0x0f), shift_left(r5, 2),           // bytes of header
    jump_lt(r5, ipv4, "count"),
    load8(r2, r8, ethernet + 2), shift_left(r2, 8),
    load8(r1, r8, ethernet + 3), bit_or(r2, r1),
    jump_lt(r2, r5, "count"),                       // total length
    sub(r5, ipv4),
    jump_eq(r5, 0, "own4"),
    STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS,
    STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS,
    STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS, STRATA_WORD_OF_OPTIONS,
    add(r4, 4),
    jump_gt(r4, r3, "count"),
  label("own4"),
    mov(r2, r8), add(r2, ethernet + 16),            // destination
    load_map(r1, map::own4),
    call(map_lookup_elem),
    jump_ne(r0, 0, "ours"),
    mov(r4, 0), store32(r10, -4, r4),               // 0.0.0.0: a router takes what is for others,
    mov(r2, r10), add(r2, -4),
    load_map(r1, map::own4),
    call(map_lookup_elem),
    jump_eq(r0, 0, "pass"),
    load8(r4, r8, 0), bit_and(r4, 1),
    jump_ne(r4, 0, "pass"),                         // unless all on the link got it,
    load8(r4, r8, ethernet + 16),
    jump_ge(r4, 0xe0, "pass"),                      // or it is for a group or for nobody,
    mov(r2, r8), add(r2, ethernet + 16),
    load_map(r1, map::kernel4),
    call(map_lookup_elem),
    jump_ne(r0, 0, "pass"),                         // or for the kernel
    found(verdict::transit),
    jump("redirect"),
  label("ours"),
    found(verdict::ip),
    load8(r4, r8, ethernet + 16), bit_and(r4, 0xf0),
    jump_ne(r4, 0xe0, "redirect"),
    found(verdict::group),
    jump("redirect"),

  label("ipv6"),
    mov(r4, r8), add(r4, ethernet + ipv6),
    jump_gt(r4, r3, "count"),
    load8(r4, r8, ethernet), bit_and(r4, 0xf0),
    jump_ne(r4, 0x60, "count"),                     // version
    load8(r4, r8, ethernet + 24),                   // destination
    jump_eq(r4, 0xff, "ipv6 group"),
    mov(r2, r8), add(r2, ethernet + 24),
    load_map(r1, map::own6),
    call(map_lookup_elem),
    jump_eq(r0, 0, "pass"),
    found(verdict::ip),
    jump("redirect"),

  label("ipv6 group"),
    load8(r4, r8, ethernet + 6),                    // next header
    jump_ne(r4, icmpv6, "group"),
    mov(r4, r8), add(r4, ethernet + ipv6 + 1),
    jump_gt(r4, r3, "count"),
    load8(r4, r8, ethernet + ipv6),                 // type
    jump_eq(r4, router_advertisement, "pass"),
    jump_eq(r4, neighbour_advertisement, "pass"),   // to a group: gratuitous
    jump_ne(r4, neighbour_solicitation, "group"),

    load8(r4, r8, ethernet + 4), shift_left(r4, 8),
    load8(r5, r8, ethernet + 5), bit_or(r4, r5),
    jump_lt(r4, solicitation, "count"),             // payload length
    mov(r4, r8), add(r4, ethernet + ipv6 + solicitation),
    jump_gt(r4, r3, "count"),
    load32(r4, r8, ethernet + 24),                  // to ff02::1:ff, and the last three bytes of the target
    jump_ne(r4, network32(0xff02'0000), "pass"),
    load32(r4, r8, ethernet + 28),
    jump_ne(r4, 0, "pass"),
    load32(r4, r8, ethernet + 32),
    jump_ne(r4, network32(1), "pass"),
    load8(r4, r8, ethernet + 36),
    jump_ne(r4, 0xff, "pass"),
    load8(r4, r8, ethernet + 37),
    load8(r5, r8, ethernet + ipv6 + 21),
    jump_ne(r4, r5, "pass"),
    load16(r4, r8, ethernet + 38),
    load16(r5, r8, ethernet + ipv6 + 22),
    jump_ne(r4, r5, "pass"),
    mov(r2, r8), add(r2, ethernet + ipv6 + 8),      // target
    load_map(r1, map::own6),
    call(map_lookup_elem),
    jump_eq(r0, 0, "pass"),
    found(verdict::neighbour),
    jump("redirect"),

  label("group"),
    mov(r2, r8), add(r2, ethernet + 24),            // destination
    load_map(r1, map::own6),
    call(map_lookup_elem),
    jump_eq(r0, 0, "pass"),
    found(verdict::group),
    jump("redirect"),

  label("arp"),
    mov(r4, r8), add(r4, ethernet + arp),
    jump_gt(r4, r3, "count"),
    load32(r4, r8, ethernet),
    jump_ne(r4, network32(0x0001'0800), "count"),   // Ethernet, IPv4
    load16(r4, r8, ethernet + 4),
    jump_ne(r4, network16(0x0604), "count"),        // and the lengths of their addresses
    mov(r2, r8), add(r2, ethernet + 24),            // target protocol address
    load_map(r1, map::own4),
    call(map_lookup_elem),
    jump_eq(r0, 0, "pass"),
    found(verdict::arp),

  label("redirect"),
    STRATA_REDIRECT,
    jump_eq(r9, xdp_redirect, "count"),
  label("no socket"),
    found(verdict::no_socket),
    jump("count"),

  label("pass"),
    found(verdict::passed),

  label("count"),
    STRATA_COUNT,
  label("answer"),
    mov(r0, r9),
    exit_with_r0(),
};

#undef STRATA_WORD_OF_OPTIONS
#undef STRATA_REDIRECT
#undef STRATA_COUNT
// clang-format on
}  // namespace detail

/// The program, with indices of `map` where descriptors belong.
inline constexpr auto own_address = ebpf::assemble<detail::own_address>();

}  // namespace strata::inline STRATA_ABI::nic::steering
