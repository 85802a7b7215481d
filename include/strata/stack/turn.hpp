// SPDX-License-Identifier: MIT
// One turn of a stack: begin, next until there is nothing more, end. next() and input() are the whole way up.
#pragma once
#include <strata/buffer/train.hpp>
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> void stack<C>::set_time(time_point now) {
  if (!has_time_) [[unlikely]] begin_time(now);
  else if (now.is_before(now_)) [[unlikely]] return void(++count_.time_ran_back);
  now_ = now;
}
/// The first time that the stack is told.
template <stack_config C> STRATA_OFF_PATH void stack<C>::begin_time(time_point now) {
  has_time_ = true;
  transports_.each([&](auto, auto& t) {
    if constexpr (requires { t.begin_time(now); }) t.begin_time(now);
  });
  interfaces_.each([&](auto, auto& i) {
    if constexpr (requires { i.neighbour.begin_time(now); }) i.neighbour.begin_time(now);
  });
  networks_.each([&](auto, auto& ip) {
    if constexpr (requires { ip.begin_time(now); }) ip.begin_time(now);
  });
}
template <stack_config C> void stack<C>::advance(time_point now) {
  const auto held = exclusion_.enter();
  (void)held;
  set_time(now);
}

template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::begin(time_point now, budget allowance) {
  if (is_polling_) [[unlikely]] {
    ++count_.busy_polls;
    return false;
  }
  is_polling_ = true;
  ++count_.polls;
  set_time(now);
  frames_left_ = events_left_ = 0;
  links_left_ = bound::all_links;
  left_ = static_cast<u8>(left_ & news);
  if (is_started_) [[likely]] {
    frames_left_ = allowance.frames;
    events_left_ = most_events;
    add_to_do(allowance.frames != 0 ? frames | timers : timers);
    interfaces_.each([&](auto, auto& i) { i.at(now_); });
    reclaim();
    if constexpr (has_groups) {
      if (any_copies(networks_, [](auto& c) { return c.begin_turn(); })) add_to_do(news);
    }
  }
  return true;
}

/// The next event, or none. Errors first, then frames and timers, then what they raised in the layers: a stream that got ten segments in this
/// turn is told once, and acknowledges once.
template <stack_config C> auto stack<C>::next() -> raised {
  raised r;
  while (left_ != 0) {
    if ((left_ & news) != 0) [[unlikely]] next_news(r);
    else if ((left_ & frames) != 0) input_batch(r);
    else if (!run_timers()) break;
    if (r.transport != raised::none) return r;
  }
  (void)next_pending(r);
  return r;
}
/// Whether next() would find something: what saves the call at the end of a turn.
template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::has_more() const {
  if (left_ != 0) return true;
  return transports_.any([](auto, const auto& t) STRATA_INLINE_LAMBDA {
    if constexpr (requires { t.has_pending(); }) return t.has_pending();
    else return true;
  });
}

/// What came about outside the way up: a link that went down, an error about something that we sent.
template <stack_config C> STRATA_OFF_PATH void stack<C>::next_news(raised& r) {
  if (!next_undelivered() && !next_copy(r) && !next_conflict(r)) {
    if (links_down_ != 0) next_link_down(r);
    else next_error(r);
  }
  if (!has_news()) is_done(news);
}
/// Frames of the batch, or of the next one, until one has something to tell that cannot wait.
template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::input_batch(raised& r) {
  if (batch_at_ == batch_size_) [[likely]]
    if (!receive()) [[unlikely]] return is_done(frames);
  do input(batch()[batch_at_++], r);
  while (batch_at_ != batch_size_ && frames_left_ != 0 && r.transport == raised::none && (left_ & news) == 0);
  if ((batch_at_ == batch_size_ && links_left_ == 0) || frames_left_ == 0) [[likely]] is_done(frames);
  transports_.each([&](auto, auto& t) STRATA_INLINE_LAMBDA {
    if constexpr (requires { t.end_of_batch(internet{*this}, now_); }) t.end_of_batch(internet{*this}, now_);
  });
}

template <stack_config C> bool stack<C>::next_conflict(raised& r) {
  if constexpr (bound::claims_own_addresses) {
    if (conflicts_.links == 0) return false;
    r.link = static_cast<u8>(__builtin_ctz(conflicts_.links) | raised::conflict);
    conflicts_.links = static_cast<u8>(conflicts_.links & (conflicts_.links - 1));
    r.transport = raised::from_stack;
    return true;
  } else {
    return (void)r, false;
  }
}
template <stack_config C> void stack<C>::next_link_down(raised& r) {
  while ((links_down_ >> r.link & 1) == 0) ++r.link;
  links_down_ = static_cast<u8>(links_down_ & ~(1u << r.link));
  r.transport = raised::from_stack;
}

template <stack_config C> void stack<C>::next_error(raised& r) {
  const network_error e = anchored(errors_[errors_out_++ % C::limits.errors]);
  (void)transports_.any([&](auto index, auto& t) {
    if constexpr (index == wiring::raws) return (void)t.on_error(internet{*this}, e, now_), false;  // its event follows: pending()
    if (t.protocol != e.protocol) return false;
    (void)r.take(index, [&] { return t.on_error(internet{*this}, e, now_); });
    return true;
  });
}

template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::next_pending(raised& r) {
  if (events_left_ == 0) [[unlikely]] return false;
  return transports_.any([&](auto index, auto& t) STRATA_INLINE_LAMBDA {
    if constexpr (requires { t.has_pending(); })
      if (!t.has_pending()) return false;
    if (!r.take(index, [&]() STRATA_INLINE_LAMBDA { return t.pending(internet{*this}, now_); })) return false;
    --events_left_;
    return true;
  });
}

/// The next batch of one interface, in turn; one that had less than a batch is not asked again in this poll. Linux: napi_poll.
template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::receive() {
  batch_at_ = batch_size_ = 0;
  if constexpr (bound::count == 1) {
    if (links_left_ == 0) [[unlikely]] return false;
    batch_size_ = static_cast<u32>(interfaces_.template get<0>().receive(pool_, {batch(), C::limits.batch}));
    links_left_ = batch_size_ == C::limits.batch ? bound::all_links : u8{0};
  } else {
    while (links_left_ != 0 && batch_size_ == 0) {
      batch_link_ = next_link_;
      next_link_ = static_cast<u8>((next_link_ + 1) % bound::count);
      if ((links_left_ >> batch_link_ & 1) == 0) continue;
      interfaces_.at(batch_link_, [&](auto& i) { batch_size_ = static_cast<u32>(i.receive(pool_, {batch(), C::limits.batch})); });
      if (batch_size_ < C::limits.batch) links_left_ = static_cast<u8>(links_left_ & ~(1u << batch_link_));
    }
  }
  return batch_size_ != 0;
}

/// The whole way up: link, neighbour or network, transport. Linux: __netif_receive_skb_core, ip_local_deliver_finish.
template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::input(packet& frame, raised& r) {
  packet p = std::move(frame);
  if (batch_at_ < batch_size_) [[unlikely]] __builtin_prefetch(batch()[batch_at_]->chunk + batch()[batch_at_]->offset);
  --frames_left_;
  ++count_.frames;
  p->link = batch_link_;
  observe(trace::step::receive, p);
  interfaces_.at(batch_link_, [&](auto& i) STRATA_INLINE_LAMBDA { from_link(i, p, r); });
  if constexpr (bound::hands_up_trains) {  // whoever took the head took its parts; else they are dropped with it, here and nowhere else
    if (p) buffer::drop_parts(p);
  }
}
template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::from_link(auto& i, packet& p, raised& r) {
  std::optional<link::received> in = i.parse(p);  // no const: g++ 12 keeps what is written once in memory
  if (!in) [[unlikely]] return;
  observe(trace::step::link_parse, p);
  if constexpr (bound::hands_up_trains) {
    if (in->carries == link::kind::arp) buffer::drop_parts(p);
  }
  if (in->carries == link::kind::arp) [[unlikely]] i.neighbour.on_arp(cache_below{*this, batch_link_}, p, now_);
  else to_network(*in, p, r);
}
template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::to_network(const link::received& in, packet& p, raised& r) {
  const bool is_known = networks_.any([&](auto, auto& ip) STRATA_INLINE_LAMBDA {
    if (ip.ethertype != link_type(in.carries)) return false;
    const ip::finding<address> found = ip.on_packet(links{*this}, p, ip::arrival{batch_link_, in.is_broadcast}, now_);
    if (found.is == ip::finding<address>::what::datagram) [[likely]] return deliver(found.info, p, r), true;
    if (found.is == ip::finding<address>::what::error) report(found.error);
    if constexpr (requires { ip.on_fragment(links{*this}, p, found, now_); }) {
      if (found.is == ip::finding<address>::what::fragment) [[unlikely]] complete(ip, p, found, r);
    }
    if constexpr (requires { ip.on_control(links{*this}, p, found, now_); }) {
      if (found.is == ip::finding<address>::what::control) [[unlikely]] control(ip, p, found);
    }
    return true;
  });
  if (!is_known) [[unlikely]] ++count_.no_network;
}
/// A fragment; if it was the last that was missing, the datagram goes on.
template <stack_config C> STRATA_OFF_PATH void stack<C>::complete(auto& ip, packet& p, const ip::finding<address>& part, raised& r) {
  const ip::finding<address> found = ip.on_fragment(links{*this}, p, part, now_);
  if (found.is == ip::finding<address>::what::datagram) deliver(found.info, p, r);
  if (found.is == ip::finding<address>::what::error) report(found.error);
  if constexpr (requires { ip.on_control(links{*this}, p, found, now_); }) {
    if (found.is == ip::finding<address>::what::control) control(ip, p, found);
  }
}
/// A message to ip itself, behind the raw sockets.
template <stack_config C> STRATA_OFF_PATH void stack<C>::control(auto& ip, packet& p, const ip::finding<address>& message) {
  (void)is_overheard(message.info, p);
  const ip::finding<address> found = ip.on_control(links{*this}, p, message, now_);
  if (found.is == ip::finding<address>::what::error) report(found.error);
}
/// Raw sockets get their copies; whether one is there for it.  Linux: raw_local_deliver.
template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::is_overheard(const datagram_info<address>& info, const packet& p) {
  if constexpr (wiring::has_raws) {
    return raws().overhears(info.protocol) && raws().on_overheard(internet{*this}, info, p);
  } else {
    return (void)info, (void)p, false;
  }
}
template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::deliver(const datagram_info<address>& info, packet& p, raised& r) {
  observe(trace::step::dispatch, p);
  const bool has_listener = is_overheard(info, p);
  const bool is_known = transports_.any([&](auto index, auto& t) STRATA_INLINE_LAMBDA {
    if (index == wiring::raws || t.protocol != info.protocol) [[unlikely]] return false;
    if constexpr (bound::hands_up_trains && !demand::takes_trains<decltype(t)>) {
      if (buffer::is_train(p.d())) return ++count_.unknown_protocol, true;
    }
    (void)r.take(index, [&]() STRATA_INLINE_LAMBDA { return t.on_datagram(internet{*this}, info, p, now_); });
    return true;
  });
  if (is_known || has_listener) [[likely]] return;
  ++count_.unknown_protocol;
  internet{*this}.refuse(info, p, icmp_error_kind::protocol_unreachable);
}

/// Once in a turn. False: nothing was due.
template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::run_timers() {
  is_done(timers);
  if (!has_due_timers()) [[likely]] return false;
  advance_timers();
  return true;
}
/// Layers that can tell cheaply that nothing is due are not asked to do it.
template <stack_config C> STRATA_ALWAYS_INLINE inline bool stack<C>::has_due_timers() const {
  const auto is_due = [&](auto, const auto& layer) STRATA_INLINE_LAMBDA {
    if constexpr (requires { layer.is_due(now_); }) return layer.is_due(now_);
    else return true;
  };
  return interfaces_.any([&](auto index, const auto& i) STRATA_INLINE_LAMBDA { return is_due(index, i.neighbour); }) || transports_.any(is_due) ||
         networks_.any([&](auto, const auto& ip) STRATA_INLINE_LAMBDA {
           if constexpr (requires { ip.is_due(now_); }) return ip.is_due(now_);
           else return false;
         });
}
template <stack_config C> STRATA_OFF_PATH void stack<C>::advance_timers() {
  interfaces_.each([&](auto index, auto& i) { i.neighbour.advance(cache_below{*this, static_cast<u8>(index)}, now_); });
  networks_.each([&](auto, auto& ip) {
    if constexpr (requires { ip.advance(links{*this}, now_); }) ip.advance(links{*this}, now_);
  });
  transports_.each([&](auto, auto& t) { t.advance(internet{*this}, now_); });
}

template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::finish(const raised& r) {
  ++count_.events;
  if (r.transport == raised::from_stack) [[unlikely]] return;
  transports_.at(r.transport, [&](auto& t) STRATA_INLINE_LAMBDA { t.finish(internet{*this}, r.template as<typename std::remove_reference_t<decltype(t)>::event>(), now_); });
}

template <stack_config C> STRATA_ALWAYS_INLINE inline void stack<C>::end() {
  is_polling_ = false;
  if (!is_started_) [[unlikely]] return;
  transports_.each([&](auto, auto& t) {
    if constexpr (requires { t.end_of_turn(internet{*this}, now_); }) t.end_of_turn(internet{*this}, now_);
  });
  interfaces_.each([&](auto, auto& i) { i.drain(pool_, now_, watch()); });
  ring(false);
}
template <stack_config C> bool stack<C>::idle() const {
  const auto held = exclusion_.enter();
  (void)held;
  bool layers_are_idle = true;
  transports_.each([&](auto, const auto& t) {
    if constexpr (requires { t.is_idle(); }) layers_are_idle = layers_are_idle && t.is_idle();
  });
  interfaces_.each([&](auto, const auto& i) { layers_are_idle = layers_are_idle && !i.has_waiting(); });
  if constexpr (has_groups) layers_are_idle = layers_are_idle && !any_copies(networks_, [](auto& c) { return !c.is_empty(); });
  return !is_started_ || !(!layers_are_idle || frames_left_ == 0 || events_left_ == 0 || batch_at_ != batch_size_ || (left_ & news) != 0);
}

template <stack_config C> auto stack<C>::next_deadline() const -> std::optional<time_point> {
  const auto held = exclusion_.enter();
  (void)held;
  std::optional<time_point> first;
  const auto consider = [&](const std::optional<time_point>& t) {
    if (t) first = first ? earlier_of(*first, *t) : *t;
  };
  if (!is_started_) return first;
  if (!idle()) consider(now_);
  transports_.each([&](auto, const auto& t) { consider(anchored(t).next_deadline()); });
  networks_.each([&](auto, const auto& ip) {
    if constexpr (requires { ip.next_deadline(); }) consider(ip.next_deadline());
  });
  interfaces_.each([&](auto, const auto& i) {
    consider(i.neighbour.next_deadline());
    consider(i.retry_at());
    consider(i.queue_deadline());
  });
  return first;
}

template <stack_config C> auto stack<C>::listener_of(const stream_events& e) -> listener {
  if constexpr (requires(const stream_layer& t) { t.listener_id(e.listener); }) return listener(*this, streams().listener_id(e.listener));
  else return listener(*this, {e.listener, 0});
}

/// The handler's part: one segment may open, deliver and finish at once; a handler may end the stream meanwhile, so look before each further event.
template <stack_config C> template <class H> void stack<C>::dispatch(const raised& r, H& h) {
  const auto tell = [&h](const auto& e) {
    if constexpr (handles<H, std::remove_cvref_t<decltype(e)>>) h(e);  // check_handler says what is missing: one error, not two
  };
  if (r.transport == raised::from_stack) [[unlikely]] {
    if constexpr (bound::claims_own_addresses) {
      if ((r.link & raised::conflict) != 0) {
        tell(error{.kind = event::error_kind::address_conflict, .link = static_cast<u8>(r.link & ~raised::conflict)});
        return;
      }
    }
    tell(error{.kind = event::error_kind::link_down, .link = r.link});
    return;
  }
  transports_.at(r.transport, [&](auto& t) {
    using E = typename std::remove_reference_t<decltype(t)>::event;
    const E& e = r.template as<E>();
    if constexpr (std::same_as<E, stream_events>) {
      const stream s(*this, e.id);
      observe(trace::record{.what = trace::step::event, .connection = e.id.index + 1});
      const auto still = [&](stream_events::bit b) {
        if constexpr (requires { t.may_tell(e.id, b); }) return (e.bits & b) != 0 && t.may_tell(e.id, b);
        else return (e.bits & b) != 0 && t.is_live(e.id);
      };
      // The usual event is `readable` alone: one look for all that come before it, and one for all behind.
      if ((e.bits & (E::accepted | E::connected)) != 0) [[unlikely]] {
        if (still(E::accepted)) tell(accepted{s, listener_of(e)});
        if (still(E::connected)) tell(connected{s});
      }
      if (still(E::readable)) tell(readable{s});
      if ((e.bits & ~(E::accepted | E::connected | E::readable)) == 0) [[likely]] return;
      if (still(E::writable)) tell(writable{s});
      if (still(E::peer_closed)) tell(peer_closed{s});
      if (still(E::timer)) tell(timer{s});
      if (still(E::error)) tell(error{.stream = s});
      if (still(E::closed)) tell(closed{s, e.why});
    } else if constexpr (requires { typename E::is_datagram_event; }) {
      const datagram_socket s(*this, e.id);
      observe(trace::record{.what = trace::step::event, .connection = e.id.index + 1});
      if (e.is_error) tell(error{.socket = s, .reason = e.error});
      else tell(datagram{s});
      if constexpr (joins_datagrams)
        for (u32 n = 0; n < e.more && t.is_live(e.id); ++n) tell(datagram{s});
    } else if constexpr (requires { typename E::is_raw_event; }) {
      const raw_socket s(*this, e.id);
      if (e.is_error) tell(raw_error{s, e.error, e.mtu});
      else tell(raw_packet{s});
    } else {
      tell(e);
    }
  });
}

template <class H, class Transport> consteval bool handles_event_of_transport() {
  using E = typename Transport::event;
  if constexpr (!std::same_as<E, stream_events> && !requires { typename E::is_datagram_event; } && !requires { typename E::is_raw_event; })
    static_assert(handles<H, E>, "the handler has no overload for the event of a transport (see the template argument Transport); add one, or ignore_rest{}");
  return true;
}
namespace detail {
template <class H, class Transports> struct all_handled;
template <class H, class... T> struct all_handled<H, layers<T...>> { static constexpr bool value = (handles_event_of_transport<H, T>() && ...); };
}  // namespace detail

template <stack_config C> template <class H> consteval void stack<C>::check_handler() {
  if constexpr (wiring::has_streams) {
    static_assert(handles<H, accepted>, "the handler has no overload for accepted; add one, or ignore_rest{}");
    static_assert(handles<H, connected>, "the handler has no overload for connected; add one, or ignore_rest{}");
    static_assert(handles<H, readable>, "the handler has no overload for readable; add one, or ignore_rest{}");
    static_assert(handles<H, writable>, "the handler has no overload for writable; add one, or ignore_rest{}");
    static_assert(handles<H, peer_closed>, "the handler has no overload for peer_closed; add one, or ignore_rest{}");
    static_assert(handles<H, timer>, "the handler has no overload for timer; add one, or ignore_rest{}");
    static_assert(handles<H, closed>, "the handler has no overload for closed; add one, or ignore_rest{}");
  }
  if constexpr (wiring::has_datagrams) static_assert(handles<H, datagram>, "the handler has no overload for datagram; add one, or ignore_rest{}");
  if constexpr (wiring::has_raws) {
    static_assert(handles<H, raw_packet>, "the handler has no overload for raw_packet; add one, or ignore_rest{}");
    static_assert(handles<H, raw_error>, "the handler has no overload for raw_error; add one, or ignore_rest{}");
  }
  static_assert(handles<H, error>, "the handler has no overload for error; add one, or ignore_rest{}");
  static_assert(detail::all_handled<H, transports>::value);
  static_assert(detail::every_overload_is_reached<H, stack>::value,
                "an overload of the handler takes no event of this stack by value or const&: it would never be called");
}

}  // namespace strata::inline STRATA_ABI
