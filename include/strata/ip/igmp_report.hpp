// SPDX-License-Identifier: MIT
// The messages of IGMP that a host sends: RFC 3376 §4.2 and §5, RFC 2236 §2. Included by igmp.hpp.
#pragma once
#include <strata/ip/igmp.hpp>

namespace strata::inline STRATA_ABI::ip {

/// One report of version 3, or as many as its records need: each a packet of the link's MTU at most.
template <config C, class Header> class igmp<C, Header>::report {
  static constexpr std::size_t head = Header::size + 4, first = head + wire::igmp::header_size;

 public:
  explicit report(u8 link) : link_(link) {}

  /// A record of the sources that each(f) hands to f. A list that does not fit goes on in the next report, but the exceptions of a group are cut there: to hear
  /// of too many is harmless (RFC 3376 §4.2.16).
  void record(links<address> auto&& below, u8 type, ipv4_address group, auto&& each, auto&& post) {
    u32 n = 0;
    each([&](ipv4_address) { ++n; });
    if (p_ && records_ != 0 && at_ + wire::igmp::record_size + std::size_t{n} * 4 > end_) flush(post);
    if (!open(below, type, group)) return;
    const bool is_cut = type == wire::igmp::record_of::is_ex || type == wire::igmp::record_of::to_ex;
    each([&](ipv4_address a) {
      if (p_ && at_ + 4 > end_) {
        if (is_cut) return;
        flush(post);
        (void)open(below, type, group);
      }
      if (!p_ || at_ + 4 > end_) return;
      store_be<u32>(bytes_ + at_, a.value);
      at_ += 4;
      store_be<u16>(bytes_ + record_ + 2, ++sources_);
    });
  }
  /// post(packet, bytes) for what is written.
  void flush(auto&& post) {
    if (p_ && records_ != 0) {
      wire::igmp{wire::igmp::type_of::report_v3, 0, 0, {records_}}.emit(bytes_ + head);
      post(std::move(p_), at_);
    }
    p_.reset();
    records_ = 0;
  }
  bool has_failed = false;

 private:
  [[nodiscard]] bool open(links<address> auto&& below, u8 type, ipv4_address group) {
    if (!p_) {
      p_ = below.take();
      if (!p_) return has_failed = true, false;
      bytes_ = p_.room().data();
      end_ = p_.room().size() < below.mtu(link_) ? p_.room().size() : below.mtu(link_);
      at_ = first;
    }
    if (at_ + wire::igmp::record_size > end_) return false;
    record_ = at_, at_ += wire::igmp::record_size, sources_ = 0, ++records_;
    store_be<u32>(bytes_ + record_, static_cast<u32>(type) << 24);
    store_be<u32>(bytes_ + record_ + 4, group.value);
    return true;
  }

  packet p_{};
  std::byte* bytes_ = nullptr;
  std::size_t at_ = 0, end_ = 0, record_ = 0;
  u16 sources_ = 0;
  u32 records_ = 0;
  u8 link_;
};

/// A State-Change Report of one group, RFC 3376 §5.1; in older versions the report of a new member.
template <config C, class Header> void igmp<C, Header>::say_change(links<address> auto&& below, out& down, report_state& g, moment now, counters& ip_count) {
  using record = wire::igmp::record_of;
  const bool is_v3 = links_[g.link].version == 3;
  if (!is_v3) {
    say_group(below, down, g, ip_count);
  } else {
    report r(g.link);
    const auto post_report = [&](packet&& p, std::size_t n) { count_.out_reports += post(below, down, std::move(p), g.link, wire::igmp::all_v3_routers, n, ip_count); };
    if (g.mode_left != 0) {
      const u8 type = members_.mode_of(g.link, g.group) == filter_mode::include ? record::to_in : record::to_ex;
      r.record(below, type, g.group, [&](auto&& f) { members_.each_source(g.link, g.group, f); }, post_report);
    } else {
      for (const bool is_wanted : {true, false}) {
        const auto each = [&](auto&& f) {
          for (u32 i = 0; i < g.changed_count; ++i)
            if (members_.wants(g.link, g.group, g.changed[i].address) == is_wanted) f(g.changed[i].address);
        };
        bool is_any = false;
        each([&](ipv4_address) { is_any = true; });
        if (is_any) r.record(below, is_wanted ? record::allow : record::block, g.group, each, post_report);
      }
    }
    r.flush(post_report);
    count_.out_errors += r.has_failed;
  }
  if (g.mode_left != 0) --g.mode_left;
  u8 kept = 0;
  for (u32 i = 0; i < g.changed_count; ++i)
    if (--g.changed[i].left != 0) g.changed[kept++] = g.changed[i];
  g.changed_count = kept;
  g.changes = g.is_pending();
  if (g.changes) g.change_at = now + at_most(is_v3 ? 1'000 : 10'000, below.random());  // RFC 3376 §8.11, RFC 2236 §8.10
  tidy(g);
}

/// The answer to a query about a group: its state, or which of the sources that were asked for are wanted. RFC 3376 §5.2.
template <config C, class Header> void igmp<C, Header>::say_group(links<address> auto&& below, out& down, report_state& g, counters& ip_count) {
  using record = wire::igmp::record_of;
  if (!members_.is_joined(g.link, g.group)) return;
  if (links_[g.link].version != 3) {
    g.is_last_reporter = true;
    return say_old(below, down, g.link, links_[g.link].version == 2 ? wire::igmp::type_of::report_v2 : wire::igmp::type_of::report_v1, g.group, ip_count);
  }
  report r(g.link);
  const auto post_report = [&](packet&& p, std::size_t n) { count_.out_reports += post(below, down, std::move(p), g.link, wire::igmp::all_v3_routers, n, ip_count); };
  if (g.asked_count == 0) {
    const u8 type = members_.mode_of(g.link, g.group) == filter_mode::include ? record::is_in : record::is_ex;
    r.record(below, type, g.group, [&](auto&& f) { members_.each_source(g.link, g.group, f); }, post_report);
  } else {
    const auto each = [&](auto&& f) {
      for (u32 i = 0; i < g.asked_count; ++i)
        if (members_.wants(g.link, g.group, g.asked[i])) f(g.asked[i]);
    };
    bool is_any = false;
    each([&](ipv4_address) { is_any = true; });
    if (is_any) r.record(below, record::is_in, g.group, each, post_report);
  }
  r.flush(post_report);
  count_.out_errors += r.has_failed;
}
/// The answer to a General Query.
template <config C, class Header> void igmp<C, Header>::say_all(links<address> auto&& below, out& down, u8 link, counters& ip_count) {
  using record = wire::igmp::record_of;
  report r(link);
  const auto post_report = [&](packet&& p, std::size_t n) { count_.out_reports += post(below, down, std::move(p), link, wire::igmp::all_v3_routers, n, ip_count); };
  for (const report_state& g : groups_) {
    if (!g.is_used || g.link != link || !members_.is_joined(link, g.group)) continue;
    const u8 type = members_.mode_of(link, g.group) == filter_mode::include ? record::is_in : record::is_ex;
    r.record(below, type, g.group, [&](auto&& f) { members_.each_source(link, g.group, f); }, post_report);
  }
  r.flush(post_report);
  count_.out_errors += r.has_failed;
}

/// A message of versions 1 and 2: to the group itself, so that its other members hear it; a leave to all routers. RFC 2236 §9.
template <config C, class Header>
void igmp<C, Header>::say_old(links<address> auto&& below, out& down, u8 link, u8 type, ipv4_address group, counters& ip_count) {
  packet p = below.take();
  if (!p) return void(++count_.out_errors);
  const bool is_leave = type == wire::igmp::type_of::leave;
  wire::igmp{type, 0, 0, group}.emit(p.room().data() + Header::size + 4);
  const bool is_out = post(below, down, std::move(p), link, is_leave ? wire::igmp::all_routers : group, Header::size + 4 + wire::igmp::header_size, ip_count);
  (is_leave ? count_.out_leaves : count_.out_reports) += is_out;
}

/// Writes the IP header with the router alert option (RFC 2113) and the checksums; the message stands behind it, `bytes` are both. Whether it was taken.
template <config C, class Header>
bool igmp<C, Header>::post(links<address> auto&& below, out& down, packet&& p, u8 link, ipv4_address to, std::size_t bytes, counters& ip_count) {
  constexpr std::size_t head = Header::size + 4;
  std::byte* const at = p.room().data();
  store_be<u16>(at + head + wire::igmp::checksum_offset, checksum({at + head, bytes - head}));
  path_of<C> way{};
  way.local = down.routes.address_on(link);
  way.remote = Header::widen(to);
  way.link = link;
  way.loop = multicast::loop::off;
  // RFC 3376 §4: precedence Internetwork Control, time to live 1, the option. From 0.0.0.0 where we have no address yet (§4.2.13).
  const wire::ipv4 h{.header_length = head, .type_of_service = 0xc0, .total_length = static_cast<u16>(bytes), .dont_fragment = true, .ttl = 1, .protocol = wire::igmp::protocol,
                     .source = way.local.v4(), .destination = to};
  h.emit(at);
  store_be<u32>(at + Header::size, wire::ipv4::router_alert);
  store_be<u16>(at + wire::ipv4::checksum_offset, static_cast<u16>(~fold(h.word_sum() + (wire::ipv4::router_alert >> 16))));
  p.extend(bytes);
  const sent became = down.send_whole(below, way, std::move(p), wire::igmp::protocol, out::nowhere, ip_count);
  if (became == sent::sent || became == sent::queued) return true;
  return ++count_.out_errors, false;
}

}  // namespace strata::inline STRATA_ABI::ip
