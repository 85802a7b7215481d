// SPDX-License-Identifier: MIT
// The interface to ourselves, as one of several:
//
//   template <class C> using interfaces = strata::interfaces<strata::interface<C>, strata::interface<strata::loopback>>;
//   net.start({..., .interfaces = {{.nic = ..., .address = "10.0.0.1/24"_net}, {.nic = {}, .address = "127.0.0.1/8"_net}}});
#pragma once
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/nic/loopback.hpp>
#include <strata/qdisc/direct.hpp>

namespace strata::inline STRATA_ABI {

/// What an interface to ourselves is made of. What a Config's stack sends to an address of its own, or to 127.0.0.0/8 and ::1, leaves by it.
struct loopback {
  using nic = strata::nic::loopback;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  using qdisc = strata::qdisc::direct;
};

}  // namespace strata::inline STRATA_ABI
