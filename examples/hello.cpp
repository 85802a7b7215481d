// SPDX-License-Identifier: MIT
// Two stacks in one process, a wire between them, and virtual time: Alice says hello, Bob prints it. Needs no privilege and ends by itself.
#include <strata/strata.hpp>
#include <cstdio>
using namespace strata::literals;
using net = strata::stack<strata::presets::testing>;
static strata::nic::wire between;  static std::byte memory[2][1 << 20];
static net alice{{.nic = {between, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net}};
static net bob{{.nic = {between, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net}};
int main() {
  const strata::on greets{[](net::connected e) { (void)e.stream.send(std::as_bytes(std::span("hello, bob"))); }, strata::ignore_rest{}};
  const strata::on prints{[](net::readable e) { (void)std::puts(reinterpret_cast<const char*>(e.stream.peek().front().data())); }, strata::ignore_rest{}};
  if (!bob.listen({.port = 7}) || !alice.connect({.remote = {"10.0.0.2"_ip, 7}})) return 1;
  for (strata::u64 ms = 0; ms < 5; ++ms) alice.poll({ms * 1'000'000}, {}, greets), bob.poll({ms * 1'000'000}, {}, prints); }
