// SPDX-License-Identifier: MIT
// An echo server with queue 0 of an interface for itself, by AF_XDP:
//   ip link set veth1 up;  ./af_xdp_echo veth1        the address must not be the kernel's own
#include <strata/nic/linux/af_xdp.hpp>
#include <strata/posix.hpp>
#include <strata/strata.hpp>
namespace st = strata;
using namespace strata::literals;

struct my_config : st::presets::server { using nic = strata::nic::af_xdp; };
using net = st::stack<my_config>;

int main(int argc, char** argv) {
  const st::region memory = st::posix::huge_pages(std::size_t{my_config::limits.chunks} * my_config::limits.chunk_size);
  auto nic = st::nic::af_xdp::open({.interface = argc > 1 ? argv[1] : "veth1", .memory = memory});
  if (!nic) return st::posix::explain(nic.error());  // names the step, errno and remedy; 77 or 1
  static net tcp_ip{{.nic = std::move(*nic), .memory = memory, .entropy = st::posix::random(), .address = "10.9.0.2/24"_net}};
  if (!tcp_ip.listen({.port = 7})) return 1;
  const auto echo = [](net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); };  // what was not sent stays: backpressure
  return st::posix::run(tcp_ip, st::on{[&](net::readable e) { echo(e.stream); }, [&](net::writable e) { echo(e.stream); },
                                       [](net::peer_closed e) { (void)e.stream.close(); }, st::ignore_rest{}});
}
