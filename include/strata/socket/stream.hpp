// SPDX-License-Identifier: MIT
// One connection, as an application holds it: a copyable value {stack, slot, which of its lives}. A stale one answers `stale`, never with another's
// connection; so does one that never named any. No destructor closes: see socket::owned.
#pragma once
#include <strata/core/time.hpp>
#include <strata/tcp/types.hpp>

namespace strata::inline STRATA_ABI {
namespace option = tcp::option;  // s.set(strata::option::no_delay{true})
}
namespace strata::inline STRATA_ABI::socket {

/// Net is only named here; it is complete when a member is called. Each call exists if the stack's transport has it.
template <class Net> class stream {
 public:
  constexpr stream() = default;
  constexpr stream(Net& net, connection_id id) : net_(&net), id_(id) {}

  /// Appends `bytes` to the send queue and sends what may leave; how many were taken: fewer than given when the queue is full, and `writable` follows.
  /// Errors: would_block (none were taken), closed (after our close or shutdown_send), not_connected, stale. Linux: tcp_sendmsg.
  expected<std::size_t, tcp::send_error> send(std::span<const std::byte> bytes, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return tcp::send_error::stale;
    return net_->send(id_, bytes, flags);
  }
  /// The same for the sequence that peek() gives, also that of another stream.
  template <class View> requires(!std::convertible_to<const View&, std::span<const std::byte>>)
  expected<std::size_t, tcp::send_error> send(const View& unread, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return tcp::send_error::stale;
    return net_->send(id_, unread, flags);
  }
  /// Room for up to `n` bytes in the send queue, to be written in place; commit() sends the first of them, dropping the reservation sends none.
  auto reserve(u32 n) const {
    if (net_ == nullptr) return decltype(net_->reserve(id_, n))(tcp::send_error::stale);
    return net_->reserve(id_, n);
  }
  template <class Place = tcp::reservation> requires(!std::is_reference_v<Place>)
  expected<std::size_t, tcp::send_error> commit(Place&& place, u32 n, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return tcp::send_error::stale;
    return net_->commit(id_, std::move(place), n, flags);
  }

  /// All unread bytes, as a sequence of spans; empty for a stale handle, and for who may not receive. Valid until the next call that consumes from
  /// this stream.
  [[nodiscard]] auto peek() const {
    if (net_ == nullptr) return decltype(net_->peek(id_)){};
    return net_->peek(id_);
  }
  /// Takes the first `n` unread bytes off, at most all; how many. The window opens by them.
  expected<std::size_t, tcp::receive_error> consume(std::size_t n) const {
    if (net_ == nullptr) return tcp::receive_error::stale;
    return net_->consume(id_, n);
  }
  /// Copies unread bytes to `to` and consumes them; how many. Errors: would_block (none are there), end_of_stream (none will come).
  expected<std::size_t, tcp::receive_error> receive(std::span<std::byte> to) const {
    if (net_ == nullptr) return tcp::receive_error::stale;
    return net_->receive(id_, to);
  }
  /// Takes the first chunk of unread bytes out without a copy; it goes back to its pool when the view is dropped, which must happen before the stack goes.
  auto take() const {
    if (net_ == nullptr) return decltype(net_->take(id_))(tcp::receive_error::stale);
    return net_->take(id_);
  }

  /// Orderly: what was sent will arrive, then FIN; the stack finishes alone, and `closed` comes when it is done. RFC 9293 §3.9.1.4.
  expected<void, tcp::call_error> close() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->close(id_);
  }
  /// FIN after what was sent; receiving goes on. Linux: shutdown(SHUT_WR).
  expected<void, tcp::call_error> shutdown_send() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->shutdown_send(id_);
  }
  /// Nobody will read any more: unread bytes go, later ones are acknowledged and dropped, so that the peer may finish; receive answers
  /// end_of_stream. Linux: shutdown(SHUT_RD).
  expected<void, tcp::call_error> shutdown_receive() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->shutdown_receive(id_);
  }
  /// RST, and everything that was not delivered is dropped; `closed{aborted}` follows. RFC 9293 §3.9.1.5.
  expected<void, tcp::call_error> abort() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->abort(id_);
  }

  /// s.set(option::no_delay{true}); an option of a policy that this Config does not have does not compile.
  template <class Option> requires requires(Net& net, connection_id id, Option o) { net.set(id, o); }
  expected<void, tcp::call_error> set(Option option) const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->set(id_, option);
  }
  /// The option's value. Errors: stale, not_permitted.
  template <class Option> requires requires(Net& net, connection_id id) { net.template get<Option>(id); }
  [[nodiscard]] expected<Option, tcp::call_error> get() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->template get<Option>(id_);
  }
  /// One `timer` event when `after` has passed; a later call replaces it. The same wheel as the transport's. `after` is a Net::duration.
  template <class Tick> expected<void, tcp::call_error> set_timer(duration<Tick> after) const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->set_timer(id_, after);
  }
  expected<void, tcp::call_error> cancel_timer() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->cancel_timer(id_);
  }

  /// The Config's connection_data of this connection; null for a stale handle.
  [[nodiscard]] auto* data() const { return net_ == nullptr ? decltype(net_->data(id_)){} : net_->data(id_); }
  /// The connection in plain fields, or nothing for a stale handle. Linux: struct tcp_info.
  [[nodiscard]] auto info() const { return net_ == nullptr ? decltype(net_->info(id_)){} : net_->info(id_); }
  /// Our end and the peer's; zero for a stale handle.
  [[nodiscard]] auto local() const { return net_ == nullptr ? decltype(net_->local(id_)){} : net_->local(id_); }
  [[nodiscard]] auto remote() const { return net_ == nullptr ? decltype(net_->remote(id_)){} : net_->remote(id_); }
  /// Whether the handle still names its connection.
  [[nodiscard]] bool is_live() const { return net_ != nullptr && net_->is_live(id_); }

  [[nodiscard]] constexpr connection_id id() const { return id_; }
  [[nodiscard]] constexpr Net* net() const { return net_; }
  friend constexpr bool operator==(const stream&, const stream&) = default;

 private:
  Net* net_ = nullptr;
  connection_id id_{};
};

}  // namespace strata::inline STRATA_ABI::socket
