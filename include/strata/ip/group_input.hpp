// SPDX-License-Identifier: MIT
// The way up of a copy of what we sent to a group or to all. Included by v4.hpp.
#pragma once
#include <strata/ip/v4.hpp>

namespace strata::inline STRATA_ABI::ip {

/// It is from us, which nothing else that comes may be, and its header was sound when we wrote it. Who wants it is asked again: he may have left.
template <config C> STRATA_OFF_PATH auto v4<C>::on_copy(links<address> auto&& below, packet& p, moment now) -> finding<address> requires(has_groups) {
  ++count_.in_receives;
  finding<address> f;
  wire::ipv4 h;
  if (!wire::ipv4::read(p.bytes(), h)) return count_fault(p), f;
  const arrival came{p->link, true};
  auto what = passing_of(p, h, came);
  if (!out_.template passes<point::prerouting>(below, what, p, now)) return f;
  f.info.local = header::widen(h.destination);
  f.info.remote = header::widen(h.source);
  f.info.protocol = h.protocol;
  f.info.link = came.link;
  f.info.ecn = h.ecn();
  f.info.is_broadcast = true;
  if (f.info.local.is_multicast() && !groups_.takes(came.link, h.destination, h.source, h.protocol)) return f;
  if (h.is_fragment()) {
    if constexpr (reassembles) f.is = finding<address>::what::fragment;
    else ++count_.reasm_fails;
    return f;
  }
  p->network = p->offset;
  p.pull(h.header_length);
  hand_up(below, p, what, now, f);
  return f;
}

}  // namespace strata::inline STRATA_ABI::ip
