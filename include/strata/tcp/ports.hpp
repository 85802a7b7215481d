// SPDX-License-Identifier: MIT
// Which local port a connection gets that asks for none: RFC 6056 §3.3.4, per pair of addresses and remote port. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

/// The double-hash algorithm, with small random increments as Linux has them. From where the last search for this bucket ended, ports are looked at one after
/// the other: no more can be taken than there are records, so one more look than that finds a free one, if there is one. With nearly all taken that is the
/// whole range: first by hashes alone, which costs no look at the records, and once more for a port whose hash another record happens to have.
/// Linux: inet_autobind, __inet_hash_connect.
template <config C> template <class B>
std::optional<u16> layer<C>::choose_port(B&& below, const address& local, const address& remote, u16 remote_port, time_point now) {
  constexpr u32 first = limits_.first_local_port, count = limits_.last_local_port - first + 1u;
  static_assert(limits_.first_local_port != 0 && limits_.first_local_port <= limits_.last_local_port, "limits.first_local_port to last_local_port is no range of ports");
  constexpr u32 holders = limits_.connections + limits_.syn_slots + limits_.time_wait + limits_.listeners + limits_.explicit_ports;
  constexpr u32 tries = owns_some_ports<B> ? count : smaller_of(holders + 1, count);
  const pair asks{local, remote, 0, remote_port};
  if constexpr (remembers_no_port) {
    const exhausted_ports<C>& known = no_port_;
    if (known.is_known && known.freed == ports_freed_.count && known.who == asks && (time_wait_count_ == 0 || known.at.count == now.count)) return {};
  }
  const u64 h = siphash(port_key_, hash_of(asks));
  u32& steps = port_steps_[static_cast<u32>(h) % (sizeof port_steps_ / sizeof *port_steps_)];
  steps += 1 + static_cast<u32>(below.random() & 7);
  u32 at = (static_cast<u32>(h >> 32) + steps) % count;
  for (const bool by_hash : {true, false}) {
    for (u32 n = 0; n < tries; ++n) {
      const u16 port = static_cast<u16>(first + at);
      const pair who{local, remote, port, remote_port};
      if (may_choose_port(below, port) && (by_hash ? seems_free(who, now) : is_free(who, now)) && find_listener(local, port) == nullptr && !explicit_ports_.has(port)) {
        steps += n;
        return port;
      }
      if (++at == count) at = 0;
    }
  }
  if constexpr (remembers_no_port) no_port_ = {asks, ports_freed_.count, now, true};
  return {};
}

/// A name is free again: what is remembered of a search that found nothing is void. So it is once time has passed over a record in TIME-WAIT.
template <config C> STRATA_ALWAYS_INLINE inline void layer<C>::freed_a_name() {
  if constexpr (remembers_no_port) ++ports_freed_.count;
}
/// The same as is_free(), but true only if no connection, and nothing half-open, has as much as the hash.
template <config C> bool layer<C>::seems_free(const pair& who, time_point now) const {
  return !table_.find(static_cast<u32>(hash_of(who)), [&](u32 value) { return static_cast<kind>(value >> 30) != kind::time_wait || !is_free(who, now); });
}
/// Whether a connection of ours may have this name: nobody has it, or only a record in TIME-WAIT that it may follow.
template <config C> bool layer<C>::is_free(const pair& who, time_point now) const {
  const auto found = lookup(who);
  return !found || may_follow(*found, now);
}

/// RFC 6191 §2, from the side that opens: with timestamps in both lives the peer tells them apart, since our clock has gone on. The sequence numbers of the
/// new life begin above those of the old one in any case: see connect(). Linux: tcp_twsk_unique, which waits a second too.
template <config C> bool layer<C>::may_follow(u32 value, time_point now) const {
  if constexpr (!timestamps || limits_.time_wait == 0) return (void)value, (void)now, false;
  else {
    if (static_cast<kind>(value >> 30) != kind::time_wait) return false;
    const record& r = anchored(records_[value & 0x3fff'ffff]);
    return r.has_timestamps && (now + (time_wait_length - duration::seconds(1))).reached(r.expires);
  }
}

}  // namespace strata::inline STRATA_ABI::tcp
