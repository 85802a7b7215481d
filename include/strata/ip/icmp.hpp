// SPDX-License-Identifier: MIT
// ICMP for IPv4 (RFC 792) as a host speaks it (RFC 1122 §3.2.2): answers echoes, reads errors about what we sent, sends errors about what came.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/ip/output.hpp>
#include <strata/ip/token_bucket.hpp>
#include <strata/wire/icmpv4.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Named as in /proc/net/snmp (Icmp:).
struct icmp_counters {
  u32 in_msgs = 0;
  u32 in_errors = 0;          ///< too short, or an error that quotes nothing of ours
  u32 in_csum_errors = 0;
  u32 in_dest_unreachs = 0;
  u32 in_time_excds = 0;
  u32 in_parm_probs = 0;
  u32 in_echos = 0;
  u32 in_echo_reps = 0;
  u32 in_ignored = 0;         ///< kinds that a host passes over: source quench (RFC 6633 §3), redirect, timestamp, broadcast echoes
  u32 out_msgs = 0;
  u32 out_errors = 0;         ///< no chunk, no route
  u32 out_dest_unreachs = 0;
  u32 out_time_excds = 0;
  u32 out_parm_probs = 0;     ///< bad options
  u32 out_redirects = 0;      ///< of a router: there is a nearer one
  u32 out_echo_reps = 0;
  u32 out_rate_limit = 0;     ///< errors that the limit held back
};

/// The router that reports "fragmentation needed" without an MTU predates RFC 1191: the next plateau below the packet (RFC 1191 §7.1).
[[nodiscard]] constexpr u16 next_plateau(u16 total_length) {
  constexpr u16 plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
  for (const u16 p : plateaus)
    if (p < total_length) return p;
  return 68;
}

template <config C, class Header> class icmp {
 public:
  using address = typename C::family::address;
  using path = path_of<C>;
  using moment = time_point<typename C::tick>;
  using out = output<C, Header>;
  static constexpr u32 errors_per_second = 1000;  ///< Linux: icmp_msgs_per_sec
  static constexpr u32 error_burst = 50;          ///< Linux: icmp_msgs_burst
  static constexpr std::size_t most_quoted = 576 - 20 - wire::icmpv4::header_size;  ///< RFC 1812 §4.3.2.3

  /// A message, pulled to its ICMP header. Echo requests are answered here; an error that concerns a transport is handed up.  Linux: icmp_rcv.
  [[gnu::noinline]] void on_message(links<address> auto&& below, out& down, packet& p, counters& ip_count, finding<address>& f) {
    const datagram_info<address>& info = f.info;
    using type = wire::icmpv4::type_of;
    ++count_.in_msgs;
    const auto m = wire::icmpv4::parse(p.bytes());
    if (!m) {
      ++count_.in_errors;
      return;
    }
    const auto is_valid = [&] {
      if constexpr (buffer::may_be_trains<decltype(below)>)
        if (buffer::is_train(p.d())) return fold(buffer::train_sum(p.d())) == 0xffff;
      return checksum_is_valid(p.bytes());
    };
    if (!is_valid()) {
      ++count_.in_csum_errors;
      return;
    }
    switch (m->type) {
      case type::echo_request:
        ++count_.in_echos;
        // RFC 1122 §3.2.2.6: a broadcast echo may be passed over, and is: the answers of many would be an amplifier.
        if (info.is_broadcast) ++count_.in_ignored;
        else answer(below, down, p, info, *m, ip_count);
        return;
      case type::echo_reply: ++count_.in_echo_reps; return;
      case type::unreachable: ++count_.in_dest_unreachs; break;
      case type::time_exceeded: ++count_.in_time_excds; break;
      case type::parameter_problem: ++count_.in_parm_probs; break;
      default: ++count_.in_ignored; return;
    }
    error_in(down, p, *m, f);
  }

  /// An error about the received packet `p`, whose IP header stands at p->network. Never about a broadcast, a fragment behind the first, an error
  /// (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7); at most `errors_per_second`. Kinds: protocol_unreachable, port_unreachable, host_unreachable, prohibited; of a
  /// router net_unreachable, time_exceeded, packet_too_big with its mtu as `rest` and redirect with the gateway as that, too; parameter_problem with a pointer in
  /// its high byte. From info.local, or if that is unspecified from the address of the link that it leaves by (RFC 1812 §4.3.2.4).  Linux: icmp_send.
  void send_error(links<address> auto&& below, out& down, const datagram_info<address>& info, const packet& p, icmp_error_kind kind, moment now, counters& ip_count, u32 rest = 0) {
    const auto told = message_for(kind);
    if (!told || info.is_broadcast || !info.remote.is_unicast() || is_about_an_error(info, p)) return;
    if (!bucket_.take(now)) {
      ++count_.out_rate_limit;
      return;
    }
    packet reply = below.take();
    if (!reply) {
      ++count_.out_errors;
      return;
    }
    const std::span<std::byte> room = reply.room();
    std::size_t quote = static_cast<std::size_t>(p->offset + p->length - p->network);
    if (quote > most_quoted) quote = most_quoted;
    if (quote > room.size() - wire::icmpv4::header_size) quote = room.size() - wire::icmpv4::header_size;
    const u32 quoted = copy_and_sum(room.data() + wire::icmpv4::header_size, p->chunk + p->network, quote);
    wire::icmpv4 m = *told;
    m.rest = rest;
    m.checksum = static_cast<u16>(~fold(m.word_sum() + quoted));
    m.emit(room.data());
    reply.extend(wire::icmpv4::header_size + quote);
    path way = way_back(info);
    if (!post(below, down, std::move(reply), way, ip_count)) return;
    if constexpr (C::limits.fragments != 0 || C::forwards) {
      if (m.type == wire::icmpv4::type_of::parameter_problem) return void(++count_.out_parm_probs);
    }
    if constexpr (C::forwards) {
      if (m.type == wire::icmpv4::type_of::redirect) return void(++count_.out_redirects);
    }
    if (m.type == wire::icmpv4::type_of::time_exceeded) ++count_.out_time_excds;
    else ++count_.out_dest_unreachs;
  }

  [[nodiscard]] constexpr const icmp_counters& counted() const { return count_; }

 private:
  [[nodiscard]] static constexpr std::optional<wire::icmpv4> message_for(icmp_error_kind kind) {
    using type = wire::icmpv4::type_of;
    using code = wire::icmpv4::code_of;
    switch (kind) {
      case icmp_error_kind::protocol_unreachable: return wire::icmpv4{type::unreachable, code::protocol};
      case icmp_error_kind::port_unreachable: return wire::icmpv4{type::unreachable, code::port};
      case icmp_error_kind::host_unreachable: return wire::icmpv4{type::unreachable, code::host};
      case icmp_error_kind::prohibited: return wire::icmpv4{type::unreachable, code::filtered};
      default: break;
    }
    if constexpr (C::limits.fragments != 0 || C::forwards) {
      if (kind == icmp_error_kind::parameter_problem) return wire::icmpv4{type::parameter_problem, 0};
    }
    if constexpr (C::limits.fragments != 0) {
      if (kind == icmp_error_kind::reassembly_time_exceeded) return wire::icmpv4{type::time_exceeded, 1};
    }
    if constexpr (C::forwards) {
      switch (kind) {
        case icmp_error_kind::net_unreachable: return wire::icmpv4{type::unreachable, code::net};
        case icmp_error_kind::packet_too_big: return wire::icmpv4{type::unreachable, code::fragmentation_needed};
        case icmp_error_kind::time_exceeded: return wire::icmpv4{type::time_exceeded, 0};
        case icmp_error_kind::redirect: return wire::icmpv4{type::redirect, 1};  // for the host: RFC 1812 §5.2.7.2
        default: break;
      }
    }
    return {};
  }
  /// Of a message of ICMP that went through, or that was not whole in time, somebody may be told, unless it is an error itself or cannot be seen.
  [[nodiscard]] static bool is_about_an_error(const datagram_info<address>& info, const packet& p) {
    if (info.protocol != wire::icmpv4::protocol) return false;
    if constexpr (C::forwards || C::limits.fragments != 0) {
      const auto h = wire::ipv4::parse_quoted({p->chunk + p->network, static_cast<std::size_t>(p->offset + p->length - p->network)});
      if (!h || h->fragment_offset != 0) return true;
      const std::size_t at = static_cast<std::size_t>(p->network) + h->header_length, end = static_cast<std::size_t>(p->offset) + p->length;
      const auto m = wire::icmpv4::parse({p->chunk + at, end - at});
      return !m || m->is_error();
    }
    (void)p;
    return true;
  }

  /// RFC 1122 §3.2.2.6: the same data goes back, from the address that was asked. In the chunk that it came in, if that is ours alone; else in a copy.
  void answer(links<address> auto&& below, out& down, packet& p, const datagram_info<address>& info, const wire::icmpv4& request, counters& ip_count) {
    path way = way_back(info);
    if (!down.route(below, way, ip_count)) {
      ++count_.out_errors;
      return;
    }
    if constexpr (C::limits.fragments != 0) {
      const u32 bytes = static_cast<u32>(buffer::received_bytes<decltype(below)>(p));
      if (bytes + Header::size > way.mtu) return answer_in_fragments(below, down, p, bytes, way, request, ip_count);
    }
    packet reply;
    if (p.writable() && p->offset >= below.link_header_size(way.link) + Header::size) {
      if (p.as() == buffer::owner::holder) {
        reply = p.share(buffer::owner::application);
        p.reset();
      } else {
        reply = std::move(p);
      }
    } else {
      reply = below.take();
      if (!reply || reply.room().size() < p.size()) {
        ++count_.out_errors;
        return;
      }
      copy_bytes(reply.room().data(), p.bytes().data(), p.size());
      reply.extend(p.size());
    }
    reply_to(request).emit(reply.writable_bytes().data());
    if (post(below, down, std::move(reply), way, ip_count)) ++count_.out_echo_reps;
  }

  [[nodiscard]] static wire::icmpv4 reply_to(const wire::icmpv4& request) {
    wire::icmpv4 m = request;
    m.type = wire::icmpv4::type_of::echo_reply;
    m.checksum = checksum_update(request.checksum, u16{wire::icmpv4::type_of::echo_request} << 8, u16{wire::icmpv4::type_of::echo_reply} << 8);
    if (m.checksum == 0) m.checksum = 0xffff;  // its equal, and the only right one of a reply that is zeros throughout (RFC 1624 §3)
    return m;
  }
  /// What came in fragments goes back in such.
  STRATA_OFF_PATH void answer_in_fragments(links<address> auto&& below, out& down, packet& p, u32 bytes, path& way, const wire::icmpv4& request, counters& ip_count) {
    const auto fill = [&](std::byte* to, u32 from, u32 n) {
      u32 at = 0;  // of the part's first byte
      buffer::each_part(p.d(), [&](const buffer::descriptor& d) {
        const u32 first = from > at ? from - at : 0, end = from + n > at ? from + n - at : 0, last = end < d.length ? end : d.length;
        if (first < last) copy_bytes(to + (at + first - from), d.chunk + d.offset + first, last - first);
        at += d.length;
      });
      if (from == 0) reply_to(request).emit(to);
    };
    const sent became = down.send_long(below, way, bytes, wire::icmpv4::protocol, fill, ip_count);
    if (became != sent::sent && became != sent::queued) return (void)++count_.out_errors;
    ++count_.out_msgs;
    ++count_.out_echo_reps;
  }

  [[nodiscard]] static path way_back(const datagram_info<address>& info) {
    path way{};
    way.local = info.local;
    way.remote = info.remote;
    return way;
  }
  bool post(links<address> auto&& below, out& down, packet&& p, path& way, counters& ip_count) {
    const sent became = down.send(below, way, std::move(p), wire::icmpv4::protocol, ip_count);
    if (became != sent::sent && became != sent::queued) {
      ++count_.out_errors;
      return false;
    }
    ++count_.out_msgs;
    return true;
  }

  /// RFC 1122 §3.2.2.1: the transport that sent what is quoted is told, if it was really we who sent it.
  void error_in(const out& down, const packet& p, const wire::icmpv4& m, finding<address>& f) {
    const auto quoted = wire::icmpv4::quoted(p.bytes());
    const auto kind = m.kind();
    if (!quoted || !kind || f.info.is_broadcast || !down.routes.is_ours(Header::widen(quoted->header.source))) {
      ++count_.in_errors;
      return;
    }
    f.is = finding<address>::what::error;
    f.error.local = Header::widen(quoted->header.source);
    f.error.remote = Header::widen(quoted->header.destination);
    f.error.protocol = quoted->header.protocol;
    f.error.kind = *kind;
    if (*kind == icmp_error_kind::packet_too_big) {
      const u16 mtu = m.next_hop_mtu() != 0 ? m.next_hop_mtu() : next_plateau(quoted->header.total_length);
      f.error.mtu = mtu < 68 ? u16{68} : mtu;  // RFC 791 §3.2: every link carries 68
    }
    copy_bytes(f.error.quoted, quoted->transport.data(), sizeof f.error.quoted);
  }

  icmp_counters count_{};
  token_bucket<typename C::tick, errors_per_second, error_burst> bucket_{};
};

}  // namespace strata::inline STRATA_ABI::ip
