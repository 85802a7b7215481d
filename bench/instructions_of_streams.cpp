// SPDX-License-Identifier: MIT
// The rows of scripts/bench --instructions that are streams. A program of their own: a second stack in the same unit changes what the compiler makes of the
// first. `instructions_of_streams ROW` runs one row; without it the rows are listed.
#include "pair.hpp"

#include <cstdio>
#include <cstring>

using namespace bench;

extern "C" [[gnu::noinline]] void measured(void (*f)()) { f(); }

namespace {
constexpr int rounds = 256;
/// A stream in one direction, both ends counted: a write of `together` segments, what the other side does with them, and the ACKs. Per segment of 1460 bytes.
constexpr int together = 32;
static_assert(rounds % together == 0);
template <class C> void bulk() {
  static const auto e = std::make_unique<ends<C>>();
  static const std::vector<std::byte> bytes(1460 * together, std::byte{7});
  constexpr auto turn = [] {
    (void)e->client.send(std::span(bytes));
    e->poll_b(), e->poll_a();
  };
  for (int i = 0; i < 64; ++i) turn();
  for (int i = 0; i < rounds / together; ++i) measured(turn);
}
struct stream {
  const char* name;
  void (*run)();
};
/// The wire that takes trains whole makes no checksums, as a veth pair: what a train saves is told beside segments over the same wire.
struct unsummed : trains {
  static constexpr strata::u32 gso_max_size = 0;
};
constexpr stream streams[] = {{"tcp_bulk_segment", bulk<low_latency>}, {"tcp_bulk_segment_unsummed", bulk<unsummed>}, {"tcp_bulk_segment_trains", bulk<trains>}};
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    for (const stream& s : streams) std::printf("%s\n", s.name);
    std::printf("rounds %d\n", rounds);
    return 0;
  }
  for (const stream& s : streams)
    if (std::strcmp(s.name, argv[1]) == 0) return s.run(), 0;
  return 2;
}
