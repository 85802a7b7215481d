// SPDX-License-Identifier: MIT
// Options of a connection. Included by layer.hpp.
#pragma once
#include <strata/tcp/layer.hpp>

namespace strata::inline STRATA_ABI::tcp {

template <config C> template <class B> expected<void, call_error> layer<C>::set(B&& below, connection_id id, option::no_delay o, time_point now)
  requires(C::coalescing::has_no_delay)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->no_delay = o.value;
  if (o.value) output(below, *c, now);  // what was held back leaves
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&& below, connection_id id, option::cork o, time_point now) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  const bool ends = c->corked && !o.value;
  c->corked = o.value;
  if (ends) push(below, *c, {}, now);
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::send_low_water o, time_point)
  requires(C::writes.low_water)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->low_water.send = o.bytes;
  if (c->wants_write) add_to_turn(*c);  // there may be room by the new mark
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::notsent_low_water o, time_point)
  requires(C::writes.low_water)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->low_water.notsent = o.bytes;
  if (c->wants_write) add_to_turn(*c);
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::user_timeout o, time_point now) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  const bool was_cut = c->user_timeout_ms != 0 && is_armed(*c, retransmit_timer) && c->deadline[retransmit_timer].count == user_deadline(*c, now).count;
  c->user_timeout_ms = o.ms;
  if (was_cut) restart_retransmit_timer(*c, now);  // RFC 6298 §5: what ended there would else be sent again too early
  if (o.ms != 0 && is_armed(*c, retransmit_timer)) arm(*c, retransmit_timer, earlier_of(c->deadline[retransmit_timer], user_deadline(*c, now)));
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::keep_alive o, time_point now)
  requires(C::keep_alive)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  if (o.idle_s == 0 || o.interval_s == 0 || o.probes == 0) return call_error::bad_options;
  c->alive.option = o;
  disarm(*c, keep_alive_timer);
  start_keep_alive(*c, now);
  return {};
}
template <config C> expected<void, call_error> layer<C>::set(auto&&, connection_id id, option::pacing_rate o, time_point)
  requires(C::pacing::is_paced)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->pace.most = o.bytes_per_second;
  disarm(*c, pacing_timer);  // what waited by the old rate waits no more
  add_to_turn(*c);
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::linger o, time_point)
  requires(C::linger)
{
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->lingers = o.value;
  c->linger_ms = o.ms;
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::dscp o, time_point) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  if (o.value > 63) return call_error::bad_options;
  c->way.traffic_class = static_cast<u8>(o.value << 2);
  c->way.generation = 0;  // its header image is void
  return {};
}
template <config C> template <class B> expected<void, call_error> layer<C>::set(B&&, connection_id id, option::hop_limit o, time_point) {
  connection* c = find(id);
  if (c == nullptr) return call_error::stale;
  c->way.hop_limit = o.value;
  c->way.generation = 0;
  return {};
}
template <config C> template <class O> std::optional<O> layer<C>::get(connection_id id) const {
  const connection* c = find(id);
  if (c == nullptr) return {};
  if constexpr (std::same_as<O, option::no_delay>) return O{c->no_delay};
  else if constexpr (std::same_as<O, option::keep_alive>) return c->alive.option.idle_s != 0 ? c->alive.option : option::keep_alive{};
  else if constexpr (std::same_as<O, option::pacing_rate>) return O{c->pace.most};
  else if constexpr (std::same_as<O, option::cork>) return O{c->corked};
  else if constexpr (std::same_as<O, option::dscp>) return O{static_cast<u8>(c->way.traffic_class >> 2)};
  else if constexpr (std::same_as<O, option::hop_limit>) return O{c->way.hop_limit};
  else if constexpr (std::same_as<O, option::linger>) return O{c->lingers, c->linger_ms};
  else if constexpr (std::same_as<O, option::send_low_water>) return O{c->low_water.send};
  else if constexpr (std::same_as<O, option::notsent_low_water>) return O{c->low_water.notsent};
  else return O{c->user_timeout_ms};
}

}  // namespace strata::inline STRATA_ABI::tcp
