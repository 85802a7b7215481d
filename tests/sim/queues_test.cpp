// SPDX-License-Identifier: MIT
// Queues with a limit, for every k: datagrams that wait for their neighbour's address, or for a reader.
#include "scarce.hpp"
#include "scenario.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using namespace strata;
using namespace strata::sim;

/// Datagrams whose first byte is their number; what arrived is read when the test says.
struct post final : application {
  std::unique_ptr<nic::simulated_link> link = std::make_unique<nic::simulated_link>(1);
  std::unique_ptr<host> from = make_scarce({.link = link.get(), .side = 0, .seed = 1}), to = make_scarce({.link = link.get(), .side = 1, .seed = 2});
  connection_id out = *from->bind(5000), in = *to->bind(5000);
  u64 now = 0;

  void on(host&, const sim::event&) override {}
  void send(u32 first, u32 count) {
    for (u32 i = first; i < first + count; ++i) {
      std::byte bytes[40] = {static_cast<std::byte>(i)};
      (void)from->send_to(out, bytes, host::ip(1), 5000);
    }
  }
  void pass(u64 length) {
    for (const u64 end = now + length; now < end; now += 1 * ms) {
      link->advance(now);
      (void)from->poll(now, 64, *this), (void)to->poll(now, 64, *this);
    }
  }
  std::string read() {
    std::string numbers;
    std::byte bytes[100];
    while (to->receive_datagram(in, bytes)) numbers += std::to_string(static_cast<u32>(bytes[0])) + " ";
    return numbers;
  }
};
std::string numbers(u32 first, u32 end) {
  std::string s;
  for (; first < end; ++first) s += std::to_string(first) + " ";
  return s;
}

TEST_CASE("However many datagrams wait for an address or for a reader, those within the limit come, nothing leaks, and the next ones work") {
  for (u32 k = 0; k <= 12; ++k) {
    INFO(k << " datagrams");
    post p;
    const u32 waits = p.from->limits().neighbour_queue, fits = p.to->limits().datagrams;
    p.send(0, k);
    p.pass(50 * ms);
    CHECK(p.read() == numbers(k > waits ? k - waits : 0, k));  // the oldest made room
    p.send(20, k);
    p.pass(50 * ms);
    CHECK(p.read() == numbers(20, 20 + (k < fits ? k : fits)));  // the newest found none
    p.send(40, 1);
    p.pass(50 * ms);
    CHECK(p.read() == "40 ");
    // Nobody answers any more: what waits is given up.
    p.link->faults(0).is_down = true;
    p.pass(120 * second);
    p.send(50, k);
    p.pass(20 * second);
    CHECK(p.from->chunks().in_use() == 0);
    CHECK(p.to->chunks().in_use() == 0);
    p.link->faults(0).is_down = false;
    p.send(60, 1);
    p.pass(2 * second);
    CHECK(p.read() == "60 ");
  }
}

}  // namespace
