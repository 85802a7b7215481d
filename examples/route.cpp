// SPDX-License-Identifier: MIT
// A small router and firewall between two interfaces.
//
//   printf 'interface tap0 10.1.0.254/24\ninterface tap1 10.2.0.254/24\ndrop tcp to any port 23\n' > two.conf
//   route --config two.conf &  ip address add 10.1.0.1/24 dev tap0;  ip link set tap0 up;  ip route add 10.2.0.0/24 via 10.1.0.254
#include <route/router.hpp>

#include <fstream>
#include <sstream>

int main(int argc, char** argv) {
  constexpr const char* program = "route";
  example::route_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::ifstream file(o.config);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return example::fail(program, "the file cannot be read: " + o.config, "open", errno, "give another --config");
  example::route_config config;
  if (const auto wrong = example::read_route_config(text.str(), config)) {
    (void)example::fail(program, o.config + ": " + *wrong, "options", 0, "mend the file");
    return 2;
  }
  switch (config.nic) {
    case example::nic_kind::af_xdp: return example::run_router<example::af_xdp_router>(o, config);
    case example::nic_kind::af_packet: return example::run_router<example::af_packet_router>(o, config);
    default: return example::run_router<example::tap_router>(o, config);
  }
}
