// SPDX-License-Identifier: MIT
// The calls of raw sockets: who may, then the layer. Linux: inet_create, raw_sendmsg, raw_recvmsg.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> auto stack<C>::open_raw(const raw::open_options<address, identity>& o) -> expected<raw_socket, raw::open_error> requires wiring::has_raws {
  const auto held = exclusion_.enter();
  (void)held;
  const auto ask = [&] { return question{permission::call::bind, {o.address, 0}, {}, o.protocol, acts(o.identity)}; };
  if (const auto no = refused<raw::open_error>(ask); no != raw::open_error::none) return no;
  const auto id = raws().bind(o.protocol, o.address);
  if (!id) return id.error();
  if constexpr (has_identity) raws().give_to(*id, acts(o.identity));
  return raw_socket(*this, *id);
}

/// A stale handle is nobody's: the layer will say so.  Linux: security_socket_sendmsg.
template <stack_config C> template <class T, class Error, class F>
auto stack<C>::with_raw(permission::call what, connection_id id, const address* to, F&& f) -> expected<T, Error> requires wiring::has_raws {
  if constexpr (is_shared) {
    if constexpr (std::same_as<T, raw_view>) expect_held();
    else if (!exclusion_.is_held()) return posted([&] { return with_raw<T, Error>(what, id, to, f); });
  }
  const auto held = exclusion_.enter();
  (void)held;
  if (const Error no = stopped<Error>(); no != Error::none) return no;
  if constexpr (!C::permission::is_open) {
    question q{.what = what, .local = {raws().local(id), 0}, .remote = {to != nullptr ? *to : raws().remote(id), 0}, .protocol = raws().protocol_of(id)};
    if constexpr (has_identity) q.identity = acts(raws().identity(id));
    if (raws().is_live(id) && !permits(q)) return Error::not_permitted;
  }
  return f(raws(), internet{*this});
}

}  // namespace strata::inline STRATA_ABI
