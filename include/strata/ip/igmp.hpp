// SPDX-License-Identifier: MIT
// Membership in groups of IPv4 as a host speaks of it: IGMPv3 (RFC 3376 §5), and as long as an older querier is heard, version 2 (RFC 2236 §3) or 1 (§4 there).
//
//   a change of the state of an interface -> a report at once, and again within a second, until it was said `robustness` times
//   a query -> the state as it is, after a random part of the time that the query allows
//
// igmp_input.hpp reads queries and reports, igmp_report.hpp writes what is sent. RFC 9776 revises RFC 3376 and keeps what is here.
#pragma once
#include <strata/ip/group_copies.hpp>
#include <strata/ip/memberships.hpp>
#include <strata/ip/output.hpp>
#include <strata/wire/igmp.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Messages by what became of them, and datagrams that nobody here wants.
struct igmp_counters {
  u32 in_msgs = 0;
  u32 in_errors = 0;         ///< shorter than it says, or a query of no version
  u32 in_csum_errors = 0;
  u32 in_ttl_errors = 0;     ///< its time to live is not 1: it was routed
  u32 in_queries = 0;
  u32 in_reports = 0;        ///< of other hosts
  u32 in_ignored = 0;        ///< other types; queries without router alert (RFC 3376 §9.1); reports from another subnet (RFC 2236 §10)
  u32 in_not_joined = 0;     ///< datagrams to a group that nobody here is in
  u32 in_filtered = 0;       ///< datagrams of a source that nobody here wants, or not the socket that they are for
  u32 out_reports = 0;
  u32 out_leaves = 0;
  u32 out_errors = 0;        ///< no chunk, or not taken below
  u32 loop_drops = 0;        ///< copies of what we sent, for sockets of ours: no chunk, or as many waited as limits.datagrams says
};

template <config C, class Header> class igmp {
 public:
  using address = typename C::family::address;
  using moment = time_point<typename C::tick>;
  using span = duration<typename C::tick>;
  using out = output<C, Header>;
  using failure = multicast::call_error;
  static constexpr u32 member_limit = C::limits.groups, source_limit = C::limits.group_sources;
  static_assert(source_limit > 0, "limits.group_sources is how many sources a membership can name: one at least");
  static constexpr u32 link_limit = 8;

  // ---- calls ----

  /// One more membership, or one more source of one.
  [[nodiscard]] failure join(links<address> auto&& below, out& down, connection_id owner, const multicast::membership<address>& wanted, moment now, counters& ip_count) {
    if (const failure bad = why_not(wanted.group, wanted.link, loopback_link<decltype(below)>); bad != failure::none) return bad;
    const bool is_any = wanted.source.is_unspecified();
    if (is_any ? wire::igmp::is_source_specific(wanted.group.v4()) : !wanted.source.is_v4() || !wanted.source.is_unicast()) return failure::bad_source;
    u32 index = members_.find(owner, wanted.link, wanted.group.v4());
    member m = member_for(index, owner, wanted.group, wanted.link);
    if (index != members::none) {
      if (is_any || m.mode == filter_mode::exclude || m.lists(wanted.source.v4())) return failure::already_joined;
    } else {
      if ((index = members_.free_place()) == members::none) return failure::full;
      m.mode = is_any ? filter_mode::exclude : filter_mode::include;
    }
    if (!is_any && !m.add(wanted.source.v4())) return failure::full;
    become(below, down, index, m, now, ip_count);
    return failure::none;
  }
  /// The membership ends, or one source of it; with the last source it ends, too.
  [[nodiscard]] failure leave(links<address> auto&& below, out& down, connection_id owner, const multicast::membership<address>& gone, moment now, counters& ip_count) {
    if (const failure bad = why_not(gone.group, gone.link, loopback_link<decltype(below)>); bad != failure::none) return bad;
    const u32 index = members_.find(owner, gone.link, gone.group.v4());
    if (index == members::none) return failure::not_joined;
    member m = members_.at(index);
    if (gone.source.is_unspecified()) {
      m.is_used = false;
    } else {
      if (m.mode == filter_mode::exclude || !gone.source.is_v4() || !m.lists(gone.source.v4())) return failure::not_joined;
      m.remove(gone.source.v4());
      m.is_used = m.count != 0;
    }
    become(below, down, index, m, now, ip_count);
    return failure::none;
  }
  /// All that is wanted of a group: IPMulticastListen of RFC 3376 §2.
  [[nodiscard]] failure listen(links<address> auto&& below, out& down, connection_id owner, const multicast::source_filter<address>& filter, moment now, counters& ip_count) {
    if (const failure bad = why_not(filter.group, filter.link, loopback_link<decltype(below)>); bad != failure::none) return bad;
    u32 index = members_.find(owner, filter.link, filter.group.v4());
    member m = member_for(members::none, owner, filter.group, filter.link);
    m.mode = filter.mode;
    if (m.mode == filter_mode::exclude && wire::igmp::is_source_specific(m.group)) return failure::bad_source;
    for (const address& a : filter.sources) {
      if (!a.is_v4() || !a.is_unicast()) return failure::bad_source;
      if (!m.add(a.v4())) return failure::full;
    }
    m.is_used = m.mode == filter_mode::exclude || m.count != 0;
    if (index == members::none) {
      if (!m.is_used) return failure::not_joined;
      if ((index = members_.free_place()) == members::none) return failure::full;
    }
    become(below, down, index, m, now, ip_count);
    return failure::none;
  }
  /// One of the memberships of a socket that was closed, which ends here; nothing if it has none. The caller asks until then.
  [[nodiscard]] std::optional<multicast::membership<address>> leave_one(links<address> auto&& below, out& down, connection_id owner, moment now, counters& ip_count) {
    const u32 index = members_.any_of(owner);
    if (index == members::none) return {};
    member m = members_.at(index);
    const multicast::membership<address> was{.group = Header::widen(m.group), .link = m.link};
    m.is_used = false;
    become(below, down, index, m, now, ip_count);
    return was;
  }

  // ---- what comes in ----

  [[nodiscard]] bool is_joined(u8 link, ipv4_address group) const { return members_.is_joined(link, group); }
  /// Whether a datagram from `source` to a multicast address is for somebody here; if not, it is counted. All systems are always in their group
  /// (RFC 1112 §4), and what IGMP says no filter holds back.
  [[nodiscard]] bool takes(u8 link, ipv4_address group, ipv4_address source, u8 protocol) {
    if (is_wanted(link, group, source, protocol)) return true;
    ++(members_.is_joined(link, group) ? count_.in_filtered : count_.in_not_joined);
    return false;
  }
  /// Whether a socket wants it: by its own membership, or if it has none as the host does. RFC 3376 §3.1. Linux: ip_mc_sf_allow.
  [[nodiscard]] bool takes_for(connection_id owner, u8 link, ipv4_address group, ipv4_address source) {
    const u32 index = members_.find(owner, link, group);
    if (index == members::none || members_.at(index).wants(source)) return true;
    return ++count_.in_filtered, false;
  }
  /// A message, pulled to its IGMP header.  Linux: igmp_rcv.
  STRATA_OFF_PATH void on_message(links<address> auto&& below, out& down, const packet& p, const datagram_info<address>& info, moment now);

  // ---- what we send ----

  /// A copy of what is about to leave along `way` to a group, if somebody here wants it, or to all; for `copies`, once it has left.
  [[nodiscard]] packet copy_if_wanted(links<address> auto&& below, const path_of<C>& way, u8 protocol, const packet& p) {
    if (way.remote.is_multicast() && (way.loop == multicast::loop::off || !is_wanted(way.link, way.remote.v4(), way.local.v4(), protocol))) return {};
    packet copy = copies.made(below.chunks(), p, below.link_header_size(way.link));
    count_.loop_drops += !copy;
    return copy;
  }
  group_copies<C> copies{};

  // ---- time ----

  void advance(links<address> auto&& below, out& down, moment now, counters& ip_count);
  [[nodiscard]] std::optional<moment> next_deadline() const { return is_armed_ ? std::optional(next_) : std::nullopt; }
  [[nodiscard]] bool is_due(moment now) const { return is_armed_ && now.reached(next_); }
  /// The stack is told the time for the first time: what was to be said later is due now.
  void begin_time(moment now) {
    for (report_state& g : groups_)
      if (g.is_used) g.change_at = now;
    arm();
  }
  /// Forgets what was joined on a link, in silence.
  void forget(u8 link) {
    members_.forget(link);
    for (report_state& g : groups_)
      if (g.link == link) g = {};
    if (link < link_limit) links_[link] = {};
    arm();
  }
  [[nodiscard]] constexpr const igmp_counters& counted() const { return count_; }
  /// The version that is spoken on a link: 3, or what an older querier there understands.
  [[nodiscard]] u8 version_on(u8 link) const { return links_[link].version; }

 private:
  using members = memberships<member_limit, source_limit>;
  using member = typename members::member;
  using before = typename members::before;
  /// What is still to be said of a group on a link, after somebody joined it.
  struct report_state {
    ipv4_address group{};
    u8 link = 0;
    bool is_used = false;
    bool is_last_reporter = false;  // of version 2: only that host says that it leaves
    bool responds = false, changes = false;  // whether respond_at and change_at run
    u8 mode_left = 0;               // reports that still say how the state is as a whole
    u8 changed_count = 0, asked_count = 0;
    moment respond_at{}, change_at{};
    struct source {
      ipv4_address address{};
      u8 left = 0;                  // reports that still say whether it is wanted
    } changed[source_limit]{};
    ipv4_address asked[source_limit]{};  // by Group-and-Source-Specific Queries; none: the group as a whole
    [[nodiscard]] bool is_pending() const { return mode_left != 0 || changed_count != 0; }
  };
  struct link_state {
    u8 version = 3;
    u8 robustness = 2;              // RFC 3376 §8.1, until a query says another
    bool responds = false;          // to a General Query: at respond_at
    bool hears_v1 = false, hears_v2 = false;  // until v1_until and v2_until
    u32 interval = 125;             // RFC 3376 §8.2, seconds
    moment respond_at{}, v1_until{}, v2_until{};
  };
  static_assert(source_limit < 256);

  [[nodiscard]] bool is_wanted(u8 link, ipv4_address group, ipv4_address source, u8 protocol) const {
    if (group == wire::igmp::all_systems) return true;
    return protocol == wire::igmp::protocol ? members_.is_joined(link, group) : members_.wants(link, group, source);
  }
  [[nodiscard]] static failure why_not(const address& group, u8 link, u8 loopback) {
    if (!group.is_v4() || !group.is_multicast()) return failure::bad_group;
    return link >= link_limit || link == loopback ? failure::bad_link : failure::none;
  }
  [[nodiscard]] member member_for(u32 index, connection_id owner, const address& group, u8 link) const {
    if (index != members::none) return members_.at(index);
    member m;
    m.owner = owner, m.group = group.v4(), m.link = link, m.is_used = true;
    return m;
  }
  void become(links<address> auto&& below, out& down, u32 index, const member& m, moment now, counters& ip_count) {
    const before then = members_.put(index, m);
    if (m.group != wire::igmp::all_systems) changed(below, down, m.link, m.group, then, now, ip_count);  // of that one nobody ever speaks: RFC 3376 §5
    arm();
  }
  void changed(links<address> auto&& below, out& down, u8 link, ipv4_address group, const before& then, moment now, counters& ip_count);
  void note_source(report_state& g, ipv4_address source, u8 robustness);
  [[nodiscard]] report_state& state_of(u8 link, ipv4_address group);
  [[nodiscard]] report_state* find(u8 link, ipv4_address group) {
    for (report_state& g : groups_)
      if (g.is_used && g.link == link && g.group == group) return &g;
    return nullptr;
  }
  /// A state goes when nobody is in the group and everything is said.
  void tidy(report_state& g) {
    if (!g.is_pending() && !members_.is_joined(g.link, g.group)) g = {};
  }

  // ---- igmp_input.hpp ----
  void on_query(links<address> auto&& below, std::span<const std::byte> bytes, const wire::igmp_query& q, u8 link, moment now);
  void on_report(ipv4_address group, u8 link);
  void heed_version(const wire::igmp_query& q, u8 link, moment now);
  void become_version(u8 link, u8 version);
  void respond_within(report_state& g, moment at);

  // ---- igmp_report.hpp ----
  class report;
  void say_change(links<address> auto&& below, out& down, report_state& g, moment now, counters& ip_count);
  void say_group(links<address> auto&& below, out& down, report_state& g, counters& ip_count);
  void say_all(links<address> auto&& below, out& down, u8 link, counters& ip_count);
  void say_old(links<address> auto&& below, out& down, u8 link, u8 type, ipv4_address group, counters& ip_count);
  [[nodiscard]] bool post(links<address> auto&& below, out& down, packet&& p, u8 link, ipv4_address to, std::size_t bytes, counters& ip_count);

  [[nodiscard]] static span at_most(u32 ms, u64 random) { return span::from_ms(static_cast<u32>((random & 0xffff'ffff) * (u64{ms} + 1) >> 32)); }
  void arm() {
    is_armed_ = false;
    const auto consider = [&](bool runs, moment at) {
      if (!runs) return;
      next_ = is_armed_ ? earlier_of(next_, at) : at;
      is_armed_ = true;
    };
    for (const report_state& g : groups_) consider(g.responds, g.respond_at), consider(g.changes, g.change_at);
    for (const link_state& l : links_) consider(l.responds, l.respond_at), consider(l.hears_v1, l.v1_until), consider(l.hears_v2, l.v2_until);
  }

  members members_{};
  report_state groups_[member_limit]{};
  link_state links_[link_limit]{};
  moment next_{};
  bool is_armed_ = false;
  igmp_counters count_{};
};

/// A member changed: what that makes of the state of its interface is said, RFC 3376 §5.1.
template <config C, class Header>
void igmp<C, Header>::changed(links<address> auto&& below, out& down, u8 link, ipv4_address group, const before& then, moment now, counters& ip_count) {
  const bool is_in = members_.is_joined(link, group), was_in = members_.is_joined(link, group, &then);
  const u8 robustness = links_[link].robustness;
  if (!is_in && !was_in) return;
  report_state& g = state_of(link, group);
  if (links_[link].version != 3) {  // older queriers know groups only
    if (is_in == was_in) return;
    if (is_in) {
      g.mode_left = robustness;
      return say_change(below, down, g, now, ip_count);
    }
    if (links_[link].version == 2 && g.is_last_reporter) say_old(below, down, link, wire::igmp::type_of::leave, group, ip_count);
    g = {};
    return;
  }
  bool is_changed = false;
  if (members_.mode_of(link, group) != members_.mode_of(link, group, &then)) {
    g.mode_left = robustness, g.changed_count = 0, is_changed = true;  // what it says as a whole it says of each source
  } else {
    members_.each_listed(link, group, &then, [&](ipv4_address source) {
      if (members_.wants(link, group, source) == members_.wants(link, group, source, &then)) return;
      note_source(g, source, robustness);
      is_changed = true;
    });
  }
  if (is_changed) say_change(below, down, g, now, ip_count);
}
template <config C, class Header> void igmp<C, Header>::note_source(report_state& g, ipv4_address source, u8 robustness) {
  for (u32 i = 0; i < g.changed_count; ++i)
    if (g.changed[i].address == source) return void(g.changed[i].left = robustness);
  if (g.changed_count < source_limit) g.changed[g.changed_count++] = {source, robustness};
  else g.mode_left = robustness;  // more than there is room for: the whole state says it, too
}
/// What is still to be said of the group; if there is no place, a group that all have left gives up its own: it is said once at least.
template <config C, class Header> auto igmp<C, Header>::state_of(u8 link, ipv4_address group) -> report_state& {
  if (report_state* const known = find(link, group)) return *known;
  report_state* place = nullptr;
  for (report_state& g : groups_) {
    if (!g.is_used) {
      place = &g;
      break;
    }
    if (!members_.is_joined(g.link, g.group)) place = &g;
  }
  STRATA_EXPECTS(place != nullptr);  // each group that is joined has a member, and there are as many places as members
  *place = {};
  place->group = group, place->link = link, place->is_used = true;
  return *place;
}

template <config C, class Header> void igmp<C, Header>::advance(links<address> auto&& below, out& down, moment now, counters& ip_count) {
  if (!is_due(now)) return;
  for (u8 link = 0; link < link_limit; ++link) {
    link_state& l = links_[link];
    if (l.hears_v1 && now.reached(l.v1_until)) l.hears_v1 = false;
    if (l.hears_v2 && now.reached(l.v2_until)) l.hears_v2 = false;
    become_version(link, l.hears_v1 ? 1 : l.hears_v2 ? 2 : 3);
    if (!l.responds || !now.reached(l.respond_at)) continue;
    l.responds = false;
    say_all(below, down, link, ip_count);
  }
  for (report_state& g : groups_) {
    if (g.responds && now.reached(g.respond_at)) {
      g.responds = false;
      say_group(below, down, g, ip_count);
      g.asked_count = 0;
    }
    if (g.changes && now.reached(g.change_at)) say_change(below, down, g, now, ip_count);
  }
  arm();
}

}  // namespace strata::inline STRATA_ABI::ip

#include <strata/ip/igmp_input.hpp>
#include <strata/ip/igmp_report.hpp>
