// SPDX-License-Identifier: MIT
// Who may do what on a stack: ports below 1024 are for a service, and peers are a list of subnets. Two stacks over a wire in memory.
#include "port_guard.hpp"

#include <strata/strata.hpp>

#include <cstdio>

namespace st = strata;
using namespace strata::literals;
using guard::user;

struct guarded : st::presets::testing {
  using permission = guard::port_guard<st::ipv4_address>;  // the line
};
using net = st::stack<guarded>;
using call = st::permission::call;

static std::byte memory[2][std::size_t{256} * 2048];
static constexpr guard::rule<st::ipv4_address> destinations[] = {
    {.peers = "10.0.0.66/32"_net, .is_allowed = false},            // nobody talks to this one
    {.peers = "10.0.0.0/24"_net, .first_port = 80, .last_port = 443},
};

int main() {
  st::nic::wire cable;
  net ours{{.nic = {cable, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net}};
  net theirs{{.nic = {cable, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net}};
  ours.permission().destinations = destinations;
  theirs.permission().destinations = destinations;

  const auto yes = [](bool may) { return may ? "yes" : "no"; };
  const bool guest_80 = ours.listen({.port = 80}).has_value();
  const bool service_80 = ours.listen({.port = 80, .identity = user::service}).has_value();
  std::printf("listen port=80 guest=%s service=%s\n", yes(guest_80), yes(service_80));

  (void)theirs.listen({.port = 80, .identity = user::root});
  const auto s = ours.connect({.remote = {"10.0.0.2"_ip, 80}});
  const bool mail = ours.connect({.remote = {"10.0.0.2"_ip, 25}}).has_value();
  const bool barred = ours.connect({.remote = {"10.0.0.66"_ip, 80}}).has_value();
  const bool outside = ours.connect({.remote = {"192.0.2.1"_ip, 80}}).has_value();
  std::printf("connect web=%s mail=%s barred=%s outside=%s\n", yes(s.has_value()), yes(mail), yes(barred), yes(outside));

  // One call as somebody else: the socket remains the guest's.
  bool as_root = false;
  {
    const auto scope = ours.act_as(user::root);
    as_root = ours.bind({.port = 53}).has_value();
  }
  const bool as_guest = ours.bind({.port = 69}).has_value();
  std::printf("bind as_root=%s as_guest=%s\n", yes(as_root), yes(as_guest));

  std::printf("refused listen=%u connect=%u bind=%u\n", static_cast<unsigned>(ours.refusals(call::listen)), static_cast<unsigned>(ours.refusals(call::connect)),
              static_cast<unsigned>(ours.refusals(call::bind)));
  const bool is_right = !guest_80 && service_80 && s && !mail && !barred && !outside && as_root && !as_guest && ours.counters().not_permitted == 5;
  return is_right ? 0 : 1;
}
