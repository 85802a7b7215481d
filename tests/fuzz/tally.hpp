// SPDX-License-Identifier: MIT
// The counters of every layer by name. A counter that is added to a layer and not to its list here does not compile.
#pragma once
#include <strata/strata.hpp>

#include <strata/link/raw_ip.hpp>

#include <map>
#include <string>

namespace strata::fuzz {

template <class Counters, class Number> struct named {
  const char* name;
  Number Counters::* counter;
};

/// Adds each counter of `c` to `to["layer.name"]`.
template <class Counters, class Number, std::size_t N>
void tally(std::map<std::string, std::uint64_t>& to, const char* layer, const Counters& c, const named<Counters, Number> (&names)[N]) {
  static_assert(sizeof(Counters) == N * sizeof(Number), "a counter has no name in tests/fuzz/tally.hpp");
  for (const auto& n : names) to[std::string(layer) + "." + n.name] += c.*n.counter;
}

#define STRATA_NAMED(type, field) {#field, &type::field}

inline constexpr named<stack_counters, u64> stack_names[] = {
    STRATA_NAMED(stack_counters, polls),         STRATA_NAMED(stack_counters, frames),     STRATA_NAMED(stack_counters, events),
    STRATA_NAMED(stack_counters, time_ran_back), STRATA_NAMED(stack_counters, busy_polls), STRATA_NAMED(stack_counters, errors_dropped),
    STRATA_NAMED(stack_counters, not_permitted), STRATA_NAMED(stack_counters, no_network), STRATA_NAMED(stack_counters, unknown_protocol)};
inline constexpr named<interface_counters, u64> interface_names[] = {
    STRATA_NAMED(interface_counters, received), STRATA_NAMED(interface_counters, transmitted), STRATA_NAMED(interface_counters, ring_full),
    STRATA_NAMED(interface_counters, queue_dropped), STRATA_NAMED(interface_counters, kicks_again), STRATA_NAMED(interface_counters, link_downs)};
inline constexpr named<tcp::counters, u64> tcp_names[] = {
    STRATA_NAMED(tcp::counters, in_segments), STRATA_NAMED(tcp::counters, out_segments), STRATA_NAMED(tcp::counters, retransmitted),
    STRATA_NAMED(tcp::counters, active_opens), STRATA_NAMED(tcp::counters, passive_opens), STRATA_NAMED(tcp::counters, attempt_fails),
    STRATA_NAMED(tcp::counters, established_resets), STRATA_NAMED(tcp::counters, in_errors), STRATA_NAMED(tcp::counters, in_checksum_errors),
    STRATA_NAMED(tcp::counters, in_broadcast), STRATA_NAMED(tcp::counters, no_listener), STRATA_NAMED(tcp::counters, unfit_for_listener),
    STRATA_NAMED(tcp::counters, half_open_recycled), STRATA_NAMED(tcp::counters, out_resets),
    STRATA_NAMED(tcp::counters, listen_overflows), STRATA_NAMED(tcp::counters, syn_slots_full), STRATA_NAMED(tcp::counters, table_full),
    STRATA_NAMED(tcp::counters, syn_ack_timeouts), STRATA_NAMED(tcp::counters, paws_rejected), STRATA_NAMED(tcp::counters, out_of_window),
    STRATA_NAMED(tcp::counters, bad_ack), STRATA_NAMED(tcp::counters, challenge_acks), STRATA_NAMED(tcp::counters, challenge_limited),
    STRATA_NAMED(tcp::counters, out_of_order), STRATA_NAMED(tcp::counters, out_of_order_dropped), STRATA_NAMED(tcp::counters, receive_dropped),
    STRATA_NAMED(tcp::counters, copied_small), STRATA_NAMED(tcp::counters, duplicate_data), STRATA_NAMED(tcp::counters, timeouts),
    STRATA_NAMED(tcp::counters, fast_retransmits), STRATA_NAMED(tcp::counters, zero_window_probes), STRATA_NAMED(tcp::counters, still_below),
    STRATA_NAMED(tcp::counters, retransmit_copies), STRATA_NAMED(tcp::counters, splits),
    STRATA_NAMED(tcp::counters, splits_for_mss), STRATA_NAMED(tcp::counters, splits_for_window), STRATA_NAMED(tcp::counters, ring_full),
    STRATA_NAMED(tcp::counters, no_chunk), STRATA_NAMED(tcp::counters, waits_for_chunks), STRATA_NAMED(tcp::counters, auto_corked), STRATA_NAMED(tcp::counters, slot_moves), STRATA_NAMED(tcp::counters, time_waits), STRATA_NAMED(tcp::counters, time_wait_recycled),
    STRATA_NAMED(tcp::counters, time_wait_reused), STRATA_NAMED(tcp::counters, icmp_ignored), STRATA_NAMED(tcp::counters, aborted),
    STRATA_NAMED(tcp::counters, data_after_close), STRATA_NAMED(tcp::counters, keep_alive_probes), STRATA_NAMED(tcp::counters, limited_by_cwnd),
    STRATA_NAMED(tcp::counters, limited_by_window), STRATA_NAMED(tcp::counters, limited_by_coalescing),
    STRATA_NAMED(tcp::counters, limited_by_pacing), STRATA_NAMED(tcp::counters, limited_by_small_queue), STRATA_NAMED(tcp::counters, limited_by_deferral), STRATA_NAMED(tcp::counters, out_trains), STRATA_NAMED(tcp::counters, unwanted_data),
    STRATA_NAMED(tcp::counters, collapsed)};
inline constexpr named<udp::counters, u32> udp_names[] = {
    STRATA_NAMED(udp::counters, in_datagrams), STRATA_NAMED(udp::counters, no_ports), STRATA_NAMED(udp::counters, in_errors),
    STRATA_NAMED(udp::counters, in_csum_errors), STRATA_NAMED(udp::counters, rcvbuf_errors), STRATA_NAMED(udp::counters, mem_errors), STRATA_NAMED(udp::counters, in_gathered),
    STRATA_NAMED(udp::counters, out_datagrams), STRATA_NAMED(udp::counters, sndbuf_errors)};
inline constexpr named<raw::counters, u32> raw_names[] = {
    STRATA_NAMED(raw::counters, in_packets), STRATA_NAMED(raw::counters, rcvbuf_errors), STRATA_NAMED(raw::counters, mem_errors), STRATA_NAMED(raw::counters, out_packets),
    STRATA_NAMED(raw::counters, sndbuf_errors)};
inline constexpr named<ip::counters, u32> ip_names[] = {
    STRATA_NAMED(ip::counters, in_receives), STRATA_NAMED(ip::counters, in_hdr_errors), STRATA_NAMED(ip::counters, in_truncated_pkts),
    STRATA_NAMED(ip::counters, in_csum_errors), STRATA_NAMED(ip::counters, in_addr_errors), STRATA_NAMED(ip::counters, in_martian_src),
    STRATA_NAMED(ip::counters, in_source_routed), STRATA_NAMED(ip::counters, in_unknown_protos), STRATA_NAMED(ip::counters, in_delivers),
    STRATA_NAMED(ip::counters, reasm_fails), STRATA_NAMED(ip::counters, out_requests), STRATA_NAMED(ip::counters, out_no_routes),
    STRATA_NAMED(ip::counters, frag_fails)};
inline constexpr named<ip::icmp_counters, u32> icmp_names[] = {
    STRATA_NAMED(ip::icmp_counters, in_msgs), STRATA_NAMED(ip::icmp_counters, in_errors), STRATA_NAMED(ip::icmp_counters, in_csum_errors),
    STRATA_NAMED(ip::icmp_counters, in_dest_unreachs), STRATA_NAMED(ip::icmp_counters, in_time_excds), STRATA_NAMED(ip::icmp_counters, in_parm_probs),
    STRATA_NAMED(ip::icmp_counters, in_echos), STRATA_NAMED(ip::icmp_counters, in_echo_reps), STRATA_NAMED(ip::icmp_counters, in_ignored),
    STRATA_NAMED(ip::icmp_counters, out_msgs), STRATA_NAMED(ip::icmp_counters, out_errors), STRATA_NAMED(ip::icmp_counters, out_dest_unreachs), STRATA_NAMED(ip::icmp_counters, out_time_excds), STRATA_NAMED(ip::icmp_counters, out_parm_probs), STRATA_NAMED(ip::icmp_counters, out_redirects),
    STRATA_NAMED(ip::icmp_counters, out_echo_reps), STRATA_NAMED(ip::icmp_counters, out_rate_limit)};
inline constexpr named<ip::igmp_counters, u32> igmp_names[] = {
    STRATA_NAMED(ip::igmp_counters, in_msgs), STRATA_NAMED(ip::igmp_counters, in_errors), STRATA_NAMED(ip::igmp_counters, in_csum_errors),
    STRATA_NAMED(ip::igmp_counters, in_ttl_errors), STRATA_NAMED(ip::igmp_counters, in_queries), STRATA_NAMED(ip::igmp_counters, in_reports),
    STRATA_NAMED(ip::igmp_counters, in_ignored), STRATA_NAMED(ip::igmp_counters, in_not_joined), STRATA_NAMED(ip::igmp_counters, in_filtered),
    STRATA_NAMED(ip::igmp_counters, out_reports), STRATA_NAMED(ip::igmp_counters, out_leaves), STRATA_NAMED(ip::igmp_counters, out_errors),
    STRATA_NAMED(ip::igmp_counters, loop_drops)};
inline constexpr named<link::raw_ip::counters, u32> raw_ip_names[] = {
    STRATA_NAMED(link::raw_ip::counters, rx_length_errors), STRATA_NAMED(link::raw_ip::counters, rx_nohandler)};
inline constexpr named<link::ethernet::counters, u32> ethernet_names[] = {
    STRATA_NAMED(link::ethernet::counters, rx_length_errors), STRATA_NAMED(link::ethernet::counters, rx_otherhost_dropped),
    STRATA_NAMED(link::ethernet::counters, rx_nohandler)};
inline constexpr named<neighbour::arp::counters, u32> arp_names[] = {
    STRATA_NAMED(neighbour::arp::counters, requests_sent), STRATA_NAMED(neighbour::arp::counters, replies_sent),
    STRATA_NAMED(neighbour::arp::counters, requests_received), STRATA_NAMED(neighbour::arp::counters, replies_received),
    STRATA_NAMED(neighbour::arp::counters, malformed), STRATA_NAMED(neighbour::arp::counters, refused),
    STRATA_NAMED(neighbour::arp::counters, conflicts), STRATA_NAMED(neighbour::arp::counters, unres_discards),
    STRATA_NAMED(neighbour::arp::counters, res_failed), STRATA_NAMED(neighbour::arp::counters, table_fulls),
    STRATA_NAMED(neighbour::arp::counters, forced_gc_runs), STRATA_NAMED(neighbour::arp::counters, no_chunk),
    STRATA_NAMED(neighbour::arp::counters, probes_sent), STRATA_NAMED(neighbour::arp::counters, announcements),
    STRATA_NAMED(neighbour::arp::counters, proxied), STRATA_NAMED(neighbour::arp::counters, unres_refused),
    STRATA_NAMED(neighbour::arp::counters, locked)};

#undef STRATA_NAMED

}  // namespace strata::fuzz
