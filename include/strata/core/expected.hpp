// SPDX-License-Identifier: MIT
// A value or the reason why there is none. E is a closed enum of one byte (or a small struct for `open`); no exceptions, no <expected>.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI {

template <class T, class E> class expected {
 public:
  constexpr expected(T value) : value_(std::move(value)), has_value_(true) {}
  constexpr expected(E error) : error_(error), has_value_(false) {}
  constexpr expected(expected&& other) : has_value_(other.has_value_) {
    if (has_value_) std::construct_at(&value_, std::move(other.value_));
    else std::construct_at(&error_, other.error_);
  }
  expected& operator=(expected&&) = delete;
  constexpr ~expected() {
    if (has_value_) value_.~T();
  }

  [[nodiscard]] constexpr explicit operator bool() const { return has_value_; }
  [[nodiscard]] constexpr bool has_value() const { return has_value_; }
  /// The value. Precondition: there is one.
  [[nodiscard]] constexpr T& operator*() & { STRATA_EXPECTS(has_value_); return value_; }
  [[nodiscard]] constexpr const T& operator*() const& { STRATA_EXPECTS(has_value_); return value_; }
  [[nodiscard]] constexpr T&& operator*() && { STRATA_EXPECTS(has_value_); return std::move(value_); }
  [[nodiscard]] constexpr T* operator->() { STRATA_EXPECTS(has_value_); return &value_; }
  [[nodiscard]] constexpr const T* operator->() const { STRATA_EXPECTS(has_value_); return &value_; }
  /// The reason. Precondition: there is no value.
  [[nodiscard]] constexpr E error() const { STRATA_EXPECTS(!has_value_); return error_; }
  [[nodiscard]] constexpr T value_or(T otherwise) const { return has_value_ ? value_ : std::move(otherwise); }

 private:
  union {
    T value_;
    E error_;
  };
  bool has_value_;
};

/// A call that answers nothing but whether it worked.
template <class E> class expected<void, E> {
 public:
  constexpr expected() = default;
  constexpr expected(E error) : error_(error), has_value_(false) {}
  [[nodiscard]] constexpr explicit operator bool() const { return has_value_; }
  [[nodiscard]] constexpr bool has_value() const { return has_value_; }
  [[nodiscard]] constexpr E error() const { STRATA_EXPECTS(!has_value_); return error_; }

 private:
  E error_{};
  bool has_value_ = true;
};

}  // namespace strata::inline STRATA_ABI
