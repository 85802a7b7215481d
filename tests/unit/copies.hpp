// SPDX-License-Identifier: MIT
// Two stacks whose copies of payload are counted, and the table in docs/architecture.md that says how many there are. All payload is one byte that headers do
// not have; in a build that counts, copy_bytes() says what it copies.
#pragma once
#undef STRATA_LINK_CHECK  // that build is another one, in these units alone
#define STRATA_COUNT_COPIES
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <string>

namespace strata::test::copies {

constexpr std::byte mark{0xa5};
inline std::size_t counted = 0;
inline void count(const std::byte* from, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) counted += from[i] == mark ? 1u : 0u;
}

struct lent : presets::testing {
  using nic = strata::nic::wire_pair::lending;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using coalescing = strata::tcp::none;
  using acks = strata::tcp::immediate_acks;
};

/// Two stacks and a stream between them; `copies` are those of each of the bytes that f() moves.
template <class C> struct counting_world {
  using net = stack<C>;
  using endpoint = typename net::endpoint;
  std::unique_ptr<two_stacks<C>> t = two_stacks<C>::make();
  typename net::stream s{}, at_b{};
  typename net::datagram_socket u{}, v{};
  std::vector<std::byte> payload = std::vector<std::byte>(8 * 1400, mark), room = std::vector<std::byte>(16384);

  counting_world() {
    t->cable.poisons = false;
    (void)t->b.listen({.port = 7});
    s = *t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
    t->turns(4, ignore_rest{}, on{[&](typename net::accepted e) { at_b = e.stream; }, ignore_rest{}});
    u = *t->a.bind({.port = 9});
    v = *t->b.bind({.port = 9});
    on_copy = count;
  }
  ~counting_world() { on_copy = nullptr; }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t n) const { return std::span(payload).first(n); }
  void poll_a() { (void)t->a.poll(t->now(), budget{64}, ignore_rest{}); }
  void poll_b() { (void)t->b.poll(t->now(), budget{64}, ignore_rest{}); }
  void settle() { t->turns(4, ignore_rest{}, ignore_rest{}), (void)at_b.consume(payload.size()), (void)s.consume(payload.size()), t->turns(4, ignore_rest{}, ignore_rest{}); }
  static double copies(std::size_t n, auto&& f) {
    counted = 0;
    f();
    return static_cast<double>(counted) / static_cast<double>(n);
  }
};
using table = std::map<std::string, double>;

inline table documented() {
  std::ifstream file(STRATA_TESTS_DIR "/../docs/architecture.md");
  table rows;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| path | copies of each byte |")) is_inside = true;
    else if (is_inside && !line.starts_with("|")) break;
    if (!is_inside || line.starts_with("| path") || line.starts_with("|--")) continue;
    const std::size_t bar = line.find(" | ");
    rows[line.substr(2, bar - 2)] = std::strtod(line.c_str() + bar + 3, nullptr);
  }
  return rows;
}

/// What was found is what the table says.
inline void compare(const table& found) {
  const table wanted = documented();
  for (const auto& [path, copies] : found) {
    INFO(path << ": " << copies << " copies of each byte");
    REQUIRE(wanted.contains(path));
    CHECK(std::abs(wanted.at(path) - copies) < 0.02);
  }
}

}  // namespace strata::test::copies
