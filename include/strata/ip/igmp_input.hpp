// SPDX-License-Identifier: MIT
// What a host does with queries and with the reports of others: RFC 3376 §5.2 and §7.2, RFC 2236 §3. Included by igmp.hpp.
#pragma once
#include <strata/ip/igmp.hpp>

#include <strata/buffer/train.hpp>

namespace strata::inline STRATA_ABI::ip {

template <config C, class Header>
STRATA_OFF_PATH void igmp<C, Header>::on_message(links<address> auto&& below, out& down, const packet& p, const datagram_info<address>& info, moment now) {
  ++count_.in_msgs;
  if constexpr (buffer::may_be_trains<decltype(below)>)
    if (buffer::is_train(p.d())) return void(++count_.in_errors);
  const std::span<const std::byte> bytes = p.bytes();
  const auto m = wire::igmp::parse(bytes);
  if (!m) return void(++count_.in_errors);
  if (!checksum_is_valid(bytes)) return void(++count_.in_csum_errors);
  const std::span<const std::byte> head{p->chunk + p->network, static_cast<std::size_t>(p->offset - p->network)};
  const auto h = wire::ipv4::parse_quoted(head);
  if (!h || h->ttl != 1) return void(++count_.in_ttl_errors);
  const u8 link = info.link;
  using type = wire::igmp::type_of;
  if (link >= link_limit) return void(++count_.in_ignored);
  if (m->type == type::query) {
    const auto q = wire::igmp_query::parse(bytes);
    if (!q) return void(++count_.in_errors);
    bool is_alert = q->version == 1;  // RFC 3376 §9.1: a query of the later versions has the option, and a router between us would have looked at it
    for (std::size_t i = Header::size; !is_alert && i + 4 <= head.size(); i += 4) is_alert = load_be<u32>(head.data() + i) == wire::ipv4::router_alert;
    if (!is_alert || q->group == wire::igmp::all_systems) return void(++count_.in_ignored);
    ++count_.in_queries;
    on_query(below, bytes, *q, link, now);
    arm();
  } else if (m->type == type::report_v1 || m->type == type::report_v2) {
    if (!m->group.is_multicast()) return void(++count_.in_errors);
    if (down.routes.is_ours(info.remote) || down.routes.source_for(info.remote, link).is_unspecified()) return void(++count_.in_ignored);  // a copy of what a raw socket sent is nobody's
    ++count_.in_reports;
    on_report(m->group, link);
    arm();
  } else if (m->type == type::report_v3) {
    ++count_.in_reports;  // nobody's business here: version 3 does not suppress
  } else {
    ++count_.in_ignored;
  }
}

/// RFC 3376 §7.2.1: an older querier makes us speak as it does, for a while.
template <config C, class Header> void igmp<C, Header>::heed_version(const wire::igmp_query& q, u8 link, moment now) {
  link_state& l = links_[link];
  if (q.version == 3) {
    if (q.robustness != 0) l.robustness = q.robustness;
    if (q.interval != 0) l.interval = q.interval;
  } else if (q.group.is_unspecified()) {
    const moment until = now + span::from_ms(l.robustness * l.interval * 1000 + q.most_tenths * 100);  // RFC 3376 §8.12
    if (q.version == 1) l.hears_v1 = true, l.v1_until = until;
    else l.hears_v2 = true, l.v2_until = until;
  }
  become_version(link, l.hears_v1 ? 1 : l.hears_v2 ? 2 : 3);
}
/// What was to be said in the other version is not said: RFC 3376 §7.2.1.
template <config C, class Header> void igmp<C, Header>::become_version(u8 link, u8 version) {
  link_state& l = links_[link];
  if (l.version == version) return;
  l.version = version;
  l.responds = false;
  for (report_state& g : groups_) {
    if (!g.is_used || g.link != link) continue;
    g.responds = g.changes = false;
    g.mode_left = g.changed_count = g.asked_count = 0;
    tidy(g);
  }
}

template <config C, class Header>
void igmp<C, Header>::on_query(links<address> auto&& below, std::span<const std::byte> bytes, const wire::igmp_query& q, u8 link, moment now) {
  heed_version(q, link, now);
  link_state& l = links_[link];
  const auto within = [&] { return now + at_most((l.version == 1 ? 100 : q.most_tenths) * 100, below.random()); };
  if (l.version != 3) {  // RFC 2236 §3: each group has its own delay, and an earlier one stands
    for (report_state& g : groups_)
      if (g.is_used && g.link == link && (q.group.is_unspecified() || q.group == g.group) && members_.is_joined(link, g.group)) respond_within(g, within());
    return;
  }
  const moment at = within();
  if (l.responds && l.respond_at.is_before(at)) return;  // RFC 3376 §5.2 1: that answer says it all
  if (q.group.is_unspecified()) {
    l.responds = true, l.respond_at = at;
    return;
  }
  report_state* const g = find(link, q.group);
  if (g == nullptr || !members_.is_joined(link, q.group)) return;
  const bool is_of_all = q.sources == 0 || (g->responds && g->asked_count == 0);
  respond_within(*g, at);
  if (is_of_all) return void(g->asked_count = 0);
  for (u32 n = 0; n < q.sources; ++n) {
    const ipv4_address source = wire::igmp_query::source(bytes, n);
    bool is_known = false;
    for (u32 i = 0; i < g->asked_count; ++i) is_known = is_known || g->asked[i] == source;
    if (is_known) continue;
    if (g->asked_count == source_limit) return void(g->asked_count = 0);  // more than there is room for: the whole state says it, too
    g->asked[g->asked_count++] = source;
  }
}
template <config C, class Header> void igmp<C, Header>::respond_within(report_state& g, moment at) {
  g.respond_at = g.responds ? earlier_of(g.respond_at, at) : at;
  g.responds = true;
}
/// RFC 2236 §3: somebody else said it.
template <config C, class Header> void igmp<C, Header>::on_report(ipv4_address group, u8 link) {
  if (wire::igmp::is_source_specific(group)) return;  // RFC 4604 §2.2: who asks for one source is not silenced by who asks for all
  report_state* const g = links_[link].version == 3 ? nullptr : find(link, group);
  if (g == nullptr) return;
  g->responds = g->changes = g->is_last_reporter = false;
}

}  // namespace strata::inline STRATA_ABI::ip
