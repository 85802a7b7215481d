// SPDX-License-Identifier: MIT
#include <http/sha256.hpp>

#include <openssl/evp.h>

#include <utility>

namespace example {

sha256::sha256() : context_(EVP_MD_CTX_new()) { restart(); }
sha256::sha256(sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
sha256& sha256::operator=(sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
sha256::~sha256() { EVP_MD_CTX_free(context_); }

void sha256::add(std::span<const std::byte> bytes) { (void)EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
void sha256::restart() { (void)EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
std::string sha256::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  (void)EVP_DigestFinal_ex(context_, digest, &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  restart();
  return text;
}

}  // namespace example
