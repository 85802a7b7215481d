// SPDX-License-Identifier: MIT
// The ways down and up as typed events (design: docs/architecture.md). A layer calls `below.observe(step, ...)`; with the null observer nothing is compiled.
#pragma once
#include <strata/core/types.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::trace {

/// The steps, in the order of a write on its way down and of a frame on its way up.
enum class step : u8 {
  // down
  permission, autobind, lock, quota, take_chunk, queue, append, push, write_loop, split, clone, tcp_header, tcp_checksum, raw_send, route, ip_header, ip_output,
  hook_down, finish_output, fragment, neighbour, queue_wait, enqueue, dequeue, validate, transmit, doorbell, complete, retransmit,
  // up
  receive, link_parse, arp, ip_parse, reassemble, hook_up, forward, control, overhear, dispatch, lookup, join, backlog, fast_path, slow_path, accept, deliver, event, acknowledge, ack_sent,
  count
};

struct name {
  bool is_down;
  const char* layer;     ///< folder
  const char* function;  ///< of strata
  const char* linux_name;///< the kernel's step
};
inline constexpr name names[] = {
    {true, "socket", "permission", "security_socket_sendmsg"},
    {true, "tcp", "choose_port", "inet_autobind"},
    {true, "stack", "exclusion.enter", "lock_sock"},
    {true, "tcp", "quota", "sk_stream_memory_free"},
    {true, "buffer", "pool.take", "tcp_stream_alloc_skb"},
    {true, "tcp", "queue", "tcp_skb_entail"},
    {true, "tcp", "append", "skb_copy_to_page_nocache"},
    {true, "tcp", "push", "tcp_push"},
    {true, "tcp", "output", "tcp_write_xmit"},
    {true, "tcp", "split", "tso_fragment"},
    {true, "buffer", "packet.share", "skb_clone"},
    {true, "tcp", "emit_header", "__tcp_transmit_skb"},
    {true, "tcp", "checksum", "tcp_v4_send_check"},
    {true, "raw", "send", "raw_sendmsg"},
    {true, "ip", "route", "__ip_queue_xmit"},
    {true, "ip", "header_image", "ip_send_check"},
    {true, "ip", "send", "ip_local_out"},
    {true, "ip", "hooks.ask", "nf_hook_slow"},
    {true, "ip", "fits_mtu", "ip_finish_output"},
    {true, "ip", "each_fragment", "ip_do_fragment"},
    {true, "neighbour", "resolve", "ip_finish_output2"},
    {true, "neighbour", "hold", "neigh_resolve_output"},
    {true, "qdisc", "enqueue", "__dev_queue_xmit"},
    {true, "qdisc", "dequeue", "__qdisc_run"},
    {true, "link", "validate", "validate_xmit_skb"},
    {true, "nic", "transmit", "dev_hard_start_xmit"},
    {true, "nic", "flush", "netdev_xmit_more"},
    {true, "nic", "reclaim", "tcp_wfree"},
    {true, "tcp", "retransmit", "__tcp_retransmit_skb"},
    {false, "nic", "receive", "napi_poll"},
    {false, "link", "parse", "eth_type_trans"},
    {false, "neighbour", "on_arp", "arp_process"},
    {false, "ip", "on_packet", "ip_rcv"},
    {false, "ip", "on_fragment", "ip_defrag"},
    {false, "ip", "hooks.ask", "nf_hook_slow"},
    {false, "ip", "forwarder.on_packet", "ip_forward"},
    {false, "ip", "on_control", "icmp_rcv"},
    {false, "raw", "on_overheard", "raw_local_deliver"},
    {false, "stack", "input", "ip_local_deliver_finish"},
    {false, "tcp", "find", "__inet_lookup_skb"},
    {false, "tcp", "join", "tcp_gro_receive"},
    {false, "tcp", "put_in_backlog", "sk_add_backlog"},
    {false, "tcp", "on_expected", "tcp_rcv_established"},
    {false, "tcp", "on_segment", "tcp_rcv_state_process"},
    {false, "socket", "permission.accept", "security_socket_accept"},
    {false, "tcp", "deliver", "tcp_data_queue"},
    {false, "stack", "dispatch", "sk_data_ready"},
    {false, "tcp", "on_ack", "tcp_ack"},
    {false, "tcp", "send_ack", "tcp_send_ack"},
};
static_assert(sizeof names / sizeof *names == static_cast<std::size_t>(step::count));

/// One step of one packet. Fields that a step does not know are zero.
struct record {
  step what = step::count;
  u32 bytes = 0;       ///< of the frame, datagram or segment at this step
  u32 seq = 0;
  u32 ack = 0;
  u32 chunk = 0;       ///< 1 + index of the chunk in its pool
  u32 connection = 0;  ///< 1 + index of the connection
};

/// on(record): sees every step.  is_active: whether the calls exist at all.
template <class T> concept observer = requires(T o, const record& r) {
  { o.on(r) } -> std::same_as<void>;
  { T::is_active } -> std::convertible_to<bool>;
};
struct nobody {
  static constexpr bool is_active = false;
  constexpr void on(const record&) {}
};

}  // namespace strata::inline STRATA_ABI::trace
