// SPDX-License-Identifier: MIT
// Keep-alives: RFC 9293 §3.8.4. An application asks for them (option::keep_alive); a peer that says nothing is probed, and one lost probe proves nothing.
// Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> void layer<C>::start_keep_alive(connection& c, time_point now)
  requires(C::keep_alive)
{
  if (!c.alive.option.value || c.state == state::closed || c.state == state::syn_sent || c.state == state::syn_received) return;
  c.alive.unanswered = 0;
  const time_point at = c.alive.last_heard + duration::from_ms(1000u * c.alive.option.idle_s);
  arm(c, keep_alive_timer, at.is_before(now) ? now : at);
}

/// Linux: tcp_keepalive_timer.
template <config C> template <class B> void layer<C>::on_keep_alive_timer(B&& below, connection& c, time_point now) {
  const duration idle = duration::from_ms(1000u * c.alive.option.idle_s), silent = now.since(c.alive.last_heard);
  if (is_over(c)) return;
  if (silent < idle) {  // something came
    c.alive.unanswered = 0;
    arm(c, keep_alive_timer, c.alive.last_heard + idle);
    return;
  }
  if (c.snd_una != c.snd_nxt || c.send_next != 0) {  // the retransmission timer or the probes of a closed window find out (RFC 9293 §3.8.4)
    arm(c, keep_alive_timer, now + idle);
    return;
  }
  if (c.alive.unanswered >= c.alive.option.probes) {
    send_reset(below, c, now);
    end(below, c, close_reason::timed_out);
    return;
  }
  if (c.alive.unanswered == 0) c.why = close_reason::none;  // what ICMP said before the peer fell silent is no reason
  ++c.alive.unanswered;
  ++counters_.keep_alive_probes;
  (void)send_control(below, c, c.snd_una - 1, wire::tcp::flag::ack, now);  // one number before the window: it must be answered
  arm(c, keep_alive_timer, now + duration::from_ms(1000u * c.alive.option.interval_s));
}

}  // namespace strata::inline STRATA_ABI::tcp
