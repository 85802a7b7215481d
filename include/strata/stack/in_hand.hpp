// SPDX-License-Identifier: MIT
// A chunk in the application's hands (a reservation, a view that take() gave), where threads share the stack: it goes back to its pool under the lock, on
// whatever thread it is dropped. Elsewhere the stack gives the bare handle.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::detail {

template <class Net, class Handle> class in_hand {
 public:
  in_hand() = default;
  in_hand(Net& net, Handle&& handle) : net_(&net), handle_(std::move(handle)) {}
  in_hand(in_hand&& other) noexcept : net_(std::exchange(other.net_, nullptr)), handle_(std::move(other.handle_)) {}
  in_hand& operator=(in_hand&& other) noexcept {
    if (this != &other) {
      drop();
      net_ = std::exchange(other.net_, nullptr);
      handle_ = std::move(other.handle_);
    }
    return *this;
  }
  ~in_hand() { drop(); }

  [[nodiscard]] auto room() const requires requires(const Handle& h) { h.room(); } { return handle_.room(); }
  [[nodiscard]] auto bytes() const requires requires(const Handle& h) { h.bytes(); } { return handle_.bytes(); }
  [[nodiscard]] explicit operator bool() const requires requires(const Handle& h) { static_cast<bool>(h); } { return static_cast<bool>(handle_); }
  /// For the stack, under the lock.
  [[nodiscard]] Handle&& release() { return net_ = nullptr, std::move(handle_); }

 private:
  void drop() {
    if (net_ != nullptr) net_->drop_under_lock(std::exchange(handle_, Handle{}));
    net_ = nullptr;
  }
  Net* net_ = nullptr;
  Handle handle_{};
};

}  // namespace strata::inline STRATA_ABI::detail
