// SPDX-License-Identifier: MIT
// Where several threads call a stack (exclusion::locked): a scope of calls, calls that the lock's holder runs for others,
// and copies without the lock.
#pragma once
#include <strata/stack/stack.hpp>
#include <strata/tcp/apart.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> class stack<C>::scope {
 public:
  scope(stack& net, time_point now) : net_(&net), held_(net.exclusion_.enter()) { net.set_time(now); }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope() {
    if (net_->is_started_ && !net_->is_polling_) net_->ring(false);
  }

 private:
  stack* net_;
  decltype(std::declval<typename C::exclusion&>().enter()) held_;
};

template <stack_config C> template <class Handle, class Error> auto stack<C>::handed(expected<Handle, Error>&& from) -> expected<in_hand<Handle>, Error> {
  if (!from) return from.error();
  return in_hand<Handle>(*this, std::move(*from));
}
template <stack_config C> template <class Handle> void stack<C>::drop_under_lock(Handle&& dropped) {
  const auto held = exclusion_.enter();
  (void)held;
  [[maybe_unused]] const Handle gone = std::move(dropped);
}

/// A call of a thread that does not hold the lock: run by it, or by who holds the lock when that one leaves.
template <stack_config C> template <class F> auto stack<C>::posted(F&& call) {
  return exclusion_.run([&] { return std::optional{call()}; });
}
/// The same, for a stream: not before a thread that copies its bytes is done. Order: connection word, then stack lock.
template <stack_config C> template <class F> auto stack<C>::posted_for_stream(connection_id id, F&& call) {
  return exclusion_.run([&]() -> std::optional<decltype(call())> {
    if constexpr (demand::has_owner_words<stream_layer>)
      if (streams().is_owned(id)) return std::nullopt;
    return std::optional<decltype(call())>{call()};
  });
}

/// A large send: the bytes are copied without the lock, a number of chunks at a time. Linux: tcp_sendmsg, lock_sock.
template <stack_config C>
auto stack<C>::send_apart(connection_id id, std::span<const std::byte> bytes, tcp::send_flags flags) -> expected<std::size_t, tcp::send_error>
  requires(is_shared && demand::has_owner_words<stream_layer>)
{
  for (std::size_t done = 0;;) {
    tcp::apart places;
    const auto begun = posted_for_stream(id, [&]() -> expected<std::size_t, tcp::send_error> {
      if (const auto no = refused<tcp::send_error>(permission::call::send, id); no != tcp::send_error::none) return no;
      auto taken = streams().begin_send(internet{*this}, id, bytes.subspan(done), places, flags, now_);
      if (places.count() == 0) after_send(flags);
      return taken;
    });
    if (!begun && done != 0) return done;
    if (!begun) return begun.error();
    done += *begun;
    if (places.count() == 0) return done;
    places.fill(bytes.subspan(done));
    done += places.bytes();
    const bool goes_on = done < bytes.size() && places.is_full();
    (void)exclusion_.run([&] {
      streams().end_send(internet{*this}, id, places, done < bytes.size(), {.more = flags.more || goes_on, .now_please = flags.now_please}, now_);
      if (!goes_on) after_send(flags);
      return std::optional{true};
    });
    if (!goes_on) return done;
  }
}

/// A large receive, likewise. Linux: tcp_recvmsg.
template <stack_config C>
auto stack<C>::receive_apart(connection_id id, std::span<std::byte> to) -> expected<std::size_t, tcp::receive_error>
  requires(is_shared && demand::has_owner_words<stream_layer>)
{
  for (std::size_t done = 0;;) {
    tcp::apart places;
    const auto begun = posted_for_stream(id, [&]() -> expected<std::size_t, tcp::receive_error> {
      if (const auto no = refused<tcp::receive_error>(permission::call::receive, id); no != tcp::receive_error::none) return no;
      return streams().begin_receive(internet{*this}, id, to.subspan(done), places, now_);
    });
    if (!begun && done != 0) return done;
    if (!begun) return begun.error();
    done += *begun;
    if (places.count() == 0) return done;
    places.copy_to(to.subspan(done));
    done += places.bytes();
    (void)exclusion_.run([&] {
      streams().end_receive(internet{*this}, id, places, now_);
      return std::optional{true};
    });
    if (done == to.size() || !places.is_full()) return done;
  }
}

/// At the end of a stack: threads that copy are let finish. New calls find it ended.
template <stack_config C> void stack<C>::await_copies() requires(is_shared) {
  if constexpr (wiring::has_streams)
    if constexpr (demand::has_owner_words<stream_layer>)
      for (u32 round = 0; streams().is_anything_owned(); ++round) exclusion_.let_others(round);
}

}  // namespace strata::inline STRATA_ABI
