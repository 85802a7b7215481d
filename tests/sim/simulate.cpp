// SPDX-License-Identifier: MIT
// The program behind scripts/simulate: runs seeds, prints a line for each and how to replay those that failed.
#include "simulation.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>

namespace {

using namespace strata;

constexpr const char* help =
    "simulate [--seeds A-B] [--scenario NAME] [--policy NAME] [--seconds S]\n"
    "simulate --seed N [--scenario NAME] [--policy NAME] [--pcap FILE] [--events]\n\n"
    "  --seeds A-B      seeds to run (default: 1-200)\n"
    "  --seed N         one seed\n"
    "  --scenario NAME  the weather of the link; by default the seed says which\n"
    "  --policy NAME    the Config; by default the seed says which\n"
    "  --seconds S      stop after so many seconds of real time\n"
    "  --pcap FILE      every frame that was sent, with virtual times\n"
    "  --events         every event, on stderr\n\n"
    "Prints `seed=N scenario=S ok|FAILED invariant=NAME` for each, then how many ran of each scenario and how many connections\n"
    "ended how (`end=A/B`: at side 0, at side 1) and, last, `simulate seeds=N failed=N`.\n"
    "Exit code 0 when nothing failed, 1 when something did, 2 for wrong options.\n";

/// Names, as many as a line holds.
void print_names(const char* what, const char* (*name)(u32), u32 count) {
  std::printf("\n%s:", what);
  for (u32 i = 0, column = 100; i < count; ++i) {
    const u32 length = static_cast<u32>(std::strlen(name(i))) + 1;
    if (column + length > 100) std::printf("\n "), column = 1;
    std::printf(" %s", name(i));
    column += length;
  }
  std::printf("\n");
}
void print_help() {
  std::fputs(help, stdout);
  print_names("scenarios", sim::scenario_name, sim::number_of_scenarios());
  print_names("policies", sim::policy_name, sim::number_of_policies());
}

int wrong(const char* text) {
  std::fprintf(stderr, "simulate: error: %s (options); see --help\n", text);
  return 2;
}
bool number(const char* text, u64& n, char end = 0, const char** rest = nullptr) {
  if (*text < '0' || *text > '9') return false;
  char* stop = nullptr;
  errno = 0;
  n = std::strtoull(text, &stop, 10);
  if (rest != nullptr) *rest = stop + 1;
  return errno == 0 && *stop == end;
}

}  // namespace

int main(int argc, char** argv) {
  u64 first = 1, last = 200, seconds = 0;
  bool is_one = false;
  const char* pcap = nullptr;
  sim::request r;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--help" || option == "-h") return print_help(), 0;
    if (option == "--events") {
      r.is_told = true;
      continue;
    }
    if (i + 1 == argc) return wrong("an option is unknown or wants a value");
    const char* const value = argv[++i];
    const char* rest = nullptr;
    if (option == "--seeds") {
      if (!number(value, first, '-', &rest) || !number(rest, last) || last < first) return wrong("--seeds wants A-B");
    } else if (option == "--seed") {
      if (!number(value, first)) return wrong("--seed wants a number");
      last = first, is_one = true;
    } else if (option == "--scenario") {
      if (!sim::is_scenario(r.scenario = value)) return wrong("there is no such scenario");
    } else if (option == "--policy") {
      if (!sim::is_policy(r.policy = value)) return wrong("there is no such policy");
    } else if (option == "--seconds") {
      if (!number(value, seconds)) return wrong("--seconds wants a number");
    } else if (option == "--pcap") {
      pcap = value;
    } else {
      return wrong("unknown option");
    }
  }
  if (pcap != nullptr && !is_one) return wrong("--pcap wants one --seed");
  if (pcap != nullptr && (r.capture = std::fopen(pcap, "wb")) == nullptr) {
    std::fprintf(stderr, "simulate: error: cannot write %s (open, errno %s); choose another file\n", pcap, std::strerror(errno));
    return 1;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::time_t start = std::time(nullptr);
  u64 seeds = 0, failed = 0;
  struct tally { u64 seeds = 0, failed = 0; };
  std::map<std::string, tally> by_scenario;
  std::map<std::string, u64> by_end;
  for (r.seed = first; r.seed <= last; ++r.seed) {
    if (seconds != 0 && static_cast<u64>(std::time(nullptr) - start) >= seconds) break;
    const sim::outcome o = sim::simulate(r);
    ++seeds;
    ++by_scenario[o.scenario].seeds, by_scenario[o.scenario].failed += o.is_ok ? 0 : 1;
    ++by_end[o.is_ok ? o.ends : "failed"];
    std::printf("seed=%" PRIu64 " scenario=%s %s", r.seed, o.scenario, o.is_ok ? "ok" : "FAILED");
    if (!o.is_ok) std::printf(" invariant=%s", o.invariant.c_str());
    std::printf(" policy=%s connections=%u bytes=%" PRIu64 ",%" PRIu64 " ends=%s virtual_ms=%" PRIu64 " frames=%" PRIu64 " retransmitted=%" PRIu64 "\n", o.policy, o.connections, o.bytes[0],
                o.bytes[1], o.ends.empty() ? "none" : o.ends.c_str(), o.ns / 1'000'000, o.frames, o.retransmitted);
    if (o.is_ok) continue;
    ++failed;
    std::printf("  %s\n  replay: scripts/simulate --seed %" PRIu64, o.detail.c_str(), r.seed);
    if (r.scenario != nullptr) std::printf(" --scenario %s", r.scenario);
    if (r.policy != nullptr) std::printf(" --policy %s", r.policy);
    std::printf(" --pcap seed-%" PRIu64 ".pcap\n", r.seed);
  }
  if (r.capture != nullptr) std::fclose(r.capture);
  if (!is_one) {
    for (const auto& [name, n] : by_scenario) std::printf("scenario=%s seeds=%" PRIu64 " failed=%" PRIu64 "\n", name.c_str(), n.seeds, n.failed);
    std::map<std::string, u64> words;
    for (const auto& [ends, n] : by_end)
      for (std::size_t at = 0; at <= ends.size();) {
        const std::size_t comma = ends.find(',', at) == std::string::npos ? ends.size() : ends.find(',', at);
        words[ends.substr(at, comma - at)] += n;
        at = comma + 1;
      }
    for (const auto& [end, n] : words) std::printf("end=%s connections=%" PRIu64 "\n", end.c_str(), n);
  }
  std::printf("simulate seeds=%" PRIu64 " failed=%" PRIu64 "\n", seeds, failed);
  return failed == 0 ? 0 : 1;
}
