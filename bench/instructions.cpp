// SPDX-License-Identifier: MIT
// What scripts/bench --instructions counts: instructions retired by one call, which noise cannot change. Each row is a function between a prepare
// and a clean-up that are not counted; callgrind counts inside measured() only. `instructions ROW` runs one row; without it the rows are listed.
#include "pair.hpp"

#include <cstdio>
#include <cstring>

namespace {
using namespace bench;
using net = ends<low_latency>::net;
constexpr int rounds = 256;

struct run {
  ends<low_latency>& e;
  std::span<const std::byte> small, segment;
};
struct row {
  const char* name;
  void (*prepare)(run&);
  void (*measure)(run&);
  void (*clean_up)(run&);
};
void nothing(run&) {}
void settle(run& r) {
  r.e.turn(), r.e.turn();
  while (r.e.hearer.consume()) {}
}
void answer(run& r, net::stream s) {
  const auto n = s.receive(r.e.sink);
  if (n) (void)s.send(std::span<const std::byte>(r.e.sink).first(*n));
}

constexpr row rows[] = {
    {"tcp_send_64", nothing, [](run& r) { (void)r.e.client.send(r.small); }, settle},
    {"tcp_receive_64", [](run& r) { (void)r.e.client.send(r.small); }, [](run& r) { r.e.poll_b(); }, settle},
    {"tcp_send_1460", nothing, [](run& r) { (void)r.e.client.send(r.segment); }, settle},
    {"tcp_receive_1460", [](run& r) { (void)r.e.client.send(r.segment); }, [](run& r) { r.e.poll_b(); }, settle},
    {"tcp_receive_ack", [](run& r) { (void)r.e.client.send(r.small), r.e.poll_b(); }, [](run& r) { r.e.poll_a(); }, settle},
    {"tcp_round_trip_64", [](run& r) { (void)r.e.client.send(r.small); },
     [](run& r) {
       r.e.b->poll(r.e.tick(), {64}, strata::on{[&](net::readable s) { answer(r, s.stream); }, strata::ignore_rest{}});
       r.e.a->poll(r.e.tick(), {64}, strata::on{[&](net::readable s) { answer(r, s.stream); }, strata::ignore_rest{}});
     },
     [](run& r) { settle(r), settle(r); }},
    {"udp_send_64", nothing, [](run& r) { (void)r.e.talker.send(r.small); }, settle},
    {"udp_receive_64", [](run& r) { (void)r.e.talker.send(r.small); },
     [](run& r) { r.e.b->poll(r.e.tick(), {64}, strata::on{[&](net::datagram d) { (void)d.socket.receive(r.e.sink); }, strata::ignore_rest{}}); }, settle},
    {"idle_poll", nothing, [](run& r) { r.e.poll_a(); }, nothing},
};
}  // namespace

extern "C" [[gnu::noinline]] void measured(void (*f)(run&), run& r) { f(r); }

int main(int argc, char** argv) {
  if (argc < 2) {
    for (const row& r : rows) std::printf("%s\n", r.name);
    std::printf("rounds %d\n", rounds);
    return 0;
  }
  for (const row& which : rows) {
    if (std::strcmp(which.name, argv[1]) != 0) continue;
    const auto e = std::make_unique<ends<low_latency>>();
    const std::vector<std::byte> bytes(1460, std::byte{7});
    run r{*e, std::span(bytes).first(64), bytes};
    for (int i = 0; i < 64; ++i) which.prepare(r), which.measure(r), which.clean_up(r);  // caches of the stack are filled
    for (int i = 0; i < rounds; ++i) {
      which.prepare(r);
      measured(which.measure, r);
      which.clean_up(r);
    }
    return 0;
  }
  return 2;
}
