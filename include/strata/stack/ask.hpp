// SPDX-License-Identifier: MIT
// Whether a call may go on: the stack is started, and its permission policy allows it. A policy that is open costs nothing.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

/// While it lives, calls ask as another than the owner of their socket. It holds the exclusion: no other thread's call gets a borrowed name.
template <stack_config C> template <class Who> class stack<C>::acting {
 public:
  acting(stack& s, const Who& who) : held_(s.exclusion_.enter()), stack_(s), before_(s.acts_) { s.acts_ = who; }
  acting(const acting&) = delete;
  acting& operator=(const acting&) = delete;
  ~acting() { stack_.acts_ = before_; }

 private:
  decltype(std::declval<typename C::exclusion&>().enter()) held_;
  stack& stack_;
  std::optional<Who> before_;
};

/// Who asks: the owner, unless the application acts as somebody else.
template <stack_config C> auto stack<C>::acts(const identity& owner) const -> const identity& {
  if constexpr (has_identity) return acts_ ? *acts_ : owner;
  else return owner;
}

/// What listen, connect and bind make belongs to who acts.
template <stack_config C> template <class Options> decltype(auto) stack<C>::owned_by_who_acts(const Options& o) const {
  if constexpr (!has_identity) return (o);
  else {
    Options theirs = o;
    theirs.identity = acts(o.identity);
    return theirs;
  }
}
template <stack_config C> template <class Layer> constexpr u8 stack<C>::protocol_of() {
  if constexpr (requires { Layer::protocol; }) return Layer::protocol;
  else return 0;
}

/// The policy's answer, counted.
template <stack_config C> bool stack<C>::permits(question q) {
  if (permission_.allows(std::as_const(q))) return true;
  ++count_.not_permitted;
  if constexpr (!C::permission::is_open) ++refusals_.of[static_cast<u32>(q.what)];
  return false;
}

template <stack_config C> tally stack<C>::refusals(permission::call what) const {
  const auto held = exclusion_.enter();
  (void)held;
  if constexpr (C::permission::is_open) return (void)what, 0;
  else return refusals_.of[static_cast<u32>(what)];
}

/// What a stack that is not started answers to every call.
template <stack_config C> template <class Error> Error stack<C>::stopped() {
  if (!is_started_) {
    if constexpr (requires { Error::bad_options; }) return Error::bad_options;
    else return Error::stale;
  }
  observe(trace::record{.what = trace::step::permission});
  observe(trace::record{.what = trace::step::lock});  // held since the call began, and until it returns
  return Error::none;
}

/// Why a call may not go on, or none: ask() is the question.  Linux: security_socket_create and its kin.
template <stack_config C> template <class Error> STRATA_ALWAYS_INLINE inline Error stack<C>::refused(auto&& ask) {
  const Error no = stopped<Error>();
  if constexpr (!C::permission::is_open)
    if (no == Error::none && !permits(ask())) return Error::not_permitted;
  (void)ask;
  return no;
}

/// A call on a stream. A stale handle is nobody's: the layer will say so.  Linux: security_socket_sendmsg.
template <stack_config C> template <class Error> STRATA_ALWAYS_INLINE inline Error stack<C>::refused(permission::call what, connection_id id) {
  const Error no = stopped<Error>();
  if constexpr (!C::permission::is_open) {
    if (no != Error::none) return no;
    question q{.what = what, .protocol = protocol_of<stream_layer>()};
    if constexpr (demand::knows_its_ends<stream_layer, address>) {
      q.local = streams().local(id), q.remote = streams().remote(id);
      if (q.local.port == 0) return Error::none;
    }
    if constexpr (has_identity) q.identity = acts(streams().identity(id));
    if (!permits(q)) return Error::not_permitted;
  }
  (void)what, (void)id;
  return no;
}

/// A call on a listener.
template <stack_config C> template <class Error> STRATA_ALWAYS_INLINE inline Error stack<C>::refused_to_listener(permission::call what, connection_id id) {
  const Error no = stopped<Error>();
  if constexpr (!C::permission::is_open) {
    if (no != Error::none) return no;
    question q{.what = what, .protocol = protocol_of<stream_layer>()};
    if constexpr (requires(const stream_layer& t) { t.listening(id); }) {
      q.local = streams().listening(id);
      if (q.local.port == 0) return Error::none;
      if constexpr (has_identity) q.identity = acts(streams().listener_identity(id));
    }
    if (!permits(q)) return Error::not_permitted;
  }
  (void)what, (void)id;
  return no;
}

/// A call on a datagram socket; the other end is `to`, or the peer that it is connected to.
template <stack_config C> template <class Error>
STRATA_ALWAYS_INLINE inline Error stack<C>::refused_to_socket(permission::call what, connection_id id, const endpoint* to) {
  const Error no = stopped<Error>();
  if constexpr (!C::permission::is_open) {
    if (no != Error::none) return no;
    question q{.what = what, .local = datagrams().local(id), .remote = to != nullptr ? *to : datagrams().remote(id), .protocol = protocol_of<datagram_layer>()};
    if (q.local.port == 0) return Error::none;
    if constexpr (has_identity) q.identity = acts(datagrams().identity(id));
    if (!permits(q)) return Error::not_permitted;
  }
  (void)what, (void)id, (void)to;
  return no;
}

}  // namespace strata::inline STRATA_ABI
