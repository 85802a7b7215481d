// SPDX-License-Identifier: MIT
// The committed corpus as an ordinary test: every input again, under every compiler; and what it must have raised.
#include "fuzz.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

using namespace strata;

const std::filesystem::path corpus = std::filesystem::path(STRATA_TESTS_DIR) / "fuzz" / "corpus";

std::vector<std::filesystem::path> inputs_of(const char* target) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(corpus / target))
    if (entry.is_regular_file()) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}
std::vector<char> content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::size_t replay(const fuzz::target& t) {
  std::size_t n = 0;
  for (const auto& path : inputs_of(t.name)) {
    const std::vector<char> input = content_of(path);
    fuzz::running = "in " + path.string();
    t.fuzz_one(std::as_bytes(std::span(input)));
    ++n;
  }
  fuzz::running.clear();
  return n;
}

/// Counters that frames, time and calls cannot raise in the fuzzed stacks, and why.
struct exception {
  const char* counter;
  const char* why;
};
constexpr exception exceptions[] = {
    {"tcp.table_full", "a table of twice its entries refuses only after 32 probes, and nobody outside knows the hash's key"},
    {"tcp.waits_for_chunks", "only where write_path::fair is set"},
    {"tcp.collapsed", "only where write_path::collapse is set"},
    {"tcp.auto_corked", "only where the coalescing policy waits for completions"},
    {"tcp.slot_moves", "only where limits::slots is not zero"},
    {"udp.in_gathered", "only where a driver hands up trains"},
    {"tcp.limited_by_pacing", "only where connections are paced"},
    {"tcp.limited_by_small_queue", "only where Config::small_queue is not zero"},
    {"tcp.limited_by_deferral", "only where Config::tso_deferral is set"},
    {"tcp.out_trains", "only where Config::gso_max_size is not zero"},
    {"arp.probes_sent", "only where arp_options::conflict_detection is not zero"},
    {"arp.announcements", "only where arp_options::announces or conflict_detection is set"},
    {"arp.proxied", "only where arp_options::proxies is set"},
    {"arp.unres_refused", "only of datagrams of more fragments than limits::neighbour_queue, or answers to so long an echo"},
    {"icmp.out_time_excds", "only where Config::forwards is set"},
    {"icmp.out_redirects", "only where Config::forwards is set"},
    {"ip.frag_fails", "transports build nothing above the MTU, and answers to long echoes leave in fragments"},
    {"ip6.in_csum_errors", "IPv6's header has no checksum"},
    {"ip6.in_source_routed", "routing headers are extension headers, which count as in_unknown_protos"},
    {"ip6.reasm_fails", "fragment headers are extension headers, which count as in_unknown_protos"},
    {"ip6.frag_fails", "transports build nothing above the MTU, and there is no ICMPv6 that answers in kind"},
};
bool is_excepted(const std::string& counter) {
  return std::any_of(std::begin(exceptions), std::end(exceptions), [&](const exception& e) { return counter == e.counter; });
}

TEST_CASE("The corpora of the codecs replay") {
  for (const auto& t : fuzz::targets)
    if (std::string(t.name).rfind("stack_", 0) != 0) CHECK(replay(t) > 0);
}

TEST_CASE("The corpora of the stack replay, raise every counter, and open, fill and close a connection") {
  std::map<std::string, std::uint64_t> counts;
  fuzz::counted = &counts;
  for (const auto& t : fuzz::targets)
    if (std::string(t.name).rfind("stack_", 0) == 0) CHECK(replay(t) > 0);
  fuzz::counted = nullptr;
  for (const char* event : {"connection.opened", "connection.filled", "connection.closed", "connection.closed_orderly"}) CHECK(counts[event] > 0);
  std::string missed, unneeded;
  for (const auto& [counter, times] : counts)
    if (times == 0 && !is_excepted(counter)) missed += counter + " ";
  for (const auto& e : exceptions) {
    REQUIRE(counts.contains(e.counter));  // it still exists
    if (counts[e.counter] != 0) unneeded += std::string(e.counter) + " ";
  }
  INFO("not raised: " << missed << "\nraised, though excepted: " << unneeded);
  CHECK(missed.empty());
  CHECK(unneeded.empty());
}

}  // namespace
