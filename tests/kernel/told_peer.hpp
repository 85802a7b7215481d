// SPDX-License-Identifier: MIT
// A program of the tests that does what the lines of its input say, until its input ends: see _told.py.
#pragma once
#include <nic/program.hpp>

#include <poll.h>
#include <string>
#include <unistd.h>

namespace told {

inline strata::ipv4_address address_of(const std::string& text) {
  const auto a = strata::parse_address(text.data(), text.size());
  return a ? a->v4() : strata::ipv4_address{};
}

/// Runs a stack; obey(line) for each line.
inline void run(auto& stack, const auto& handler, auto&& obey) {
  std::string input;
  (void)strata::posix::run(stack, handler, {.longest_sleep_ns = 2'000'000}, [&] {
    for (pollfd ready{0, POLLIN, 0}; ::poll(&ready, 1, 0) == 1;) {
      char c;
      if (::read(0, &c, 1) != 1) return true;
      if (c != '\n') input += c;
      else obey(std::exchange(input, {}));
    }
    return false;
  });
}

}  // namespace told
