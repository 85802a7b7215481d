// SPDX-License-Identifier: MIT
// IPv6 for a host (RFC 8200): the base header, routes, TCP and UDP above. Hop limit 64, flow label zero.
// Not here: extension headers and ICMPv6, which are dropped and counted, and with them neighbour discovery: the neighbour is `fixed` or the link is raw.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/ip/addresses.hpp>
#include <strata/wire/ethernet.hpp>
#include <strata/wire/ipv6.hpp>

namespace strata::inline STRATA_ABI::ip {

/// What output<> needs to know of IPv6.
struct v6_header {
  static constexpr std::size_t size = wire::ipv6::header_size;
  static constexpr bool is_v4 = false;

  /// Writes a header without length. It has no checksum, so there is nothing to sum.
  [[nodiscard]] static u32 build(std::byte* at, const auto& way, u8 protocol) {
    wire::ipv6 h;
    h.next_header = protocol;
    h.traffic_class = way.traffic_class;
    h.hop_limit = way.hop_limit != 0 ? way.hop_limit : default_hop_limit;
    h.source = way.local.v6();
    h.destination = way.remote.v6();
    h.emit(at);
    return 0;
  }
  static void patch(std::byte* at, std::size_t total, u32) { store_be<u16>(at + 4, static_cast<u16>(total - size)); }
  /// RFC 2464 §7: 33:33 and the low 32 bits of the group.
  [[nodiscard]] static constexpr mac_address group_mac(const ipv6_address& to) {
    const u32 a = static_cast<u32>(to.low);
    return {{0x33, 0x33, static_cast<u8>(a >> 24), static_cast<u8>(a >> 16), static_cast<u8>(a >> 8), static_cast<u8>(a)}};
  }
};

template <config C> class v6 : public addresses<C, v6_header> {
  using base = addresses<C, v6_header>;
  using out = output<C, v6_header>;

 public:
  using address = typename C::family::address;
  using path = path_of<C>;
  using moment = time_point<typename C::tick>;
  static constexpr std::size_t header_size = wire::ipv6::header_size;
  static constexpr u16 ethertype = wire::ethertype::ipv6;
  static_assert(address::bits == 128, "ip::v6 needs family only_v6 or dual");

  /// Whether packets to `a` are ours to send.
  [[nodiscard]] static constexpr bool carries(const address& a) { return !a.is_v4(); }

  /// Fills local (if unset), next hop, link and mtu of `way`. False: no route, or `way.local` is not ours.
  [[nodiscard]] bool route(links<address> auto&& below, path& way) { return out_.route(below, way, count_); }
  /// Sends a transport's packet. unreachable: no route or no neighbour; dropped: over the MTU, or eaten below.
  [[nodiscard]] sent send(links<address> auto&& below, path& way, packet&& p, u8 protocol) { return out_.send(below, way, std::move(p), protocol, count_); }

  /// A packet whose link header is off. What is for a transport is pulled to the transport's header and trimmed. Linux: ipv6_rcv.
  [[nodiscard]] finding<address> on_packet(links<address> auto&& below, packet& p, arrival came, moment now) {
    ++count_.in_receives;
    below.observe({.what = trace::step::ip_parse, .bytes = static_cast<u32>(p.size()), .chunk = p->home->name(p.d())});
    const std::size_t came_bytes = buffer::received_bytes<decltype(below)>(p);
    const auto h = wire::ipv6::parse(p.bytes(), came_bytes);
    if (!h) [[unlikely]] {
      const auto bytes = p.bytes();
      if (bytes.size() >= header_size && static_cast<u8>(bytes[0]) >> 4 == 6) ++count_.in_truncated_pkts;
      else ++count_.in_hdr_errors;
      return {};
    }
    auto what = passing_of(p, *h, came);
    if (!out_.template passes<point::prerouting>(below, what, p, now)) return {};
    datagram_info<address> info;
    info.local = h->destination;
    info.remote = h->source;
    info.protocol = h->next_header;
    info.link = came.link;
    info.ecn = h->ecn();
    // RFC 4291 §2.5.2, §2.5.3, §2.7: never a source on a link. IPv4 in IPv6 clothes would get around IPv4's checks.
    constexpr u8 loopback = loopback_link<decltype(below)>;
    const bool is_from_us = loopback != no_link && came.link == loopback;
    if (is_from_us ? !is_one_of_us(info.remote) : !info.remote.is_unicast() || info.remote.is_loopback() || info.remote.is_v4() || out_.routes.is_ours(info.remote)) {
      ++count_.in_martian_src;
      return {};
    }
    bool is_ours = C::strong_host ? out_.routes.of_local(info.local, came.link) != nullptr : out_.routes.is_ours(info.local);
    if constexpr (loopback != no_link) is_ours = is_from_us ? is_one_of_us(info.local) : is_ours && !info.local.is_loopback();
    info.is_broadcast = !is_ours && info.local.is_multicast() && !info.local.is_v4();
    if (is_ours ? came.is_broadcast : !info.is_broadcast) {
      ++count_.in_addr_errors;
      return {};
    }
    p->network = p->offset;
    if (!buffer::trim_received<decltype(below)>(p, header_size + h->payload_length, came_bytes)) {
      ++count_.in_hdr_errors;
      return {};
    }
    p.pull(header_size);
    p->transport = p->offset;
    p->link = came.link;
    if (!is_for_a_transport(h->next_header)) {
      ++count_.in_unknown_protos;
      return {};
    }
    if (!out_.template passes<point::input>(below, what, p, now)) return {};
    ++count_.in_delivers;
    finding<address> f;
    f.is = finding<address>::what::datagram;
    f.info = info;
    return f;
  }

  /// There is no ICMPv6 to say it with: counted only.
  void send_error(links<address> auto&&, const datagram_info<address>&, const packet&, icmp_error_kind kind, moment) {
    if (kind == icmp_error_kind::protocol_unreachable) ++count_.in_unknown_protos;
  }

  /// The error of the next turn for a packet of ours, IP header in front, that will not leave.
  [[nodiscard]] static std::optional<network_error<address>> failure(std::span<const std::byte> bytes) {
    const auto h = wire::ipv6::parse(bytes);
    if (!h || bytes.size() < header_size + sizeof(network_error<address>::quoted)) return {};
    network_error<address> e;
    e.local = h->source;
    e.remote = h->destination;
    e.protocol = h->next_header;
    e.kind = icmp_error_kind::host_unreachable;
    e.is_local = true;
    copy_bytes(e.quoted, bytes.data() + header_size, sizeof e.quoted);
    return e;
  }

  [[nodiscard]] const hook_counters& hooks_counted() const requires(!out::hook_list::is_empty) { return out_.hooks.counted(); }
  /// The I-th hook of the Config: IPv6's own.
  template <std::size_t I> [[nodiscard]] auto& hook() { return out_.hooks.template get<I>(); }

  [[nodiscard]] constexpr const counters& counted() const { return count_; }

 private:
  [[nodiscard]] STRATA_ALWAYS_INLINE static auto passing_of(const packet& p, const wire::ipv6& h, arrival came) requires(!out::hooks_to_us) { return (void)p, (void)h, (void)came, nothing_passes{}; }
  [[nodiscard]] static auto passing_of(const packet& p, const wire::ipv6& h, arrival came) requires(out::hooks_to_us) {
    passing<address> what{.protocol = h.next_header, .in = came.link, .source = h.source, .destination = h.destination, .bytes = h.payload_length};
    what.read_transport(p.bytes().subspan(header_size));
    return what;
  }
  /// Extension headers (RFC 8200 §4), ICMPv6 (58) and "no next header" (59) are not.
  [[nodiscard]] static constexpr bool is_for_a_transport(u8 next_header) {
    switch (next_header) {
      case 0: case 43: case 44: case 50: case 51: case 58: case 59: case 60: case 135: case 139: case 140: return false;
      default: return true;
    }
  }

  using base::out_;
  using base::is_one_of_us;
  counters count_{};
};

}  // namespace strata::inline STRATA_ABI::ip
