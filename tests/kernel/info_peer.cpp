// SPDX-License-Identifier: MIT
// One connection of strata's on a TAP, driven by lines on standard input; what comes is read and dropped.
//
//   info_peer INTERFACE ADDRESS/PREFIX listen PORT     or     info_peer INTERFACE ADDRESS/PREFIX connect A.B.C.D PORT
//   send N     queues N bytes more, as one write
//   info       prints connection_info, a line of key=value
// The end of its input closes the connection.
#include <nic/program.hpp>

#include <cstdlib>
#include <poll.h>
#include <string>

namespace {

using net_type = strata::stack<example::tap_server>;

struct peer {
  net_type::stream stream{};
  bool is_open = false;
  bool is_over = false;
  strata::u64 to_send = 0;

  void write() {
    static constexpr std::byte block[65536] = {};
    while (to_send != 0) {
      const std::size_t wanted = to_send < sizeof block ? static_cast<std::size_t>(to_send) : sizeof block;
      const auto n = stream.send(std::span(block).first(wanted), {.more = wanted < to_send});
      if (!n) return;
      to_send -= *n;
      if (*n < wanted) return;
    }
  }
  void print() const {
    const auto i = stream.info();
    if (!i) return void(std::printf("info state=none\n"));
    std::printf("info state=%u mss=%u send_scale=%u receive_scale=%u timestamps=%u cwnd=%u ssthresh=%u unacked=%u unsent=%llu srtt_us=%u rttvar_us=%u rto_us=%u retransmitted=%u",
                static_cast<unsigned>(i->state), i->mss, i->send_window_scale, i->receive_window_scale, i->has_timestamps ? 1u : 0u, i->cwnd, i->ssthresh, i->unacked,
                static_cast<unsigned long long>(to_send + i->unsent), i->srtt_us, i->rttvar_us, i->rto_us, i->retransmitted);
    std::printf(" in_recovery=%u bytes_acked=%llu bytes_received=%llu\n", i->in_recovery ? 1u : 0u, static_cast<unsigned long long>(i->bytes_acked), static_cast<unsigned long long>(i->bytes_received));
  }
  /// Obeys the lines that have come. False at the end of the input.
  bool obey() {
    static std::string line;
    pollfd input{0, POLLIN, 0};
    while (::poll(&input, 1, 0) == 1) {
      char c;
      if (::read(0, &c, 1) != 1) return false;
      if (c != '\n') {
        line += c;
        continue;
      }
      if (line == "info") print();
      else if (line.rfind("send ", 0) == 0) to_send += std::strtoull(line.c_str() + 5, nullptr, 10), write();
      line.clear();
    }
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bool is_client = argc == 6 && std::string(argv[3]) == "connect";
  if (!is_client && (argc != 5 || std::string(argv[3]) != "listen")) return example::fail("info_peer", "wrong arguments", "options", 0, "see its source"), 2;
  example::nic_options o;
  o.interface = argv[1];
  const std::string address = argv[2];
  if (const auto net = strata::parse_subnet(address.data(), address.size()); net && net->address.is_v4()) o.address = {net->address.v4(), net->prefix};
  const auto port = static_cast<strata::u16>(std::atoi(argv[is_client ? 5 : 4]));
  return example::on_stack<example::tap_server>("info_peer", o, [&](auto& running) {
    auto& net = running.net;
    peer p;
    auto handler = strata::on{[&](net_type::accepted e) { p.stream = e.stream, p.is_open = true; },
                              [&](net_type::connected e) { p.stream = e.stream, p.is_open = true; },
                              [&](net_type::writable) { p.write(); },
                              [&](net_type::readable e) { (void)e.stream.consume(e.stream.peek().size()); },
                              [&](net_type::peer_closed e) { (void)e.stream.close(); },
                              [&](net_type::closed) { p.is_over = true; },
                              strata::ignore_rest{}};
    if (is_client) {
      const auto a = strata::parse_address(argv[4], std::string(argv[4]).size());
      if (!a || !net.connect({.remote = {a->v4(), port}})) return example::fail("info_peer", "cannot connect", "connect", 0, "see its source");
    } else if (!net.listen({.port = port})) {
      return example::fail("info_peer", "cannot listen", "listen", 0, "see its source");
    }
    std::printf("ready\n");
    bool is_told = false;
    (void)strata::posix::run(net, handler, {.longest_sleep_ns = 2'000'000}, [&] {
      if (p.is_open && !is_told) is_told = true, std::printf("open\n");
      return p.is_over || !p.obey();
    });
    if (p.is_open) (void)p.stream.close();
    running.end_in_order(handler, [&] { return p.is_over || !p.is_open; }, [&] { (void)p.stream.abort(); });
    std::printf("done");
    return example::finish_line("info_peer", net, 0);
  });
}
