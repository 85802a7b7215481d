// SPDX-License-Identifier: MIT
// strata in a VLAN on a TAP: it answers ping, and gives datagrams to port 7 back, until its input ends.
//
//   vlan_peer INTERFACE ADDRESS/PREFIX ID PRIORITY
#include <nic/program.hpp>
#include <strata/link/vlan.hpp>
#include <strata/nic/linux/tap.hpp>

#include <cstdlib>
#include <poll.h>
#include <string>

namespace {

struct config : strata::presets::server {
  using nic = strata::nic::tap;
  using link = strata::link::vlan<strata::link::ethernet>;  // the line
  static constexpr strata::limits limits{.chunks = 256, .connections = 4, .syn_slots = 4, .time_wait = 4};
};
using net_type = strata::stack<config>;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return example::fail("vlan_peer", "wrong arguments", "options", 0, "see its source"), 2;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  const std::string address = argv[2];
  const auto net = strata::parse_subnet(address.data(), address.size());
  auto device = strata::nic::tap::open({.interface = argv[1]});
  if (!device) return strata::posix::explain(device.error(), "vlan_peer");
  const strata::region memory = strata::posix::huge_pages(std::size_t{config::limits.chunks} * config::limits.chunk_size);
  static net_type tcp_ip;
  const auto bad = tcp_ip.start({.nic = std::move(*device),
                                 .link = {.id = static_cast<strata::u16>(std::atoi(argv[3])), .priority = static_cast<strata::u8>(std::atoi(argv[4]))},
                                 .memory = memory,
                                 .entropy = strata::posix::random(),
                                 .mac = {{2, 0, 0, 0, 9, 2}},
                                 .address = {net->address.v4(), net->prefix},
                                 .now = strata::posix::now<config::tick>()});
  if (bad != strata::bad_option::none || !tcp_ip.bind({.port = 7})) return example::fail("vlan_peer", "bad options", "options", 0, "see its source");
  std::printf("ready\n");
  const auto handler = strata::on{[](net_type::datagram e) {
                                    if (const auto d = e.socket.peek()) (void)e.socket.send_to(d->bytes, d->from);
                                    (void)e.socket.consume();
                                  },
                                  strata::ignore_rest{}};
  (void)strata::posix::run(tcp_ip, handler, {.longest_sleep_ns = 2'000'000}, [] {
    pollfd input{0, POLLIN, 0};
    char c;
    return ::poll(&input, 1, 0) == 1 && ::read(0, &c, 1) != 1;
  });
  const auto& link = tcp_ip.at_interface().link;
  std::printf("dropped untagged=%u other_id=%u\n", link.counted().rx_untagged, link.counted().rx_other_id);
  const strata::u32 left = tcp_ip.chunks_in_use();
  tcp_ip.shut_down();
  std::printf("done chunks_in_use=%u\n", left);
  return left == 0 ? 0 : 1;
}
