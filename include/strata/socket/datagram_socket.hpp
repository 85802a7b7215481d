// SPDX-License-Identifier: MIT
// A bound port for datagrams, as an application holds it: a copyable value. A stale one answers `stale`; no destructor closes.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::socket {

template <class Net> class datagram_socket {
 public:
  constexpr datagram_socket() = default;
  constexpr datagram_socket(Net& net, connection_id id) : net_(&net), id_(id) {}

  [[nodiscard]] constexpr connection_id id() const { return id_; }
  [[nodiscard]] constexpr Net* net() const { return net_; }
  friend constexpr bool operator==(const datagram_socket&, const datagram_socket&) = default;

 private:
  Net* net_ = nullptr;
  connection_id id_{};
};

}  // namespace strata::inline STRATA_ABI::socket
