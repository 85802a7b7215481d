// SPDX-License-Identifier: MIT
// The rows of scripts/bench --instructions that are queues: a frame in and the next one out where frames of so many flows wait. A program of their own, as
// instructions_of_streams.cpp. `instructions_of_queues ROW` runs one row; without it the rows are listed.
#include "queues.hpp"

#include <cstdio>
#include <cstring>

using namespace bench;

extern "C" [[gnu::noinline]] void measured(void (*f)()) { f(); }

namespace {
constexpr int rounds = 256;
constexpr int together = 32;  // frames: what a call costs is not told
static_assert(rounds % together == 0);
template <class Queue, u32 Flows> void through() {
  static const auto s = std::make_unique<steady<Queue>>(Flows);
  constexpr auto turns = [] {
    for (int i = 0; i < together; ++i) s->turn();
  };
  for (int i = 0; i < 128; ++i) turns();
  for (int i = 0; i < rounds / together; ++i) measured(turns);
  if (s->lost != 0) std::fprintf(stderr, "%llu frames were refused or kept\n", static_cast<unsigned long long>(s->lost));
}
struct row {
  const char* name;
  void (*run)();
};
constexpr row rows[] = {{"qdisc_fifo", through<fifo, 100>},     {"qdisc_prio", through<prio, 100>},         {"qdisc_tbf", through<tbf, 100>},
                        {"qdisc_drr_100", through<drr, 100>},   {"qdisc_fq_1", through<fq, 1>},             {"qdisc_fq_100", through<fq, 100>},
                        {"qdisc_fq_1000", through<fq, 1000>},   {"qdisc_fq_paced_100", through<fq_paced, 100>}, {"qdisc_fq_codel_1", through<fq_codel, 1>},
                        {"qdisc_fq_codel_100", through<fq_codel, 100>}, {"qdisc_fq_codel_1000", through<fq_codel, 1000>}};
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    for (const row& r : rows) std::printf("%s\n", r.name);
    std::printf("rounds %d\n", rounds);
    return 0;
  }
  for (const row& r : rows)
    if (std::strcmp(r.name, argv[1]) == 0) return r.run(), 0;
  return 2;
}
