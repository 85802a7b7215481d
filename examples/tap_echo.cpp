// SPDX-License-Identifier: MIT
// A TCP echo server on a TAP interface, for the kernel's own programs as clients:
//
//   tap_echo &  ip addr add 10.9.0.1/24 dev strata0;  ip link set strata0 up;  socat - TCP:10.9.0.2:7
#include <strata/strata.hpp>
#include <strata/nic/linux/tap.hpp>
#include <strata/posix.hpp>
namespace st = strata;
using namespace strata::literals;
struct my_config : st::presets::server { using nic = strata::nic::tap; };  // the line to change
using net = st::stack<my_config>;

int main() {
  const st::region memory = st::posix::huge_pages(64 << 20);
  auto nic = st::nic::tap::open({.interface = "strata0"});
  if (!nic) return st::posix::explain(nic.error(), "tap_echo");  // names the step, errno and remedy; 77 or 1
  static net tcp_ip{{.nic = std::move(*nic), .memory = memory, .entropy = st::posix::random(), .address = "10.9.0.2/24"_net}};
  if (!tcp_ip.listen({.port = 7})) return 1;
  const auto echo = [](net::stream s) { (void)s.consume(s.send(s.peek()).value_or(0)); };  // what was not sent stays: backpressure
  return st::posix::run(tcp_ip, st::on{[&](net::readable e) { echo(e.stream); }, [&](net::writable e) { echo(e.stream); },
                                       [](net::peer_closed e) { (void)e.stream.close(); }, st::ignore_rest{}});
}
