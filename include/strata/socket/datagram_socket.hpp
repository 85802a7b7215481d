// SPDX-License-Identifier: MIT
// A bound port for datagrams, as an application holds it: a copyable value {stack, slot, which of its lives}. A stale one answers `stale`; no destructor
// closes: see socket::owned.
#pragma once
#include <strata/core/multicast.hpp>
#include <strata/tcp/types.hpp>
#include <strata/udp/types.hpp>

namespace strata::inline STRATA_ABI::socket {

/// Net is only named here; it is complete when a member is called. `Endpoint` is always Net::endpoint.
template <class Net> class datagram_socket {
 public:
  constexpr datagram_socket() = default;
  constexpr datagram_socket(Net& net, connection_id id) : net_(&net), id_(id) {}

  /// From now on only datagrams from `to` are received, send() goes there, and errors about it become events.
  template <class Address> expected<void, udp::connect_error> connect(const endpoint<Address>& to) const {
    if (net_ == nullptr) return udp::connect_error::stale;
    return net_->connect_socket(id_, to);
  }
  /// One datagram of `bytes`; how many were sent: all of them. Linux: udp_sendmsg.
  template <class Address> expected<std::size_t, udp::send_error> send_to(std::span<const std::byte> bytes, const endpoint<Address>& to, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return udp::send_error::stale;
    return net_->send_to(id_, bytes, to, flags);
  }
  /// Datagrams of that size, and one of what is left, by one call; exists where the Config's gso_max_size is not zero. How many bytes left. Linux: UDP_SEGMENT.
  template <class Address> expected<std::size_t, udp::send_error> send_to(std::span<const std::byte> bytes, const endpoint<Address>& to, udp::segment_size size, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return udp::send_error::stale;
    return net_->send_segments(id_, bytes, to, size, flags);
  }
  /// The same to the peer of a connected socket.
  expected<std::size_t, udp::send_error> send(std::span<const std::byte> bytes, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return udp::send_error::stale;
    return net_->send_datagram(id_, bytes, flags);
  }
  /// Room for a datagram of up to `n` bytes, to be written in place; commit_to() sends the first of them, dropping it sends nothing.
  auto reserve(std::size_t n) const {
    if (net_ == nullptr) return decltype(net_->reserve_datagram(id_, n))(udp::send_error::stale);
    return net_->reserve_datagram(id_, n);
  }
  template <class Place = udp::reservation, class Address> requires(!std::is_reference_v<Place>)
  expected<std::size_t, udp::send_error> commit_to(Place&& place, std::size_t n, const endpoint<Address>& to, tcp::send_flags flags = {}) const {
    if (net_ == nullptr) return udp::send_error::stale;
    return net_->commit_datagram(id_, std::move(place), n, to, flags);
  }
  /// The oldest unread datagram, copied; what does not fit in `to` is lost. With udp::option::gro it may be several. Error: would_block. Linux: udp_recvmsg.
  [[nodiscard]] auto receive(std::span<std::byte> to) const {
    if (net_ == nullptr) return decltype(net_->receive_datagram(id_, to))(udp::receive_error::stale);
    return net_->receive_datagram(id_, to);
  }
  /// The oldest unread datagram where it lies, valid until it is consumed or received, or the socket closed.
  [[nodiscard]] auto peek() const {
    if (net_ == nullptr) return decltype(net_->peek_datagram(id_))(udp::receive_error::stale);
    return net_->peek_datagram(id_);
  }
  /// DSCP, ECN and time to live that the oldest unread datagram came with: ask before it is received or consumed.
  [[nodiscard]] expected<udp::ip_fields, udp::receive_error> fields() const {
    if (net_ == nullptr) return udp::receive_error::stale;
    return net_->fields_of_datagram(id_);
  }
  /// Done with the oldest datagram.
  expected<void, udp::receive_error> consume() const {
    if (net_ == nullptr) return udp::receive_error::stale;
    return net_->consume_datagram(id_);
  }
  /// s.set(udp::option::gro{true}); an option that this Config does not have does not compile.
  template <class Option> requires requires(Net& net, connection_id id, Option o) { net.set_of_socket(id, o); }
  expected<void, udp::call_error> set(Option option) const {
    if (net_ == nullptr) return udp::call_error::stale;
    return net_->set_of_socket(id_, option);
  }
  /// The option's value. Errors: stale, not_permitted.
  template <class Option> requires requires(Net& net, connection_id id) { net.template get_of_socket<Option>(id); }
  [[nodiscard]] expected<Option, udp::call_error> get() const {
    if (net_ == nullptr) return udp::call_error::stale;
    return net_->template get_of_socket<Option>(id_);
  }
  /// s.join({.group = "239.1.2.3"_ip}): what is sent to the group comes in, from any source or from `.source` only; exists where limits.groups is not zero. A
  /// socket that was bound to an address of ours does not hear groups. Linux: IP_ADD_MEMBERSHIP.
  template <class N = Net> requires(N::has_groups) expected<void, multicast::call_error> join(const typename N::membership& m) const {
    if (net_ == nullptr) return multicast::call_error::stale;
    return net_->join_of_socket(id_, m);
  }
  /// Ends the membership, or one source of it. Closing the socket ends all. Linux: IP_DROP_MEMBERSHIP.
  template <class N = Net> requires(N::has_groups) expected<void, multicast::call_error> leave(const typename N::membership& m) const {
    if (net_ == nullptr) return multicast::call_error::stale;
    return net_->leave_of_socket(id_, m);
  }
  /// All that is wanted of a group at once, in the place of what was said before. Linux: MCAST_MSFILTER.
  template <class N = Net> requires(N::has_groups) expected<void, multicast::call_error> listen_to(const typename N::source_filter& f) const {
    if (net_ == nullptr) return multicast::call_error::stale;
    return net_->listen_to_of_socket(id_, f);
  }
  /// Ends the socket; what is unread is dropped.
  expected<void, udp::call_error> close() const {
    if (net_ == nullptr) return udp::call_error::stale;
    return net_->close_socket(id_);
  }

  /// Our end, with the port that bind() chose, and the peer of a connected socket; zero for a stale handle.
  [[nodiscard]] auto local() const { return net_ == nullptr ? decltype(net_->socket_local(id_)){} : net_->socket_local(id_); }
  [[nodiscard]] auto remote() const { return net_ == nullptr ? decltype(net_->socket_remote(id_)){} : net_->socket_remote(id_); }
  [[nodiscard]] bool is_live() const { return net_ != nullptr && net_->is_socket(id_); }

  [[nodiscard]] constexpr connection_id id() const { return id_; }
  [[nodiscard]] constexpr Net* net() const { return net_; }
  friend constexpr bool operator==(const datagram_socket&, const datagram_socket&) = default;

 private:
  Net* net_ = nullptr;
  connection_id id_{};
};

}  // namespace strata::inline STRATA_ABI::socket
