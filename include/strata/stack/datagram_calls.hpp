// SPDX-License-Identifier: MIT
// The calls of datagram sockets: who may, then the layer. Linux: inet_bind, udp_sendmsg, udp_recvmsg.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> auto stack<C>::bind(const udp::bind_options<address, identity>& o) -> expected<datagram_socket, udp::bind_error> requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  const auto ask = [&] { return question{permission::call::bind, {o.address, o.port}, {}, protocol_of<datagram_layer>(), acts(o.identity)}; };
  if (const auto no = refused<udp::bind_error>(ask); no != udp::bind_error::none) return no;
  const auto id = datagrams().bind(internet{*this}, o.port, o.address);
  if (!id) return id.error();
  if constexpr (has_identity) datagrams().give_to(*id, acts(o.identity));
  return datagram_socket(*this, *id);
}
template <stack_config C> auto stack<C>::connect_socket(connection_id id, const endpoint& to) -> expected<void, udp::connect_error> requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::connect_error>(permission::call::connect, id, &to); no != udp::connect_error::none) return no;
  return datagrams().connect(internet{*this}, id, to);
}
template <stack_config C>
auto stack<C>::send_to(connection_id id, std::span<const std::byte> bytes, const endpoint& to, tcp::send_flags flags) -> expected<std::size_t, udp::send_error> requires wiring::has_datagrams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted([&] { return send_to(id, bytes, to, flags); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::send_error>(permission::call::send_to, id, &to); no != udp::send_error::none) return no;
  auto taken = datagrams().send_to(internet{*this}, id, bytes, to);
  after_send(flags);
  return taken;
}
template <stack_config C>
auto stack<C>::send_segments(connection_id id, std::span<const std::byte> bytes, const endpoint& to, udp::segment_size size, tcp::send_flags flags) -> expected<std::size_t, udp::send_error>
  requires(wiring::has_datagrams && C::gso_max_size != 0)
{
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted([&] { return send_segments(id, bytes, to, size, flags); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::send_error>(permission::call::send_to, id, &to); no != udp::send_error::none) return no;
  auto taken = datagrams().send_to(internet{*this}, id, bytes, to, size);
  after_send(flags);
  return taken;
}
template <stack_config C>
auto stack<C>::send_datagram(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags) -> expected<std::size_t, udp::send_error> requires wiring::has_datagrams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted([&] { return send_datagram(id, bytes, flags); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::send_error>(permission::call::send_to, id); no != udp::send_error::none) return no;
  auto taken = datagrams().send(internet{*this}, id, bytes);
  after_send(flags);
  return taken;
}
template <stack_config C>
auto stack<C>::reserve_datagram(connection_id id, std::size_t n) -> expected<datagram_reservation, udp::send_error> requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::send_error>(permission::call::send_to, id); no != udp::send_error::none) return no;
  if constexpr (is_shared) return handed(datagrams().reserve(internet{*this}, id, n));
  else return datagrams().reserve(internet{*this}, id, n);
}
template <stack_config C>
auto stack<C>::commit_datagram(connection_id id, datagram_reservation&& place, std::size_t n, const endpoint& to, tcp::send_flags flags) -> expected<std::size_t, udp::send_error>
  requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::send_error>(permission::call::send_to, id, &to); no != udp::send_error::none) {
    place = {};  // used up, whatever the answer
    return no;
  }
  auto taken = datagrams().commit(internet{*this}, id, bare(std::move(place)), n, to);
  after_send(flags);
  return taken;
}
template <stack_config C>
auto stack<C>::receive_datagram(connection_id id, std::span<std::byte> to) -> expected<udp::received<address, joins_datagrams>, udp::receive_error> requires wiring::has_datagrams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted([&] { return receive_datagram(id, to); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::receive_error>(permission::call::receive, id); no != udp::receive_error::none) return no;
  return datagrams().receive(internet{*this}, id, to);
}
template <stack_config C>
auto stack<C>::peek_datagram(connection_id id) -> expected<udp::datagram_view<address, joins_datagrams>, udp::receive_error> requires wiring::has_datagrams {
  expect_held();
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::receive_error>(permission::call::receive, id); no != udp::receive_error::none) return no;
  return datagrams().peek(internet{*this}, id);
}
template <stack_config C> auto stack<C>::consume_datagram(connection_id id) -> expected<void, udp::receive_error> requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::receive_error>(permission::call::receive, id); no != udp::receive_error::none) return no;
  return datagrams().consume(internet{*this}, id);
}
template <stack_config C> auto stack<C>::fields_of_datagram(connection_id id) -> expected<udp::ip_fields, udp::receive_error> requires wiring::has_datagrams {
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::receive_error>(permission::call::receive, id); no != udp::receive_error::none) return no;
  return datagrams().fields(internet{*this}, id);
}
template <stack_config C> auto stack<C>::close_socket(connection_id id) -> expected<void, udp::call_error> requires wiring::has_datagrams {
  if constexpr (is_shared) {
    if (!exclusion_.is_held()) return posted([&] { return close_socket(id); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const auto no = refused_to_socket<udp::call_error>(permission::call::close, id); no != udp::call_error::none) return no;
  if constexpr (has_groups) {
    if (datagrams().is_live(id)) leave_all(id);
  }
  return datagrams().close(internet{*this}, id);
}

}  // namespace strata::inline STRATA_ABI
