// SPDX-License-Identifier: MIT
// What the fuzz targets share: a target is a function of bytes. libFuzzer calls it with bytes of its own, replay_test.cpp with the committed corpus.
// Nothing that a peer sends is an error, so whatever require() finds untrue is a fault of ours.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <source_location>
#include <span>
#include <string>

namespace strata::fuzz {

using bytes = std::span<const std::byte>;

/// What runs now, for the message of a failure; empty under libFuzzer, which prints the input's name itself.
inline std::string running{};

/// Ends the program if something that must hold does not.
inline void require(bool holds, const char* what, std::source_location at = std::source_location::current()) {
  if (holds) [[likely]] return;
  std::fprintf(stderr, "%s:%u: %s %s\n", at.file_name(), static_cast<unsigned>(at.line()), what, running.c_str());
  std::abort();
}

/// What the layers counted, by `layer.counter`, summed over all runs while it is set. replay_test.cpp reads it.
inline std::map<std::string, std::uint64_t>* counted = nullptr;

/// The input, taken from the front. Beyond its end everything is zero.
class reader {
 public:
  explicit reader(bytes input) : rest_(input) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t u8() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_[0]);
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint16_t u16() {
    const unsigned low = u8();
    return static_cast<std::uint16_t>(low | static_cast<unsigned>(u8()) << 8);
  }
  bytes take(std::size_t n) {
    const bytes front = rest_.first(n < rest_.size() ? n : rest_.size());
    rest_ = rest_.subspan(front.size());
    return front;
  }
  bytes rest() { return take(rest_.size()); }

 private:
  bytes rest_;
};

void ethernet(bytes input);
void arp(bytes input);
void ipv4(bytes input);
void ipv6(bytes input);
void icmpv4(bytes input);
void udp(bytes input);
void tcp(bytes input);
void tcp_options(bytes input);
void address_text(bytes input);
void stack_input(bytes input);
void stack_structured(bytes input);

struct target {
  const char* name;
  void (*fuzz_one)(bytes);
  unsigned longest;  ///< bytes of input that are worth trying
};
inline constexpr target targets[] = {
    {"ethernet", ethernet, 64},     {"arp", arp, 64},   {"ipv4", ipv4, 256},
    {"ipv6", ipv6, 256},            {"icmpv4", icmpv4, 256}, {"udp", udp, 256},
    {"tcp", tcp, 256},              {"tcp_options", tcp_options, 64}, {"address_text", address_text, 64},
    {"stack_input", stack_input, 4096}, {"stack_structured", stack_structured, 1024},
};

}  // namespace strata::fuzz
