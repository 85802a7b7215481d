// SPDX-License-Identifier: MIT
// AF_XDP over veth: strata's TCP beside bare frames of the same sizes and beside the kernel's TCP, in one run and in turns. Needs root; touches no interface
// but its own. The rows of a group are measured together when the first of them is asked for; each is printed as key=value at the end.
#include "xdp/bulk.hpp"
#include "xdp/driver_pair.hpp"
#include "xdp/round_trips.hpp"

#include <benchmark/benchmark.h>

#include <cmath>

namespace {
using namespace bench;
using strata::nic::xdp_mode;

bool is_quick = false;

struct result {
  setting how;
  double p50 = 0, p99 = 0;      // ns, of a round trip or a segment
  double more = 0, times = 1;   // than the row beside it, block by block
  double frames = 0;            // a round trip, both ways; zero: not counted
  const char* failure = nullptr;
  std::size_t beside = 0;       // the row of the group that it is compared with
};

struct group {
  std::string name;
  std::vector<const char*> rows;  // the first is what the others are compared with, where nothing else is said
  xdp_mode mode;
  void (*measure)(group&);
  std::vector<result> results{};

  void take(const contenders& all) {
    for (const auto& c : all) results.push_back({.how = c->how(), .p50 = c->times.at(0.5), .p99 = c->times.at(0.99)});
    for (std::size_t row = 0; row < all.size(); ++row) compare(all, row, 0);
  }
  void compare(const contenders& all, std::size_t row, std::size_t beside) {
    result& r = results[row];
    r.more = all[row]->times.more_than(all[beside]->times);
    r.times = all[row]->times.times(all[beside]->times);
    r.beside = beside;
  }
};

network& the_network() {
  static network n;
  return n;
}
template <class C> C& add(contenders& all, const char* name, auto&&... arguments) {
  auto made = std::make_unique<C>(name, arguments...);
  C& c = *made;
  all.push_back(std::move(made));
  return c;
}

// raw, raw_60_bytes, raw_own_address, driver, strata, strata_fill_512, kernel
void measure_round_trips(group& g, void (*turns)(contenders&, u32, u32)) {
  network& net = the_network();
  contenders all;
  (void)add<round_trip<raw_pair>>(all, g.rows[0], net.connect(false), g.mode, steering::everything, few);
  (void)add<round_trip<raw_pair>>(all, g.rows[1], net.connect(false), g.mode, steering::everything, few, smallest_frame);
  (void)add<round_trip<raw_pair>>(all, g.rows[2], net.connect(false), g.mode, steering::own_address, few);
  (void)add<round_trip<driver_pair>>(all, g.rows[3], net.connect(false), g.mode, few);
  auto& strata = add<round_trip<strata_pair>>(all, g.rows[4], net.connect(false), g.mode, few, the_clock().ns()).pair;
  (void)add<round_trip<strata_pair>>(all, g.rows[5], net.connect(false), g.mode, many, the_clock().ns());
  static u32 subnet = 0;
  const std::string near = "10.5." + std::to_string(subnet) + ".1/24", far = "10.5." + std::to_string(subnet) + ".2";
  ++subnet;
  const network::pair p = net.connect(true);
  net.give_address(p.near, near.c_str());
  {
    const network::visit there(net);
    net.give_address(p.far, (far + "/24").c_str());
  }
  (void)add<round_trip<kernel_pair>>(all, g.rows[6], net, far.c_str());

  const auto sent = [&] {
    const auto a = strata.near_end().count(), b = strata.far_end().count();
    return std::pair{static_cast<double>(a.transmit_frames + b.transmit_frames), static_cast<double>(a.transmit_bytes + b.transmit_bytes)};
  };
  const u32 rounds = is_quick ? 4 : 30, n = is_quick ? 1000 : 2000;
  const auto before = sent();
  turns(all, rounds, n);
  const auto after = sent();
  g.take(all);
  const double round_trips = static_cast<double>(rounds + 1) * n, frames = after.first - before.first;
  g.results[4].frames = frames / round_trips;
  if (std::fabs((after.second - before.second) / frames - tcp_frame) > 1) g.results[4].failure = "its frames have another size than the raw ones";
}
void one_thread(group& g) { measure_round_trips(g, take_turns); }
void two_cores(group& g) {
  if (std::thread::hardware_concurrency() < 2) {
    g.results.resize(g.rows.size());
    for (result& r : g.results) r.failure = "there is one core only";
    return;
  }
  measure_round_trips(g, take_turns_on_two_cores);
}

// raw, raw_copied, strata, strata_in_place
void bulk_of_two(group& g) {
  network& net = the_network();
  const auto strata = [&](std::size_t row, way how) {
    auto made = std::make_unique<bulk<strata_to_strata>>(g.rows[row], net.connect(false), g.mode, how, the_clock().ns());
    made->exchange(256);  // the congestion window opens
    made->times = {};
    return made;
  };
  auto copying = strata(2, way::copying), in_place = strata(3, way::in_place);
  copying->exchange(0);
  const std::vector<frames> turns = copying->transfer.look(64);
  contenders all;
  (void)add<bulk<raw_to_raw>>(all, g.rows[0], net.connect(false), g.mode, way::in_place, turns);
  (void)add<bulk<raw_to_raw>>(all, g.rows[1], net.connect(false), g.mode, way::copying, turns);
  all.push_back(std::move(copying));
  all.push_back(std::move(in_place));
  take_turns(all, is_quick ? 4 : 30, 64);
  g.take(all);
  g.compare(all, 2, 1);  // who copies, with who copies
  double both_ways = 0;
  for (const frames& f : turns) both_ways += f.data + f.acks;
  g.results[2].frames = both_ways / static_cast<double>(turns.size());
}

// kernel, kernel_single, kernel_1460, strata
void bulk_to_the_kernel(group& g) {
  network& net = the_network();
  contenders all;
  const strata::u8 subnet = g.mode == xdp_mode::driver ? 0 : 1;
  const auto address = [&](std::size_t kind, int host) { return "10." + std::to_string(kind) + '.' + std::to_string(subnet) + '.' + std::to_string(host); };
  const auto pair = [&](std::size_t kind, bool is_kernel_here) {
    const network::pair p = net.connect(true);
    if (is_kernel_here) {
      net.give_address(p.near, (address(kind, 1) + "/24").c_str());
      network::switch_off(p.near, {ETHTOOL_STSO, ETHTOOL_SGSO});
    }
    const network::visit there(net);
    net.give_address(p.far, (address(kind, 2) + "/24").c_str());
    if (!is_kernel_here) network::switch_off(p.far, {ETHTOOL_STXCSUM});
    return p;
  };
  for (const std::size_t row : {0u, 1u, 2u}) {
    const network::pair p = pair(7 + row, true);
    if (row == 1) net.send_single_segments(p.near);
    (void)add<bulk<kernel_to_kernel>>(all, g.rows[row], net, address(7 + row, 2).c_str(), row == 2 ? segment : segment * segments_a_turn);
  }
  (void)add<bulk<strata_to_kernel>>(all, g.rows[3], net, pair(6, false).near, g.mode, subnet);
  take_turns(all, is_quick ? 4 : 30, 64);
  g.take(all);
}

std::vector<group> groups() {
  std::vector<group> all;
  for (const xdp_mode mode : {xdp_mode::driver, xdp_mode::generic}) {
    const std::string suffix = std::string("/") + name_of(mode);
    const std::vector<const char*> round_trips{"raw", "raw_60_bytes", "raw_own_address", "driver", "strata", "strata_fill_512", "kernel"};
    all.push_back({"af_xdp/round_trip_one_thread" + suffix, round_trips, mode, one_thread});
    all.push_back({"af_xdp/round_trip_two_cores" + suffix, round_trips, mode, two_cores});
    all.push_back({"af_xdp/bulk" + suffix, {"raw", "raw_copied", "strata", "strata_in_place"}, mode, bulk_of_two});
    all.push_back({"af_xdp/bulk_to_the_kernel" + suffix, {"kernel", "kernel_single", "kernel_1460", "strata"}, mode, bulk_to_the_kernel});
  }
  return all;
}

void report(benchmark::State& state, group& g, std::size_t row) {
  if (g.results.empty()) g.measure(g);
  const result& r = g.results[row];
  if (r.failure != nullptr) state.SkipWithError(r.failure);
  for (auto _ : state) state.SetIterationTime(r.p50 / 1e9);
  state.counters["p99_ns"] = r.p99;
  if (g.name.find("bulk") != std::string::npos) state.counters["ns_per_segment"] = r.p50;
  if (row != 0) state.counters["more_ns"] = r.more, state.counters["times"] = r.times;
  state.SetLabel(std::string("nic=") + r.how.nic + " mode=" + r.how.mode + " copy=" + r.how.copy + " pages=" + r.how.pages + " fill=" + std::to_string(r.how.fill));
}
void print(const group& g) {
  for (std::size_t i = 0; i < g.results.size(); ++i) {
    const result& r = g.results[i];
    if (r.failure != nullptr) continue;
    std::printf("row=%s/%s nic=%s mode=%s copy=%s pages=%s fill=%u p50_ns=%.0f p99_ns=%.0f", g.name.c_str(), g.rows[i], r.how.nic, r.how.mode, r.how.copy, r.how.pages, r.how.fill, r.p50, r.p99);
    if (i != 0) std::printf(" more_ns=%.0f times=%.3f beside=%s", r.more, r.times, g.rows[r.beside]);
    if (r.frames != 0) std::printf(" frames=%.3f", r.frames);
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) is_quick |= std::strncmp(argv[i], "--benchmark_min_time", 20) == 0;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::vector<group> all = groups();
  for (group& g : all)
    for (std::size_t i = 0; i < g.rows.size(); ++i)
      benchmark::RegisterBenchmark((g.name + '/' + g.rows[i]).c_str(), [&g, i](benchmark::State& s) { report(s, g, i); })->UseManualTime()->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  for (const group& g : all) print(g);
}
