// SPDX-License-Identifier: MIT
#include <nic/stats.hpp>

namespace example {

namespace {

const char* name_of(strata::tcp::state s) {
  static constexpr const char* names[] = {"closed", "syn_sent", "syn_received", "established", "fin_wait_1", "fin_wait_2", "close_wait", "closing", "last_ack", "time_wait"};
  return names[static_cast<u32>(s)];
}
const char* name_of(strata::tcp::limited_by l) {
  static constexpr const char* names[] = {"nothing", "application", "congestion_window", "receive_window", "coalescing", "ring", "neighbour", "chunks", "deferral", "pacing", "small_queue"};
  return names[static_cast<u32>(l)];
}

std::string text_of(const strata::endpoint<strata::ipv4_address>& e) {
  std::string text = example::text_of(e.address);
  return text += ':' + std::to_string(e.port);
}

}  // namespace

void add_drops(drop_list& to, const layers& l) {
  const auto& tcp = l.tcp;
  const auto& udp = l.udp;
  const auto& ip = l.ip;
  to.insert(to.end(), {{"interface.queue_dropped", l.interface.queue_dropped},
                       {"ip.in_hdr_errors", ip.in_hdr_errors}, {"ip.in_truncated_pkts", ip.in_truncated_pkts}, {"ip.in_csum_errors", ip.in_csum_errors},
                       {"ip.in_martian_src", ip.in_martian_src}, {"ip.reasm_fails", ip.reasm_fails}, {"ip.out_no_routes", ip.out_no_routes}, {"ip.frag_fails", ip.frag_fails},
                       {"tcp.in_errors", tcp.in_errors}, {"tcp.in_checksum_errors", tcp.in_checksum_errors}, {"tcp.listen_overflows", tcp.listen_overflows},
                       {"tcp.syn_slots_full", tcp.syn_slots_full}, {"tcp.table_full", tcp.table_full}, {"tcp.out_of_order_dropped", tcp.out_of_order_dropped},
                       {"tcp.receive_dropped", tcp.receive_dropped},
                       {"udp.in_errors", udp.in_errors}, {"udp.in_csum_errors", udp.in_csum_errors}, {"udp.rcvbuf_errors", udp.rcvbuf_errors},
                       {"udp.mem_errors", udp.mem_errors}, {"udp.sndbuf_errors", udp.sndbuf_errors}});
}

void describe(json& j, const char* program, u64 age_ns, const nic_options& o, const nic_names& n) {
  j.string("program", program).number("ms", age_ns / 1'000'000);
  j.string("nic", name_of(o.nic)).string("mode", n.mode).string("copy", n.copy).string("interface", o.interface).string("address", text_of(o.address.address));
}

void describe(json& j, const strata::endpoint<strata::ipv4_address>& local, const strata::endpoint<strata::ipv4_address>& remote, const strata::tcp::connection_info& i) {
  j.begin().string("local", text_of(local)).string("remote", text_of(remote));
  j.string("state", name_of(i.state)).string("limited_by", name_of(i.limit)).boolean("timestamps", i.has_timestamps).boolean("in_recovery", i.in_recovery);
  j.numbers({{"send_window_scale", i.send_window_scale}, {"receive_window_scale", i.receive_window_scale}, {"backoff", i.backoff}, {"mss", i.mss}, {"path_mtu", i.path_mtu},
             {"cwnd", i.cwnd}, {"ssthresh", i.ssthresh}, {"send_window", i.send_window}, {"receive_window", i.receive_window}, {"unacked", i.unacked}, {"unsent", i.unsent},
             {"unread", i.unread}, {"urgent", i.urgent}, {"send_chunks", i.send_chunks}, {"receive_chunks", i.receive_chunks}, {"srtt_us", i.srtt_us},
             {"rttvar_us", i.rttvar_us}, {"rto_us", i.rto_us}, {"retransmitted", i.retransmitted}, {"bytes_acked", i.bytes_acked}, {"bytes_received", i.bytes_received}});
  j.end();
}

void describe(json& j, const layers& l) {
  const auto& t = l.tcp;
  const auto& udp = l.udp;
  const auto& ip = l.ip;
  const auto& icmp = l.icmp;
  const auto& i = l.interface;
  const auto& stack = l.stack;
  j.begin("tcp").numbers({{"connections", l.connections}, {"half_open", l.half_open}, {"time_waits", l.time_waits}, {"in_segments", t.in_segments},
                          {"out_segments", t.out_segments}, {"retransmitted", t.retransmitted}, {"active_opens", t.active_opens}, {"passive_opens", t.passive_opens},
                          {"attempt_fails", t.attempt_fails}, {"established_resets", t.established_resets}, {"in_broadcast", t.in_broadcast}, {"no_listener", t.no_listener},
                          {"unfit_for_listener", t.unfit_for_listener}, {"half_open_recycled", t.half_open_recycled}, {"out_resets", t.out_resets}, {"syn_ack_timeouts", t.syn_ack_timeouts}, {"paws_rejected", t.paws_rejected},
                          {"out_of_window", t.out_of_window},
                          {"bad_ack", t.bad_ack}, {"challenge_acks", t.challenge_acks}, {"challenge_limited", t.challenge_limited}, {"out_of_order", t.out_of_order},
                          {"copied_small", t.copied_small}, {"duplicate_data", t.duplicate_data}, {"timeouts", t.timeouts}, {"fast_retransmits", t.fast_retransmits},
                          {"zero_window_probes", t.zero_window_probes}, {"still_below", t.still_below}, {"retransmit_copies", t.retransmit_copies}, {"splits", t.splits},
                          {"ring_full", t.ring_full}, {"no_chunk", t.no_chunk}, {"time_wait_recycled", t.time_wait_recycled}, {"time_wait_reused", t.time_wait_reused},
                          {"icmp_ignored", t.icmp_ignored}, {"aborted", t.aborted}, {"data_after_close", t.data_after_close}, {"keep_alive_probes", t.keep_alive_probes}}).end();
  j.begin("udp").numbers({{"in_datagrams", udp.in_datagrams}, {"out_datagrams", udp.out_datagrams}, {"no_ports", udp.no_ports}}).end();
  j.begin("ip").numbers({{"in_receives", ip.in_receives}, {"in_addr_errors", ip.in_addr_errors}, {"in_unknown_protos", ip.in_unknown_protos}, {"in_delivers", ip.in_delivers},
                         {"out_requests", ip.out_requests}}).end();
  j.begin("icmp").numbers({{"in_msgs", icmp.in_msgs}, {"in_errors", icmp.in_errors}, {"in_echos", icmp.in_echos}, {"out_msgs", icmp.out_msgs}, {"out_echo_reps", icmp.out_echo_reps},
                           {"out_dest_unreachs", icmp.out_dest_unreachs}, {"out_rate_limit", icmp.out_rate_limit}}).end();
  if (l.arp != nullptr) {
    const auto& arp = *l.arp;
    j.begin("arp").numbers({{"requests_sent", arp.requests_sent}, {"replies_sent", arp.replies_sent}, {"requests_received", arp.requests_received},
                            {"replies_received", arp.replies_received}, {"conflicts", arp.conflicts}, {"unres_discards", arp.unres_discards}, {"res_failed", arp.res_failed}}).end();
  }
  j.begin("interface").numbers({{"received", i.received}, {"transmitted", i.transmitted}, {"ring_full", i.ring_full}, {"kicks_again", i.kicks_again}, {"link_downs", i.link_downs}}).end();
  j.begin("stack").numbers({{"polls", stack.polls}, {"frames", stack.frames}, {"events", stack.events}, {"errors_dropped", stack.errors_dropped},
                            {"unknown_protocol", stack.unknown_protocol}, {"chunks", l.chunks}, {"chunks_in_use", l.chunks_in_use}}).end();
}

void describe(json& j, const strata::nic::kernel::xdp_steering<>::counts& v) {
  j.begin("xdp").numbers({{"redirected_arp", v.redirected_arp}, {"redirected_ip", v.redirected_ip}, {"redirected_neighbour", v.redirected_neighbour},
                          {"redirected_group", v.redirected_group}, {"redirected_transit", v.redirected_transit}, {"no_socket", v.no_socket}, {"passed", v.passed}, {"malformed", v.malformed}}).end();
}

void describe(json& j, const drop_list& drops) {
  u64 n = 0;
  for (const drop& d : drops) n += d.frames;
  j.number("dropped", n);
  j.begin("drops");
  for (const drop& d : drops) j.number(d.why, d.frames);
  j.end();
}

}  // namespace example
