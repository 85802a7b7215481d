// SPDX-License-Identifier: MIT
// A port that accepts connections, as an application holds it: a copyable value. Closing it leaves accepted streams alone.
#pragma once
#include <strata/tcp/types.hpp>

namespace strata::inline STRATA_ABI::socket {

template <class Net> class listener {
 public:
  constexpr listener() = default;
  constexpr listener(Net& net, connection_id id) : net_(&net), id_(id) {}

  /// No new connections; half-open ones are forgotten. Errors: stale.
  expected<void, tcp::call_error> close() const {
    if (net_ == nullptr) return tcp::call_error::stale;
    return net_->close_listener(id_);
  }

  [[nodiscard]] constexpr connection_id id() const { return id_; }
  [[nodiscard]] constexpr Net* net() const { return net_; }
  friend constexpr bool operator==(const listener&, const listener&) = default;

 private:
  Net* net_ = nullptr;
  connection_id id_{};
};

}  // namespace strata::inline STRATA_ABI::socket
