// SPDX-License-Identifier: MIT
// How an application says what it does at an event: on{[&](net::readable e) { ... }, [](net::closed) {}, ignore_rest{}}.
#pragma once
#include <strata/core/types.hpp>

#include <type_traits>

namespace strata::inline STRATA_ABI {

/// A handler of overloads. Each takes one event by value or const&; the stack refuses one that would never be called.
template <class... F> struct on : F... { using F::operator()...; };
template <class... F> on(F...) -> on<F...>;  // clang 16 deduces no aggregates

/// As the last of an `on`: every event without an overload of its own is ignored.
struct ignore_rest {
  template <class Event> constexpr void operator()(const Event&) const {}
};

/// Whether `H` can be called with the event.
template <class H, class Event> concept handles = requires(H& h, const Event& e) { h(e); };

namespace detail {
// The argument type of a lambda or function object that is no template; void for the others.
template <class F> struct argument { using type = void; };
template <class F> requires requires { &F::operator(); } struct argument<F> {
  template <class R, class A> static A of(R (F::*)(A) const);
  template <class R, class A> static A of(R (F::*)(A));
  template <class R, class A> static A of(R (F::*)(A) const noexcept);
  template <class R, class A> static A of(R (F::*)(A) noexcept);
  using type = decltype(of(&F::operator()));
};
template <class H, class Net> struct every_overload_is_reached { static constexpr bool value = true; };
template <class... F, class Net> struct every_overload_is_reached<on<F...>, Net> {
  static constexpr bool value = (Net::template is_event<typename argument<F>::type> && ...);
};
template <class... F, class Net> struct every_overload_is_reached<const on<F...>, Net> : every_overload_is_reached<on<F...>, Net> {};
}  // namespace detail

}  // namespace strata::inline STRATA_ABI
