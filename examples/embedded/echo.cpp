// SPDX-License-Identifier: MIT
// UDP and TCP echo on a microcontroller: what comes to port 7 goes back. `scripts/embedded` builds it, runs it in QEMU and talks to it.
//
// A third port, 7001, is for the one who measures: 'r' is answered by the figures of `figures` below, 'q' ends the program.
#include "board.hpp"

#include <strata/strata.hpp>

namespace st = strata;
using namespace strata::literals;

extern "C" const std::uint32_t stack_begins[], stack_ends[];

namespace {

struct my_board : st::presets::embedded {
  using nic = board::lan9118;
#ifdef WITH_TIMESTAMPS
  static constexpr bool timestamps = true;
#endif
};
using net = st::stack<my_board>;
static_assert(net::memory().total() <= 22 * 1024, "chunks, descriptors and tables of this Config");

alignas(4) std::byte chunks[net::memory().chunks];
constinit net tcp_ip;  // all zero until start(): in .bss, no code before main

struct figures {
  std::uint32_t busy;           // counts of the 25 MHz counter while awake
  std::uint32_t chunks_in_use;
  std::uint32_t connections;
  std::uint32_t retransmitted;  // segments
  std::uint32_t stack_bytes;    // of the C stack, at most so far
};
std::uint32_t busy;

std::uint32_t stack_used() {
  const std::uint32_t* p = stack_begins;
  while (p < stack_ends && *p == 0x57ac'57ac) ++p;
  return static_cast<std::uint32_t>(stack_ends - p) * 4;
}

void echo(net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); }  // what was not sent stays: backpressure

void answer(net::datagram_socket s) {
  const auto d = s.peek();
  if (!d) return;
  if (s.local().port == 7) {
    (void)s.send_to(d->bytes, d->from);
  } else if (!d->bytes.empty()) {
    if (d->bytes[0] == std::byte{'q'}) board::exit(0);
    const auto& tcp = tcp_ip.transport<0>();
    const figures f{busy, tcp_ip.chunks_in_use() - 1, tcp.connections(), static_cast<std::uint32_t>(tcp.counters().retransmitted), stack_used()};
    (void)s.send_to(std::as_bytes(std::span{&f, 1}), d->from);
  }
  (void)s.consume();
}

}  // namespace

int main() {
  auto nic = board::lan9118::open({.base = board::nic_base, .mac = "02:00:5e:10:00:07"_mac});
  if (!nic) return 1;
  // This board has no source of noise. A product draws its key from one; with a constant, runs repeat.
  const auto bad = tcp_ip.start({.nic = std::move(*nic), .memory = chunks, .entropy = {.key = {0x243f6a8885a308d3, 0x13198a2e03707344}}, .address = "10.9.0.2/24"_net});
  if (bad != st::bad_option::none || !tcp_ip.listen({.port = 7}) || !tcp_ip.bind({.port = 7}) || !tcp_ip.bind({.port = 7001})) return 1;

  const st::on handler{[](net::readable e) { echo(e.stream); },
                       [](net::writable e) { echo(e.stream); },
                       [](net::peer_closed e) { (void)e.stream.close(); },
                       [](net::datagram e) { answer(e.socket); },
                       st::ignore_rest{}};
  board::clock clock;
  board::prepare_sleep();
  for (;;) {
    const std::uint32_t woke = board::counter();
    (*tcp_ip.at_interface().nic).clear_interrupt();
    board::clear_nic_interrupt();
    do tcp_ip.poll(clock.now(), st::budget{8}, handler);
    while (!tcp_ip.idle());
    const auto next = tcp_ip.next_deadline();
    const std::uint32_t ms = next ? next->since(tcp_ip.now()).in_ms() + 1 : ~0u;
    busy += board::counter() - woke;
    board::sleep(ms);
  }
}
