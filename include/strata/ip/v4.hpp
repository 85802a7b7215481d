// SPDX-License-Identifier: MIT
// IPv4: RFC 791 as RFC 1122 §3.2.1 and §3.3 want it of a host, and RFC 1812 of a router, which a Config is with `forwards`. Everything we send is atomic: DF
// set, ID zero (RFC 6864 §4.1). Not here: options on what we send.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/ip/addresses.hpp>
#include <strata/ip/forward.hpp>
#include <strata/ip/icmp.hpp>
#include <strata/ip/igmp.hpp>
#include <strata/ip/reassemble.hpp>
#include <strata/ip/v4_header.hpp>
#include <strata/wire/ethernet.hpp>

namespace strata::inline STRATA_ABI::ip {

template <config C> class v4 : public addresses<C, v4_header_of<C>> {
  using header = v4_header_of<C>;
  using base = addresses<C, header>;
  using out = output<C, header>;
  static constexpr bool reassembles = C::limits.fragments != 0;
  static constexpr bool has_groups = C::limits.groups != 0;

 public:
  using address = typename C::family::address;
  using path = path_of<C>;
  using moment = time_point<typename C::tick>;
  static constexpr std::size_t header_size = wire::ipv4::header_size;
  static constexpr u16 ethertype = wire::ethertype::ipv4;

  /// Whether packets to `a` are ours to send.
  [[nodiscard]] static constexpr bool carries(const address& a) { return a.is_v4(); }

  /// Fills local (if unset), next hop, link and mtu of `way`. False: no route, or `way.local` is not ours.
  [[nodiscard]] bool route(links<address> auto&& below, path& way) { return out_.route_of_ours(below, way, count_); }
  /// A router told a transport that a packet of its own to `to` was longer than `mtu`, which new ways know for ten minutes.  Linux: ip_rt_update_pmtu.
  void learn_path_mtu(const address& to, u16 mtu, moment now) requires(C::limits.path_mtus != 0) { out_.path_mtu.learn(to, mtu, now); }
  /// Sends a transport's packet. unreachable: no route or no neighbour; dropped: over the MTU, or eaten below.
  [[nodiscard]] STRATA_ALWAYS_INLINE sent send(links<address> auto&& below, path& way, packet&& p, u8 protocol) { return out_.send(below, way, std::move(p), protocol, count_); }

  /// Sends a datagram of `bytes` bytes, longer than the MTU of `way`, in fragments; fill(to, from, n) writes what begins at `from`.
  [[nodiscard]] sent send_long(links<address> auto&& below, path& way, u32 bytes, u8 protocol, auto&& fill) requires(bool{C::long_datagrams}) {
    return out_.send_long(below, way, bytes, protocol, fill, count_);
  }

  /// Sends a packet that begins with its whole header along `way`, whose route is known. Its length and checksum are written here, and what is zero of sender and
  /// identification.  Linux: raw_send_hdrinc.
  [[nodiscard]] STRATA_OFF_PATH sent send_whole(links<address> auto&& below, path& way, packet&& p) {
    std::byte* const at = p.writable_bytes().data();
    const wire::ipv4 h = *wire::ipv4::parse_quoted(p.bytes());
    if (h.source.is_unspecified()) store_be<u32>(at + 12, way.local.v4().value);
    else way.local = header::widen(h.source);
    if (h.id == 0) store_be<u16>(at + 4, out_.identify(below, way, h.protocol));
    store_be<u16>(at + wire::ipv4::total_length_offset, static_cast<u16>(p.size()));
    store_be<u16>(at + wire::ipv4::checksum_offset, 0);
    store_be<u16>(at + wire::ipv4::checksum_offset, checksum({at, h.header_length}));
    return out_.send_whole(below, way, std::move(p), h.protocol, h.fragment_offset == 0 ? h.header_length : out::nowhere, count_);
  }

  /// A packet whose link header is off. The checks of RFC 1122 §3.2.1, each once; what is for a transport is pulled to the transport's header and
  /// trimmed to the datagram. Linux: ip_rcv, ip_local_deliver.
  [[nodiscard]] finding<address> on_packet(links<address> auto&& below, packet& p, arrival came, moment now) {
    ++count_.in_receives;
    below.observe({.what = trace::step::ip_parse, .bytes = static_cast<u32>(p.size()), .chunk = p->home->name(p.d())});
    if constexpr (has_plain_path) {
      wire::ipv4 h;
      const std::size_t came_bytes = buffer::received_bytes<decltype(below)>(p);
      if (wire::ipv4::read_plain(p.bytes(), h, came_bytes)) [[likely]] return accept(below, p, h, came_bytes, came, now);
    }
    return on_any(below, p, came, now);
  }

  /// What on_packet() found to be a fragment, or to have an option that is none: the datagram, with `p`, if it is whole now.  Linux: ip_defrag.
  [[nodiscard]] STRATA_OFF_PATH finding<address> on_fragment(links<address> auto&& below, packet& p, const finding<address>& part, moment now) requires(reassembles) {
    finding<address> f = part;
    f.is = finding<address>::what::nothing;
    const auto h = wire::ipv4::parse_quoted(p.bytes());  // once more: the fast path keeps the fields in registers
    if (!h) return f;
    below.observe({.what = trace::step::reassemble, .bytes = h->payload_length(), .chunk = p->home->name(p.d())});
    if constexpr (buffer::may_be_trains<decltype(below)>) {
      if (buffer::is_joined(p.d())) buffer::drop_parts(p);  // no driver joins fragments
    }
    if (const u32 bad = fault_in_options<false>(p.bytes().first(h->header_length)); bad != 0) return refuse_option(below, p, *h, {f.info.link, f.info.is_broadcast}, now, bad), f;
    auto what = passing_of(p, *h, {f.info.link, f.info.is_broadcast});
    if (!fragments_.on_fragment(below, p, *h, now, f.info.ecn, count_)) return f;
    if (p.writable()) {  // RFC 3168 §5.3: whoever reads the header later finds what the fragments said together
      std::byte& tos = p->chunk[p->network + 1];
      tos = (tos & std::byte{0xfc}) | static_cast<std::byte>(f.info.ecn);
    }
    if constexpr (out::hooks_at(point::input)) what.bytes = static_cast<u32>(buffer::received_bytes<decltype(below)>(p)), what.read_transport(p.bytes());
    hand_up(below, p, what, now, f);
    return f;
  }

  /// What on_packet() or on_fragment() found to be for ip itself, where raw sockets saw it first: nothing, or an error for a transport.
  [[nodiscard]] STRATA_OFF_PATH finding<address> on_control(links<address> auto&& below, packet& p, const finding<address>& message, moment now) requires(are_overheard<decltype(below)>) {
    finding<address> f = message;
    f.is = finding<address>::what::nothing;
    take_control(below, p, now, f);
    return f;
  }

  /// An ICMP error about a datagram that on_packet() handed up; `p` still ends where it did. `protocol_unreachable` counts in_unknown_protos.
  void send_error(links<address> auto&& below, const datagram_info<address>& info, const packet& p, icmp_error_kind kind, moment now) {
    if (kind == icmp_error_kind::protocol_unreachable) ++count_.in_unknown_protos;
    icmp_.send_error(below, out_, info, p, kind, now, count_);
  }

  /// The error of the next turn for a packet of ours, IP header in front, that will not leave: its neighbour failed. Linux: arp_error_report.
  [[nodiscard]] static std::optional<network_error<address>> failure(std::span<const std::byte> bytes) {
    const auto h = wire::ipv4::parse_quoted(bytes);
    if (!h || bytes.size() < h->header_length + sizeof(network_error<address>::quoted)) return {};
    network_error<address> e;
    e.local = header::widen(h->source);
    e.remote = header::widen(h->destination);
    e.protocol = h->protocol;
    if (out::makes_fragments && h->fragment_offset != 0) e.protocol = 0xff;  // reserved: no transport's header is quoted
    e.kind = icmp_error_kind::host_unreachable;
    e.is_local = true;
    copy_bytes(e.quoted, bytes.data() + h->header_length, sizeof e.quoted);
    return e;
  }

  /// Datagrams whose fragments did not all come in time; what is to be said of groups.
  void advance(links<address> auto&& below, moment now) requires(reassembles || has_groups) {
    if constexpr (has_groups) groups_.advance(below, out_, now, count_);
    if constexpr (reassembles) fragments_.advance(below.chunks(), now, count_, [&](const packet& first) {
      const auto h = wire::ipv4::parse_quoted({first->chunk + first->network, static_cast<std::size_t>(first->offset - first->network)});
      if (!h) return;
      icmp_.send_error(below, out_, {.local = header::widen(h->destination), .remote = header::widen(h->source), .protocol = h->protocol, .link = first->link}, first,
                       icmp_error_kind::reassembly_time_exceeded, now, count_);
    });
  }
  [[nodiscard]] std::optional<moment> next_deadline() const requires(reassembles || has_groups) {
    std::optional<moment> first;
    if constexpr (reassembles) first = fragments_.next_deadline();
    if constexpr (has_groups) {
      if (const auto other = groups_.next_deadline()) first = first ? earlier_of(*first, *other) : *other;
    }
    return first;
  }
  [[nodiscard]] bool is_due(moment now) const requires(reassembles || has_groups) {
    if constexpr (has_groups) {
      if (groups_.is_due(now)) return true;
    }
    if constexpr (reassembles) return fragments_.is_due(now);
    else return false;
  }
  /// Of a stack that is shut down.
  void clear([[maybe_unused]] buffer::pool& chunks) requires(reassembles || C::limits.path_mtus != 0 || has_groups) {
    if constexpr (has_groups) groups_.copies.clear(chunks);
    if constexpr (reassembles) fragments_.clear(chunks);
    out_.path_mtu = {};
  }
  [[nodiscard]] const reassembly_counters& reassembly_counted() const requires(reassembles) { return fragments_.counted(); }
  /// A packet that goes to its next hop for others and will not get there. Linux: ipv4_link_failure.
  void on_undelivered(links<address> auto&& below, packet& p, moment now) requires(bool{C::forwards}) { forwarder_.on_undelivered(below, out_, icmp_, p, now, count_); }
  [[nodiscard]] const hook_counters& hooks_counted() const requires(!out::hook_list::is_empty) { return out_.hooks.counted(); }
  [[nodiscard]] const router_counters& router_counted() const requires(bool{C::forwards}) { return forwarder_.counted(); }
  // ---- groups: ip/igmp.hpp ----
  [[nodiscard]] multicast::call_error join(links<address> auto&& below, connection_id owner, const multicast::membership<address>& m, moment now) requires(has_groups) {
    return groups_.join(below, out_, owner, m, now, count_);
  }
  [[nodiscard]] multicast::call_error leave(links<address> auto&& below, connection_id owner, const multicast::membership<address>& m, moment now) requires(has_groups) {
    return groups_.leave(below, out_, owner, m, now, count_);
  }
  [[nodiscard]] multicast::call_error listen(links<address> auto&& below, connection_id owner, const multicast::source_filter<address>& f, moment now) requires(has_groups) {
    return groups_.listen(below, out_, owner, f, now, count_);
  }
  [[nodiscard]] std::optional<multicast::membership<address>> leave_one(links<address> auto&& below, connection_id owner, moment now) requires(has_groups) {
    return groups_.leave_one(below, out_, owner, now, count_);
  }
  [[nodiscard]] bool is_joined(u8 link, const address& group) const requires(has_groups) { return groups_.is_joined(link, group.v4()); }
  /// Whether a socket wants what came to a group; if not, it is counted.
  [[nodiscard]] bool takes_for(connection_id owner, const datagram_info<address>& info) requires(has_groups) {
    return !info.local.is_multicast() || groups_.takes_for(owner, info.link, info.local.v4(), info.remote.v4());
  }
  void forget_groups(u8 link) requires(has_groups) { groups_.forget(link); }
  void begin_time(moment now) requires(has_groups) { groups_.begin_time(now); }
  [[nodiscard]] const igmp_counters& igmp_counted() const requires(has_groups) { return groups_.counted(); }
  [[nodiscard]] u8 igmp_version_on(u8 link) const requires(has_groups) { return groups_.version_on(link); }

  [[nodiscard]] auto& groups() requires(has_groups) { return groups_; }
  [[nodiscard]] const auto& groups() const requires(has_groups) { return groups_; }
  /// A copy of what we sent to a group.
  [[nodiscard]] finding<address> on_copy(links<address> auto&& below, packet& p, moment now) requires(has_groups);

  /// The I-th hook of the Config.
  template <std::size_t I> [[nodiscard]] auto& hook() { return out_.hooks.template get<I>(); }

  [[nodiscard]] constexpr const counters& counted() const { return count_; }
  [[nodiscard]] constexpr const icmp_counters& icmp_counted() const { return icmp_.counted(); }

 private:
  static constexpr bool has_plain_path = sizeof(std::size_t) >= 8;  // small machines have one way for all headers
  /// Whatever begins otherwise than wire::ipv4::read_plain() knows it: options, fragments, faults.
  [[nodiscard]] STRATA_OFF_PATH finding<address> on_any(links<address> auto&& below, packet& p, arrival came, moment now) {
    wire::ipv4 h;
    const std::size_t came_bytes = buffer::received_bytes<decltype(below)>(p);
    if (wire::ipv4::read(p.bytes(), h, came_bytes)) return accept(below, p, h, came_bytes, came, now);
    count_fault(p);
    return {};
  }
  /// Whose it is, once its header is sound.
  [[nodiscard]] STRATA_ALWAYS_INLINE finding<address> accept(links<address> auto&& below, packet& p, const wire::ipv4& h, std::size_t came_bytes, arrival came, moment now) {
    finding<address> f;  // the one that is returned: it is built where the caller wants it
    if (h.header_length != header_size) [[unlikely]] {
      if (const u32 bad = fault_in_options<true>(p.bytes().first(h.header_length)); bad != 0) {
        if constexpr (reassembles) {
          if (bad != silently) f.is = finding<address>::what::fragment, f.info.link = came.link, f.info.is_broadcast = came.is_broadcast;  // off this path
        }
        return f;
      }
    }
    datagram_info<address>& info = f.info;
    auto what = passing_of(p, h, came);
    if (!out_.template passes<point::prerouting>(below, what, p, now)) [[unlikely]] return f;
    info.local = header::widen(h.destination);
    info.remote = header::widen(h.source);
    info.protocol = h.protocol;
    info.link = came.link;
    info.ecn = h.ecn();
    // Trains of packets between the same two pass the checks of the first.
    if (came.is_broadcast || info.remote != known_.remote || info.local != known_.local || known_.generation != below.generation() || !is_known_on(came.link)) [[unlikely]] {
      switch (is_of_nobody(h) ? ends::group : whose<loopback_link<decltype(below)>>(info.remote, info.local, came)) {
        case ends::refused: return f;
        case ends::group:
          info.is_broadcast = true;
          if constexpr (has_groups) {
            if (info.local.is_multicast() && !groups_.takes(came.link, h.destination, h.source, h.protocol)) return f;
          }
          break;
        case ends::ourselves: break;
        case ends::ours: known_ = {info.remote, info.local, below.generation(), came.link}; break;
        case ends::elsewhere:
          if constexpr (C::forwards) forwarder_.on_packet(below, out_, icmp_, p, h, came, now, count_);
          return f;
      }
    }
    if (h.is_fragment()) [[unlikely]] {
      if constexpr (reassembles) f.is = finding<address>::what::fragment;
      else ++count_.reasm_fails;
      return f;
    }
    p->network = p->offset;
    if (!buffer::trim_received<decltype(below)>(p, h.total_length, came_bytes)) [[unlikely]] {
      ++count_.in_hdr_errors;
      return f;
    }
    p.pull(h.header_length);
    hand_up(below, p, what, now, f);
    return f;
  }
  /// The last steps of every packet to us, `p` at its transport's header.  Linux: ip_local_deliver_finish.
  STRATA_ALWAYS_INLINE void hand_up(links<address> auto&& below, packet& p, auto& what, moment now, finding<address>& f) {
    p->transport = p->offset;
    p->link = f.info.link;
    if (!out_.template passes<point::input>(below, what, p, now)) return;
    ++count_.in_delivers;
    // One compare for both protocols that are ours.
    if (has_groups ? f.info.protocol > wire::igmp::protocol : f.info.protocol != wire::icmpv4::protocol) [[likely]] {
      f.is = finding<address>::what::datagram;
      return;
    }
    if constexpr (are_overheard<decltype(below)>) f.is = has_groups && f.info.protocol == 0 ? finding<address>::what::datagram : finding<address>::what::control;
    else take_control(below, p, now, f);
  }
  STRATA_ALWAYS_INLINE void take_control(links<address> auto&& below, packet& p, moment now, finding<address>& f) {
    below.observe({.what = trace::step::control, .bytes = static_cast<u32>(p.size()), .chunk = p->home->name(p.d())});
    if constexpr (has_groups) {
      if (f.info.protocol == wire::igmp::protocol) return groups_.on_message(below, out_, p, f.info, now);
      if (f.info.protocol == 0) return void(f.is = finding<address>::what::datagram);
    }
    icmp_.on_message(below, out_, p, count_, f);
  }
  enum class ends : u8 { refused, group, ours, ourselves, elsewhere };
  /// A host or a querier that has no address yet may speak IGMP (RFC 3376 §4.2.13).
  [[nodiscard]] STRATA_ALWAYS_INLINE static constexpr bool is_of_nobody(const wire::ipv4& h) {
    if constexpr (has_groups) return h.source.is_unspecified() && h.protocol == wire::igmp::protocol && h.destination.is_multicast();
    else return (void)h, false;
  }
  /// Whether a packet may come from `remote` and is for us, alone or among others; if not, it is counted.
  template <u8 Loopback> [[nodiscard]] STRATA_OFF_PATH ends whose(const address& remote, const address& local, arrival came) {
    if constexpr (Loopback != no_link) {  // RFC 1122 §3.2.1.3 (g): 127.0.0.0/8 never appears outside a host, and our own addresses as senders only within
      if (came.link == Loopback) {
        if (is_one_of_us(remote) && is_one_of_us(local)) return ends::ourselves;
        return ++count_.in_martian_src, ends::refused;
      }
      if (local.is_loopback()) return ++count_.in_addr_errors, ends::refused;
    }
    if (!may_be_a_sender(remote)) {
      ++count_.in_martian_src;
      return ends::refused;
    }
    const bool is_ours = C::strong_host ? out_.routes.of_local(local, came.link) != nullptr : out_.routes.is_ours(local);
    // RFC 1122 §3.3.6: unicast in a link broadcast is somebody's mistake.
    if (is_ours && !came.is_broadcast) return ends::ours;
    if (!is_ours && out_.routes.is_group(local)) return ends::group;
    if constexpr (C::forwards) {
      if (local.is_unicast() && !local.is_loopback() && !out_.routes.is_ours(local)) return ends::elsewhere;
    }
    ++count_.in_addr_errors;  // RFC 1122 §3.2.1.3: not for us, and a host does not forward
    return ends::refused;
  }
  /// RFC 1122 §3.2.1.3: a source is one host's own address; ours come from us only.
  [[nodiscard]] bool may_be_a_sender(const address& a) const {
    return a.is_unicast() && !a.is_loopback() && !out_.routes.is_ours(a) && !out_.routes.is_subnet_broadcast(a);
  }

  [[nodiscard]] STRATA_ALWAYS_INLINE bool is_known_on(u8 link) const {
    if constexpr (C::strong_host) return known_.link == link;
    else return (void)link, true;
  }
  [[nodiscard]] STRATA_ALWAYS_INLINE static auto passing_of(const packet& p, const wire::ipv4& h, arrival came) requires(!out::hooks_to_us) { return (void)p, (void)h, (void)came, nothing_passes{}; }
  [[nodiscard]] static auto passing_of(const packet& p, const wire::ipv4& h, arrival came) requires(out::hooks_to_us) {
    passing<address> what{.protocol = h.protocol, .in = came.link, .source = header::widen(h.source), .destination = header::widen(h.destination), .bytes = h.payload_length()};
    if (h.fragment_offset == 0) what.read_transport(p.bytes().subspan(h.header_length));
    return what;
  }

  [[gnu::cold]] void count_fault(const packet& p) {
    switch (wire::ipv4::why_not(p.bytes())) {
      case wire::ipv4_fault::truncated: ++count_.in_truncated_pkts; break;
      case wire::ipv4_fault::checksum: ++count_.in_csum_errors; break;
      case wire::ipv4_fault::header:
      case wire::ipv4_fault::none: ++count_.in_hdr_errors; break;
    }
  }

  /// RFC 1122 §3.2.1.8: options are passed over. Source routes make us a relay, so such packets are dropped (RFC 7126 §4.3, §4.4). At most 40 steps. Where
  /// the first one stands that cannot be read; zero: there is none; or `silently`.
  static constexpr u32 silently = 0xff;
  template <bool Counts> [[nodiscard]] [[gnu::cold]] u32 fault_in_options(std::span<const std::byte> head) {
    constexpr u8 end = 0, no_operation = 1, loose_route = 131, strict_route = 137;
    for (std::size_t i = header_size; i < head.size();) {
      const u8 type = static_cast<u8>(head[i]);
      if (type == end) return 0;
      if (type == no_operation) {
        ++i;
        continue;
      }
      const std::size_t length = i + 1 < head.size() ? static_cast<std::size_t>(head[i + 1]) : 0;
      if (length < 2 || length > head.size() - i) {
        if constexpr (Counts) ++count_.in_hdr_errors;
        return static_cast<u32>(i);
      }
      if (type == loose_route || type == strict_route) {
        if constexpr (Counts) ++count_.in_source_routed;
        return silently;
      }
      i += length;
    }
    return 0;
  }
  /// The sender hears that the option `at` that byte is none: RFC 1122 §3.2.2.5, RFC 1812 §4.3.3.5. A Config without reassembly spares itself that.  Linux: ip_options_compile.
  void refuse_option(links<address> auto&& below, packet& p, const wire::ipv4& h, arrival came, moment now, u32 at) {
    datagram_info<address> info{.local = header::widen(h.destination), .remote = header::widen(h.source), .protocol = h.protocol, .link = came.link};
    info.is_broadcast = came.is_broadcast || h.fragment_offset != 0;
    p->network = p->offset;
    if (!may_be_a_sender(info.remote) || !buffer::trim_received<decltype(below)>(p, h.total_length, buffer::received_bytes<decltype(below)>(p))) return;
    if (!base::is_ours_on(info.local, came.link)) {
      if (!C::forwards || !info.local.is_unicast() || info.local.is_loopback() || out_.routes.is_group(info.local)) return;
      info.local = {};
    }
    icmp_.send_error(below, out_, info, p, icmp_error_kind::parameter_problem, now, count_, at << 24);
  }

  struct {
    address remote{}, local{};
    u32 generation = 0;
    u8 link = 0;
  } known_{};  // the ends of the last packet that was to us alone
  using base::out_;
  using base::is_one_of_us;
  icmp<C, header> icmp_{};
  struct no_groups {};
  [[no_unique_address]] typename std::conditional_t<has_groups, std::type_identity<igmp<C, header>>, std::type_identity<no_groups>>::type groups_{};
  [[no_unique_address]] forwarder<C, header> forwarder_{};
  struct drops_fragments {};
  [[no_unique_address]] typename std::conditional_t<reassembles, std::type_identity<reassembler<C>>, std::type_identity<drops_fragments>>::type fragments_{};
  counters count_{};
};

}  // namespace strata::inline STRATA_ABI::ip

#include <strata/ip/group_input.hpp>
