// SPDX-License-Identifier: MIT
// What two stacks at the ends of a simulated link say to each other: each writes a number of bytes as fast as it may, reads what comes, and closes.
#pragma once
#include <strata/nic/simulated.hpp>
#include <strata/strata.hpp>

#include <memory>
#include <vector>

namespace strata::test {

struct talk {
  std::size_t received[2]{};
  u32 closed = 0;
  bool is_as_sent = true;
};
struct manner_of_talk {
  std::size_t length = 0;           ///< bytes each way
  std::size_t reads = 4096;         ///< at once
  bool reads_all = true;            ///< else once for each event, and 400 us later again
  bool says_more = false;           ///< every write but the last
  std::size_t sent = 0;             ///< what side 0 wrote before
};

/// The byte at `at` of what `side` says.
constexpr std::byte octet(u32 side, std::size_t at) { return static_cast<std::byte>((at * 7 + (at >> 8) * 3 + side) & 0xff); }

/// Until both have closed, at most ten minutes. `piece(side)`: how many bytes the next write has, at most.
template <class Net, class Piece> talk talk_over(nic::simulated_link& link, std::unique_ptr<Net> (&nets)[2], const manner_of_talk& how, Piece&& piece) {
  talk all;
  std::size_t sent[2] = {how.sent, 0};
  std::vector<std::byte> buffer, sink(how.reads);
  for (u64 ns = 1; ns < 600'000'000'000 && all.closed < 2; ns += 500'000) {
    link.advance(ns);
    for (u32 side = 0; side < 2; ++side) {
      const auto write = [&](typename Net::stream s) {
        while (sent[side] < how.length) {
          const std::size_t most = piece(side), left = how.length - sent[side], n = most < left ? most : left;
          buffer.resize(n);
          for (std::size_t i = 0; i < n; ++i) buffer[i] = octet(side, sent[side] + i);
          const auto taken = s.send(buffer, {.more = how.says_more && n < left});
          if (!taken || *taken == 0) return;
          sent[side] += *taken;
          if (*taken < n) return;
        }
      };
      const auto read = [&](typename Net::stream s) {
        for (;;) {
          const auto n = s.receive(sink);
          if (!n || *n == 0) break;
          for (std::size_t i = 0; i < *n; ++i) all.is_as_sent = all.is_as_sent && sink[i] == octet(1 - side, all.received[side] + i);
          all.received[side] += *n;
          if (how.reads_all) continue;
          if (*n == sink.size()) (void)s.set_timer(Net::duration::us(400));
          break;
        }
        if (all.received[side] == how.length && sent[side] == how.length) (void)s.shutdown_send();
      };
      nets[side]->poll({ns}, {}, on{[&](typename Net::accepted e) { write(e.stream); }, [&](typename Net::connected e) { write(e.stream); },
                                    [&](typename Net::writable e) { write(e.stream), read(e.stream); }, [&](typename Net::readable e) { read(e.stream); },
                                    [&](typename Net::timer e) { read(e.stream); }, [&](typename Net::closed) { ++all.closed; }, ignore_rest{}});
    }
  }
  return all;
}

}  // namespace strata::test
