// SPDX-License-Identifier: MIT
// The stack's own part of the way down: a chunk, an interface, the doorbell; and what could not be delivered.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

/// A transmit chunk, its frame starting where a transport header may, or nothing; the last ones are for receiving. Linux: tcp_stream_alloc_skb.
template <stack_config C> STRATA_ALWAYS_INLINE inline packet stack<C>::take() {
  if (pool_.available() <= C::limits.receive_reserve) {
    reclaim();
    if constexpr (has_slots) {
      if (pool_.available() <= C::limits.receive_reserve) slots_.trim();
    }
  }
  return pool_.take(network_headroom, C::limits.receive_reserve);
}
/// The smallest place in which `bytes` from its start fit: a slot, or a chunk.
template <stack_config C> packet stack<C>::take(u32 bytes) requires(C::limits.slots != 0) {
  packet p;
  if (bytes <= small_slot) p = slots_.small.take(network_headroom, C::limits.receive_reserve);
  else if (bytes <= 256) p = slots_.of_256.take(network_headroom, C::limits.receive_reserve);
  else if (bytes <= 512) p = slots_.of_512.take(network_headroom, C::limits.receive_reserve);
  return p ? std::move(p) : take();
}

template <stack_config C> STRATA_ALWAYS_INLINE inline sent stack<C>::post(packet&& p) {
  sent what = sent::dropped;
  interfaces_.at(p->link, [&](auto& i) STRATA_INLINE_LAMBDA { what = i.post(std::move(p), pool_, now_, watch()); });
  return what;
}

template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::reclaim() {
  interfaces_.each([&](auto, auto& i) STRATA_INLINE_LAMBDA { (void)i.reclaim(watch()); });
}

/// Rings where something was transmitted; a link that turns out to be down is told in the next turn, and images that lead there are built again.
template <stack_config C> void stack<C>::ring(bool at_once) {
  interfaces_.each([&](auto index, auto& i) {
    if (i.ring(now_, at_once, watch())) return;
    links_down_ = static_cast<u8>(links_down_ | 1u << index);
    add_to_do(news);
    changed();
  });
}

/// Later failures are input of the next turn: a bounded queue, never a call up from inside a call down.
template <stack_config C> void stack<C>::report(const network_error& e) {
  if (errors_in_ - errors_out_ == C::limits.errors) ++count_.errors_dropped;
  else errors_[errors_in_++ % C::limits.errors] = e, add_to_do(news);
}
/// Whether there is somebody who may have sent a packet of this protocol.
template <stack_config C> bool stack<C>::has_sender(u8 protocol) const {
  if constexpr (wiring::has_raws) {
    if (raws().overhears(protocol)) return true;
  }
  return transports_.any([&](auto, const auto& t) { return t.protocol == protocol; });
}
template <stack_config C> void stack<C>::report_undelivered(packet&& p) {
  networks_.each([&](auto, auto& ip) {
    const auto e = ip.failure(p.bytes());
    if (!e) return;
    if constexpr (C::forwards) {
      if (!ip.is_ours(e->local)) return keep_for_sender(p);
    }
    // Of answers to strangers' pings nobody wants to hear: they would fill the queue. Where it has two places they are not worth the code.
    if constexpr (C::limits.errors > 2) {
      if (!has_sender(e->protocol)) return;
    }
    report(*e);
  });
}
template <stack_config C> void stack<C>::keep_for_sender(packet& p) {
  if constexpr (C::forwards) {
    if (forwarded_.size() < C::limits.errors) forwarded_.push(std::move(p)), add_to_do(news);
    else ++count_.errors_dropped;
  }
}
/// A packet of others whose next hop is nowhere: its sender is told, a turn later than the neighbour cache knew.
template <stack_config C> bool stack<C>::next_undelivered() {
  if constexpr (C::forwards) {
    if (forwarded_.empty()) return false;
    packet p = forwarded_.pop(pool_);
    p.become(buffer::owner::application);
    networks_.each([&](auto, auto& ip) {
      if constexpr (requires { ip.on_undelivered(links{*this}, p, now_); }) ip.on_undelivered(links{*this}, p, now_);
    });
    return true;
  } else {
    return false;
  }
}

template <stack_config C> void stack<C>::observe(const trace::record& r) {
  if constexpr (C::observer::is_active) observer_.on(r);
  else (void)r;
}
template <stack_config C> void stack<C>::observe(trace::step what, const packet& p) {
  if constexpr (C::observer::is_active)
    observer_.on(p ? trace::record{.what = what, .bytes = p->length, .seq = p->seq, .chunk = p->home->name(p.d())} : trace::record{.what = what});
  else (void)what, (void)p;
}

}  // namespace strata::inline STRATA_ABI
