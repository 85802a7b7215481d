// SPDX-License-Identifier: MIT
// Who may do what: a policy that every socket call asks first. A refusal is `not_permitted`, and nothing is sent or changed.
#pragma once
#include <strata/core/address.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::permission {

/// The calls that ask. Calls that only read what the stack holds (info, get, local, remote) do not.
enum class call : u8 { listen, connect, send, receive, close, abort, set_option, bind, send_to };

/// What is asked. Addresses and ports that the call does not name are zero; a stream is then known by its remote end.
template <class Address> struct request {
  call what = call::send;
  endpoint<Address> local{};
  endpoint<Address> remote{};
};

/// allows(request): whether the call may go on.  is_open: everything is allowed, and no code exists for the question.  Linux: security_socket_sendmsg.
template <class P, class Address> concept policy = requires(P p, const request<Address>& r) {
  { p.allows(r) } -> std::same_as<bool>;
  { P::is_open } -> std::convertible_to<bool>;
};

/// Everybody may do everything.
struct anyone {
  static constexpr bool is_open = true;
  template <class Address> [[nodiscard]] constexpr bool allows(const request<Address>&) const { return true; }
};

}  // namespace strata::inline STRATA_ABI::permission
