// SPDX-License-Identifier: MIT
// The file that `route --config FILE` reads, line by line; `#` begins a comment.
//
//   nic tap                                      the kind of both interfaces: tap, af_packet, or af_xdp and perhaps its mode, driver or generic
//   interface tap0 10.1.0.254/24 [mtu 1400]      the first is 0, the second 1
//   interface tap1 10.2.0.254/24
//   address 1 10.3.0.254/24                      one more address of interface 1
//   route 192.0.2.0/24 via 10.2.0.9              the interface follows from the next hop
//   accept tcp from 10.1.0.0/24 to any port 80   rules: strata/ip/filter.hpp. The first that matches what comes in or goes through decides
//   drop tcp to any syn in 1
#pragma once
#include <cli/options.hpp>
#include <strata/ip/filter.hpp>

#include <optional>
#include <string>
#include <vector>

namespace example {

struct route_config {
  struct interface_line {
    std::string name;
    strata::subnet<strata::ipv4_address> address{};
    strata::u16 mtu = 0;  ///< zero: the interface's own
  };
  struct address_line {
    strata::u8 link = 0;
    strata::subnet<strata::ipv4_address> address{};
  };
  struct route_line {
    strata::subnet<strata::ipv4_address> to{};
    strata::ipv4_address via{};
    strata::u8 link = 0;
  };
  nic_kind nic = nic_kind::tap;
  xdp_kind xdp_mode = xdp_kind::automatic;
  std::vector<interface_line> interfaces{};
  std::vector<address_line> addresses{};
  std::vector<route_line> routes{};
  std::vector<strata::ip::rule> rules{};
};

/// What is wrong with the text, with its line, as `line 3: ...`; nothing if it was understood.
[[nodiscard]] std::optional<std::string> read_route_config(const std::string& text, route_config& to);

}  // namespace example
