// SPDX-License-Identifier: MIT
// A router's part (RFC 1812 §5): what is not for us goes on to its next hop, one hop older; what cannot is dropped, and its sender told.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/ip/fragment.hpp>
#include <strata/ip/icmp.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Named as in /proc/net/snmp (Ip:); a packet over the MTU with DF counts as frag_fails of ip::counters.
struct router_counters {
  tally out_forw_datagrams = 0;  ///< went on
  tally out_discards = 0;        ///< no chunk, a full ring, a neighbour that is nowhere
  tally frag_creates = 0;        ///< fragments that were made of packets over the MTU
  tally frag_oks = 0;            ///< packets that they were made of
};

template <config C, class Header> class forwarder {
 public:
  using address = typename C::family::address;
  using path = path_of<C>;
  using moment = time_point<typename C::tick>;
  using out = output<C, Header>;
  using errors = icmp<C, Header>;

  /// The packet `p`, its header `h` in front, which came for somebody else. Whoever sent it hears of what went wrong, if that is anything that he may hear of.
  /// Linux: ip_forward.
  [[gnu::noinline]] void on_packet(links<address> auto&& below, out& down, errors& icmp, packet& p, const wire::ipv4& h, arrival came, moment now, counters& count) {
    if constexpr (buffer::may_be_trains<decltype(below)>) {
      if (buffer::is_joined(p.d())) {  // a driver of a router hands up packets as they came
        buffer::drop_parts(p);
        ++count_.out_discards;
        return;
      }
    }
    p->network = p->offset;
    out::note(below, trace::step::forward, p);
    const datagram_info<address> who{.local = {}, .remote = Header::widen(h.source), .protocol = h.protocol, .link = came.link, .is_broadcast = came.is_broadcast || h.fragment_offset != 0};
    const auto refuse = [&](icmp_error_kind kind, u16 mtu = 0) { icmp.send_error(below, down, who, p, kind, now, count, mtu); };
    if (came.is_broadcast) {  // RFC 1812 §5.3.4: a packet that came to all on the link is not sent on
      ++count.in_addr_errors;
      return;
    }
    if (h.ttl <= 1) {  // RFC 1812 §5.3.1
      ++count.in_hdr_errors;
      return refuse(icmp_error_kind::time_exceeded);
    }
    path way{};
    way.remote = Header::widen(h.destination);
    if (!down.route_for(below, way, who.remote, h.type_of_service, count)) return refuse(icmp_error_kind::net_unreachable);
    passing<address> what{.protocol = h.protocol, .in = came.link, .out = way.link, .source = who.remote, .destination = way.remote, .bytes = h.payload_length()};
    if constexpr (out::hooks_at(point::forward) || out::hooks_at(point::postrouting)) {
      if (h.fragment_offset == 0) what.read_transport(p.bytes().subspan(h.header_length));
    }
    if (!down.template passes<point::forward>(below, what, p, now)) return;
    if (h.total_length > way.mtu && h.dont_fragment) {
      ++count.frag_fails;
      return refuse(icmp_error_kind::packet_too_big, way.mtu);  // RFC 1191 §4
    }
    if (way.link == came.link && is_near(down, who.remote, way)) icmp.send_error(below, down, who, p, icmp_error_kind::redirect, now, count, way.next_hop.v4().value);
    p.trim(h.total_length);
    if (!make_ours(below, p, below.link_header_size(way.link))) {
      ++count_.out_discards;
      return;
    }
    complete_checksum(p, h);
    std::byte* const at = p.writable_bytes().data();
    const u16 before = load_be<u16>(at + 8);
    at[8] = static_cast<std::byte>(h.ttl - 1);
    store_be<u16>(at + wire::ipv4::checksum_offset, checksum_update(load_be<u16>(at + wire::ipv4::checksum_offset), before, load_be<u16>(at + 8)));
    if (!down.template passes<point::postrouting>(below, what, p, now)) return;
    ++count_.out_forw_datagrams;
    if (h.total_length <= way.mtu) {
      if (!send(below, way, std::move(p))) ++count_.out_discards;
      return;
    }
    const bool are_all = each_fragment(below, p, h_of(p), way.mtu, [&](packet&& part) {
      ++count_.frag_creates;
      out::note(below, trace::step::fragment, part);
      return send(below, way, std::move(part));
    });
    if (are_all) ++count_.frag_oks;
    else ++count_.out_discards;
  }

  /// A packet of others that waited for its neighbour and will not leave: its sender hears of it (RFC 1812 §5.2.7.1). IP header in front.  Linux: ipv4_link_failure.
  void on_undelivered(links<address> auto&& below, out& down, errors& icmp, packet& p, moment now, counters& count) {
    const auto h = wire::ipv4::parse(p.bytes());
    if (!h) return;
    p->network = p->offset;
    ++count_.out_discards;
    icmp.send_error(below, down, {.local = {}, .remote = Header::widen(h->source), .protocol = h->protocol, .is_broadcast = h->fragment_offset != 0}, p,
                    icmp_error_kind::host_unreachable, now, count);
  }

  [[nodiscard]] const router_counters& counted() const { return count_; }

 private:
  /// Whether the sender has the next hop on a network of its own, and may go there itself (RFC 1812 §5.2.7.2).  Linux: IPSKB_DOREDIRECT.
  [[nodiscard]] static bool is_near(const out& down, const address& sender, const path& way) {
    const auto* const r = down.routes.best(sender);
    return r != nullptr && r->is_connected && r->link == way.link && r->to.contains(way.next_hop);
  }
  /// A received packet becomes one to send: the same chunk, if it is ours alone and has room for the link header in front, else a copy. False: there is no chunk.
  [[nodiscard]] static bool make_ours(auto&& below, packet& p, u32 link_header) {
    if (p.writable() && p->offset >= link_header) {
      if (p.as() == buffer::owner::holder) {
        packet mine = p.share(buffer::owner::application);
        p.reset();
        p = std::move(mine);
      }
      return true;
    }
    packet copy = below.take();
    if (!copy || copy.room().size() < p.size()) return false;
    copy_bytes(copy.room().data(), p.bytes().data(), p.size());
    copy.extend(p.size());
    copy->flags = static_cast<u8>(copy->flags | (p->flags & buffer::descriptor::checksum_partial));
    p = std::move(copy);
    return true;
  }
  /// What never left this machine may have the sum of the pseudo-header alone where its checksum belongs; on a real link it needs a whole one.
  static void complete_checksum(const packet& p, const wire::ipv4& h) {
    if ((p->flags & buffer::descriptor::checksum_partial) == 0) return;
    p->flags = static_cast<u8>(p->flags & ~buffer::descriptor::checksum_partial);
    constexpr u8 tcp = 6, udp = 17;
    const std::size_t at = h.protocol == tcp ? 16 : 6;
    const std::span<std::byte> transport = p.writable_bytes().subspan(h.header_length);
    if ((h.protocol != tcp && h.protocol != udp) || h.is_fragment() || transport.size() < at + 2) return;
    const u32 pseudo = pseudo_header_sum(h.source, h.destination, h.protocol, static_cast<u32>(transport.size()));
    if (load_be<u16>(transport.data() + at) != fold(pseudo)) return;
    const u16 whole = static_cast<u16>(~fold(ones_sum(transport)));
    store_be<u16>(transport.data() + at, whole == 0 ? u16{0xffff} : whole);
  }
  [[nodiscard]] static wire::ipv4 h_of(const packet& p) {
    wire::ipv4 h;
    (void)wire::ipv4::read(p.bytes(), h);
    return h;
  }
  [[nodiscard]] static bool send(auto&& below, const path& way, packet&& p) {
    p->link = way.link;
    const auto neighbour = below.resolve(way.link, way.next_hop);
    if (!neighbour) {
      const sent became = below.hold(std::move(p), way.next_hop);
      return became == sent::queued || became == sent::sent;
    }
    below.emit_link_header(way.link, p.push(below.link_header_size(way.link)), neighbour->mac, Header::is_v4);
    return below.post(std::move(p)) == sent::sent;
  }

  struct nothing {};
  [[no_unique_address]] std::conditional_t<C::forwards, router_counters, nothing> count_{};
};

}  // namespace strata::inline STRATA_ABI::ip
