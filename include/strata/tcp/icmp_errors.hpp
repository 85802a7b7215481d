// SPDX-License-Identifier: MIT
// Errors about segments of ours: from ICMP, or from a neighbour that failed. RFC 9293 §3.9.2.2, RFC 5927, RFC 1191, RFC 8201. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// RFC 9293 §3.9.2.2 and RFC 5927 §4: an error counts only if it quotes what is outstanding; soft ones end nothing once the connection stands.
template <config C> template <class B> std::optional<stream_events> layer<C>::on_error(B&& below, const error_type& e, time_point now) {
  const u16 local_port = load_be<u16>(e.quoted), remote_port = load_be<u16>(e.quoted + 2);
  const serial32 seq{load_be<u32>(e.quoted + 4)};
  const auto found = lookup({e.local, e.remote, local_port, remote_port});
  if (!found || static_cast<kind>(*found >> 30) != kind::connection) return {};
  connection& c = element(tcbs_, *found & 0x3fff'ffff);
  if constexpr (is_shared<C>) {
    if (is_held(c)) {
      ++backlog_counters_.errors_dropped;
      return {};
    }
  }
  if (!(c.snd_una <= seq && seq < c.snd_nxt)) {
    ++counters_.icmp_ignored;
    return {};
  }
  switch (e.kind) {
    case icmp_error_kind::packet_too_big: {  // RFC 1191 §6.4: a smaller segment size, no congestion
      const u32 headers = below.network_header_size(c.way) + 20 + (c.has_timestamps ? option_room : 0);
      if (!c.way.remote.is_v4() && e.mtu < 1280) break;  // RFC 8201 §4: no IPv6 link is smaller
      if (e.mtu < headers + least_mss || e.mtu - headers >= c.mss) break;
      c.way.mtu = e.mtu;
      if constexpr (requires { below.learn_path_mtu(c.way.remote, e.mtu); }) below.learn_path_mtu(c.way.remote, e.mtu);
      c.mss = static_cast<u16>(e.mtu - headers);
      if (c.in_recovery) c.in_recovery = false, c.congestion.on_recovered(c.snd_nxt - c.snd_una, c.mss);
      c.in_loss = true;
      c.recover = c.snd_nxt;
      c.resend = c.snd_una;
      add_to_turn(c);
      break;
    }
    default: {
      const bool is_hard = e.kind == icmp_error_kind::port_unreachable || e.kind == icmp_error_kind::protocol_unreachable;
      if (!is_hard) c.why = close_reason::unreachable;
      // RFC 5927 §5.2: once the connection stands a hard error is a soft one.
      if (c.state != state::syn_sent || !(is_hard || e.is_local || e.kind == icmp_error_kind::prohibited)) {
        raise(c, stream_events::error);
        break;
      }
      ++counters_.attempt_fails;
      end(below, c, is_hard ? close_reason::refused : close_reason::unreachable);
      break;
    }
  }
  (void)now;
  return {};
}

}  // namespace strata::inline STRATA_ABI::tcp
