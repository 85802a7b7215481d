// SPDX-License-Identifier: MIT
// A handle that ends what it names: socket::owned<net::stream> aborts its connection in its destructor, owned<listener> and owned<datagram_socket> close.
#pragma once
#include <strata/core/types.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::socket {

template <class Handle> class owned {
 public:
  owned() = default;
  explicit owned(Handle handle) : handle_(handle) {}
  owned(owned&& other) noexcept : handle_(other.release()) {}
  owned& operator=(owned&& other) noexcept {
    if (this != &other) {
      end();
      handle_ = other.release();
    }
    return *this;
  }
  ~owned() { end(); }

  [[nodiscard]] const Handle& get() const { return handle_; }
  const Handle* operator->() const { return &handle_; }
  const Handle& operator*() const { return handle_; }
  /// The handle, which nobody ends any more.
  Handle release() { return std::exchange(handle_, Handle{}); }

 private:
  void end() {
    if constexpr (requires { handle_.abort(); }) (void)handle_.abort();
    else (void)handle_.close();
    handle_ = {};
  }
  Handle handle_{};
};

}  // namespace strata::inline STRATA_ABI::socket
