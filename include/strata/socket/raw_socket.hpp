// SPDX-License-Identifier: MIT
// A raw socket, as an application holds it: a copyable value {stack, slot, which of its lives}. A stale one answers `stale`; no destructor closes: see
// socket::owned. What it may send and what comes: raw/layer.hpp.
#pragma once
#include <strata/core/permission.hpp>
#include <strata/raw/types.hpp>

namespace strata::inline STRATA_ABI::socket {

/// Net is only named here; it is complete when a member is called. `N` is always Net.
template <class Net> class raw_socket {
  using call = permission::call;

 public:
  constexpr raw_socket() = default;
  constexpr raw_socket(Net& net, connection_id id) : net_(&net), id_(id) {}

  /// From now on only packets from `to` are received, send() goes there, and errors about it become events.
  template <class N = Net> expected<void, raw::connect_error> connect(const typename N::address& to) const {
    return ask<void, raw::connect_error>(call::connect, [&](auto& raws, auto below) { return raws.connect(below, id_, to); }, &to);
  }
  /// `bytes` behind an IP header of the socket's protocol; how many were sent: all of them. Linux: raw_sendmsg.
  template <class N = Net> expected<std::size_t, raw::send_error> send_to(std::span<const std::byte> bytes, const typename N::address& to) const {
    return ask<std::size_t, raw::send_error>(call::send_to, [&](auto& raws, auto below) { return raws.send_to(below, id_, bytes, to); }, &to);
  }
  /// The same to the peer of a connected socket.
  expected<std::size_t, raw::send_error> send(std::span<const std::byte> bytes) const {
    return ask<std::size_t, raw::send_error>(call::send_to, [&](auto& raws, auto below) { return raws.send(below, id_, bytes); });
  }
  /// What the oldest unread packet carries behind its IP header, copied; what does not fit in `to` is lost. Error: would_block. Linux: raw_recvmsg.
  [[nodiscard]] auto receive(std::span<std::byte> to) const {
    return ask<raw::received<typename Net::address>, raw::receive_error>(call::receive, [&](auto& raws, auto below) { return raws.receive(below, id_, to); });
  }
  /// The oldest unread packet where it lies, with its IP header; valid until it is consumed or received, or the socket closed.
  [[nodiscard]] auto peek() const {
    return ask<typename Net::raw_view, raw::receive_error>(call::receive, [&](auto& raws, auto below) { return raws.peek(below, id_); });
  }
  /// Done with the oldest packet.
  expected<void, raw::receive_error> consume() const {
    return ask<void, raw::receive_error>(call::receive, [&](auto& raws, auto below) { return raws.consume(below, id_); });
  }
  /// s.set(raw::option::hop_limit{3}); an option that this Config does not have does not compile.
  template <class Option, class N = Net> requires requires(typename N::raw_layer& raws, connection_id id, Option o) { raws.set(id, o); }
  expected<void, raw::call_error> set(Option option) const {
    return ask<void, raw::call_error>(call::set_option, [&](auto& raws, auto) { return raws.set(id_, option); });
  }
  /// The option's value. Errors: stale, not_permitted.
  template <class Option, class N = Net> requires requires(const typename N::raw_layer& raws, connection_id id) { raws.template get<Option>(id); }
  [[nodiscard]] expected<Option, raw::call_error> get() const {
    return ask<Option, raw::call_error>(call::get_option, [&](auto& raws, auto) -> expected<Option, raw::call_error> {
      if (const auto value = raws.template get<Option>(id_)) return *value;
      return raw::call_error::stale;
    });
  }
  /// Ends the socket; what is unread is dropped.
  expected<void, raw::call_error> close() const {
    return ask<void, raw::call_error>(call::close, [&](auto& raws, auto below) { return raws.close(below, id_); });
  }
  [[nodiscard]] bool is_live() const { return net_ != nullptr && net_->is_raw(id_); }

  [[nodiscard]] constexpr connection_id id() const { return id_; }
  [[nodiscard]] constexpr Net* net() const { return net_; }
  friend constexpr bool operator==(const raw_socket&, const raw_socket&) = default;

 private:
  /// f(layer, below), if the stack lets it; `to` is the other end, where it is not the peer that the socket is connected to.
  template <class T, class Error, class F, class To = std::nullptr_t> expected<T, Error> ask(call what, F&& f, To to = {}) const {
    if (net_ == nullptr) return Error::stale;
    return net_->template with_raw<T, Error>(what, id_, to, f);
  }

  Net* net_ = nullptr;
  connection_id id_{};
};

}  // namespace strata::inline STRATA_ABI::socket
