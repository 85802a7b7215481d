// SPDX-License-Identifier: MIT
// Who may do what: a policy that every socket call asks first. A refusal is `not_permitted`, and nothing is sent or changed.
//
// Who asks is the application's to say: a policy with `using identity = ...` gets it with each request. listen, connect and bind take it in their options,
// the socket keeps it, an accepted stream has its listener's; stack::act_as() says for some calls that it is another.
#pragma once
#include <strata/core/address.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::permission {

/// The calls that ask. Calls that only say what the handle is (info, data, local, remote, is_live) do not. `accept` is asked when a peer has completed the
/// handshake, before the application is told; a refusal resets the connection.
enum class call : u8 { listen, connect, send, receive, close, abort, set_option, bind, send_to, accept, get_option, shutdown, set_timer, count };

/// Nobody in particular: what the identity of a policy without one is. It takes no byte.
struct no_identity {
  friend constexpr bool operator==(const no_identity&, const no_identity&) = default;
};

namespace detail {
template <class P> struct identity_of { using type = no_identity; };
template <class P> requires requires { typename P::identity; requires !P::is_open; } struct identity_of<P> { using type = typename P::identity; };
template <class C> struct identity_in { using type = no_identity; };
template <class C> requires requires { typename C::permission; } struct identity_in<C> : identity_of<typename C::permission> {};
}  // namespace detail

/// The identity of a policy, and of the policy of a Config.
template <class P> using identity_of = typename detail::identity_of<P>::type;
template <class C> using identity_in = typename detail::identity_in<C>::type;
/// An identity is kept in tables whose initial state is zero: zero should be who may least.
template <class I> concept identity = std::is_trivially_copyable_v<I> && std::is_default_constructible_v<I>;

/// What is asked. An address or port that the call does not name, and the socket does not know, is zero.
template <class Address, class Identity = no_identity> struct request {
  call what = call::send;
  endpoint<Address> local{};
  endpoint<Address> remote{};
  u8 protocol = 0;                       ///< of IP: 6 for a stream, 17 for a datagram
  [[no_unique_address]] Identity identity{};
};

/// allows(request): whether the call may go on.  is_open: everything is allowed, and no code exists for the question.  Linux: security_socket_sendmsg.
template <class P, class Address> concept policy = identity<identity_of<P>> && requires(P p, const request<Address, identity_of<P>>& r) {
  { p.allows(r) } -> std::same_as<bool>;
  { P::is_open } -> std::convertible_to<bool>;
};

/// Everybody may do everything.
struct anyone {
  static constexpr bool is_open = true;
  template <class Address> [[nodiscard]] constexpr bool allows(const request<Address>&) const { return true; }
};

/// How often each call was refused. Only where a policy may refuse.
struct refusals {
  tally of[static_cast<u32>(call::count)]{};
};

}  // namespace strata::inline STRATA_ABI::permission
