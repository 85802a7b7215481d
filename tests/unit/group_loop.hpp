// SPDX-License-Identifier: MIT
// What the tests of our own groups share: a host that hears what it sends, and sockets for it.
#pragma once
#include "igmp_world.hpp"

#include <array>

namespace strata::group_loop_test {

using namespace strata::igmp_test;
using multicast::filter_mode;
using multicast::loop;
using lines = std::vector<std::string>;
constexpr ipv4_address us = "10.0.0.1"_ip, group = "239.1.2.3"_ip, other = "239.1.2.4"_ip, all_systems = "224.0.0.1"_ip;
using endpoint_4 = endpoint<ipv4_address>;

struct looped : member { using nic = strata::nic::wire_pair; };
/// A host, a socket at port 5000 and one that sends.
template <class C = looped> struct talker : host<C> {
  typename stack<C>::datagram_socket hears = *this->a.bind({.port = 5000}), speaks = *this->a.bind({.port = 7});
  auto send(const char* text, ipv4_address to = group) { return speaks.send_to(bytes_of(text), endpoint_4{to, 5000}); }
  /// What was heard in one turn.
  lines heard_now() {
    this->turn();
    return std::exchange(this->heard, {});
  }
  /// UDP that left since the last time, in frames.
  u32 left() {
    this->turn();
    u32 n = 0;
    for (const auto& f : this->peer.receive()) n += f.size() > 23 && f[23] == std::byte{17};
    return n;
  }
};
template <class C = looped> auto made() { return std::make_unique<talker<C>>(); }

}  // namespace strata::group_loop_test
