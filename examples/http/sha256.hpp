// SPDX-License-Identifier: MIT
// SHA-256 by libcrypto, a piece at a time.
#pragma once
#include <cstddef>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace example {

class sha256 {
 public:
  sha256();
  sha256(sha256&& other) noexcept;
  sha256& operator=(sha256&& other) noexcept;
  ~sha256();

  void add(std::span<const std::byte> bytes);
  /// In hexadecimal; begins again from nothing.
  [[nodiscard]] std::string finish();
  void restart();

 private:
  evp_md_ctx_st* context_;
};

}  // namespace example
