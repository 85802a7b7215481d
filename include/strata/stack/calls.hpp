// SPDX-License-Identifier: MIT
// The socket calls: who may (ask.hpp), then the layer. Each begins with the exclusion and answers with an error of its own. Linux: __sock_sendmsg and its kin.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C>
auto stack<C>::listen(const tcp::listen_options<address, identity>& o) -> expected<listener, tcp::listen_error> requires wiring::has_streams {
  const auto held = exclusion_.enter();
  (void)held;
  const auto ask = [&] { return question{permission::call::listen, {o.address, o.port}, {}, protocol_of<stream_layer>(), acts(o.identity)}; };
  if (const auto no = refused<tcp::listen_error>(ask); no != tcp::listen_error::none) return no;
  const auto id = streams().listen(internet{*this}, owned_by_who_acts(o));
  if (!id) return id.error();
  return listener(*this, *id);
}
template <stack_config C>
auto stack<C>::connect(const tcp::connect_options<address, identity>& o) -> expected<stream, tcp::connect_error> requires wiring::has_streams {
  const auto held = exclusion_.enter();
  (void)held;
  const auto ask = [&] { return question{permission::call::connect, o.local, o.remote, protocol_of<stream_layer>(), acts(o.identity)}; };
  if (const auto no = refused<tcp::connect_error>(ask); no != tcp::connect_error::none) return no;
  const auto id = streams().connect(internet{*this}, owned_by_who_acts(o), now_);
  if (!id) return id.error();
  return stream(*this, *id);
}

template <stack_config C>
auto stack<C>::send(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags) -> expected<std::size_t, tcp::send_error> requires wiring::has_streams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) {
      if constexpr (demand::has_owner_words<stream_layer>)
        if (bytes.size() >= C::exclusion::copied_apart) return send_apart(id, bytes, flags);
      return posted_for_stream(id, [&] { return send(id, bytes, flags); });
    }
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::send_error>(permission::call::send, id); no != tcp::send_error::none) return no;
  auto taken = streams().send(internet{*this}, id, bytes, flags, now_);
  after_send(flags);
  return taken;
}
template <stack_config C>
auto stack<C>::reserve(connection_id id, u32 n) -> expected<reservation, tcp::send_error> requires demand::reserves<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return reserve(id, n); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::send_error>(permission::call::send, id); no != tcp::send_error::none) return no;
  if constexpr (is_shared) return handed(streams().reserve(internet{*this}, id, n, now_));
  else return streams().reserve(internet{*this}, id, n, now_);
}
template <stack_config C>
auto stack<C>::commit(connection_id id, reservation&& place, u32 n, tcp::send_flags flags) -> expected<std::size_t, tcp::send_error>
  requires demand::reserves<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return commit(id, std::move(place), n, flags); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::send_error>(permission::call::send, id); no != tcp::send_error::none) {
    place = {};  // used up, whatever the answer
    return no;
  }
  auto taken = streams().commit(internet{*this}, id, bare(std::move(place)), n, flags, now_);
  after_send(flags);
  return taken;
}

template <stack_config C> auto stack<C>::consume(connection_id id, std::size_t n) -> expected<std::size_t, tcp::receive_error> requires wiring::has_streams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return consume(id, n); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::receive_error>(permission::call::receive, id); no != tcp::receive_error::none) return no;
  return streams().consume(internet{*this}, id, n, now_);
}
template <stack_config C>
auto stack<C>::receive(connection_id id, std::span<std::byte> to) -> expected<std::size_t, tcp::receive_error> requires demand::receives<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) {
      if constexpr (demand::has_owner_words<stream_layer>)
        if (to.size() >= C::exclusion::copied_apart) return receive_apart(id, to);
      return posted_for_stream(id, [&] { return receive(id, to); });
    }
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::receive_error>(permission::call::receive, id); no != tcp::receive_error::none) return no;
  return streams().receive(internet{*this}, id, to, now_);
}
template <stack_config C>
auto stack<C>::take(connection_id id) -> expected<owned_view, tcp::receive_error> requires demand::gives_chunks_away<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return take(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::receive_error>(permission::call::receive, id); no != tcp::receive_error::none) return no;
  if constexpr (is_shared) return handed(streams().take(internet{*this}, id, now_));
  else return streams().take(internet{*this}, id, now_);
}

template <stack_config C> auto stack<C>::close(connection_id id) -> expected<void, tcp::call_error> requires wiring::has_streams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return close(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::close, id); no != tcp::call_error::none) return no;
  return streams().close(internet{*this}, id, now_);
}
template <stack_config C> auto stack<C>::shutdown_send(connection_id id) -> expected<void, tcp::call_error> requires demand::half_closes<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return shutdown_send(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::shutdown, id); no != tcp::call_error::none) return no;
  return streams().shutdown_send(internet{*this}, id, now_);
}
template <stack_config C> auto stack<C>::shutdown_receive(connection_id id) -> expected<void, tcp::call_error> requires demand::stops_reading<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return shutdown_receive(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::shutdown, id); no != tcp::call_error::none) return no;
  return streams().shutdown_receive(internet{*this}, id, now_);
}
template <stack_config C> auto stack<C>::abort(connection_id id) -> expected<void, tcp::call_error> requires demand::aborts<stream_layer, internet, time_point> {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted_for_stream(id, [&] { return abort(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::abort, id); no != tcp::call_error::none) return no;
  return streams().abort(internet{*this}, id, now_);
}
template <stack_config C> auto stack<C>::close_listener(connection_id id) -> expected<void, tcp::call_error> requires demand::stops_listening<stream_layer, internet> {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_listener<tcp::call_error>(permission::call::close, id); no != tcp::call_error::none) return no;
  return streams().close_listener(internet{*this}, id);
}
template <stack_config C>
auto stack<C>::set_timer(connection_id id, duration after) -> expected<void, tcp::call_error> requires demand::has_timers<stream_layer, duration, time_point> {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::set_timer, id); no != tcp::call_error::none) return no;
  return streams().set_timer(id, after, now_);
}
template <stack_config C>
auto stack<C>::cancel_timer(connection_id id) -> expected<void, tcp::call_error> requires demand::has_timers<stream_layer, duration, time_point> {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused<tcp::call_error>(permission::call::set_timer, id); no != tcp::call_error::none) return no;
  return streams().cancel_timer(id);
}
template <stack_config C>
auto stack<C>::info(connection_id id) const -> std::optional<tcp::connection_info> requires demand::tells_about_connections<stream_layer, time_point> {
  const auto held = exclusion_.enter();
  (void)held;
  return streams().info(id, now_);
}

}  // namespace strata::inline STRATA_ABI
